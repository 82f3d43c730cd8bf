//! Decides whether the candidate is worse than the base: the rule, over evidence that is already there.
//!
//! Two kinds of claims, two kinds of care. "Something got worse" is wrong as soon as one of the gated metrics raises a false
//! alarm, and every metric is another chance for that: their p values are adjusted by Holm. "Nothing got worse" is claimed
//! only where every gated metric passes by itself, so that it takes an error in every metric that is really worse: one of
//! them is enough to keep the claim at its level (an intersection-union test, Berger 1982), and a correction would only
//! make it blind. Metrics that are not gated are for reading; of those that stand out, Benjamini and Hochberg bound the part
//! that is chance.

use std::fmt;

use super::look::Look;
use crate::stats::{Paired, Shift, Unpaired, benjamini_hochberg, holm};

/// Ranks that say no more than this contradict a change.
const RANKS_AGREE: f64 = 0.10;

/// How much worse, relative to the base, is too much: finite and above 0. 0.05 for 5%.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Margin(f64);

/// What is known of one metric, signed so that more is worse: of latencies ln(candidate / base), of rates ln(base / candidate),
/// where shares are then of the candidate: a rate 9.1% lower is 10% worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Evidence {
    /// By pairs of runs.
    Paired(Paired),
    /// By runs on either side.
    Unpaired(Unpaired),
    /// A difference of two shares, by the counts of all runs: not a log ratio, and its margin is a difference, too. There are
    /// no ranks to ask.
    Shares(Shift),
    /// By the windows within one run each. There are no ranks to ask.
    Windows(Shift),
    /// Too few runs, or values that cannot be compared.
    Nothing,
}

/// One metric of two builds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// What its runs say, with intervals at the level that [`decide`] is given.
    pub evidence: Evidence,
    /// From when on a change counts.
    pub margin: Margin,
    /// What a change must be shown to lie below to pass at the last look: the margin or more.
    pub tolerance: Margin,
    /// Whether it is part of the verdict, or for information.
    pub role: Role,
}

/// What a metric is compared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// For the verdict.
    Gated,
    /// For information.
    Informative,
}

/// What became of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decided {
    /// The p of its evidence, adjusted for the others of its kind: by Holm for gated metrics, by Benjamini and Hochberg for
    /// informative ones. 1 without evidence.
    pub adjusted_p: f64,
    /// What is decided; `None` for an informative metric, which decides nothing.
    pub decision: Option<Decision>,
}

/// What is decided of a gated metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It got worse, and the estimate is the margin or more.
    Regression,
    /// It did not get worse by the margin, or by what is tolerated.
    Pass,
    /// It got better, and the estimate is the margin or more. Counts as a pass.
    Improvement,
    /// Neither is shown.
    Inconclusive(Doubt),
}

/// Why nothing is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// There are too few runs, or their values cannot be compared.
    NoEvidence,
    /// The interval has both no change and the margin in it, or is not sure enough beside the other metrics.
    TooNoisy,
    /// It got worse, by an estimate below the margin; the margin is still in the interval.
    NearMargin,
    /// The mean says that there is a change of the margin or more, and ranks do not.
    Contradicted {
        /// The pair that is not like the others, if there is one: its index.
        outlier: Option<usize>,
    },
}

impl Margin {
    /// `None` where it is not finite, or not above 0.
    pub fn new(relative: f64) -> Option<Self> {
        (relative.is_finite() && relative > 0.0).then_some(Self(relative))
    }

    /// Relative to the base.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Returns the margin of a log ratio.
    fn as_log_ratio(self) -> f64 {
        self.0.ln_1p()
    }
}

impl Compared {
    /// Returns a limit in the unit of its differences.
    pub(super) fn of_difference(&self, limit: Margin) -> f64 {
        if matches!(self.evidence, Evidence::Shares(_)) {
            limit.get()
        } else {
            limit.as_log_ratio()
        }
    }
}

impl Evidence {
    /// Returns the difference.
    pub const fn shift(&self) -> Option<&Shift> {
        match self {
            Self::Paired(paired) => Some(&paired.shift),
            Self::Unpaired(unpaired) => Some(&unpaired.shift),
            Self::Shares(shift) | Self::Windows(shift) => Some(shift),
            Self::Nothing => None,
        }
    }

