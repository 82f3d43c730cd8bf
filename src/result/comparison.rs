//! The stored comparison of two builds: what was decided of each metric, on what evidence, and both sides whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ComparisonSchema, Document};

/// Everything that is known of a comparison. Fields are in the order in which a reader wants them.
///
/// A change is always candidate against base. That of a latency, a rate or a capacity is relative: 0.05 is five in a
/// hundred more. That of an error rate is a difference of shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The format, always `regstorm.comparison/1`.
    pub schema: ComparisonSchema,
    /// The version of regstorm that compared.
    pub regstorm: String,
    /// What the comparison comes to.
    pub verdict: ComparisonVerdict,
    /// Why, in words: what regressed, what could not be decided, why the sides do not compare.
    pub reasons: Vec<String>,
    /// How the evidence was come by.
    pub design: Design,
    /// In what the two sides differ that ought not to.
    pub differences: Vec<Difference>,
    /// What was compared, gated metrics first.
    pub metrics: Vec<MetricComparison>,
    /// Pairs that were made and not used, because the generator was the limit in them.
    pub discarded: Vec<DiscardedPair>,
    /// What else a reader has to know.
    pub notes: Vec<String>,
    /// All runs of the base, added up.
    pub base: Document,
    /// All runs of the candidate, added up.
    pub candidate: Document,
}

/// What a comparison comes to. Ordered from good to bad.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonVerdict {
    /// Every gated metric is shown to be no worse than its margin allows.
    Pass,
    /// Of one or more the evidence does not decide.
    Inconclusive,
    /// One or more are worse by their margin or more.
    Regression,
    /// The generator was the limit, or the two sides are not comparable.
    Invalid,
}

/// How the evidence was come by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Design {
    /// What the unit of evidence is.
    pub method: Method,
    /// Runs of the base that were used.
    pub base_runs: u32,
    /// Runs of the candidate that were used.
    pub candidate_runs: u32,
    /// The numbers of pairs at which was decided whether to go on; empty unless pairs were made for this comparison.
    pub looks: Vec<u32>,
    /// The level of significance at each look, two-sided; all looks together have 5%. With a budget that of the last look;
    /// all looks together have 5% on either side.
    pub alpha: f64,
    /// The time that the comparison had, and what became of it; null where pairs were counted instead.
    #[serde(default)]
    pub budget: Option<TimeBudget>,
    /// The seed of the order of the slices, where there is one.
    pub order_seed: Option<u64>,
    /// The measured length of one slice in microseconds; null where a slice is a whole run.
    pub slice_us: Option<u64>,
    /// What is thrown away at the start of each slice, in microseconds.
    pub settle_us: u64,
    /// The order of the slices of each pair that was used, `A` being the base: `ABBAAB`.
    pub orders: Vec<String>,
}

/// A time for a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeBudget {
    /// How long it may take, in microseconds.
    pub budget_us: u64,
    /// How long it took to the verdict, hooks, preparation and discarded pairs included, in microseconds.
    pub took_us: u64,
    /// How long a pair takes with all that belongs to it, in microseconds; null before the first.
    pub pair_us: Option<u64>,
    /// Why no more pairs were made.
    pub ended: BudgetEnd,
}

/// Why a comparison with a budget made no more pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetEnd {
    /// A regression was found, or every gate was decided.
    Decided,
    /// There was no time for another pair.
    Spent,
    /// What was left of the time could not have decided it.
    Futile,
    /// A pair takes too long for five of them.
    TooShort,
    /// The generator was the limit too often, or the comparison was ended from outside.
    Broken,
}

/// What the unit of evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Pairs of runs, made in turn: Student's t on log ratios, Wilcoxon beside it.
    Paired,
    /// Five runs or more on each side, made at any time: Welch's t on logs, Mann-Whitney beside it.
    Unpaired,
    /// One run each: what the windows within them tell, which is too little to fail a build by.
    Single,
}

/// In what the two sides differ that ought not to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What was looked at.
    pub aspect: Aspect,
    /// What the base says.
    pub base: String,
    /// What the candidate says.
    pub candidate: String,
    /// Whether the user said that it does not matter.
    pub allowed: bool,
}

/// What has to be equal for two sides to compare.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// The resolved plan, by its fingerprint.
    Plan,
    /// Host, kernel, processor, cores, memory.
    Machine,
    /// The version of regstorm.
    Version,
    /// The load that was offered.
    Load,
}

