//! What is kept of a counter, and of something that lasts, from reading to reading.

use std::time::Duration;

/// What a counter went up by, as far as it was seen. One that goes down, as the kernel's idle time may, stands still.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Count {
    last: Option<u64>,
    pub(super) sum: Option<u64>,
}

/// How long in a row something held.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Streak {
    current: Duration,
    pub(super) longest: Duration,
}

impl Count {
    pub(super) fn see(&mut self, now: Option<u64>) {
        let Some(now) = now else { return };
        if let Some(last) = self.last {
            let sum = self.sum.get_or_insert(0);
            *sum = sum.saturating_add(now.saturating_sub(last));
        }
        self.last = Some(now);
    }
}

impl Streak {
    pub(super) fn see(&mut self, holds: bool, length: Duration) {
        self.current = if holds {
            self.current + length
        } else {
            Duration::ZERO
        };
        self.longest = self.longest.max(self.current);
    }
}