    const fn outlier(&self) -> Option<usize> {
        match self {
            Self::Paired(paired) => paired.outlier,
            Self::Unpaired(_) | Self::Shares(_) | Self::Windows(_) | Self::Nothing => None,
        }
    }
}

impl Decision {
    /// Returns `true` if more runs could change it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Inconclusive(_))
    }
}

/// Decides each metric, in the order given, with false alarms of the gated ones no more often than the level of the look, all
/// together.
pub fn decide(metrics: &[Compared], look: &Look) -> Vec<Decided> {
    let p_of = |role| {
        let of_kind = metrics.iter().filter(move |it| it.role == role);
        let p = of_kind.map(|it| it.evidence.shift().map_or(1.0, |shift| shift.p));
        p.collect::<Vec<f64>>()
    };
    // A metric without evidence stays in its family: what is tested was chosen before the runs.
    let mut gated = holm(&p_of(Role::Gated)).into_iter();
    let mut informative = benjamini_hochberg(&p_of(Role::Informative)).into_iter();
    let decided = metrics.iter().map(|metric| match metric.role {
        Role::Gated => {
            let adjusted_p = gated.next().unwrap_or(1.0);
            let decision = decide_one(metric, adjusted_p, look);
            Decided {
                adjusted_p,
                decision: Some(decision),
            }
        }
        Role::Informative => Decided {
            adjusted_p: informative.next().unwrap_or(1.0),
            decision: None,
        },
    });
    decided.collect()
}

fn decide_one(metric: &Compared, adjusted_p: f64, look: &Look) -> Decision {
    let alpha = look.alpha;
    let Some(shift) = metric.evidence.shift() else {
        return Decision::Inconclusive(Doubt::NoEvidence);
    };
    // Latencies twice as long and half as long are the same distance apart as logarithms, not as shares: 0.9 is a gain of
    // 10%, though its logarithm is beyond that of a loss of 10%. The margin is meant as a share, in both directions.
    let is_share = matches!(metric.evidence, Evidence::Shares(_));
    let margin = metric.margin.get();
    let pass_below = if look.is_last {
        metric.tolerance
    } else {
        metric.margin
    };
    let limit = metric.of_difference(pass_below);
    let change = if is_share {
        shift.estimate
    } else {
        shift.estimate.exp_m1()
    };
    let is_change = adjusted_p <= alpha && change.abs() >= margin;
    let has_ranks = matches!(metric.evidence, Evidence::Paired(_) | Evidence::Unpaired(_));
    if is_change && has_ranks && !ranks_agree(shift) {
        let outlier = metric.evidence.outlier();
        return Decision::Inconclusive(Doubt::Contradicted { outlier });
    }
    if is_change && change > 0.0 {
        return Decision::Regression;
    }
    if is_change {
        return Decision::Improvement;
    }
    // No cross-check: a wild pair cannot make a pass. One that is d too low lowers the mean of n by d / n, and widens the
    // interval by about t d / n, where t is above 1; its upper end goes up.
    if shift.interval.high < limit {
        return Decision::Pass;
    }
    let is_worse = adjusted_p <= alpha && change > 0.0;
    Decision::Inconclusive(if is_worse {
        Doubt::NearMargin
    } else {
        Doubt::TooNoisy
    })
}

fn ranks_agree(shift: &Shift) -> bool {
    shift.rank_p <= RANKS_AGREE && shift.rank_estimate * shift.estimate > 0.0
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEvidence => f.write_str("too few runs that can be compared"),
            Self::TooNoisy => f.write_str("too noisy to tell"),
            Self::NearMargin => f.write_str("worse, but perhaps by less than the margin"),
            Self::Contradicted { outlier: None } => {
                f.write_str("the mean says changed, ranks do not")
            }
            Self::Contradicted {
                outlier: Some(index),
            } => {
                let pair = index + 1;
                write!(
                    f,
                    "the mean says changed, ranks do not: pair {pair} is an outlier"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
