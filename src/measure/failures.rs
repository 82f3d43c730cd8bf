//! One example of each kind of failed exchange, and how often it came.

use std::fmt::{self, Write as _};
use std::time::Duration;

use tokio::time::Instant;

use crate::oci::{ErrorCode, Operation};
use crate::units::is_unseen;

use super::{FailureClass, Period, TrackId};

/// What is told of a failure, to be kept if it is the first of its kind.
pub struct FailureExample<'a> {
    /// The track that met it.
    pub track: TrackId,
    /// The part of the run that it belongs to.
    pub period: Period,
    /// What was asked.
    pub operation: Operation,
    /// Why it failed.
    pub class: FailureClass,
    /// The status, if a response came.
    pub status: Option<u16>,
    /// The registry's own code, if it gave one.
    pub code: Option<&'a ErrorCode>,
    /// When it ended, since the measured window opened.
    pub at: Duration,
    /// The same on the clock of the process.
    pub when: Instant,
    /// Host and port of whoever was asked, and the path.
    pub asked: Option<(&'a dyn fmt::Display, &'a str)>,
    /// By which id the peer knows the request, if it said so.
    pub request_id: Option<&'a str>,
    /// What to tell a person. It is read only when the example is kept.
    pub text: &'a dyn fmt::Display,
}

/// One kind of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureKind {
    /// The part of the run that they belong to.
    pub period: Period,
    /// What was asked.
    pub operation: Operation,
    /// Why it failed.
    pub class: FailureClass,
    /// The status, if responses came.
    pub status: Option<u16>,
    /// The registry's own code, if it gave one.
    pub code: Option<ErrorCode>,
    /// How often it came.
    pub count: u64,
    /// The track that met the example.
    pub track: TrackId,
    /// When the example ended, since the measured window opened.
    pub at: Duration,
    /// The same on the clock of the process.
    pub when: Instant,
    /// Host and port of whoever was asked for the example.
    pub host: Option<String>,
    /// The path that was asked for, without its query: at most 300 characters.
    pub path: Option<String>,
    /// By which id the peer knows the request.
    pub request_id: Option<String>,
    /// The example in words: one line, at most 300 characters, none of them a control character.
    pub example: String,
}

/// What tells two kinds apart.
type Key<'a> = (
    Period,
    Operation,
    FailureClass,
    Option<u16>,
    Option<&'a ErrorCode>,
);

impl FailureKind {
    fn key(&self) -> Key<'_> {
        (
            self.period,
            self.operation,
            self.class,
            self.status,
            self.code.as_ref(),
        )
    }
}

/// The kinds of failures of a run. A peer that makes up a new error code for each response cannot make it grow
/// beyond 256 kinds; the rest is only counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FailureLog {
    kinds: Vec<FailureKind>,
    other: u64,
}

impl FailureLog {
    /// The most kinds that are told apart.
    pub const MAX_KINDS: usize = 256;

    /// The kinds, in the order in which they were met.
    pub fn kinds(&self) -> &[FailureKind] {
        &self.kinds
    }

    /// Failures of kinds that did not fit.
    pub const fn other(&self) -> u64 {
        self.other
    }

    fn place(&self, key: Key<'_>) -> Option<usize> {
        self.kinds.iter().position(|kind| kind.key() == key)
    }

    pub(super) fn record(&mut self, example: &FailureExample<'_>) {
        let key = (
            example.period,
            example.operation,
            example.class,
            example.status,
            example.code,
        );
        if let Some(place) = self.place(key) {
            self.kinds[place].count += 1;
        } else if self.kinds.len() < Self::MAX_KINDS {
            self.kinds.push(FailureKind {
                period: example.period,
                operation: example.operation,
                class: example.class,
                status: example.status,
                code: example.code.cloned(),
                count: 1,
                track: example.track,
                at: example.at,
                when: example.when,
                host: example.asked.map(|(host, _)| one_line(host)),
                path: example.asked.map(|(_, path)| one_line(&path)),
                request_id: example.request_id.map(|it| one_line(&it)),
                example: one_line(example.text),
            });
        } else {
            self.other += 1;
        }
    }

    /// Adds the counts of another and keeps the earlier example of each kind.
    pub(super) fn merge(&mut self, other: Self) {
        self.other += other.other;
        for theirs in other.kinds {
            if let Some(place) = self.place(theirs.key()) {
                let mine = &mut self.kinds[place];
                let count = mine.count + theirs.count;
                if theirs.when < mine.when {
                    *mine = theirs;
                }
                mine.count = count;
            } else if self.kinds.len() < Self::MAX_KINDS {
                self.kinds.push(theirs);
            } else {
                self.other += theirs.count;
            }
        }
    }
}

