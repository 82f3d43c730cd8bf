//! The document of one run.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::measure::{
    AddressUse, Bytes, Closure, Metric, PackedHistogram, Period, Record, TimeSeries, Totals,
};
use crate::oci::Digest;
use crate::plan::Stored;
use crate::schedule::Side;
use crate::telemetry::{ServerFigure, Telemetry};
use crate::verdict::ThresholdResult;

use super::{
    AuditSection, ClockError, Counts, Environment, FailureSection, FlickerExample,
    GeneratorSection, HookSection, IntegritySection, JourneySection, OperationSection,
    PeriodSection, ProbeSection, ReplaySection, RunVerdict, Schema, SearchSection, ShardSection,
    UpstreamSection,
};

/// Everything that is known of a run. Fields are in the order in which a reader wants them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// The format, always `regstorm.report/3`.
    pub schema: Schema,
    /// The version of regstorm that measured.
    pub regstorm: String,
    /// What was to be done.
    pub plan: PlanSection,
    /// Where and when it was done.
    pub environment: Environment,
    /// What the target said of itself.
    pub target: TargetHeaders,
    /// The pair of runs that it is one side of, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<PairSection>,
    /// The part of a run that it is, where several processes made it together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardPart>,
    /// Whether the run was stopped before its plan was done.
    pub interrupted: bool,
    /// Whether iterations were started on a schedule that does not wait for the target. If not, response time is
    /// service time, and neither compares with those of an open model.
    pub open_model: bool,
    /// What the run comes to.
    pub verdict: RunVerdict,
    /// The thresholds of the plan, in its order.
    pub thresholds: Vec<ThresholdResult>,
    /// The search that the run was part of; the numbers below are those of one of its trials.
    pub search: Option<SearchSection>,
    /// How the generator did: whether the numbers below are the target's.
    pub generator: GeneratorSection,
    /// When the measured window opened, RFC 3339, in UTC.
    pub window_opened: String,
    /// The shards that it was merged from, by number; none where it was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<ShardSection>,
    /// The length of the measured window in microseconds: what every rate is divided by.
    pub window_us: u64,
    /// The sums of the measured period.
    pub totals: Totals,
    /// Bytes of bodies as the transport counted them, of all periods.
    pub transport: Bytes,
    /// The addresses that connections of the users went to, of hosts that have several, in all periods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressUse>,
    /// How many durations were more than an hour and are counted as an hour.
    pub clamped: u64,
    /// The journeys, in the order of the plan.
    pub journeys: Vec<JourneySection>,
    /// The operations of all journeys together; each journey has its own as well.
    pub operations: Vec<OperationSection>,
    /// What the registry sent that was not what it should be.
    #[serde(default)]
    pub integrity: IntegritySection,
    /// What was there when acknowledged writes were read back; absent where the plan has no audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditSection>,
    /// Replays of traces, each held against its trace, in the order of the loads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replays: Vec<ReplaySection>,
    /// What the target itself used meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Telemetry>,
    /// What the target has fetched from its upstream, where that is in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamSection>,
    /// The hooks that ran beside the load, in the order of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookSection>,
    /// Numbers made of that, such as the processor time of a pull: what thresholds and comparisons look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server: Vec<ServerFigure>,
    /// What an unrelated client saw beside the load; none of it is in the sections above.
    pub probe: Option<ProbeSection>,
    /// What happened outside the measured window.
    pub periods: Vec<PeriodSection>,
    /// Failures of all periods by kind.
    pub failures: FailureSection,
    /// The measured period over time.
    pub time_series: TimeSeries,
    /// Latencies of ok ones over time, in the windows of `time_series`: the response time of each journey, first byte
    /// and total of each operation.
    pub latency_series: Vec<LatencySeries>,
    /// The sums that must agree, and whether they do.
    pub closure: Closure,
    /// What else a reader has to know.
    pub notes: Vec<String>,
    /// What the run has left in the registry, for `clean-up`: of a shard alone, since others may still use it, and of shards that met,
    /// if clean-up has not ended or not deleted all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
}

/// The part of a run that one of several processes made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShardPart {
    /// Its number, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
    /// The same for all shards of one run, and for no other run: 16 hexadecimal digits.
    pub run: String,
    /// What gave it its number: `--shard`, or the variables of an engine.
    pub from: String,
    /// Whether nothing is known of it: what it should have started is dropped.
    #[serde(default)]
    pub lost: bool,
    /// How well its clock is known, where the shards met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockError>,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSection {
    /// The name of the scenario.
    pub name: String,
    /// The seed of all choices.
    pub seed: u64,
    /// The digest of the resolved plan: runs with the same one did the same.
    pub fingerprint: Digest,
    /// The plan with no default left open. It holds no secrets; the caller sees to that.
    pub resolved: serde_json::Value,
    /// The images that its globs found in the registry, by image set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<FoundSection>,
}

