//! The parts of a document: journeys, operations, periods, failures.
//!
//! Times are in microseconds (`_us`), latencies whole histograms. A rate is what ended well within the measured
//! window, divided by the length of that window: what came later, or failed, is counted but is no throughput.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::Phase;
use crate::measure::{
    Bytes, Connections, DropCause, DropReason, FailureClass, IterationTime, LatencyHistogram,
    Outcomes, Period, Starts,
};
use crate::oci::Operation;

/// One journey in the measured period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JourneySection {
    /// Its name in the scenario.
    pub name: String,
    /// What became of the iterations that were due.
    pub starts: Starts,
    /// Those that never began, by reason.
    pub drops: BTreeMap<DropReason, u64>,
    /// The same by what the virtual users were doing when the iteration was due.
    #[serde(default)]
    pub drop_causes: BTreeMap<DropCause, u64>,
    /// How the started ones ended.
    pub outcomes: Outcomes,
    /// The failed ones by class.
    pub failure_classes: BTreeMap<FailureClass, u64>,
    /// Bytes of bodies, of iterations of every outcome.
    pub bytes: Bytes,
    /// Where the time of all iterations that ended went, whatever their outcome.
    #[serde(default)]
    pub time: IterationTimes,
    /// Ok iterations that ended within the measured window.
    pub within_window: u64,
    /// `within_window` divided by the window, to three decimals.
    pub iterations_per_s: f64,
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
    /// The operations of this journey.
    pub operations: Vec<OperationSection>,
    /// The same by stage, where the journey ran in more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageSection>,
}

/// Where the time of iterations went, summed over all that ended. `operations_us + pauses_us + rest_us = total_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct IterationTimes {
    /// From start to end.
    pub total_us: u64,
    /// One or more exchanges were under way.
    pub operations_us: u64,
    /// Pauses before retries, while no exchange was under way.
    pub pauses_us: u64,
    /// Neither: the client's own work between exchanges.
    pub rest_us: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Iterations that paused before a retry.
    pub paused_iterations: u64,
    /// The longest pause before a retry.
    pub longest_pause_us: u64,
}

impl IterationTimes {
    pub(super) fn of(time: &IterationTime) -> Self {
        let micros = |it: Duration| u64::try_from(it.as_micros()).unwrap_or(u64::MAX);
        let (total_us, operations_us, pauses_us) = (
            micros(time.total),
            micros(time.operations),
            micros(time.pauses),
        );
        Self {
            total_us,
            operations_us,
            pauses_us,
            // Not cut to microseconds by itself: each cut loses a part of one, and the three would not add up. That they do
            // to the nanosecond is one of the sums that are checked.
            rest_us: total_us
                .saturating_sub(operations_us)
                .saturating_sub(pauses_us),
            retries: time.retries,
            paused_iterations: time.paused_iterations,
            longest_pause_us: micros(time.longest_pause),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.total_us, other.total_us),
            (&mut self.operations_us, other.operations_us),
            (&mut self.pauses_us, other.pauses_us),
            (&mut self.rest_us, other.rest_us),
            (&mut self.retries, other.retries),
            (&mut self.paused_iterations, other.paused_iterations),
        ] {
            *mine = mine.saturating_add(theirs);
        }
        self.longest_pause_us = self.longest_pause_us.max(other.longest_pause_us);
    }
}

/// The iterations of a journey that were due in one stage of one load, whenever they ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageSection {
    /// The name of the load.
    pub load: String,
    /// The name of the stage.
    pub stage: String,
    /// How long the stage was planned to be, in microseconds; null where iterations decide.
    pub length_us: Option<u64>,
    /// What came of it. Its rate is of the iterations due in the stage, over the stage's length; 0 where that is not
    /// known.
    pub iterations: JourneySection,
}

/// What a bystander saw beside the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeSection {
    /// From one round to the next, in microseconds.
    pub every_us: u64,
    /// How long it asked, in microseconds.
    pub window_us: u64,
    /// Its rounds and what it asked in them.
    pub rounds: JourneySection,
    /// What failed of them, by kind.
    #[serde(default)]
    pub failures: FailureSection,
}

/// One operation in the measured period, of one journey or of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationSection {
    /// What was asked.
    pub name: Operation,
    /// The number of exchanges, whatever their outcome.
    pub count: u64,
    /// How they ended.
    pub outcomes: Outcomes,
    /// The failed ones by class.
    pub failure_classes: BTreeMap<FailureClass, u64>,
    /// Responses by status.
    pub statuses: BTreeMap<u16, u64>,
    /// What the exchanges ran over.
    pub connections: Connections,
    /// Bytes of bodies, of exchanges of every outcome.
    pub bytes: Bytes,
    /// Ok exchanges that ended within the measured window.
    pub within_window: u64,
    /// Bytes of bodies of those.
    pub bytes_within_window: Bytes,
    /// `within_window` divided by the window, to three decimals.
    pub requests_per_s: f64,
    /// Bytes sent within the window divided by it, to three decimals.
    pub sent_per_s: f64,
    /// Bytes received within the window divided by it, to three decimals.
    pub received_per_s: f64,
    /// Latencies of ok exchanges by phase; a phase that never occurred is left out.
    pub phases: BTreeMap<Phase, LatencyHistogram>,
    /// The whole of each failed exchange.
    pub failed_total: LatencyHistogram,
    /// The whole of each exchange that was cancelled or timed out, as far as it came: lower bounds.
    pub unfinished_total: LatencyHistogram,
}

