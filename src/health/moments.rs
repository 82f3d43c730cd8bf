//! How late a sleeper wakes, weighted by time, and which moments count.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The moments, evenly spaced, at which a sleeper wants to be awake.
///
/// Each moment that it slept through counts with its own lateness. Counting the late wake-up once would make a pause of
/// a second one value among thousands, as if nothing had been due meanwhile.
#[derive(Debug)]
pub(super) struct Moments {
    next: Instant,
    step: Duration,
}

/// The measured window: opened once, closed once. Reading it takes no lock.
#[derive(Debug, Default)]
pub(super) struct MeasuredWindow {
    opened: OnceLock<Instant>,
    closed: OnceLock<Instant>,
}

/// The longest lateness since it was last read. It belongs to one sleeper, so there is no contention.
#[derive(Debug, Default)]
pub(super) struct Worst(AtomicU64);

impl Moments {
    pub(super) fn from(now: Instant, step: Duration) -> Self {
        Self {
            next: now + step,
            step,
        }
    }

    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// Returns the moments that have passed by now, and how long ago each was.
    pub(super) fn passed(&mut self, now: Instant) -> impl Iterator<Item = (Instant, Duration)> {
        std::iter::from_fn(move || {
            let moment = self.next;
            let late = now.checked_duration_since(moment)?;
            self.next += self.step;
            Some((moment, late))
        })
    }
}

impl MeasuredWindow {
    /// Opens the window; a second time, nothing happens.
    pub(super) fn open(&self, now: Instant) {
        self.opened.get_or_init(|| now);
    }

    /// Closes the window; a second time, nothing happens.
    pub(super) fn close(&self, now: Instant) {
        self.closed.get_or_init(|| now);
    }

    /// Returns whether a moment that has passed is in the window. A pause that outlasts the window counts up to its end.
    pub(super) fn holds(&self, moment: Instant) -> bool {
        let opened = self.opened.get().is_some_and(|opened| *opened <= moment);
        opened && self.closed.get().is_none_or(|closed| moment < *closed)
    }
}

impl Worst {
    pub(super) fn note(&self, late: Duration) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.0.fetch_max(micros, Ordering::Relaxed);
    }

    /// Returns the longest since the last time, and forgets it.
    pub(super) fn take(&self) -> Duration {
        Duration::from_micros(self.0.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_pause_counts_for_every_moment_in_it() {
        let start = Instant::now();
        let mut moments = Moments::from(start, 50 * MS);
        let mut late = |ms| -> Vec<u128> {
            let passed = moments.passed(start + ms * MS);
            passed.map(|(_, late)| late.as_millis()).collect()
        };
        assert_eq!(late(49), [0_u128; 0], "too early");
        assert_eq!(late(51), [1]);
        // Due at 100, 150, 200 and 250 ms.
        assert_eq!(late(260), [160, 110, 60, 10]);
        assert_eq!(late(300), [0]);
    }

    #[test]
    fn only_moments_of_the_window_count() {
        let start = Instant::now();
        let window = MeasuredWindow::default();
        assert!(!window.holds(start), "not open yet");
        window.open(start + 10 * MS);
        window.open(start);
        assert!(!window.holds(start + 9 * MS));
        assert!(window.holds(start + 10 * MS));
        window.close(start + 20 * MS);
        window.close(start + 90 * MS);
        assert!(window.holds(start + 19 * MS));
        assert!(!window.holds(start + 20 * MS));
    }

    #[test]
    fn the_worst_is_told_once() {
        let worst = Worst::default();
        worst.note(3 * MS);
        worst.note(2 * MS);
        assert_eq!(worst.take(), 3 * MS);
        assert_eq!(worst.take(), Duration::ZERO);
    }
}
