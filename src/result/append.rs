//! Runs of one plan, made one after the other, become one document: that of all of them in a row.

use super::{Document, MergeError};
use crate::measure::{PackedHistogram, TimeSeries};

impl Document {
    /// Adds a run of the same plan that was made after this one, at whatever distance: its windows come behind those of this
    /// one, and rates are over both windows together.
    ///
    /// Limits that single runs were judged by say nothing of all of them: there are no thresholds, no search, no probe and
    /// no pair in what comes of it.
    ///
    /// # Errors
    /// As [`Document::merge`].
    pub fn append(&mut self, mut other: Self) -> Result<(), MergeError> {
        self.check_same_plan(&other)?;
        let window_us = self.window_us.saturating_add(other.window_us);
        for run in [&mut *self, &mut other] {
            run.thresholds.clear();
            run.search = None;
            run.probe = None;
            run.pair = None;
        }
        let widths = [&self.time_series, &other.time_series].map(TimeSeries::window_seconds);
        let at = self.time_series.make_room_behind(&mut other.time_series);
        let width = self.time_series.window_seconds();
        for (run, before) in [(&mut *self, widths[0]), (&mut other, widths[1])] {
            for series in &mut run.latency_series {
                PackedHistogram::widen(&mut series.windows, (width / before).trailing_zeros());
            }
        }
        for series in &mut other.latency_series {
            series.put_behind(at);
        }
        let hooks = std::mem::take(&mut other.hooks);
        let after_s = (at as u64).saturating_mul(width);
        match (&mut self.telemetry, other.telemetry.take()) {
            (Some(mine), Some(later)) => mine.append(later, after_s),
            (mine @ None, Some(mut later)) => {
                later.delay(after_s);
                *mine = Some(later);
            }
            (_, None) => {}
        }
        self.add(other)?;
        let later_us = (at as u64).saturating_mul(width).saturating_mul(1_000_000);
        self.add_hooks(hooks, later_us);
        self.set_window(window_us);
        self.judge_hooks();
        self.derive_server();
        Ok(())
    }
}