/// The first 300 characters without line breaks, control characters and those that reorder others: the text may come from a
/// server.
pub(super) fn one_line(text: &dyn fmt::Display) -> String {
    let mut line = Line {
        text: String::new(),
        room: 300,
    };
    // The only error is that the room is used up, which spares formatting the rest.
    let _ = write!(line, "{text}");
    line.text
}

struct Line {
    text: String,
    room: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for c in part.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            match c {
                _ if c.is_control() => self.text.push(' '),
                _ if is_unseen(c) => {}
                _ => self.text.push(c),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FailureExample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} at {:?}: {}",
            self.operation, self.class, self.at, self.text
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::super::Catalogue;
    use super::*;

    fn track() -> TrackId {
        Catalogue::new(vec![("pull".into(), vec![])])
            .track(0)
            .unwrap()
    }

    /// The same moment each time.
    fn began() -> Instant {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        *BEGAN
    }

    fn meet(log: &mut FailureLog, code: &str, at_ms: u64, text: &str) {
        log.record(&FailureExample {
            track: track(),
            period: Period::Measure,
            operation: Operation::BlobGet,
            class: FailureClass::Status,
            status: Some(503),
            code: Some(&ErrorCode::from(code)),
            at: Duration::from_millis(at_ms),
            when: began() + Duration::from_millis(at_ms),
            asked: None,
            request_id: None,
            text: &text,
        });
    }

    /// UAX 9, 2: a right-to-left override turns the words around that follow it.
    #[test]
    fn words_of_a_registry_neither_drive_nor_reorder() {
        let text = "no \u{202e}entry\u{2066}\u{1b}[2J\r\nfor you";
        assert_eq!(one_line(&text), "no entry [2J  for you");
    }

    #[test]
    fn the_number_of_kinds_is_bounded() {
        let mut log = FailureLog::default();
        for code in 0..300 {
            meet(&mut log, &format!("CODE_{code}"), code, "no");
            meet(&mut log, &format!("CODE_{code}"), code, "no");
        }
        assert_eq!(log.kinds().len(), 256);
        assert!(log.kinds().iter().all(|kind| kind.count == 2));
        assert_eq!(log.other(), 88); // 2 of each of 44 kinds
    }

    #[test]
    fn merging_keeps_the_earlier_example_and_all_counts() {
        let (mut left, mut right) = (FailureLog::default(), FailureLog::default());
        meet(&mut left, "DENIED", 20, "second");
        meet(&mut left, "DENIED", 30, "third");
        meet(&mut right, "DENIED", 10, "first");
        meet(&mut right, "UNSUPPORTED", 10, "other");
        left.merge(right);
        let told: Vec<_> = left
            .kinds()
            .iter()
            .map(|kind| (kind.count, kind.example.as_str()))
            .collect();
        assert_eq!(told, [(3, "first"), (1, "other")]);
    }

    #[test]
    fn what_failed_outside_the_window_is_a_kind_of_its_own() {
        let mut log = FailureLog::default();
        for period in [Period::WarmUp, Period::Measure, Period::Measure] {
            log.record(&FailureExample {
                track: track(),
                period,
                operation: Operation::BlobGet,
                class: FailureClass::Timeout,
                status: None,
                code: None,
                at: Duration::ZERO,
                when: Instant::now(),
                asked: None,
                request_id: None,
                text: &"late",
            });
        }
        let counts: Vec<_> = log.kinds().iter().map(|it| (it.period, it.count)).collect();
        assert_eq!(counts, [(Period::WarmUp, 1), (Period::Measure, 2)]);
    }

    #[test]
    fn an_example_is_one_short_line() {
        let mut log = FailureLog::default();
        let tail = "x".repeat(10_000);
        let odd = format!("a\r\n\x1b[31mred{tail}");
        log.record(&FailureExample {
            track: track(),
            period: Period::Measure,
            operation: Operation::BlobGet,
            class: FailureClass::Status,
            status: None,
            code: None,
            at: Duration::ZERO,
            when: Instant::now(),
            asked: Some((&odd, &odd)),
            request_id: Some(&odd),
            text: &odd,
        });
        let kind = &log.kinds()[0];
        let more = [&kind.host, &kind.path, &kind.request_id];
        let more = more.map(|it| it.as_deref().unwrap());
        for text in [[kind.example.as_str()].as_slice(), &more].concat() {
            assert!(text.starts_with("a   [31mredxxx"));
            assert_eq!(text.chars().count(), 300);
        }
    }
}
