//! When a session of a trace is replayed, and how fast.

use std::time::Duration;

use tokio::time::Instant;

use crate::trace::replay::Session;

/// A session that is to be replayed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion {
    /// Its number in the trace.
    pub(super) number: u64,
    /// When its first request is due.
    pub(super) due: Instant,
    /// How many times as fast as it was recorded.
    pub(super) speed: f64,
    /// How long the load is.
    pub(super) load: Duration,
}

impl Occasion {
    /// Returns how long a time of the recording is in the replay.
    pub(super) fn warped(&self, ns: u64) -> Duration {
        warped(ns, self.speed)
    }

    /// Returns how long the session takes as it was recorded, from its first request to its last.
    pub(super) fn length(&self, session: &Session) -> Duration {
        self.warped(session.last_ns - session.at_ns)
    }
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
