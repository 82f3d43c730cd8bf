//! What the hooks of a run did to its latencies: each journey before, during and after.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hooks::HookRecord;

/// A hook: what came of its runs, and what they did to the journeys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HookSection {
    /// What came of its runs.
    #[serde(flatten)]
    pub record: HookRecord,
    /// The journeys in the order of the plan, over all its runs; none where it did not run.
    pub effects: Vec<HookEffect>,
}

/// A journey before, during and after the runs of a hook.
///
/// Windows are those of the time series. During are those that a run lies in, also in part; before and after are those up to a
/// minute beside them, but not beyond the next run of any hook or the measured window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookEffect {
    /// Its name.
    pub journey: String,
    /// Before the runs.
    pub before: HookSpan,
    /// During the runs.
    pub during: HookSpan,
    /// After the runs.
    pub after: HookSpan,
    /// How the median of response times came back to 1.2 times of before.
    pub recovery_p50: Recovery,
    /// How their p(99) did.
    pub recovery_p99: Recovery,
}

/// The iterations of a journey in some windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct HookSpan {
    /// The windows together, in seconds.
    pub seconds: u64,
    /// Iterations that ended well.
    pub ok: u64,
    /// Iterations that failed.
    pub failed: u64,
    /// Median of response times in microseconds; null of too few.
    pub p50_us: Option<u64>,
    /// p(99) of response times in microseconds; null of too few.
    pub p99_us: Option<u64>,
}

/// How a percentile came back after the runs of a hook. Each run is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Recovery {
    /// It did, before the next run of any hook or the end of the measured window.
    pub recovered: u64,
    /// It did not.
    pub not_recovered: u64,
    /// There are too few values to say.
    pub unknown: u64,
    /// The longest time of those that did, from the end of the run to the begin of the first windows in which it had, in microseconds;
    /// null if none did.
    pub longest_us: Option<u64>,
}
