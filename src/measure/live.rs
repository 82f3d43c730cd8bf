//! What a progress line needs, a few times a second.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::units::Quantile;

use super::histogram::{add, buckets, whole_micros};
use super::{Period, Totals};

/// The counts of a run so far and its response times to two digits: small enough to copy while the run goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    periods: [Totals; Period::ALL.len()],
    // 1 µs to 1 h in 2 digits: 26 KiB.
    response_time: Histogram<u64>,
}

impl Live {
    /// A run that has not begun.
    pub fn new() -> Self {
        Self {
            periods: [Totals::default(); Period::ALL.len()],
            response_time: buckets(2),
        }
    }

    /// The counts of one period.
    pub const fn totals(&self, period: Period) -> &Totals {
        &self.periods[period.index()]
    }

    /// Iterations that have started and not ended, in all periods.
    pub fn active(&self) -> u64 {
        let active = |it: &Totals| it.starts.started.saturating_sub(it.iterations.ended());
        self.periods.iter().map(active).sum()
    }

    /// The response time of ok iterations of all journeys in the measured window, to two digits.
    pub fn response_time(&self, quantile: Quantile) -> Option<Duration> {
        quantile
            .is_known_from(self.response_time.len())
            .then(|| Duration::from_micros(self.response_time.value_at_quantile(quantile.get())))
    }

    /// Adds the counts of another worker.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.periods.iter_mut().zip(&other.periods) {
            mine.merge(theirs);
        }
        add(&mut self.response_time, &other.response_time);
    }

    pub(super) fn totals_mut(&mut self, period: Period) -> &mut Totals {
        &mut self.periods[period.index()]
    }

    pub(super) fn ok_response_time(&mut self, time: Duration) {
        self.response_time.saturating_record(whole_micros(time));
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}
