//! One metric over the runs of both sides: its evidence, and what is stored of it.

use crate::measure::Quantity;
use crate::result::{Better, Decision as Stored, Document, MetricComparison, PairPoint};
use crate::scenario::{Comparand, Gate};
use crate::stats::{self, MIN_PAIRS, Shift, detectable_effect, pairs_needed};
use crate::units;

use super::decision::{Compared, Decided, Decision, Evidence, Margin, Role};
use super::look::{Look, real};
use super::outlook::{MANY, Outlook};
use super::reading::{Reading, needed, unit};
use super::shares::Counts;
use super::windows;

/// How the runs of a judge are evidence.
#[derive(Debug, Clone, Copy)]
pub enum Design<'a> {
    /// The n-th run of the base and the n-th of the candidate are a pair.
    Pairs,
    /// Two groups of runs.
    Groups,
    /// One run each, whose windows are what there is.
    Single(&'a Document, &'a Document),
}

/// One metric and what every run says of it.
pub(super) struct RunsOfMetric<'a> {
    pub(super) comparand: &'a Comparand,
    /// `None`: it is shown, not judged.
    pub(super) gate: Option<&'a Gate>,
    pub(super) base: Vec<Reading>,
    pub(super) candidate: Vec<Reading>,
}

impl RunsOfMetric<'_> {
    /// Returns why nothing can be said of it, if so.
    pub(super) fn unfit(&self, open_model: bool, design: Design<'_>) -> Option<String> {
        let runs = || self.base.iter().chain(&self.candidate);
        let fewest = runs().map(|it| it.samples()).min().unwrap_or(0);
        if fewest == 0 {
            let nothing = match self.comparand {
                Comparand::Capacity => "a run has no confirmed capacity",
                Comparand::Server(_) => "in a run no source gave it",
                _ => "a run has no samples of it",
            };
            return Some(nothing.to_owned());
        }
        if self.comparand.is_share() {
            return None;
        }
        if matches!(self.comparand, Comparand::Rate(_)) && open_model {
            return Some("an open load offers its rate, whatever the build does".to_owned());
        }
        let pairs = match design {
            Design::Pairs => self.base.len().max(MIN_PAIRS),
            Design::Groups | Design::Single(..) => MIN_PAIRS,
        };
        let needed = needed(self.comparand, pairs);
        if fewest < needed {
            return Some(format!(
                "too few samples: a run has {}, and it takes {}",
                units::count(fewest),
                units::count(needed)
            ));
        }
        let not_above_zero = |it: &Reading| it.value().is_none_or(|value| value <= 0.0);
        if runs().any(not_above_zero) {
            return Some("it is 0 in a run, and has no relative change".to_owned());
        }
        None
    }

    /// Returns which way is better: more of it is worse, unless it is a rate.
    fn better(&self) -> Better {
        match self.comparand {
            Comparand::Latency(..) => Better::Lower,
            Comparand::Server(metric) if !metric.is_better_high() => Better::Lower,
            Comparand::Capacity | Comparand::Server(_) => Better::Higher,
            Comparand::Rate(metric) => match metric.quantity() {
                Quantity::Failed | Quantity::Dropped => Better::Lower,
                _ => Better::Higher,
            },
        }
    }

    /// Returns the sign with which more is worse.
    fn sign(&self) -> f64 {
        match self.better() {
            Better::Lower => 1.0,
            Better::Higher => -1.0,
        }
    }

    fn logs(&self, readings: &[Reading]) -> Vec<f64> {
        let values = readings.iter().filter_map(|it| it.value());
        values.map(|it| self.sign() * it.ln()).collect()
    }

    pub(super) fn evidence(&self, design: Design<'_>, look: &Look, seed: u64) -> Evidence {
        let alpha = look.alpha;
        if self.comparand.is_share() {
            let counts = Counts::of(&self.base, &self.candidate);
            return counts
                .shift(alpha)
                .map_or(Evidence::Nothing, Evidence::Shares);
        }
        let (base, candidate) = (self.logs(&self.base), self.logs(&self.candidate));
        match design {
            Design::Pairs => {
                let differences: Vec<f64> =
                    base.iter().zip(&candidate).map(|(a, b)| b - a).collect();
                let paired = if look.is_one_of_many {
                    stats::paired_by_student(&differences, alpha)
                } else {
                    stats::paired(&differences, alpha, seed)
                };
                paired.map_or(Evidence::Nothing, Evidence::Paired)
            }
            Design::Groups => stats::unpaired(&base, &candidate, alpha)
                .map_or(Evidence::Nothing, Evidence::Unpaired),
            // For reading, the change is enough: what lies within a run is no measure of it.
            Design::Single(..) if self.gate.is_none() => Evidence::Nothing,
            Design::Single(a, b) => match (base.first(), candidate.first()) {
                (Some(ours), Some(theirs)) => {
                    windows::shift((a, b), self.comparand, theirs - ours, (alpha, seed))
                        .map_or(Evidence::Nothing, Evidence::Windows)
                }
                _ => Evidence::Nothing,
            },
        }
    }

    pub(super) fn compared(&self, evidence: Evidence) -> Compared {
        let limit = |it: f64| Margin::new(it).expect("limits are read as finite and above 0");
        Compared {
            evidence,
            margin: limit(self.margin()),
            tolerance: limit(self.tolerance()),
            role: match self.gate {
                Some(_) => Role::Gated,
                None => Role::Informative,
            },
        }
    }

    /// Returns how the gate may still end; `None` if it does not gate.
    pub(super) fn outlook(
        &self,
        compared: &Compared,
        look: &Look,
        gates: usize,
    ) -> Option<Outlook> {
        self.gate?;
        Some(match compared.evidence {
            Evidence::Nothing => self.without_evidence(look),
            _ => Outlook::of(compared, self.base.len(), look, gates),
        })
    }

    fn tolerated(&self, gate: &Gate) -> String {
        let shown = |share| {
            let percent = units::share(share);
            // A difference of shares, not a part of one.
            if self.comparand.is_share() {
                percent.replace('%', " pp")
            } else {
                percent
            }
        };
        let (margin, tolerance) = (shown(gate.margin), shown(gate.tolerance));
        format!(
            "shown to be less than {tolerance} worse, which is tolerated; not shown to be less than its margin of {margin}"
        )
    }

    fn margin(&self) -> f64 {
        self.gate
            .map_or_else(|| self.comparand.usual_margin(), |it| it.margin)
    }

    fn tolerance(&self) -> f64 {
        self.gate
            .map_or_else(|| self.comparand.usual_tolerance(), |it| it.tolerance)
    }

    /// Too few samples can become enough with the number of pairs, if each run has the least of them.
    fn without_evidence(&self, look: &Look) -> Outlook {
        let runs = || self.base.iter().chain(&self.candidate);
        let fewest = runs().map(|it| it.samples()).min().unwrap_or(0);
        let is_known = |it: &Reading| it.value().is_some_and(|value| value > 0.0);
        let can = matches!(self.comparand, Comparand::Latency(..)) && runs().all(is_known);
        let enough = |pairs: &usize| fewest >= needed(self.comparand, *pairs);
        let pairs = (self.base.len().max(MIN_PAIRS)..=MANY).find(enough);
        match pairs.filter(|_| can) {
            None => Outlook::HOPELESS,
            Some(pairs) if real(pairs) * look.share <= real(self.base.len()) => Outlook::OPEN,
            Some(pairs) => Outlook {
                more_pairs: u32::try_from(pairs - self.base.len()).ok(),
                ..Outlook::HOPELESS
            },
        }
    }

    pub(super) fn stored(
        &self,
        compared: &Compared,
        decided: Decided,
        (alpha, more_pairs): (f64, Option<u32>),
    ) -> MetricComparison {
        let evidence = &compared.evidence;
        let shift = evidence.shift();
        let sd = match evidence {
            Evidence::Paired(paired) => Some((paired.sd, paired.pairs)),
            _ => None,
        };
        let margin = self.margin();
        let detectable = sd.and_then(|(sd, pairs)| detectable_effect(sd, pairs, alpha));
        let needed = sd.and_then(|(sd, _)| pairs_needed(sd, margin.ln_1p(), alpha));
        let (decision, mut why) = words(decided.decision);
        if decision == Stored::Pass
            && let Some(gate) = self.gate
            && shift.is_some_and(|it| it.interval.high >= compared.of_difference(compared.margin))
        {
            why = Some(self.tolerated(gate));
        }
        MetricComparison {
            metric: self.comparand.to_string(),
            unit: unit(self.comparand),
            better: self.better(),
            gated: self.gate.is_some(),
            margin,
            tolerance: self.gate.map(|it| it.tolerance),
            base: median(&self.base),
            candidate: median(&self.candidate),
            change: shift
                .map(|it| self.change(it.estimate))
                .or_else(|| self.plain_change()),
            interval: shift.and_then(|it| self.interval(it)),
            p: shift.map(|_| decided.adjusted_p),
            p_by_ranks: match evidence {
                Evidence::Paired(_) | Evidence::Unpaired(_) => shift.map(|it| it.rank_p),
                Evidence::Shares(_) | Evidence::Windows(_) | Evidence::Nothing => None,
            },
            detectable: detectable.map(f64::exp_m1).filter(|it| it.is_finite()),
            pairs_for_margin: needed.and_then(|it| u32::try_from(it).ok()),
            more_pairs: more_pairs.filter(|_| decision == Stored::Inconclusive),
            more_us: None,
            pairs: Vec::new(),
            decision,
            why,
        }
    }

    /// Returns a difference, signed so that more is worse, as a change of the metric.
    fn change(&self, difference: f64) -> f64 {
        if self.comparand.is_share() {
            difference
        } else {
            (self.sign() * difference).exp_m1()
        }
    }

    /// `None` where an end is not bounded: JSON has no number for it.
    fn interval(&self, shift: &Shift) -> Option<[f64; 2]> {
        let [a, b] = [shift.interval.low, shift.interval.high].map(|it| self.change(it));
        (a.is_finite() && b.is_finite()).then(|| [a.min(b), a.max(b)])
    }

    /// Returns the change of the middle values, where there is no evidence to estimate it by.
    fn plain_change(&self) -> Option<f64> {
        let (base, candidate) = (median(&self.base)?, median(&self.candidate)?);
        if self.comparand.is_share() {
            Some(candidate - base)
        } else {
            (base > 0.0).then(|| candidate / base - 1.0)
        }
    }

    pub(super) fn pairs(&self) -> Vec<PairPoint> {
        let pairs = (1..).zip(self.base.iter().zip(&self.candidate));
        let points = pairs.filter_map(|(number, (base, candidate))| {
            let (base, candidate) = (base.value()?, candidate.value()?);
            let change = if self.comparand.is_share() {
                candidate - base
            } else {
                candidate / base - 1.0
            };
            change.is_finite().then_some(PairPoint {
                number,
                base,
                candidate,
                change,
            })
        });
        points.collect()
    }
}

