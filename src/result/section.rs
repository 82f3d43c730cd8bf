//! The parts of a document: journeys, operations, periods, failures.
//!
//! Times are in microseconds (`_us`), latencies whole histograms. A rate is what ended well within the measured
//! window, divided by the length of that window: what came later, or failed, is counted but is no throughput.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::Phase;
use crate::health::{Reason, Verdict};
use crate::measure::{
    Dated, FailureClass, FailureLog, JourneyCounts, JourneyLatencies, JourneySeries,
    LatencyHistogram, OperationCounts, OperationLatencies, OperationSeries, Period, PeriodTally,
    RangeRow, SlowExchange, Totals,
};
use crate::oci::Operation;

/// One journey in the measured period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JourneySection {
    /// Its name in the scenario.
    pub name: String,
    /// What was counted.
    #[serde(flatten)]
    pub counts: JourneyCounts,
    /// `within_window` divided by the window, to three decimals.
    pub iterations_per_s: f64,
    /// What was measured.
    #[serde(flatten)]
    pub latencies: JourneyLatencies,
    /// The operations of this journey.
    pub operations: Vec<OperationSection>,
    /// Its requests for ranges of blobs, by what they were for and what the registry made of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<RangeRow>,
    /// The same by stage, where the journey ran in more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageSection>,
    /// The same by client, where the journey has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientSection>,
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

/// The iterations of a journey that were those of one of its clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientSection {
    /// The name of the client.
    pub client: String,
    /// Its part of the iterations that started, as a share of all of the journey: 0.3 for three of ten. It follows the
    /// weights where a load numbers its iterations; where users do, slow clients come around less often.
    pub share: f64,
    /// What came of it.
    pub iterations: JourneySection,
}

/// How well the clock of a shard is known to the first shard, where they met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ClockError {
    /// The shortest question to the shard and its answer, in microseconds.
    pub round_trip_us: u64,
    /// Half of it, in microseconds: the answer was given at some moment of that time. If one way takes longer than the other,
    /// the clocks differ by half of the difference, which nobody can know.
    pub error_us: u64,
    /// How far its clock has gone from that of the first shard since the start, in microseconds.
    pub drift_us: i64,
}

/// One of the shards that a merged report is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShardSection {
    /// Its number, from 0.
    pub index: u32,
    /// How many shards the run has.
    pub count: u32,
    /// The same for all shards of one run.
    pub run: String,
    /// Whether nothing is known of it: what it should have started is dropped.
    #[serde(default)]
    pub lost: bool,
    /// The machine that it ran on.
    pub host: Option<String>,
    /// What the user calls it by.
    pub labels: BTreeMap<String, String>,
    /// When its measured window opened, RFC 3339, in UTC.
    pub window_opened: String,
    /// The length of that window in microseconds.
    pub window_us: u64,
    /// The health of its generator.
    pub health: Verdict,
    /// What was out of bounds there, the weightiest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Iterations that began in the window.
    pub started: u64,
    /// Those that ended well.
    pub ok: u64,
    /// Those that failed.
    pub failed: u64,
    /// The response times of all journeys.
    pub response_time: LatencyHistogram,
    /// How well its clock is known, where the shards met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockError>,
}

/// What an unrelated client saw beside the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeSection {
    /// From one round to the next, in microseconds.
    pub every_us: u64,
    /// How long it sent requests, in microseconds.
    pub window_us: u64,
    /// Its rounds and the requests in them.
    pub rounds: JourneySection,
    /// What failed of them, by kind.
    #[serde(default)]
    pub failures: FailureSection,
}

/// One operation in the measured period, of one journey or of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationSection {
    /// The kind of the exchanges.
    pub name: Operation,
    /// The number of exchanges, whatever their outcome.
    pub count: u64,
    /// What was counted.
    #[serde(flatten)]
    pub counts: OperationCounts,
    /// `within_window` divided by the window, to three decimals.
    pub requests_per_s: f64,
    /// Bytes sent within the window divided by it, to three decimals.
    pub sent_per_s: f64,
    /// Bytes received within the window divided by it, to three decimals.
    pub received_per_s: f64,
    /// What was measured.
    #[serde(flatten)]
    pub latencies: OperationLatencies,
    /// The ten slowest ok ones, the slowest first; only of all journeys together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<SlowExchangeEntry>,
}

