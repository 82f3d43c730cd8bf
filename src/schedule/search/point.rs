//! A rate under trial: how many trials it takes to judge it.

use super::{High, Limit, SearchSpec, Trial, TrialKind, TrialOutcome};
use crate::units::Rate;

/// A rate under trial, with the votes so far.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) rate: Rate,
    pub(super) kind: TrialKind,
    passes: u32,
    fails: u32,
    /// Since the last vote.
    invalid: u32,
    inconclusive: u32,
    /// Whether a trial was near a limit: then one alone does not decide.
    near: bool,
    /// The lowest margin of those that failed, and the threshold of that trial.
    worst: (f64, usize),
}

/// What the trials at a rate came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judgement {
    Passed,
    NotPassed(Bound),
}

/// An upper bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    pub(super) high: High,
    /// Whether a single trial failed.
    pub(super) single: bool,
}

impl Point {
    pub(super) const fn new(rate: Rate, kind: TrialKind) -> Self {
        Self {
            rate,
            kind,
            passes: 0,
            fails: 0,
            invalid: 0,
            inconclusive: 0,
            near: false,
            worst: (f64::INFINITY, 0),
        }
    }

    pub(super) fn count(&mut self, outcome: &TrialOutcome, spec: &SearchSpec) {
        match *outcome {
            TrialOutcome::Invalid { .. } => self.invalid += 1,
            TrialOutcome::Inconclusive => self.inconclusive += 1,
            TrialOutcome::Pass { margin } => {
                self.passes += 1;
                self.vote(margin, spec);
            }
            TrialOutcome::Fail { broke, margin } => {
                if self.fails == 0 || margin < self.worst.0 {
                    self.worst = (margin, broke);
                }
                self.fails += 1;
                self.vote(margin, spec);
            }
        }
    }

    fn vote(&mut self, margin: f64, spec: &SearchSpec) {
        self.near |= margin.abs() <= spec.borderline;
        (self.invalid, self.inconclusive) = (0, 0);
    }

    /// Returns what it comes to, once that is clear. `last` is the trial that was counted last.
    pub(super) fn judgement(&self, last: &Trial, spec: &SearchSpec) -> Option<Judgement> {
        let of = match self.kind {
            TrialKind::Confirm => spec.confirmations,
            _ if self.near => 3,
            _ => 1,
        };
        let majority = of / 2 + 1;
        let not_passed = |limit, single| {
            let rate = self.rate;
            let high = High { rate, limit };
            Some(Judgement::NotPassed(Bound { high, single }))
        };
        if self.passes >= majority {
            Some(Judgement::Passed)
        } else if self.fails + majority > of {
            // Not even if all others passed.
            let single = self.fails == 1 && self.kind != TrialKind::Recheck;
            not_passed(Limit::Threshold(self.worst.1), single)
        } else if self.invalid > spec.retries {
            let reason = match &last.outcome {
                TrialOutcome::Invalid { reason } => reason.clone(),
                _ => String::new(),
            };
            not_passed(Limit::Generator(reason), false)
        } else if self.inconclusive > spec.retries {
            not_passed(Limit::TooFewSamples, false)
        } else {
            None
        }
    }
}
