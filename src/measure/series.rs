//! The counters and histograms of one journey, and of one operation within it. Reports store them as they are.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Bytes, CauseCounts, ClassCounts, Connections, DropCause, DroppedStart, ExchangeSample,
    FailureClass, IterationClock, IterationSample, IterationTime, LatencyHistogram,
    LeftConnections, MisbehaviourCounts, Outcome, Outcomes, PhaseLatencies, RangeCounts,
    ReasonCounts, Starts, StatusCounts,
};

/// What the measured window knows of one journey, or of one track of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JourneySeries {
    /// Counts of its iterations.
    pub counts: JourneyCounts,
    /// Latencies of its iterations.
    pub latencies: JourneyLatencies,
    /// Of the iterations that never began, those that the target caused, by reason. Not stored.
    pub dropped_by_target: ReasonCounts,
    /// Requests for ranges of blobs.
    pub ranges: RangeCounts,
}

/// Counts of the iterations of a journey.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct JourneyCounts {
    /// What became of the iterations that were due.
    pub starts: Starts,
    /// Those that never began, by reason.
    pub drops: ReasonCounts,
    /// The same by what the virtual users were doing when the iteration was due.
    #[serde(default)]
    pub drop_causes: CauseCounts,
    /// How the started ones ended.
    pub outcomes: Outcomes,
    /// The failed ones by class.
    pub failure_classes: ClassCounts,
    /// Those that misbehaved, by how.
    #[serde(default, skip_serializing_if = "MisbehaviourCounts::is_empty")]
    pub misbehaviours: MisbehaviourCounts,
    /// Connections that its clients opened and left beside their iterations.
    #[serde(default, skip_serializing_if = "LeftConnections::is_empty")]
    pub left_connections: LeftConnections,
    /// Bytes of bodies, of iterations of every outcome.
    pub bytes: Bytes,
    /// Where the time of all iterations that ended went, whatever their outcome.
    #[serde(default)]
    pub time: IterationTime,
    /// Ok iterations that ended within the measured window.
    pub within_window: u64,
}

/// Latencies of the iterations of a journey.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct JourneyLatencies {
    /// From start to end, of ok iterations.
    pub service_time: LatencyHistogram,
    /// From the scheduled start to the end, of ok iterations.
    pub response_time: LatencyHistogram,
    /// From the scheduled to the real start, of all iterations that started, however they ended.
    pub start_lag: LatencyHistogram,
    /// From start to end, of failed iterations.
    pub failed_service_time: LatencyHistogram,
    /// From start to where they were given up, of iterations that were cancelled or timed out: lower bounds.
    pub unfinished_service_time: LatencyHistogram,
    /// The same from the scheduled start.
    pub unfinished_response_time: LatencyHistogram,
}

/// What the measured window knows of one operation of one journey.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperationSeries {
    /// Counts of its exchanges.
    pub counts: OperationCounts,
    /// Latencies of its exchanges.
    pub latencies: OperationLatencies,
}

/// Counts of the exchanges of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OperationCounts {
    /// How they ended.
    pub outcomes: Outcomes,
    /// The failed ones by class.
    pub failure_classes: ClassCounts,
    /// Those that misbehaved, by how.
    #[serde(default, skip_serializing_if = "MisbehaviourCounts::is_empty")]
    pub misbehaviours: MisbehaviourCounts,
    /// Responses by status, of exchanges of every outcome.
    pub statuses: StatusCounts,
    /// What the exchanges ran over.
    pub connections: Connections,
    /// Bytes of bodies, of exchanges of every outcome.
    pub bytes: Bytes,
    /// Ok exchanges that ended within the measured window.
    pub within_window: u64,
    /// Bytes of bodies of those.
    pub bytes_within_window: Bytes,
}

/// Latencies of the exchanges of an operation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OperationLatencies {
    /// Latencies of ok exchanges by phase; a phase that never occurred is left out.
    pub phases: PhaseLatencies,
    /// The whole of each failed exchange.
    pub failed_total: LatencyHistogram,
    /// The whole of each exchange that was cancelled or timed out, as far as it came: lower bounds.
    pub unfinished_total: LatencyHistogram,
}

impl JourneySeries {
    pub(super) const HISTOGRAMS: usize = 6;

    pub(super) fn histograms(&self) -> impl Iterator<Item = &LatencyHistogram> {
        let latencies = &self.latencies;
        [
            &latencies.service_time,
            &latencies.response_time,
            &latencies.start_lag,
            &latencies.failed_service_time,
            &latencies.unfinished_service_time,
            &latencies.unfinished_response_time,
        ]
        .into_iter()
    }