/// A period outside the measured window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeriodSection {
    /// Which one.
    pub period: Period,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// What became of the iterations that were due.
    pub starts: Starts,
    /// How the started ones ended.
    pub iterations: Outcomes,
    /// How the exchanges ended.
    pub exchanges: Outcomes,
    /// Bytes of bodies.
    pub bytes: Bytes,
    /// The exchanges by operation.
    pub operations: Vec<PeriodOperation>,
}

/// One operation in a period outside the measured window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeriodOperation {
    /// What was asked.
    pub name: Operation,
    /// How the exchanges ended.
    pub outcomes: Outcomes,
    /// The failed ones by class.
    pub failure_classes: BTreeMap<FailureClass, u64>,
    /// Responses by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Bytes of bodies.
    pub bytes: Bytes,
}

/// Failures of all periods.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FailureSection {
    /// Failed exchanges by kind, the most frequent first.
    pub kinds: Vec<FailureEntry>,
    /// Failed exchanges of kinds beyond the number that is told apart.
    pub other: u64,
    /// Failed iterations by kind, the most frequent first.
    #[serde(default)]
    pub iterations: Vec<IterationFailureEntry>,
}

/// One kind of failed iteration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IterationFailureEntry {
    /// The part of the run that they belong to.
    pub period: Period,
    /// The journey.
    pub journey: String,
    /// Why they failed, as it is counted.
    pub class: FailureClass,
    /// What ended them: `exchange` for an exchange that failed and is among the kinds of exchanges, `iteration-timeout`
    /// for the time that an iteration may take, or another word for what was wrong though every exchange went well.
    pub cause: String,
    /// How often it came.
    pub count: u64,
    /// When the first of them ended, RFC 3339, in UTC.
    pub time: String,
    /// What happened to it, in one line.
    pub text: String,
}

/// One kind of failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureEntry {
    /// The part of the run that they belong to.
    pub period: Period,
    /// What was asked.
    pub operation: Operation,
    /// Why it failed.
    pub class: FailureClass,
    /// The status, if responses came.
    pub status: Option<u16>,
    /// The registry's own code, if it gave one.
    pub code: Option<String>,
    /// How often it came.
    pub count: u64,
    /// The first of them.
    pub example: Example,
}

/// One failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// The journey that met it; while seeding and deleting, which belong to none, the first of the plan.
    pub journey: String,
    /// When it ended, in microseconds since the measured window opened, 0 if before; while seeding and deleting, since
    /// preparation began.
    pub at_us: u64,
    /// The same by the wall clock, RFC 3339, in UTC.
    pub time: String,
    /// Host and port of whoever was asked.
    pub host: Option<String>,
    /// The path that was asked for, without its query.
    pub path: Option<String>,
    /// The repository that the path is of, if it is of one.
    pub repository: Option<String>,
    /// The id by which whoever was asked knows the request (`X-Request-Id` and its like), if it sent one.
    pub request_id: Option<String>,
    /// What happened, in one line.
    pub text: String,
}

impl FailureSection {
    /// Adds failed iterations to those of their kind.
    pub(super) fn add_iterations(&mut self, theirs: IterationFailureEntry) {
        let key = |it: &IterationFailureEntry| {
            let names = (it.journey.clone(), it.cause.clone());
            (it.period, it.class, names)
        };
        let mut kinds = self.iterations.iter_mut();
        match kinds.find(|it| key(it) == key(&theirs)) {
            Some(mine) => {
                let count = mine.count.saturating_add(theirs.count);
                // The texts are of one format and in UTC, so they sort as times do.
                if theirs.time < mine.time {
                    *mine = theirs;
                }
                mine.count = count;
            }
            None => self.iterations.push(theirs),
        }
    }

    /// Puts the most frequent first; equal ones in a fixed order.
    pub(super) fn sort(&mut self) {
        self.kinds.sort_by(|a, b| {
            let key = |it: &FailureEntry| (it.period, it.operation, it.class, it.status);
            b.count
                .cmp(&a.count)
                .then_with(|| key(a).cmp(&key(b)))
                .then_with(|| a.code.cmp(&b.code))
        });
        self.iterations.sort_by(|a, b| {
            let key = |it: &IterationFailureEntry| (it.period, it.class);
            b.count
                .cmp(&a.count)
                .then_with(|| key(a).cmp(&key(b)))
                .then_with(|| (&a.journey, &a.cause).cmp(&(&b.journey, &b.cause)))
        });
    }
}

impl JourneySection {
    /// Computes the rate from its count.
    pub(super) fn rate(&mut self, window_us: u64) {
        self.iterations_per_s = per_second(self.within_window, window_us);
        for operation in &mut self.operations {
            operation.rate(window_us);
        }
        for stage in &mut self.stages {
            stage.iterations.rate(stage.length_us.unwrap_or_default());
        }
    }
}

impl OperationSection {
    /// Computes the rates from their counts.
    pub(super) fn rate(&mut self, window_us: u64) {
        self.requests_per_s = per_second(self.within_window, window_us);
        self.sent_per_s = per_second(self.bytes_within_window.sent, window_us);
        self.received_per_s = per_second(self.bytes_within_window.received, window_us);
    }
}

/// To three decimals, so that a JSON reader gets back the number that was written; 0 for a window of no length.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is shown with three digits and stored with three decimals"
)]
pub(super) fn per_second(count: u64, window_us: u64) -> f64 {
    if window_us == 0 {
        return 0.0;
    }
    let rate = count as f64 / (window_us as f64 / 1e6);
    (rate * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "rounded to the very number")]
    fn a_rate_is_per_second_of_the_window() {
        assert_eq!(per_second(5_994, 120_000_000), 49.95);
        assert_eq!(per_second(1, 3_000_000), 0.333);
        assert_eq!(per_second(7, 0), 0.0);
    }
}
