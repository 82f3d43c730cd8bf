//! The whole registry at a standstill, as a stop-the-world pause makes it, and the log of when that was.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How many freezes are kept in the log.
const KEPT: usize = 1024;

/// A time in which no response began and no body went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freeze {
    /// When it began, since the registry started.
    pub began: Duration,
    /// When everything may move again, on the same clock: one instant for all that waits.
    pub until: Duration,
}

/// The freezes of a registry. The newest in the log is the one that lasts, if one does.
#[derive(Debug)]
pub(super) struct Freezer {
    origin: Instant, // when the registry started
    log: RefCell<VecDeque<Freeze>>,
}

impl Freezer {
    /// No freeze yet, on a clock that began at `origin`.
    pub(super) fn new(origin: Instant) -> Self {
        Self {
            origin,
            log: RefCell::default(),
        }
    }

    /// Lets nothing move from `now` on for so long. A freeze that lasts already goes on, and ends no earlier.
    pub(super) fn freeze(&self, length: Duration, now: Instant) -> Freeze {
        let began = now - self.origin;
        // A hundred years stand for a length that no clock can hold.
        let until = began + length.min(Duration::from_hours(876_000));
        let mut log = self.log.borrow_mut();
        let freeze = match log.pop_back_if(|last| began < last.until) {
            Some(lasting) => Freeze {
                began: lasting.began,
                until: until.max(lasting.until),
            },
            None => Freeze { began, until },
        };
        log.push_back(freeze);
        if log.len() > KEPT {
            log.pop_front();
        }
        freeze
    }

    /// When the freeze that lasts at this moment ends, if one does.
    pub(super) fn lasts(&self) -> Option<Instant> {
        let until = self.origin + self.log.borrow().back()?.until;
        (Instant::now() < until).then_some(until)
    }

    /// Waits until no freeze lasts. It may be prolonged meanwhile.
    pub(super) async fn pass(&self) {
        while let Some(until) = self.lasts() {
            sleep_until(until).await;
        }
    }

    /// Returns the last freezes, oldest first.
    pub(super) fn log(&self) -> Vec<Freeze> {
        self.log.borrow().iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[tokio::test(start_paused = true)]
    async fn a_freeze_is_prolonged_and_never_cut_short() {
        let origin = Instant::now();
        let freezer = Freezer::new(origin);
        assert_eq!(freezer.lasts(), None);
        freezer.freeze(ms(100), origin + ms(10));
        freezer.freeze(ms(20), origin + ms(50));
        let lasting = freezer.freeze(ms(100), origin + ms(60));
        let expected = Freeze {
            began: ms(10),
            until: ms(160),
        };
        assert_eq!(lasting, expected);
        freezer.pass().await;
        assert_eq!(Instant::now(), origin + ms(160));
        assert_eq!(freezer.lasts(), None);
        // It has ended: the next one is another.
        let next = freezer.freeze(Duration::MAX, origin + ms(160));
        assert_eq!(freezer.log(), [expected, next]);
        assert_eq!(next.began, ms(160));
    }
}
