//! What a search for the capacity found, trial by trial.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::{LatencyHistogram, Outcomes, Sum};
use crate::schedule::{SearchEnd, TrialKind};
use crate::units::Quantile;

use super::{FailureSection, PeriodSection};

/// The capacity that was found, and every trial that led there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchSection {
    /// The highest rate of iterations per second that keeps the thresholds; null when none did.
    pub low_per_s: Option<f64>,
    /// Whether that rate passed most of the trials that were to confirm it.
    pub confirmed: bool,
    /// The lowest rate above it that did not pass; null when none failed to.
    pub high_per_s: Option<f64>,
    /// Why that one did not pass, in words.
    pub broke: Option<String>,
    /// Why the search ended.
    pub end: SearchEnd,
    /// The trial whose numbers the rest of this document shows, from 1.
    pub told: u32,
    /// The trials in order.
    pub trials: Vec<TrialSection>,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialSection {
    /// From 1.
    pub number: u32,
    /// Why it was run.
    pub kind: TrialKind,
    /// Iterations per second that were due.
    pub rate_per_s: f64,
    /// Iterations per second that ended well within the window.
    pub achieved_per_s: f64,
    /// pass, fail, invalid or inconclusive.
    pub outcome: String,
    /// What broke, or why nothing can be said.
    pub reason: Option<String>,
    /// How far the worst threshold was from its limit, as a share of it; below zero when it broke.
    pub margin: Option<f64>,
    /// Response times of ok iterations.
    pub response_time: LatencyHistogram,
    /// Iterations that failed.
    pub failed: u64,
    /// Iterations that were due and never began.
    pub dropped: u64,
    /// Everything that its users sent, by period: warm-up, measured window, clean-up. With those of all trials but the one
    /// that the rest of this document shows, and all periods of the document, the exchanges are all that the registry saw.
    #[serde(default)]
    pub periods: Vec<PeriodSection>,
    /// What failed of it, by kind.
    #[serde(default)]
    pub failures: FailureSection,
    /// How many of its sums were checked.
    #[serde(default)]
    pub sums_checked: u64,
    /// Those that do not close: defects of regstorm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken_sums: Vec<Sum>,
}

impl SearchSection {
    /// Returns the trials by their rate, those of one rate in their order.
    pub fn by_rate(&self) -> Vec<&TrialSection> {
        let mut trials: Vec<_> = self.trials.iter().collect();
        trials.sort_by(|a, b| {
            let rates = a.rate_per_s.total_cmp(&b.rate_per_s);
            rates.then(a.number.cmp(&b.number))
        });
        trials
    }

    /// Returns the highest rate at which some trials passed and others failed, with how many passed of how many: the capacity
    /// is no sharper than what made them differ.
    pub fn disagreement(&self) -> Option<(f64, usize, usize)> {
        let count = |rate: f64, outcome: &str| {
            let of_rate = self
                .trials
                .iter()
                .filter(|it| it.rate_per_s.total_cmp(&rate).is_eq());
            of_rate.filter(|it| it.outcome == outcome).count()
        };
        let disputed = self.trials.iter().map(|trial| {
            let rate = trial.rate_per_s;
            (rate, count(rate, "pass"), count(rate, "fail"))
        });
        let disputed = disputed.filter(|(_, passed, failed)| *passed > 0 && *failed > 0);
        let highest = disputed.max_by(|a, b| a.0.total_cmp(&b.0));
        highest.map(|(rate, passed, failed)| (rate, passed, passed + failed))
    }
}

impl SearchSection {
    /// Returns how the exchanges of all trials ended, those of the trial that the document shows included.
    pub fn exchanges(&self) -> Outcomes {
        let mut all = Outcomes::default();
        for trial in &self.trials {
            all.merge(trial.exchanges());
        }
        all
    }

    /// Returns the sums of all trials, for the document: one for each trial, and those that do not close.
    pub(super) fn sums(&self) -> impl Iterator<Item = Sum> {
        self.trials.iter().flat_map(|trial| {
            let number = trial.number;
            let broken = trial.broken_sums.iter().map(move |sum| Sum {
                name: format!("trial {number}: {}", sum.name),
                ..sum.clone()
            });
            let all = Sum {
                name: format!("trial {number}: sums that close = sums"),
                left: trial
                    .sums_checked
                    .saturating_sub(trial.broken_sums.len() as u64),
                right: trial.sums_checked,
            };
            broken.chain([all])
        })
    }

    /// Returns the responses of every trial but the one that the document shows, whatever their status.
    pub fn answered_by_others(&self) -> u64 {
        let others = self.trials.iter().filter(|it| it.number != self.told);
        let periods = others.flat_map(|it| &it.periods);
        let operations = periods.flat_map(|it| it.operations.operations());
        operations.map(|(_, tally)| tally.statuses.sum()).sum()
    }
}

impl TrialSection {
    /// Returns how its exchanges ended, over all periods.
    pub fn exchanges(&self) -> Outcomes {
        let mut all = Outcomes::default();
        for period in &self.periods {
            all.merge(period.totals.exchanges);
        }
        all
    }

    /// Returns a percentile, if it is known.
    pub fn quantile(&self, quantile: Quantile) -> Option<std::time::Duration> {
        self.response_time.quantile(quantile)
    }
}
