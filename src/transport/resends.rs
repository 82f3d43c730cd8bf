//! Sending a request again that the peer did not process: how often and when.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The most pauses before a request to a peer that refuses every stream fails, as in Go's client.
const MOST_PAUSED: u32 = 6;

/// How often a request was sent again.
#[derive(Debug, Default)]
pub(super) struct Resends {
    any: bool,
    paused: u32,
}

impl Resends {
    /// Returns the time since `started` if the request was sent before, else zero.
    pub(super) fn since(&self, started: Instant) -> Duration {
        if self.any {
            started.elapsed()
        } else {
            Duration::ZERO
        }
    }

    /// Returns when a request that was not sent at all is sent again: now, unless the deadline has passed.
    pub(super) fn at_once(&mut self, deadline: Instant) -> Option<Instant> {
        let now = Instant::now();
        self.any |= now < deadline;
        (now < deadline).then_some(now)
    }

    /// Returns when a refused request is sent again, as Go's HTTP/2 client does it: now, then in a second, and then after
    /// twice as long each time. `None` if the peer has refused it too often, or if the deadline comes first.
    pub(super) fn after_pause(&mut self, deadline: Instant) -> Option<Instant> {
        let pause = match self.paused {
            0 => Duration::ZERO,
            MOST_PAUSED.. => return None,
            paused => Duration::from_secs(1 << (paused - 1)),
        };
        let due = Instant::now() + pause;
        if due >= deadline {
            return None;
        }
        self.paused += 1;
        self.any = true;
        Some(due)
    }

    /// Waits until `due`.
    pub(super) async fn wait_until(&self, due: Instant) {
        if due > Instant::now() {
            sleep_until(due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_end() {
        let started = Instant::now();
        let deadline = started + Duration::from_hours(1);
        let mut resends = Resends::default();
        let mut at = Vec::new();
        while let Some(due) = resends.after_pause(deadline) {
            resends.wait_until(due).await;
            at.push(started.elapsed().as_secs());
        }
        // Pauses of 0, 1, 2, 4, 8 and 16 s.
        assert_eq!(at, [0, 1, 3, 7, 15, 31]);
        let mut resends = Resends::default();
        let soon = Instant::now() + Duration::from_millis(500);
        assert!(resends.after_pause(soon).is_some());
        assert!(resends.after_pause(soon).is_none(), "the time would be up");
        assert!(resends.at_once(soon).is_some());
        assert!(resends.at_once(Instant::now()).is_none());
    }
}
