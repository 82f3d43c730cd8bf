//! When a session of a trace is replayed, and how fast.

use std::time::Duration;

use tokio::time::Instant;

use crate::plan::Executor;
use crate::trace::replay::{Session, Step};

/// A session that is to be replayed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion {
    /// Its number in the trace.
    pub(super) number: u64,
    /// When its first request is due.
    pub(super) due: Instant,
    /// How many times as fast as it was recorded.
    pub(super) speed: f64,
    /// How long the load is whose timetable it follows; `None` in a closed load, where each request is due a think time after
    /// the one before it.
    pub(super) load: Option<Duration>,
}

impl Occasion {
    /// Returns the session of a load that is due then.
    pub(super) fn new(number: u64, due: Instant, executor: &Executor) -> Self {
        Self {
            number,
            due,
            speed: executor.speed(),
            load: timetable(executor),
        }
    }

    /// Returns how long a time of the recording is in the replay.
    pub(super) fn warped(&self, ns: u64) -> Duration {
        warped(ns, self.speed)
    }

    /// Returns when a request is due. `before` is the one before it in the session, and when that has ended.
    pub(super) fn due(
        &self,
        session: &Session,
        step: &Step,
        before: Option<(&Step, Instant)>,
    ) -> Instant {
        match before {
            Some((before, ended)) if self.load.is_none() => {
                ended + self.warped(step.think_ns(before))
            }
            _ => self.due + self.warped(step.at_ns - session.at_ns),
        }
    }

    /// Returns when a request that began so late is in the load, as a share of its length.
    pub(super) fn at(&self, step: &Step, late: Duration) -> Option<f64> {
        Some(at(self.warped(step.at_ns) + late, self.load?))
    }

    /// Returns how long the session takes as it was recorded, from its first request to its last.
    pub(super) fn length(&self, session: &Session) -> Duration {
        self.warped(session.last_ns - session.at_ns)
    }
}

/// Returns the length of a load that follows the timetable of its trace.
pub(super) fn timetable(executor: &Executor) -> Option<Duration> {
    executor.is_open().then(|| executor.length().longest())
}

/// Returns how long a time of a recording is at that speed.
pub(super) fn warped(ns: u64, speed: f64) -> Duration {
    let time = Duration::from_nanos(ns).as_secs_f64() / speed;
    Duration::try_from_secs_f64(time).unwrap_or(Duration::MAX)
}

/// Returns when something is in a load, as a share of its length.
pub(super) fn at(time: Duration, load: Duration) -> f64 {
    time.as_secs_f64() / load.as_secs_f64().max(1e-9)
}