fn words(decision: Option<Decision>) -> (Stored, Option<String>) {
    match decision {
        None => (Stored::NotGated, None),
        Some(Decision::Regression) => (Stored::Regression, None),
        Some(Decision::Pass) => (Stored::Pass, None),
        Some(Decision::Improvement) => (Stored::Improvement, None),
        Some(Decision::Inconclusive(doubt)) => (Stored::Inconclusive, Some(doubt.to_string())),
    }
}

/// Returns the middle value of all runs; of an even number the mean of the two in the middle.
fn median(readings: &[Reading]) -> Option<f64> {
    let mut values: Vec<f64> = readings.iter().filter_map(|it| it.value()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    let high = *values.get(half)?;
    if values.len().is_multiple_of(2) {
        Some(f64::midpoint(*values.get(half - 1)?, high))
    } else {
        Some(high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{IterationClock, Metric};
    use crate::scenario::Statistic;
    use crate::units::Quantile;

    /// What is written is read again: JSON has no infinite numbers.
    #[test]
    fn an_interval_without_bounds_is_none() {
        let response_time = Metric::of_journey("pull", IterationClock::Response);
        let comparand = Comparand::Latency(response_time, Statistic::Quantile(Quantile::P50));
        let metric = RunsOfMetric {
            comparand: &comparand,
            gate: None,
            base: Vec::new(),
            candidate: Vec::new(),
        };
        let shift = |low: f64, high: f64| Shift {
            estimate: 0.0,
            interval: stats::Interval { low, high },
            p: 1.0,
            rank_estimate: 0.0,
            rank_p: 1.0,
        };
        assert_eq!(metric.interval(&shift(-0.1, f64::INFINITY)), None);
        assert!(
            metric
                .interval(&shift(f64::NEG_INFINITY, 0.1))
                .is_some_and(|it| it[0] <= -1.0 + 1e-12)
        );
        assert!(metric.interval(&shift(-0.1, 0.1)).is_some());
    }
}
