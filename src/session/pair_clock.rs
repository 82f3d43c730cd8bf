//! How long the pairs of a comparison take.

use std::time::Duration;

use tokio::time::Instant;

/// The times of a comparison that is being made.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PairClock {
    started: Option<Instant>,
    /// When the last pair was done, or the first began.
    last: Option<Instant>,
    /// The time of all pairs of this cut but the first, which may have filled the targets, and how many they are.
    pairs: (Duration, u32),
    first: Option<Duration>,
}

impl PairClock {
    /// Begins, if it has not begun.
    pub(super) fn start(&mut self) {
        let now = Instant::now();
        self.started.get_or_insert(now);
        self.last.get_or_insert(now);
    }

    /// A pair is done.
    pub(super) fn made(&mut self) {
        let took = self.under_way();
        self.last = Some(Instant::now());
        if self.first.is_none() {
            self.first = Some(took);
        } else {
            self.pairs.0 += took;
            self.pairs.1 = self.pairs.1.saturating_add(1);
        }
    }

    /// From now on pairs are of another length.
    pub(super) const fn forget_pairs(&mut self) {
        self.pairs = (Duration::ZERO, 0);
        self.first = None;
    }

    /// Returns how long the pair under way has taken, with the hook before it.
    pub(super) fn under_way(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |it| it.elapsed())
    }

    /// Returns how long it has taken since it began.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.map_or(Duration::ZERO, |it| it.elapsed())
    }

    /// Returns how long a pair takes; `None` before the first.
    pub(super) fn pair(&self) -> Option<Duration> {
        let (time, count) = self.pairs;
        time.checked_div(count).or(self.first)
    }
}

/// Returns a time as reports store it.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
