//! How the generator did, and what the run comes to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health::{Health, Signals, Verdict};
use crate::measure::{DropReason, LatencyHistogram, Totals};
use crate::verdict::{Overall, ThresholdResult};

use super::{JourneySection, SearchEnd, SearchSection};

/// The generator's health, and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorSection {
    /// The verdict with its reasons.
    pub health: Health,
    /// The share of this machine's ceiling that was needed, 1 being all of it; null if the ceiling was not
    /// measured.
    pub ceiling_share: Option<f64>,
    /// How late the pacers of open loads woke, for each arrival in the measured window.
    pub pacer_lag: LatencyHistogram,
    /// What was seen of the process and its machine.
    pub signals: Signals,
}

/// The counts that a verdict depends on beside thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// The sums of the measured period.
    pub totals: Totals,
    /// Of the dropped starts, cycles of closed users that passed while the user was busy: no load was planned for them
    /// beyond what the user can do.
    pub overrun: u64,
}

impl Counts {
    /// The share of starts that may be dropped while no threshold accounts for them. More, and the load that was judged is
    /// not the one that was planned.
    const UNACCOUNTED: u64 = 100; // one in so many

    /// Returns those of a run with these journeys.
    pub(super) fn of<'a>(
        totals: &Totals,
        journeys: impl IntoIterator<Item = &'a JourneySection>,
    ) -> Self {
        let overrun = |it: &JourneySection| it.counts.drops.of(DropReason::Overrun);
        let overrun = journeys.into_iter().map(overrun);
        Self {
            totals: *totals,
            overrun: overrun.fold(0, u64::saturating_add),
        }
    }

    /// Returns the starts of open loads that were dropped.
    pub const fn dropped(&self) -> u64 {
        self.totals.starts.dropped.saturating_sub(self.overrun)
    }

    /// Returns `true` if more starts were dropped than may be when no threshold accounts for them: none is on a latency of
    /// iterations, of which the dropped are bounds, or on `dropped` itself.
    pub fn are_unaccounted(&self, thresholds: &[ThresholdResult]) -> bool {
        let many = self.dropped().saturating_mul(Self::UNACCOUNTED) > self.totals.starts.scheduled;
        many && !thresholds.iter().any(ThresholdResult::accounts_for_dropped)
    }
}

/// What a run comes to. Ordered from good to bad.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RunVerdict {
    /// Every threshold holds.
    Pass,
    /// There is no threshold: nothing was judged, however many iterations failed.
    NotJudged,
    /// Of a threshold nothing can be said, no iteration succeeded, or starts were dropped and no threshold accounts for
    /// them.
    Inconclusive,
    /// A threshold is broken.
    Fail,
    /// The generator was the limit: nothing can be said of the target.
    Invalid,
}

impl RunVerdict {
    /// Returns what thresholds come to when the generator was in that state.
    pub fn of(health: &Health, thresholds: &[ThresholdResult], counts: &Counts) -> Self {
        match (health.verdict(), Overall::of(thresholds)) {
            (Verdict::Invalid, _) => Self::Invalid,
            (_, Overall::Fail) => Self::Fail,
            (_, Overall::Inconclusive) => Self::Inconclusive,
            (_, Overall::Pass) if counts.totals.iterations.ok == 0 => Self::Inconclusive,
            (_, Overall::Pass) if thresholds.is_empty() => Self::NotJudged,
            (_, Overall::Pass) if counts.are_unaccounted(thresholds) => Self::Inconclusive,
            (_, Overall::Pass) => Self::Pass,
        }
    }

    /// Returns what a search comes to: a capacity that was confirmed is a pass, also where it is only known to be at least that
    /// much.
    pub const fn of_search(search: &SearchSection) -> Self {
        match (search.low_per_s.is_some(), search.confirmed, search.end) {
            (true, true, _) => Self::Pass,
            (false, _, SearchEnd::BelowStart) => Self::Fail,
            (false, _, SearchEnd::GeneratorLimit) => Self::Invalid,
            _ => Self::Inconclusive,
        }
    }

    /// Returns the word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NotJudged => "not-judged",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Invalid => "invalid",
        }
    }
}
