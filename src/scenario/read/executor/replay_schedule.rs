//! `replay`: a session of a trace is due when it began as it was recorded.

use std::sync::Arc;
use std::time::Duration;

use super::kind::Kind;
use super::length::Length;
use super::pool::{self, OnNoVu, VuPool, max_queue, on_no_vu};
use super::quota::Quota;
use crate::keys::codec::{Codec, fraction, whole};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::schedule::{Curve, Spacing};
use crate::trace::replay::Sessions;

/// The longest replay.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// How much faster or slower than it was recorded a trace may be replayed.
const MOST_SPEED: f64 = 1e6;
const LEAST_SPEED: f64 = 1e-3;

keys! {
    /// A session of a trace is due when it began as it was recorded.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ReplaySchedule {
        /// How many times as fast as it was recorded.
        pub speed: f64 = 1.0 => speed(), 30;
        /// Requests a second, on average, in place of `speed`: the shape of the recording is kept.
        pub rate: Option<f64> => fraction(0.001..=1_000_000.0).optional(), 100;
        /// Users, each of which does one session at a time: at least the sessions that are under way at once.
        pub max_vus: u32 = 1 => whole(1..=1_000_000), 100,
            needed_with(": at least the sessions that are under way at once");
        /// What becomes of a session that is due when no user is free: it is dropped and counted, or it waits.
        pub on_no_vu: OnNoVu = OnNoVu::Drop => on_no_vu(), "queue";
        /// The most sessions that wait at once. Needs `on_no_vu = "queue"`.
        max_queue = on_no_vu => max_queue(), 1000;
        /// When the sessions are due; empty until the trace of the journey is known.
        pub timetable: Timetable;
    }
}

/// How many times as fast as it was recorded a trace is replayed.
pub(super) fn speed() -> Codec<f64> {
    fraction(LEAST_SPEED..=MOST_SPEED)
}

/// Why an executor does not fit the sessions of its journey.
pub(crate) struct Unfit {
    pub(crate) message: String,
    /// What to change.
    pub(crate) label: &'static str,
}

impl Unfit {
    const fn speed(message: String) -> Self {
        let label = "change `speed` or `rate`, or the slice of the journey";
        Self { message, label }
    }
}

/// When the sessions of a trace are due.
#[derive(Debug, Clone, PartialEq)]
pub struct Timetable {
    /// When each is due, in nanoseconds since the load began, in order.
    pub due_ns: Arc<[u64]>,
    /// To the first whole millisecond after the last request is due.
    pub length: Duration,
    /// How many times as fast as it was recorded.
    pub speed: f64,
}

impl Default for Timetable {
    fn default() -> Self {
        Self {
            due_ns: Arc::default(),
            length: Duration::ZERO,
            speed: 1.0,
        }
    }
}

impl ReplaySchedule {
    /// Returns the executor with the timetable of these sessions, or why they cannot have one.
    pub(super) fn of_sessions(mut self, sessions: &Sessions) -> Result<Self, Unfit> {
        let span = sessions.span();
        let speed = match self.rate {
            None => self.speed,
            Some(_) if span.is_zero() => {
                let message = "all requests are at one instant: they have no rate";
                return Err(Unfit::speed(message.to_owned()));
            }
            Some(rate) => rate * span.as_secs_f64() / float(sessions.all_steps().len()),
        };
        if !(LEAST_SPEED..=MOST_SPEED).contains(&speed) {
            return Err(Unfit::speed(format!(
                "that rate is {speed:.3} times as fast as the recording: write one that is {LEAST_SPEED} to {MOST_SPEED} times"
            )));
        }
        let length = length_at(speed, sessions);
        if length > LONGEST {
            let shown = humantime::format_duration(Duration::from_secs(length.as_secs()));
            let message = format!("it would take {shown}, and a load at most 7 days");
            return Err(Unfit::speed(message));
        }
        let due = sessions.sessions().iter().map(|session| {
            let due = warped(Duration::from_nanos(session.at_ns), speed);
            u64::try_from(due.as_nanos()).unwrap_or(u64::MAX)
        });
        self.timetable = Timetable {
            due_ns: due.collect(),
            length,
            speed,
        };
        Ok(self)
    }
}

impl ReplaySchedule {
    /// Its users.
    const fn users(&self) -> VuPool {
        VuPool {
            max_vus: self.max_vus,
            on_no_vu: self.on_no_vu,
            arrival: Spacing::Uniform,
        }
    }
}

/// Returns how long a recording is at that speed: the first whole millisecond after its last request is due.
pub(super) fn length_at(speed: f64, sessions: &Sessions) -> Duration {
    let millis = warped(sessions.span(), speed).as_millis();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX).saturating_add(1))
}

/// Returns how long a time of the recording is in the replay.
fn warped(time: Duration, speed: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() / speed).unwrap_or(Duration::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a replay has at most some millions of requests"
)]
const fn float(number: usize) -> f64 {
    number as f64
}

impl Kind for ReplaySchedule {
    const WORD: &'static str = "replay";
    const MEANING: &'static str = "starts sessions as they were recorded";
    const TEXT: &'static str = "A session of the journey's trace is due when it began as it was recorded, and each of its requests when it was received; not before the one before it has ended. The journey has `action = \"replay\"`.";

    fn rules(&self, table: &mut Table<'_>) -> Option<()> {
        if !pool::is_consistent(table, &self.users()) {
            return None;
        }
        let (Some(_), Some(speed)) = (table.entry("rate"), table.entry("speed")) else {
            return Some(());
        };
        let problem = Problem::new(
            "`speed` and `rate` exclude each other",
            speed.key_spot.clone(),
        );
        table.sink().report(problem.label("remove one of both"));
        None
    }

    fn vus(&self) -> u32 {
        self.max_vus
    }

    fn length(&self) -> Length {
        Length::Set(self.timetable.length)
    }

    fn pool(&self) -> Option<VuPool> {
        Some(self.users())
    }

    fn quota(&self) -> Quota {
        Quota::Endless
    }

    fn curve(&self, _warmup: Duration) -> Option<Curve> {
        Some(Curve::Listed {
            at_ns: Arc::clone(&self.timetable.due_ns),
            length: self.timetable.length,
        })
    }
}
