//! What a progress line needs, a few times a second.

use std::time::Duration;

use crate::units::Quantile;

use super::buckets::Buckets;
use super::histogram::whole_micros;
use super::{Period, Totals};

/// The counts of a run so far and its response times to two digits: small enough to copy while the run goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    periods: [Totals; Period::ALL.len()],
    response_time: Buckets<2>,
    response_time_sum: Duration,
}

impl Live {
    /// Creates a run that has not begun.
    pub fn new() -> Self {
        Self {
            periods: [Totals::default(); Period::ALL.len()],
            response_time: Buckets::new(),
            response_time_sum: Duration::ZERO,
        }
    }

    /// Returns the counts of one period.
    pub const fn totals(&self, period: Period) -> &Totals {
        &self.periods[period.index()]
    }

    /// Iterations that have started and not ended, in all periods.
    pub fn active(&self) -> u64 {
        let active = |it: &Totals| it.starts.started.saturating_sub(it.iterations.ended());
        self.periods.iter().map(active).sum()
    }

    /// Returns the response time of ok iterations of all journeys in the measured window, to two digits.
    pub fn response_time(&self, quantile: Quantile) -> Option<Duration> {
        self.response_time.at(quantile).map(Duration::from_micros)
    }

    /// Returns all of these response times added up, exactly, each cut to whole microseconds.
    pub const fn response_time_sum(&self) -> Duration {
        self.response_time_sum
    }

    /// Returns how many of these response times were less than each of the edges, for edges from 256 µs on at which buckets
    /// begin: powers of two and one and a half times these, in microseconds. There the numbers are exact.
    pub fn response_times_below(&self, edges: &[u64]) -> Vec<u64> {
        let below = |edge: &u64| match edge.checked_sub(1) {
            None => 0,
            Some(last) => self.response_time.count_up_to(last),
        };
        edges.iter().map(below).collect()
    }

    /// Returns the number of these response times.
    pub fn response_times(&self) -> u64 {
        self.response_time.count()
    }

    /// Adds the counts of another worker.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.periods.iter_mut().zip(&other.periods) {
            mine.merge(theirs);
        }
        self.response_time.add(&other.response_time);
        self.response_time_sum = self
            .response_time_sum
            .saturating_add(other.response_time_sum);
    }

    pub(super) fn totals_mut(&mut self, period: Period) -> &mut Totals {
        &mut self.periods[period.index()]
    }

    pub(super) fn ok_response_time(&mut self, time: Duration) {
        let micros = whole_micros(time);
        self.response_time.record(micros);
        let sum = self.response_time_sum;
        self.response_time_sum = sum.saturating_add(Duration::from_micros(micros));
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_below_an_edge_are_exact_and_the_sum_is() {
        let mut live = Live::new();
        for micros in [100, 255, 256, 383, 384, 1_023, 1_024, 70_000_000] {
            live.ok_response_time(Duration::from_micros(micros));
        }
        let edges = [256, 384, 512, 1_024, 1_536, 1 << 26, 1 << 27];
        assert_eq!(live.response_times_below(&edges), [2, 4, 5, 6, 7, 7, 8]);
        assert_eq!(live.response_times(), 8);
        // 100 + 255 + 256 + 383 + 384 + 1,023 + 1,024 + 70,000,000
        assert_eq!(live.response_time_sum(), Duration::from_micros(70_003_425));
        let mut both = Live::new();
        assert_eq!(both.response_times_below(&edges), [0; 7]);
        both.merge(&live);
        both.merge(&live);
        assert_eq!(both.response_time_sum(), Duration::from_micros(140_006_850));
        assert_eq!(both.response_times_below(&[384]), [8]);
    }
}
