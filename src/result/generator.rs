//! How the generator did, and what the run comes to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health::{Health, Signals, Verdict};
use crate::measure::LatencyHistogram;
use crate::verdict::{Overall, ThresholdResult};

use super::{SearchEnd, SearchSection};

/// The generator's health, and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorSection {
    /// The verdict with its reasons.
    pub health: Health,
    /// The share of this machine's ceiling that was asked for, 1 being all of it; null where nobody has measured the
    /// ceiling.
    pub ceiling_share: Option<f64>,
    /// How late the pacers of open loads woke, for each arrival in the measured window.
    pub pacer_lag: LatencyHistogram,
    /// What was seen of the process and its machine.
    pub signals: Signals,
}

/// What a run comes to. Ordered from good to bad.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RunVerdict {
    /// Every threshold holds, or there is none.
    Pass,
    /// Of a threshold nothing can be said, or no iteration succeeded.
    Inconclusive,
    /// A threshold is broken.
    Fail,
    /// The generator was the limit: nothing can be said of the target.
    Invalid,
}

impl RunVerdict {
    /// What thresholds come to when the generator was in that state, with so many iterations that succeeded.
    pub fn of(health: &Health, thresholds: &[ThresholdResult], ok: u64) -> Self {
        match (health.verdict(), Overall::of(thresholds)) {
            (Verdict::Invalid, _) => Self::Invalid,
            (_, Overall::Fail) => Self::Fail,
            (_, Overall::Inconclusive) => Self::Inconclusive,
            (_, Overall::Pass) if ok == 0 => Self::Inconclusive,
            (_, Overall::Pass) => Self::Pass,
        }
    }

    /// What a search comes to: a capacity that was confirmed is a pass, also where it is only known to be at least that
    /// much.
    pub const fn of_search(search: &SearchSection) -> Self {
        match (search.low_per_s.is_some(), search.confirmed, search.end) {
            (true, true, _) => Self::Pass,
            (false, _, SearchEnd::BelowStart) => Self::Fail,
            (false, _, SearchEnd::GeneratorLimit) => Self::Invalid,
            _ => Self::Inconclusive,
        }
    }

    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Invalid => "invalid",
        }
    }
}