/// One of the slowest exchanges of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlowExchangeEntry {
    /// The journey that it belongs to.
    pub journey: String,
    /// When it ended, in microseconds since the measured window opened.
    pub at_us: u64,
    /// The same by the wall clock, RFC 3339, in UTC.
    pub time: String,
    /// How long it took.
    pub total_us: u64,
    /// How long each phase took that it had.
    pub phases_us: BTreeMap<Phase, u64>,
    /// The status.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub sent_bytes: u64,
    /// Bytes of the response's body.
    pub received_bytes: u64,
    /// Host and port of the peer.
    pub host: String,
    /// The path of the request, without its query.
    pub path: String,
    /// The repository that the path is of, if it is of one.
    pub repository: Option<String>,
    /// The id by which the peer knows the request (`X-Request-Id` and its like), if it sent one.
    pub request_id: Option<String>,
    /// The id of the trace that it started with `traceparent`, if it did.
    #[serde(default)]
    pub trace_id: Option<String>,
}

/// A period outside the measured window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeriodSection {
    /// Which one.
    pub period: Period,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Its sums.
    #[serde(flatten)]
    pub totals: Totals,
    /// The exchanges by operation.
    pub operations: PeriodTally,
}

/// Failures of all periods, the most frequent kinds first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FailureSection {
    /// Failed exchanges.
    #[serde(flatten)]
    pub exchanges: FailureLog<Example>,
    /// Failed iterations by kind.
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
    /// Host and port of the peer.
    pub host: Option<String>,
    /// The path of the request, without its query.
    pub path: Option<String>,
    /// The repository that the path is of, if it is of one.
    pub repository: Option<String>,
    /// The id by which the peer knows the request (`X-Request-Id` and its like), if it sent one.
    pub request_id: Option<String>,
    /// The id of the trace that it started with `traceparent`, if it did.
    #[serde(default)]
    pub trace_id: Option<String>,
    /// What happened, in one line.
    pub text: String,
}

impl Dated for Example {
    fn is_before(&self, other: &Self) -> bool {
        // The texts are of one format and in UTC, so they sort as times do.
        self.time < other.time
    }
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
        self.exchanges.sort();
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
    /// Returns the section of a series. Its rates are 0 until [`rate`](Self::rate) knows the window.
    pub(super) fn new(
        name: &str,
        series: &JourneySeries,
        operations: Vec<OperationSection>,
    ) -> Self {
        let mut counts = series.counts.clone();
        counts.time = counts.time.in_micros();
        Self {
            name: name.to_owned(),
            counts,
            iterations_per_s: 0.0,
            latencies: series.latencies.clone(),
            operations,
            ranges: series.ranges.rows(),
            stages: Vec::new(),
            clients: Vec::new(),
        }
    }

    /// Computes the rate from its count, and the shares of clients.
    pub(super) fn rate(&mut self, window_us: u64) {
        self.iterations_per_s = per_second(self.counts.within_window, window_us);
        for operation in &mut self.operations {
            operation.rate(window_us);
        }
        for stage in &mut self.stages {
            stage.iterations.rate(stage.length_us.unwrap_or_default());
        }
        let started = self.counts.starts.started;
        for client in &mut self.clients {
            client.iterations.rate(window_us);
            client.share = share(client.iterations.counts.starts.started, started);
        }
    }
}

impl OperationSection {
    /// Returns the section of a series. Its rates are 0 until [`rate`](Self::rate) knows the window.
    pub(super) fn new(name: Operation, series: &OperationSeries) -> Self {
        Self {
            name,
            count: series.counts.outcomes.ended(),
            counts: series.counts.clone(),
            requests_per_s: 0.0,
            sent_per_s: 0.0,
            received_per_s: 0.0,
            latencies: series.latencies.clone(),
            slowest: Vec::new(),
        }
    }

    /// Adds the slowest exchanges of another section, and keeps the slowest of both.
    pub(super) fn add_slowest(&mut self, other: Vec<SlowExchangeEntry>) {
        self.slowest.extend(other);
        // The times are of one format and in UTC, so they sort as moments do.
        self.slowest.sort_by(|a, b| {
            b.total_us
                .cmp(&a.total_us)
                .then_with(|| a.time.cmp(&b.time))
        });
        self.slowest.truncate(SlowExchange::MOST);
    }

    /// Computes the rates from their counts.
    pub(super) fn rate(&mut self, window_us: u64) {
        self.requests_per_s = per_second(self.counts.within_window, window_us);
        self.sent_per_s = per_second(self.counts.bytes_within_window.sent, window_us);
        self.received_per_s = per_second(self.counts.bytes_within_window.received, window_us);
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

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// To four decimals, for the same reason; 0 of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "it is stored with four decimals"
)]
fn share(part: u64, all: u64) -> f64 {
    if all == 0 {
        return 0.0;
    }
    (part as f64 / all as f64 * 10_000.0).round() / 10_000.0
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