/// One metric of both builds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricComparison {
    /// What was compared, as a gate writes it: `pull.response_time p(99)`.
    pub metric: String,
    /// What its values are.
    pub unit: MetricUnit,
    /// Whether more of it is worse.
    pub better: Better,
    /// Whether it has a say in the verdict.
    pub gated: bool,
    /// The change for the worse from which on it is a regression, and below which it must be shown to lie to pass.
    pub margin: f64,
    /// The change for the worse below which it must be shown to lie to pass at the last look; null where it does not gate.
    #[serde(default)]
    pub tolerance: Option<f64>,
    /// The base's value: the median of its runs.
    pub base: Option<f64>,
    /// The candidate's value: the median of its runs.
    pub candidate: Option<f64>,
    /// The estimated change.
    pub change: Option<f64>,
    /// Where the change lies with the confidence of the design, 1 - alpha.
    pub interval: Option<[f64; 2]>,
    /// How probable such evidence is if nothing has changed; of gated metrics corrected for their number (Holm), of others
    /// for theirs (Benjamini-Hochberg).
    pub p: Option<f64>,
    /// The same by ranks, uncorrected: Wilcoxon or Mann-Whitney.
    pub p_by_ranks: Option<f64>,
    /// The change that so many pairs would find in eight of ten tries, with this noise.
    pub detectable: Option<f64>,
    /// How many pairs would find a change of the margin in eight of ten tries, with this noise.
    pub pairs_for_margin: Option<u32>,
    /// How many more pairs would decide it, if noise and change stay as they are; null where it is decided, or no number is
    /// known to.
    #[serde(default)]
    pub more_pairs: Option<u32>,
    /// The time that those take, in microseconds; null where a pair's time is not known.
    #[serde(default)]
    pub more_us: Option<u64>,
    /// The pairs, in their order.
    pub pairs: Vec<PairPoint>,
    /// What is decided.
    pub decision: Decision,
    /// Why, where it is not plain.
    pub why: Option<String>,
}

/// What the values of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetricUnit {
    /// Microseconds.
    #[serde(rename = "us")]
    Micros,
    /// Things in a second.
    PerSecond,
    /// Bytes in a second.
    BytesPerSecond,
    /// A part of all, in `[0, 1]`.
    Share,
    /// Bytes.
    Bytes,
    /// Processors kept busy.
    Cores,
    /// A number of things, or another ratio.
    Number,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Less of it.
    Lower,
    /// More of it.
    Higher,
}

/// One pair of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairPoint {
    /// The number of the pair, from 1.
    pub number: u32,
    /// The base's value.
    pub base: f64,
    /// The candidate's value.
    pub candidate: f64,
    /// The change.
    pub change: f64,
}

/// What is decided of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Worse, by its margin or more.
    Regression,
    /// Not worse by its margin; at the last look, not by its tolerance.
    Pass,
    /// Better, by its margin or more.
    Improvement,
    /// The evidence does not decide.
    Inconclusive,
    /// Not gated: told, not judged.
    NotGated,
}

/// A pair that was made and not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscardedPair {
    /// The number of the pair that was then made again.
    pub number: u32,
    /// Why.
    pub reason: String,
}

/// The metric that moved most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved<'a> {
    /// Gated or not.
    pub metric: &'a MetricComparison,
    /// Whether a change of it is shown, at the level of the design. Otherwise it may be chance.
    pub is_shown: bool,
}

impl Comparison {
    /// Returns the metric that moved most, gated or not, counted in its margins: one whose change is shown, if there is one.
    /// `None` if nothing moved.
    pub fn moved_most(&self) -> Option<Moved<'_>> {
        let is_shown = |it: &MetricComparison| it.p.is_some_and(|p| p <= self.design.alpha);
        let moved = self.metrics.iter().filter_map(|metric| {
            let size = metric.margins().filter(|it| *it > 0.0)?;
            Some((is_shown(metric), size, metric))
        });
        let most = moved.max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        most.map(|(is_shown, _, metric)| Moved { metric, is_shown })
    }
}

impl MetricComparison {
    /// Returns how many margins it moved, in either direction; twice as long is as far as half as long.
    fn margins(&self) -> Option<f64> {
        let change = self.change?;
        let (change, margin) = match self.unit {
            MetricUnit::Share => (change, self.margin),
            _ => (change.ln_1p(), self.margin.ln_1p()),
        };
        let size = (change / margin).abs();
        size.is_finite().then_some(size)
    }
}

impl BudgetEnd {
    /// Returns the words in reports.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Spent => "used up",
            Self::Futile => "stopped: the rest of it could not have decided it",
            Self::TooShort => "too short for five pairs",
            Self::Broken => "ended early",
        }
    }
}

impl Aspect {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plan, Self::Machine, Self::Version, Self::Load];

    /// Returns the word, also on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Machine => "machine",
            Self::Version => "version",
            Self::Load => "load",
        }
    }
}

impl ComparisonVerdict {
    /// Returns the word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Regression => "regression",
            Self::Invalid => "invalid",
        }
    }
}
