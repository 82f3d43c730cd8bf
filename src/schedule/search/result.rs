//! Trials of a search, and what it found.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Rate;

/// What a search wants next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Run this and record what came of it.
    Trial {
        /// From 1.
        number: u32,
        /// At what constant rate.
        rate: Rate,
        /// Why.
        kind: TrialKind,
    },
    /// Nothing more.
    Done(Found),
}

/// Why a trial is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrialKind {
    /// At the start rate.
    Sanity,
    /// Lower, because no rate has passed yet.
    Shrink,
    /// Higher, because every rate has passed so far.
    Grow,
    /// Between the bounds.
    Bisect,
    /// At the upper bound again, because one trial alone spoke against it.
    Recheck,
    /// At the lower bound, to be sure.
    Confirm,
    /// Above the upper bound, for the table only.
    Beyond,
}

impl TrialKind {
    /// Returns the word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sanity => "sanity",
            Self::Shrink => "shrink",
            Self::Grow => "grow",
            Self::Bisect => "bisect",
            Self::Recheck => "recheck",
            Self::Confirm => "confirm",
            Self::Beyond => "beyond",
        }
    }
}

impl fmt::Display for TrialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What came of a trial.
///
/// A margin is how far the worst threshold was from its limit, as a share of the limit: 0.05 is 5 % of room, -0.2 is
/// 20 % over.
#[derive(Debug, Clone, PartialEq)]
pub enum TrialOutcome {
    /// Every threshold held.
    Pass {
        /// Zero or more.
        margin: f64,
    },
    /// A threshold broke.
    Fail {
        /// The worst of those that broke, an index into the caller's list.
        broke: usize,
        /// Zero or less.
        margin: f64,
    },
    /// The generator was the limit: says nothing of the target.
    Invalid {
        /// In words, for the report.
        reason: String,
    },
    /// Too few samples to judge.
    Inconclusive,
}

/// A trial that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// From 1.
    pub number: u32,
    /// The rate.
    pub rate: Rate,
    /// Why it was run.
    pub kind: TrialKind,
    /// What came of it.
    pub outcome: TrialOutcome,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The highest rate that keeps the thresholds; `None` when no rate did.
    pub low: Option<Low>,
    /// The lowest rate above it that did not pass, and why; `None` when no rate failed to pass.
    pub high: Option<High>,
    /// Why the search ended.
    pub end: SearchEnd,
    /// All trials, in order.
    pub trials: Vec<Trial>,
}

/// A rate that keeps the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Low {
    /// The rate.
    pub rate: Rate,
    /// How sure that is.
    pub standing: Standing,
}

/// How sure it is that a rate keeps the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It passed when it was tried.
    Passed,
    /// It passed most of the trials that were to confirm it, too.
    Confirmed,
}

/// A rate that did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct High {
    /// The rate.
    pub rate: Rate,
    /// Why not.
    pub limit: Limit,
}

/// Why a rate did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// A threshold broke: the one of the clearest of the failed trials, an index into the caller's list.
    Threshold(usize),
    /// The generator could not do it. The target may.
    Generator(String),
    /// There were too few samples to judge.
    TooFewSamples,
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SearchEnd {
    /// The bounds are as close as asked for, and a threshold breaks at the upper one.
    Converged,
    /// The highest rate of the search passed: the capacity is at least that.
    MaxReached,
    /// The generator could not go higher: the capacity is at least the lower bound.
    GeneratorLimit,
    /// The upper bound could not be judged, or nothing could: the capacity is at least the lower bound.
    TooFewSamples,
    /// No rate passed: the capacity is below the start rate, and below the lowest rate that was tried.
    BelowStart,
    /// There were not enough trials to get as close as asked for, or to confirm the lower bound.
    TrialsUsedUp,
    /// The caller wanted no more.
    Stopped,
}
