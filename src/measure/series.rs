//! The counters and histograms of one journey, and of one operation within it.

use std::time::Duration;

use super::{
    Bytes, ClassCounts, Connections, DropCounts, ExchangeSample, FailureClass, IterationSample,
    IterationTime, LatencyHistogram, Outcome, Outcomes, Starts, StatusCounts,
};
use crate::exchange::Phase;

/// What the measured window knows of one journey, or of one track of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JourneySeries {
    /// What became of the iterations that were due.
    pub starts: Starts,
    /// Those that never began, by reason and by cause.
    pub drops: DropCounts,
    /// How the started ones ended.
    pub outcomes: Outcomes,
    /// Failed iterations by class.
    pub classes: ClassCounts,
    /// Bytes of all iterations.
    pub bytes: Bytes,
    /// Where the time of all that ended went.
    pub time: IterationTime,
    /// Ok iterations that ended before the window closed.
    pub within_window: u64,
    /// From start to end, of ok iterations.
    pub service_time: LatencyHistogram,
    /// From the scheduled start to the end, of ok iterations.
    pub response_time: LatencyHistogram,
    /// From the scheduled to the real start, of all started iterations that have ended, however they did.
    pub start_lag: LatencyHistogram,
    /// From start to end, of failed iterations.
    pub failed_service_time: LatencyHistogram,
    /// From start to the moment it was given up, of iterations that were cancelled or timed out: they would have taken
    /// at least that long.
    pub unfinished_service_time: LatencyHistogram,
    /// The same from the scheduled start.
    pub unfinished_response_time: LatencyHistogram,
}

/// What the measured window knows of one operation of one journey.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperationSeries {
    /// How the exchanges ended.
    pub outcomes: Outcomes,
    /// Failed exchanges by class.
    pub classes: ClassCounts,
    /// Responses by status, of exchanges of every outcome.
    pub statuses: StatusCounts,
    /// What the exchanges ran over.
    pub connections: Connections,
    /// Bytes of bodies, of exchanges of every outcome.
    pub bytes: Bytes,
    /// Ok exchanges that ended before the window closed.
    pub within_window: u64,
    /// The bytes of those.
    pub bytes_within_window: Bytes,
    /// The whole of each failed exchange.
    pub failed_total: LatencyHistogram,
    /// The whole of each exchange that was cancelled or timed out, as far as it came: it would have taken at least that
    /// long.
    pub unfinished_total: LatencyHistogram,
    phases: [LatencyHistogram; Phase::ALL.len()],
}

impl JourneySeries {
    pub(super) const HISTOGRAMS: usize = 6;

    pub(super) fn histograms(&self) -> impl Iterator<Item = &LatencyHistogram> {
        [
            &self.service_time,
            &self.response_time,
            &self.start_lag,
            &self.failed_service_time,
            &self.unfinished_service_time,
            &self.unfinished_response_time,
        ]
        .into_iter()
    }

    pub(super) fn record(&mut self, sample: &IterationSample, window: Duration) {
        self.outcomes.count(sample.outcome);
        self.classes.count(sample.outcome);
        self.bytes.merge(sample.bytes());
        self.time.record(sample.service_time(), &sample.spent);
        match sample.outcome {
            Outcome::Ok => {
                self.within_window += u64::from(sample.finished <= window);
                self.service_time.record(sample.service_time());
                self.response_time.record(sample.response_time());
            }
            Outcome::Failed(_) => self.failed_service_time.record(sample.service_time()),
            Outcome::Cancelled => {}
        }
        self.start_lag.record(sample.start_lag());
        if is_unfinished(sample.outcome) {
            self.unfinished_service_time.record(sample.service_time());
            self.unfinished_response_time.record(sample.response_time());
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.starts.merge(other.starts);
        self.drops.merge(&other.drops);
        self.outcomes.merge(other.outcomes);
        self.classes.merge(&other.classes);
        self.bytes.merge(other.bytes);
        self.time.merge(&other.time);
        self.within_window += other.within_window;
        self.service_time.merge(&other.service_time);
        self.response_time.merge(&other.response_time);
        self.start_lag.merge(&other.start_lag);
        self.failed_service_time.merge(&other.failed_service_time);
        self.unfinished_service_time
            .merge(&other.unfinished_service_time);
        self.unfinished_response_time
            .merge(&other.unfinished_response_time);
    }
}

impl OperationSeries {
    pub(super) const HISTOGRAMS: usize = Phase::ALL.len() + 2;

    pub(super) fn histograms(&self) -> impl Iterator<Item = &LatencyHistogram> {
        self.phases
            .iter()
            .chain([&self.failed_total, &self.unfinished_total])
    }

    /// The latencies of one phase, of the ok exchanges that had it.
    pub fn phase(&self, phase: Phase) -> &LatencyHistogram {
        &self.phases[phase.index()]
    }

    pub(super) fn record(&mut self, sample: &ExchangeSample, window: Duration) {
        self.outcomes.count(sample.outcome);
        self.classes.count(sample.outcome);
        self.statuses.count(sample.status);
        self.connections.count(sample);
        self.bytes.merge(sample.bytes());
        match sample.outcome {
            Outcome::Ok => {
                if sample.finished <= window {
                    self.within_window += 1;
                    self.bytes_within_window.merge(sample.bytes());
                }
                for (histogram, time) in self.phases.iter_mut().zip(sample.timings.in_order()) {
                    if let Some(time) = time {
                        histogram.record(time);
                    }
                }
            }
            Outcome::Failed(_) => self.failed_total.record(sample.timings.total),
            Outcome::Cancelled => {}
        }
        if is_unfinished(sample.outcome) {
            self.unfinished_total.record(sample.timings.total);
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.outcomes.merge(other.outcomes);
        self.classes.merge(&other.classes);
        self.statuses.merge(&other.statuses);
        self.connections.merge(other.connections);
        self.bytes.merge(other.bytes);
        self.within_window += other.within_window;
        self.bytes_within_window.merge(other.bytes_within_window);
        self.failed_total.merge(&other.failed_total);
        self.unfinished_total.merge(&other.unfinished_total);
        for (mine, theirs) in self.phases.iter_mut().zip(&other.phases) {
            mine.merge(theirs);
        }
    }
}

/// Was it given up before it came to an end of its own? Then its time is a lower bound.
pub(super) const fn is_unfinished(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Cancelled | Outcome::Failed(FailureClass::Timeout)
    )
}
