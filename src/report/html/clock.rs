//! The axis that all charts over time have in common: windows of the run, counted in seconds since it was measured.

use std::time::Duration;

use crate::measure::TimeSeries;
use crate::result::Document;

use super::axis::{Axis, Steps};
use super::number::float;
use super::scale::{Scale, clock_step, multiples};

/// The axis that all charts over time have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// The length of a window in seconds.
    pub(super) window_s: u64,
    /// How many windows the axis has.
    windows: usize,
    /// The length of the measured window in seconds.
    measured_s: f64,
}

impl Clock {
    pub(super) fn of(document: &Document) -> Self {
        let series = &document.time_series;
        let window_s = series.window_seconds();
        let planned = document.window().as_secs_f64() / float(window_s);
        let planned = (0..TimeSeries::MAX_WINDOWS).take_while(|it| float(*it as u64) < planned);
        Self {
            window_s,
            windows: series.windows().count().max(planned.count()).max(1),
            measured_s: document.window().as_secs_f64(),
        }
    }

    /// Returns the axis of several runs that are drawn over each other: as long as the longest, in the widest windows of any.
    pub(super) fn of_all<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Self {
        let clocks = documents.into_iter().map(Self::of);
        let all = clocks.reduce(|all, it| {
            // Windows are powers of two: those of one run fit into those of another.
            let length = all.window_s.max(it.window_s);
            let needed = |it: Self| (it.windows as u64 * it.window_s).div_ceil(length);
            let needed = needed(all).max(needed(it));
            Self {
                window_s: length,
                windows: usize::try_from(needed).unwrap_or(usize::MAX),
                measured_s: all.measured_s.max(it.measured_s),
            }
        });
        all.unwrap_or_else(|| Self::live(1, 0))
    }

    /// Returns the axis of a run that goes on, up to its last window.
    pub(super) fn live(length_s: u64, windows: usize) -> Self {
        let windows = windows.max(1);
        Self {
            window_s: length_s,
            windows,
            measured_s: float((windows as u64).saturating_mul(length_s)),
        }
    }

    pub(super) const fn windows(self) -> usize {
        self.windows
    }

    /// When a window begins, in seconds since the measured window opened.
    pub(super) fn at(self, window: usize) -> f64 {
        float((window as u64).saturating_mul(self.window_s))
    }

    pub(super) fn axis(self) -> Axis {
        let end = self.at(self.windows);
        Axis {
            scale: Scale::linear(0.0, end),
            ticks: multiples(0.0, end, clock_step(end / 10.0)),
            label: clock,
        }
    }

    /// Returns what ended after the measured window.
    pub(super) fn shade(self) -> Option<(f64, f64)> {
        let end = self.at(self.windows);
        (self.measured_s < end).then_some((self.measured_s, end))
    }

    /// Steps of so many windows, with the words for each.
    pub(super) fn steps(self, together: usize) -> (Steps, Vec<String>) {
        let share = self.at(together) / self.at(self.windows);
        let firsts = (0..self.windows).step_by(together);
        let words = firsts.map(|first| {
            let last = (first + together).min(self.windows);
            format!("{} to {}", clock(self.at(first)), clock(self.at(last)))
        });
        (Steps::Windows(share), words.collect())
    }
}

/// `0:47`, `1:02:03`
pub(super) fn clock(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.max(0.0))
        .unwrap_or_default()
        .as_secs();
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn clocks_read_like_clocks() {
        assert_eq!(
            [0.0, 47.0, 60.0, 3723.4].map(clock),
            ["0:00", "0:47", "1:00", "1:02:03"]
        );
    }

    #[test]
    fn several_runs_have_the_axis_of_the_longest() {
        let (mut short, mut long) = (testing::document(), testing::document());
        short.window_us = 7_000_000;
        long.window_us = 9_500_000;
        let axis = Clock::of_all([&short, &long]);
        // 9.5 s of windows of a second.
        assert_eq!((axis.window_s, axis.windows()), (1, 10));
        assert_eq!(axis.shade(), Some((9.5, 10.0)));
        // Of 700 s a window is two; those of the short run are taken together.
        long.time_series =
            serde_json::from_value(serde_json::json!({"window_s": 2, "windows": []})).unwrap();
        long.window_us = 701_000_000;
        let axis = Clock::of_all([&short, &long]);
        assert_eq!((axis.window_s, axis.windows()), (2, 351));
    }

    #[test]
    fn steps_cover_the_axis() {
        let axis = Clock {
            window_s: 2,
            windows: 5,
            measured_s: 8.5,
        };
        assert_eq!(axis.shade(), Some((8.5, 10.0)));
        let (share, words) = axis.steps(2);
        assert_eq!(share, Steps::Windows(0.4));
        assert_eq!(words, ["0:00 to 0:04", "0:04 to 0:08", "0:08 to 0:10"]);
        assert_eq!(axis.axis().ticks.len(), 11);
    }
}
