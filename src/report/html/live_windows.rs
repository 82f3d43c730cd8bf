//! The course of a run that goes on, in windows of a bounded number.

use std::mem;

use crate::measure::{Bytes, Live, Outcomes, PackedHistogram, Period, Totals};

/// The most windows. If there are more, each two are joined.
const WINDOWS: usize = 300;

/// What has ended in the measured period so far, window by window.
#[derive(Debug)]
pub(super) struct LiveWindows {
    /// The length of a window in seconds.
    pub(super) length_s: u64,
    pub(super) windows: Vec<LiveWindow>,
    /// What the last seconds came to, and how many they were.
    pub(super) last: (Totals, u64),
    /// What the windows are of, and up to which second.
    counted: Live,
    counted_s: u64,
}

/// What ended in one window of the measured period.
#[derive(Debug, Clone, Default)]
pub(super) struct LiveWindow {
    pub(super) iterations: Outcomes,
    pub(super) exchanges: Outcomes,
    pub(super) bytes: Bytes,
    pub(super) active: u64, // the most at the end of a second
    pub(super) response_times: PackedHistogram,
}

impl LiveWindow {
    fn merge(&mut self, other: Self) {
        self.iterations.merge(other.iterations);
        self.exchanges.merge(other.exchanges);
        self.bytes.merge(other.bytes);
        self.active = self.active.max(other.active);
        self.response_times.add(other.response_times);
    }
}

impl LiveWindows {
    pub(super) fn new() -> Self {
        Self {
            length_s: 1,
            windows: Vec::new(),
            last: (Totals::default(), 0),
            counted: Live::new(),
            counted_s: 0,
        }
    }

    /// Counts what has ended up to that second in the window of the last one; nothing if that was done.
    pub(super) fn add(&mut self, now: &Live, second: u64) {
        if second <= self.counted_s {
            return;
        }
        let totals = since(now, &self.counted);
        let window = LiveWindow {
            iterations: totals.iterations,
            exchanges: totals.exchanges,
            bytes: totals.bytes,
            active: now.active(),
            response_times: now.response_times_since(&self.counted),
        };
        let place = |length_s| usize::try_from((second - 1) / length_s).unwrap_or(usize::MAX);
        while place(self.length_s) >= WINDOWS {
            self.join();
        }
        let place = place(self.length_s);
        if self.windows.len() <= place {
            self.windows.resize_with(place + 1, LiveWindow::default);
        }
        self.windows[place].merge(window);
        self.last = (totals, second - self.counted_s);
        self.counted.clone_from(now);
        self.counted_s = second;
    }

    /// Makes one window of two.
    fn join(&mut self) {
        self.length_s *= 2;
        let windows = mem::take(&mut self.windows);
        let mut windows = windows.into_iter();
        while let Some(mut window) = windows.next() {
            if let Some(other) = windows.next() {
                window.merge(other);
            }
            self.windows.push(window);
        }
    }
}

/// Returns what has ended in the measured period since an earlier moment.
fn since(now: &Live, earlier: &Live) -> Totals {
    let [now, earlier] = [now, earlier].map(|it| it.totals(Period::Measure));
    let outcomes = |now: Outcomes, earlier: Outcomes| Outcomes {
        ok: now.ok.saturating_sub(earlier.ok),
        failed: now.failed.saturating_sub(earlier.failed),
        cancelled: now.cancelled.saturating_sub(earlier.cancelled),
        misbehaved: now.misbehaved.saturating_sub(earlier.misbehaved),
    };
    Totals {
        starts: now.starts,
        iterations: outcomes(now.iterations, earlier.iterations),
        exchanges: outcomes(now.exchanges, earlier.exchanges),
        bytes: Bytes {
            sent: now.bytes.sent.saturating_sub(earlier.bytes.sent),
            received: now.bytes.received.saturating_sub(earlier.bytes.received),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_bounded_and_cover_the_run() {
        let mut all = LiveWindows::new();
        let live = Live::new();
        for second in 1..=7_200 {
            all.add(&live, second);
        }
        // 7,200 s in at most 300 windows of a power of two.
        assert_eq!((all.length_s, all.windows.len()), (32, 225));
        // A machine that slept: what is missing is empty.
        all.add(&live, 9_000);
        assert_eq!((all.length_s, all.windows.len()), (32, 282));
    }
}
