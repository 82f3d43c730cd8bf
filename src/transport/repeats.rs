//! How often, and when, a request is sent again of which the peer has done nothing.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A request that is sent again and again to a peer that takes none ends, as in Go's client.
const MOST_PAUSED: u32 = 6;

/// How often a request was sent again.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    any: bool,
    paused: u32,
}

impl Repeats {
    /// How much of the time since `started` was spent in vain.
    pub(super) fn since(&self, started: Instant) -> Duration {
        if self.any {
            started.elapsed()
        } else {
            Duration::ZERO
        }
    }

    /// When it is sent again that was not sent at all: now, if there is time.
    pub(super) fn at_once(&mut self, deadline: Instant) -> Option<Instant> {
        let now = Instant::now();
        self.any |= now < deadline;
        (now < deadline).then_some(now)
    }

    /// When a request is sent again that was refused, as Go's HTTP/2 client does it: now, then in a second, and then after
    /// twice as long each time. `None` if the peer has refused it often enough, or the time will be up.
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

    /// Lets the time until then pass.
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
        let mut repeats = Repeats::default();
        let mut at = Vec::new();
        while let Some(due) = repeats.after_pause(deadline) {
            repeats.wait_until(due).await;
            at.push(started.elapsed().as_secs());
        }
        // Pauses of 0, 1, 2, 4, 8 and 16 s.
        assert_eq!(at, [0, 1, 3, 7, 15, 31]);
        let mut repeats = Repeats::default();
        let soon = Instant::now() + Duration::from_millis(500);
        assert!(repeats.after_pause(soon).is_some());
        assert!(repeats.after_pause(soon).is_none(), "the time would be up");
        assert!(repeats.at_once(soon).is_some());
        assert!(repeats.at_once(Instant::now()).is_none());
    }
}
