//! What was read of the target over the measured window, as reports store it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The target's own numbers over the measured window.
///
/// Its windows are those of the run's time series: the first begins when the measured window opens, and each is
/// [`Telemetry::window_s`] seconds long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Telemetry {
    /// The length of a window in seconds: a power of two.
    pub window_s: u64,
    /// The sources, in the order of the scenario.
    pub sources: Vec<SourceRecord>,
    /// What reading them cost this process.
    pub cost: Cost,
}

/// What one source gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceRecord {
    /// Its name in the scenario; no other source has it.
    pub name: String,
    /// What kind of source it is.
    pub kind: SourceKind,
    /// Where it was read: a URL without credentials, a process, a path.
    pub from: String,
    /// The registry that its metrics are known to be of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// How its readings went.
    pub readings: Readings,
    /// When counters began again from zero or the process was another one, in microseconds since the measured window
    /// opened; the first hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restarts_us: Vec<u64>,
    /// How many times that was.
    pub restarts: u64,
    /// What went wrong, each kind once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Its numbers over time.
    pub series: Vec<Series>,
}

/// What kind of source numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// An endpoint that serves metrics as text, for Prometheus.
    Prometheus,
    /// A process, by `/proc`.
    Process,
    /// A control group.
    Cgroup,
    /// The size of a directory.
    Directory,
    /// A block device.
    Device,
    /// The output of a command.
    Command,
}

/// A registry whose metrics are known.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// Distribution (docker-registry), 2.8 and 3.
    Distribution,
    /// zot
    Zot,
    /// Harbor
    Harbor,
    /// Quay
    Quay,
    /// The container registry of GitLab.
    Gitlab,
    /// Nexus Repository
    Nexus,
    /// Artifactory
    Artifactory,
}

/// How the readings of a source went, in the measured window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Readings {
    /// Were due: every one is good, failed or missed.
    pub due: u64,
    /// Gave numbers.
    pub good: u64,
    /// Of the good ones, those that ended later than the next was due.
    pub late: u64,
    /// Gave none.
    pub failed: u64,
    /// Were not made, because the one before had not ended.
    pub missed: u64,
}

/// Something that went wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// What, with what to do where that is known. It holds no secrets.
    pub text: String,
    /// How many times.
    pub count: u64,
    /// The first time, in microseconds since the measured window opened; zero for what was there before.
    pub first_us: u64,
}

/// One number over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// A common word such as `cpu`, or a metric of the source by its own name.
    pub name: String,
    /// What it is counted in.
    pub unit: Unit,
    /// Whether it is a gauge or a counter.
    pub kind: SeriesKind,
    /// Window by window, null where nothing is known: the mean of a gauge's readings; of a counter, its increase in a
    /// second.
    pub windows: Vec<Option<f64>>,
    /// The part of the measured window that lies between readings, in microseconds.
    pub covered_us: u64,
    /// Of a counter, its increase over that part, restarts seen for what they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increase: Option<f64>,
    /// Of a gauge, the highest reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest: Option<f64>,
    /// Of a gauge, the first reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<f64>,
    /// Of a gauge, the last reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<f64>,
}

/// What a series is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds; of a counter, seconds in a second: cores, or a share.
    Seconds,
    /// A share, in `[0, 1]`.
    Share,
    /// Anything else.
    Plain,
}

/// Whether a number is a gauge or a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeriesKind {
    /// It goes up and down.
    Gauge,
    /// It only grows, but for restarts.
    Counter,
}

/// What reading all sources cost this process, in the measured window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// Processor time of the thread that reads, in microseconds.
    pub cpu_us: u64,
    /// Bytes that sources sent.
    pub received_bytes: u64,
}