    pub(super) fn dropped(&mut self, start: DroppedStart) {
        self.counts.drops.count(start.reason);
        self.counts.drop_causes.count(start.cause);
        if start.cause == DropCause::Target {
            self.dropped_by_target.count(start.reason);
        }
    }

    pub(super) fn record(&mut self, sample: &IterationSample, window: Duration) {
        let (counts, latencies) = (&mut self.counts, &mut self.latencies);
        counts.outcomes.count(sample.outcome);
        counts.bytes.merge(sample.bytes());
        counts.time.record(sample.service_time(), &sample.spent);
        match sample.outcome {
            Outcome::Ok => {
                counts.within_window += u64::from(sample.finished <= window);
                latencies.service_time.record(sample.service_time());
                latencies.response_time.record(sample.response_time());
            }
            Outcome::Failed(class) => {
                counts.failure_classes.count(class);
                latencies.failed_service_time.record(sample.service_time());
            }
            Outcome::Cancelled => {}
            Outcome::Misbehaved(how) => counts.misbehaviours.count(how),
        }
        latencies.start_lag.record(sample.start_lag());
        if is_unfinished(sample.outcome) {
            latencies
                .unfinished_service_time
                .record(sample.service_time());
            latencies
                .unfinished_response_time
                .record(sample.response_time());
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.latencies.merge(&other.latencies);
        self.dropped_by_target.merge(&other.dropped_by_target);
        self.ranges.merge(&other.ranges);
    }
}

impl JourneyCounts {
    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.starts.merge(other.starts);
        self.drops.merge(&other.drops);
        self.drop_causes.merge(&other.drop_causes);
        self.outcomes.merge(other.outcomes);
        self.failure_classes.merge(&other.failure_classes);
        self.misbehaviours.merge(&other.misbehaviours);
        self.left_connections.merge(other.left_connections);
        self.bytes.merge(other.bytes);
        self.time.merge(&other.time);
        self.within_window = self.within_window.saturating_add(other.within_window);
    }
}

impl JourneyLatencies {
    /// Returns the latencies of one clock: of ok iterations, and of all that started for the start lag.
    pub const fn of(&self, clock: IterationClock) -> &LatencyHistogram {
        match clock {
            IterationClock::Response => &self.response_time,
            IterationClock::Service => &self.service_time,
            IterationClock::StartLag => &self.start_lag,
        }
    }

    /// Adds the latencies of another.
    pub fn merge(&mut self, other: &Self) {
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
    pub(super) const HISTOGRAMS: usize = PhaseLatencies::HISTOGRAMS + 2;

    pub(super) fn histograms(&self) -> impl Iterator<Item = &LatencyHistogram> {
        let latencies = &self.latencies;
        let others = [&latencies.failed_total, &latencies.unfinished_total];
        latencies.phases.histograms().chain(others)
    }

    pub(super) fn record(&mut self, sample: &ExchangeSample, window: Duration) {
        let (counts, latencies) = (&mut self.counts, &mut self.latencies);
        counts.outcomes.count(sample.outcome);
        counts.statuses.count(sample.status);
        counts
            .connections
            .count(sample.connection, sample.protocol, sample.handshake);
        counts.bytes.merge(sample.bytes());
        match sample.outcome {
            Outcome::Ok => {
                if sample.finished <= window {
                    counts.within_window += 1;
                    counts.bytes_within_window.merge(sample.bytes());
                }
                latencies.phases.record(&sample.timings);
            }
            Outcome::Failed(class) => {
                counts.failure_classes.count(class);
                latencies.failed_total.record(sample.timings.total);
            }
            Outcome::Cancelled => {}
            Outcome::Misbehaved(how) => counts.misbehaviours.count(how),
        }
        if is_unfinished(sample.outcome) {
            latencies.unfinished_total.record(sample.timings.total);
        }
    }

    /// Adds the counts and latencies of another.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.latencies.merge(&other.latencies);
    }
}

impl OperationCounts {
    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.outcomes.merge(other.outcomes);
        self.failure_classes.merge(&other.failure_classes);
        self.misbehaviours.merge(&other.misbehaviours);
        self.statuses.merge(&other.statuses);
        self.connections.merge(other.connections);
        self.bytes.merge(other.bytes);
        self.within_window = self.within_window.saturating_add(other.within_window);
        self.bytes_within_window.merge(other.bytes_within_window);
    }
}

impl OperationLatencies {
    /// Adds the latencies of another.
    pub fn merge(&mut self, other: &Self) {
        self.phases.merge(&other.phases);
        self.failed_total.merge(&other.failed_total);
        self.unfinished_total.merge(&other.unfinished_total);
    }
}

/// Returns `true` if it was given up before it came to an end of its own: then its time is a lower bound.
pub(super) const fn is_unfinished(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Cancelled | Outcome::Failed(FailureClass::Timeout)
    )
}