/// The images of a set whose globs were looked up in the registry before the load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundSection {
    /// The name of the set.
    pub set: String,
    /// Images of the set.
    pub images: u64,
    /// Repositories that its globs found any of them in.
    pub repositories: u64,
    /// The digest of the names of the images, one a line: runs with the same one had the same images.
    pub digest: Digest,
}

/// The latencies of one metric over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LatencySeries {
    /// What they are of, as thresholds write it: `pull.response_time`, `blob-get.first-byte`, `blob-get.total`.
    pub metric: Metric,
    /// One for each window of the time series, in its order; null where nothing ended well.
    pub windows: Vec<PackedHistogram>,
}

/// One side of a pair of runs that were made in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PairSection {
    /// The same for all pairs of one comparison, and of no other.
    pub set: String,
    /// The number of the pair, from 1.
    pub number: u32,
    /// Which of the two.
    pub side: Side,
    /// In which order the slices of the pair were run, `A` being the base: `ABBAAB`.
    pub order: String,
}

impl LatencySeries {
    /// Puts that many empty windows in front.
    pub(super) fn put_behind(&mut self, at: usize) {
        let windows = mem::take(&mut self.windows);
        self.windows.resize_with(at, PackedHistogram::default);
        self.windows.extend(windows);
    }
}

impl PlanSection {
    /// Returns where the target was, as the plan has it: an address without credentials, or `embedded`.
    pub fn target(&self) -> Option<&str> {
        self.resolved.pointer("/target/url")?.as_str()
    }

    /// Returns what was done, in words that are the same for runs that did the same: the fingerprint, and what globs found.
    pub fn identity(&self) -> String {
        let found = self.found.iter().map(|it| {
            let digest = &it.digest.to_hex()[..7];
            format!(", {} images ({digest}) in images.{}", it.images, it.set)
        });
        format!("{}{}", self.fingerprint, found.collect::<String>())
    }
}

/// Headers by which a registry names itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TargetHeaders {
    /// `Server`
    pub server: Option<String>,
    /// `Docker-Distribution-Api-Version`
    pub docker_distribution_api_version: Option<String>,
}

/// What the caller knows of a run and the record does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// What was to be done.
    pub plan: PlanSection,
    /// Where and when it was done.
    pub environment: Environment,
    /// What the target said of itself.
    pub target: TargetHeaders,
    /// Whether the run was stopped before its plan was done.
    pub interrupted: bool,
    /// Whether iterations were started on a schedule that does not wait for the target.
    pub open_model: bool,
    /// The thresholds, judged.
    pub thresholds: Vec<ThresholdResult>,
    /// How the generator did.
    pub generator: GeneratorSection,
    /// The search that the run was part of.
    pub search: Option<SearchSection>,
    /// What the probe recorded, and from one of its rounds to the next.
    pub probe: Option<(Record, Duration)>,
    /// How long the stages of loads were planned to be, by the names of both, where that is set.
    pub stage_lengths: BTreeMap<(String, String), Duration>,
    /// When the measured window opened.
    pub opened: Instant,
    /// How long each period outside the measured window took.
    pub period_durations: BTreeMap<Period, Duration>,
    /// What else a reader has to know.
    pub notes: Vec<String>,
}

impl Document {
    /// Adds what the audit found, and judges the run by it.
    pub fn add_audit(&mut self, audit: AuditSection) {
        self.closure.sums.extend(audit.sums());
        self.audit = Some(audit);
        self.judge();
    }

    /// Adds tags that flickered, and judges the run by them.
    pub fn add_flickers(&mut self, found: u64, not_judged: u64, examples: Vec<FlickerExample>) {
        self.integrity.merge(IntegritySection {
            flickers: found,
            flickers_not_judged: not_judged,
            examples,
            ..IntegritySection::default()
        });
        self.judge();
    }

    /// Judges the run anew. A promise that the registry broke fails it, and so does wrong content, whatever its thresholds say and however the generator
    /// did.
    pub(super) fn judge(&mut self) {
        self.verdict = if let Some(search) = &self.search {
            RunVerdict::of_search(search)
        } else {
            let counts = Counts::of(&self.totals, &self.journeys);
            RunVerdict::of(&self.generator.health, &self.thresholds, &counts)
        };
        if !self.broken().is_empty() {
            self.verdict = RunVerdict::Fail;
        }
    }

    /// Returns why the run fails whatever its thresholds say: promises that the registry broke, wrong content that it sent. Nothing if
    /// it did neither.
    pub fn broken(&self) -> Vec<String> {
        let audit = self.audit.as_ref().and_then(AuditSection::words);
        let audit = audit.map(|it| format!("the registry broke promises: {it}"));
        let integrity = self.integrity.words();
        let integrity = integrity.map(|it| format!("the registry sent wrong content: {it}"));
        audit.into_iter().chain(integrity).collect()
    }

    /// Returns the length of the measured window.
    pub const fn window(&self) -> Duration {
        Duration::from_micros(self.window_us)
    }
}

#[cfg(test)]
mod tests;
