//! One source from the start of a load to its end.

use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::course::{Course, Timing};
use super::failure::Failure;
use super::reader::Reader;
use super::reading::{Number, Reading};

/// How long the last reading may take after the window has closed.
const GRACE: Duration = Duration::from_secs(2);

/// How far a load has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Phase {
    /// When the measured window opened.
    pub(super) opened: Option<Instant>,
    /// When it closed, or the load ended without one.
    pub(super) closed: Option<Instant>,
}

/// News of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The name of the source.
    pub source: String,
    /// What is new.
    pub what: Update,
}

/// What is new of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// Something is wrong with it, for the first time.
    Problem(String),
    /// It was read, and these are its numbers now: none if that failed.
    Numbers(Vec<Number>),
}

/// Tells of one source.
pub(super) struct Teller {
    pub(super) source: String,
    pub(super) to: mpsc::Sender<Told>,
}

impl Teller {
    fn tell(&self, what: Update) {
        let source = self.source.clone();
        // Nobody may listen any more.
        let _ = self.to.send(Told { source, what });
    }

    fn problem(&self, text: &str) {
        self.tell(Update::Problem(text.to_owned()));
    }
}

/// Reads a source once a second and at both edges of the window, until the load is over.
pub(super) async fn follow(
    mut reader: Reader,
    mut phase: watch::Receiver<Phase>,
    teller: &Teller,
) -> Course {
    let mut follower = Follower {
        course: Course::new(),
        teller,
        is_last: false,
    };
    let mut due = Instant::now();
    loop {
        let now = *phase.borrow_and_update();
        if let (Some(opened), false) = (now.opened, follower.course.is_open()) {
            follower.course.open(opened);
            due = opened;
        }
        if let Some(closed) = now.closed {
            follower.close(&mut reader, closed).await;
            return follower.course;
        }
        if follower.is_last || Instant::now() < due {
            let changed = tokio::select! {
                biased;
                changed = phase.changed() => changed,
                () = sleep_until(due), if !follower.is_last => Ok(()),
            };
            if changed.is_err() {
                return follower.course;
            }
            if follower.is_last || *phase.borrow() != now {
                continue;
            }
        }
        let outcome = {
            let over = async {
                // An error says that the load is given up.
                let closed = phase.wait_for(|it| it.closed.is_some()).await;
                let closed = closed.map_or(None, |it| it.closed);
                sleep_until(closed.unwrap_or_else(Instant::now) + GRACE).await;
            };
            let longest = reader.longest();
            tokio::select! {
                read = timeout(longest, reader.read()) => read.ok(),
                () = over => None,
            }
        };
        due = follower.take(outcome, due, (&reader, *phase.borrow()));
    }
}

struct Follower<'a> {
    course: Course,
    teller: &'a Teller,
    /// Whether the source is not read any more.
    is_last: bool,
}

impl Follower<'_> {
    /// Takes what a reading gave, and returns when the next is due.
    fn take(
        &mut self,
        outcome: Option<Result<Reading, Failure>>,
        due: Instant,
        (reader, phase): (&Reader, Phase),
    ) -> Instant {
        let every = reader.every();
        let until = phase.closed.unwrap_or_else(Instant::now);
        let passed = |mut due: Instant| {
            let mut missed = 0;
            while due + every <= until {
                due += every;
                missed += 1;
            }
            (missed, due)
        };
        if let (Some(opened), false) = (phase.opened, self.course.is_open()) {
            // It was under way when the window opened: its numbers are of before.
            self.note(outcome, Timing::Timely, reader.longest());
            self.course.open(opened);
            let (missed, due) = passed(opened);
            self.course.missed(missed);
            return due;
        }
        let (missed, last) = passed(due);
        let next = last + every;
        let timing = if missed > 0 {
            Timing::Late
        } else {
            Timing::Timely
        };
        self.note(outcome, timing, reader.longest());
        self.course.missed(missed);
        next
    }

    fn note(
        &mut self,
        outcome: Option<Result<Reading, Failure>>,
        timing: Timing,
        longest: Duration,
    ) {
        let now = Instant::now();
        if !matches!(outcome, Some(Ok(_))) {
            self.teller.tell(Update::Numbers(Vec::new()));
        }
        match outcome {
            Some(Ok(reading)) => {
                self.teller.tell(Update::Numbers(reading.numbers.clone()));
                for text in self.course.good(reading, timing) {
                    self.teller.problem(&text);
                }
            }
            Some(Err(Failure { text, is_last })) => {
                self.is_last = is_last;
                if self.course.failed(now, text.clone()) {
                    self.teller.problem(&text);
                }
            }
            None => {
                let longest = crate::units::duration(longest);
                let text = format!(
                    "a reading was not done in time: after {longest}, or before the run went on"
                );
                if self.course.failed(now, text.clone()) {
                    self.teller.problem(&text);
                }
            }
        }
    }

    /// Reads it at the close of the window.
    async fn close(&mut self, reader: &mut Reader, closed: Instant) {
        self.course.close(closed);
        if self.is_last || !self.course.is_open() {
            return;
        }
        let read = timeout_at(closed + GRACE, reader.read()).await;
        self.note(read.ok(), Timing::Timely, reader.longest());
    }
}
