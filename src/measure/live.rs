//! What a progress line needs, a few times a second.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::oci::Operation;
use crate::units::Quantile;

use super::buckets::Buckets;
use super::histogram::whole_micros;
use super::{ClassCounts, Outcome, Outcomes, PackedHistogram, Period, Totals};

/// The counts of a run so far and its response times to two digits: small enough to copy while the run goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Live {
    periods: [Totals; Period::ALL.len()],
    operations: [Outcomes; Operation::ALL.len()], // of the measured period
    failures: ClassCounts,                        // of its exchanges
    response_time: Buckets<2>,
    response_time_sum: Duration,
}

/// The form in which it goes to another process.
#[derive(Serialize, Deserialize)]
struct Written {
    periods: [Totals; Period::ALL.len()],
    operations: BTreeMap<Operation, Outcomes>, // those that occurred
    failures: ClassCounts,
    response_time: PackedHistogram,
    response_time_sum_us: u64,
}

impl From<Live> for Written {
    fn from(live: Live) -> Self {
        Self {
            periods: live.periods,
            operations: live.operations().collect(),
            failures: live.failures,
            response_time: PackedHistogram::pack(&live.response_time),
            response_time_sum_us: live
                .response_time_sum
                .as_micros()
                .try_into()
                .unwrap_or(u64::MAX),
        }
    }
}

impl From<Written> for Live {
    fn from(written: Written) -> Self {
        let mut live = Self::new();
        live.periods = written.periods;
        for (operation, outcomes) in written.operations {
            live.operations[operation.index()] = outcomes;
        }
        live.failures = written.failures;
        written.response_time.add_to(&mut live.response_time);
        live.response_time_sum = Duration::from_micros(written.response_time_sum_us);
        live
    }
}

impl Live {
    /// Creates a run that has not begun.
    pub fn new() -> Self {
        Self {
            periods: [Totals::default(); Period::ALL.len()],
            operations: [Outcomes::default(); Operation::ALL.len()],
            failures: ClassCounts::default(),
            response_time: Buckets::new(),
            response_time_sum: Duration::ZERO,
        }
    }

    /// Returns the counts of one period.
    pub const fn totals(&self, period: Period) -> &Totals {
        &self.periods[period.index()]
    }

    /// Returns how the exchanges of the measured period ended, of each operation that occurred.
    pub fn operations(&self) -> impl Iterator<Item = (Operation, Outcomes)> {
        let all = Operation::ALL.into_iter().zip(self.operations);
        all.filter(|(_, outcomes)| outcomes.ended() > 0)
    }

    /// Returns the failed ones of them by class.
    pub const fn failures(&self) -> &ClassCounts {
        &self.failures
    }

    /// Returns the response times since an earlier moment of the same run.
    pub fn response_times_since(&self, earlier: &Self) -> PackedHistogram {
        PackedHistogram::pack(&self.response_time.since(&earlier.response_time))
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
        for (mine, theirs) in self.operations.iter_mut().zip(other.operations) {
            mine.merge(theirs);
        }
        self.failures.merge(&other.failures);
        self.response_time.add(&other.response_time);
        self.response_time_sum = self
            .response_time_sum
            .saturating_add(other.response_time_sum);
    }

    pub(super) fn totals_mut(&mut self, period: Period) -> &mut Totals {
        &mut self.periods[period.index()]
    }

    /// Counts an exchange of the measured period.
    pub(super) fn measured(&mut self, operation: Operation, outcome: Outcome) {
        self.operations[operation.index()].count(outcome);
        if let Outcome::Failed(class) = outcome {
            self.failures.count(class);
        }
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
    fn another_process_hears_the_same_counts() {
        let mut live = Live::new();
        for micros in [1, 255, 70_000, 70_001, 3_600_000_000, 7_200_000_000] {
            live.ok_response_time(Duration::from_micros(micros));
        }
        live.totals_mut(Period::WarmUp).starts.scheduled = 7;
        live.measured(Operation::BlobGet, Outcome::Ok);
        live.measured(Operation::Ping, Outcome::Cancelled);
        let said = serde_json::to_string(&live).unwrap();
        let heard: Live = serde_json::from_str(&said).unwrap();
        assert_eq!(heard, live);
        let mut both = heard;
        both.merge(&live);
        assert_eq!(both.response_times(), 12);
    }

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
        // What came after the first five: 1,023, 1,024 and 70 s, in buckets of 8 µs and of half a second.
        let mut earlier = Live::new();
        for micros in [100, 255, 256, 383, 384] {
            earlier.ok_response_time(Duration::from_micros(micros));
        }
        let since = live.response_times_since(&earlier);
        let lows: Vec<_> = since.buckets().map(|it| it.low.as_micros()).collect();
        assert_eq!((since.count(), lows.len()), (3, 3));
        assert!(
            lows[0] <= 1_023 && lows[1] == 1_024 && lows[2] > 69_000_000,
            "{lows:?}"
        );
        assert!(live.response_times_since(&live.clone()).is_empty());
        let mut both = Live::new();
        assert_eq!(both.response_times_below(&edges), [0; 7]);
        both.merge(&live);
        both.merge(&live);
        assert_eq!(both.response_time_sum(), Duration::from_micros(140_006_850));
        assert_eq!(both.response_times_below(&[384]), [8]);
    }
}
