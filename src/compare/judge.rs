//! From the runs of both sides to what is decided of each metric.

use std::time::Duration;

use crate::plan::Quantity;
use crate::result::{
    self, Aspect, Better, Comparison, Decision as Stored, DiscardedPair, Document,
    MetricComparison, PairPoint,
};
use crate::scenario::Comparand;
use crate::schedule::Side;
use crate::stats::{self, Shift, detectable_effect, pairs_needed};
use crate::units::Quantile;

use super::comparison::{self, Case};
use super::decision::{Compared, Decided, Decision, Evidence, Margin, Role, decide};
use super::differences::Differences;
use super::gates::Gates;
use super::reading::{Reading, needed, unit};
use super::shares::Counts;
use super::windows;

/// One run each has to differ by so many margins before anything is said of it.
const MARGINS_OF_SINGLE_RUNS: f64 = 3.0;

/// The runs so far: their numbers, what they have in common, and what they come to together.
#[derive(Debug, Clone)]
pub struct Judge {
    gates: Gates,
    /// Where the bootstrap starts.
    seed: u64,
    base: Runs,
    candidate: Runs,
    differences: Differences,
    invalid: Vec<String>,
    /// An open load offers its rate, whatever the build does.
    open_model: bool,
}

/// The runs of one side. Of each only its numbers are kept, and all of them added up.
#[derive(Debug, Clone, Default)]
struct Runs {
    readings: Vec<Vec<Reading>>,
    all: Option<Document>,
    /// Runs that were not added up with the first: they are of another plan, or searches, whose trials have different rates.
    apart: usize,
}

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

/// How a comparison was conducted, as its caller knows it.
#[derive(Debug, Clone)]
pub struct Conduct {
    /// How the evidence was come by.
    pub design: result::Design,
    /// Pairs that were made and not used.
    pub discarded: Vec<DiscardedPair>,
    /// Why nothing can be concluded beside what the runs themselves say.
    pub invalid: Vec<String>,
    /// Why it ended before it was done.
    pub cut: Option<String>,
    /// What else a reader has to know.
    pub notes: Vec<String>,
}

/// What is decided at one look.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The metrics, gated ones first.
    pub metrics: Vec<MetricComparison>,
    /// What is decided of each, in the same order, for [`Looks`](super::Looks).
    pub decided: Vec<Decided>,
}

impl Judge {
    /// Nothing yet. In the aspects allowed the sides may differ.
    pub fn new(gates: Gates, allowed: Vec<Aspect>, seed: u64) -> Self {
        Self {
            gates,
            seed,
            base: Runs::default(),
            candidate: Runs::default(),
            differences: Differences::new(allowed),
            invalid: Vec::new(),
            open_model: false,
        }
    }

    /// What is compared.
    pub const fn gates(&self) -> &Gates {
        &self.gates
    }

    /// Takes one more run.
    pub fn add(&mut self, side: Side, run: Document) {
        self.open_model |= run.open_model;
        self.differences.add(side, &run);
        let unfit = comparison::unfit(side, &run);
        self.invalid
            .extend(unfit.filter(|it| !self.invalid.contains(it)));
        let readings = self.gates.all().map(|(it, _)| Reading::of(&run, it));
        let readings = readings.collect();
        let runs = match side {
            Side::Base => &mut self.base,
            Side::Candidate => &mut self.candidate,
        };
        runs.readings.push(readings);
        match &mut runs.all {
            None => runs.all = Some(run),
            Some(_) if run.search.is_some() => runs.apart += 1,
            Some(all) => runs.apart += usize::from(all.append(run).is_err()),
        }
    }

    /// How many runs of a side there are.
    pub fn runs(&self, side: Side) -> usize {
        match side {
            Side::Base => self.base.readings.len(),
            Side::Candidate => self.candidate.readings.len(),
        }
    }

    /// The longest median of an iteration's service time, over the journeys of both sides.
    pub fn iteration_time(&self) -> Option<Duration> {
        let runs = [&self.base.all, &self.candidate.all].into_iter().flatten();
        let journeys = runs.flat_map(|it| &it.journeys);
        let medians = journeys.filter_map(|it| it.latencies.service_time.quantile(Quantile::P50));
        medians.max()
    }

    /// The comparison of the runs so far. `None` where a side has none.
    pub fn conclude(self, judged: Judged, conduct: Conduct) -> Option<Comparison> {
        let mut notes = self.gates.notes;
        notes.extend(conduct.notes);
        for (side, runs) in [(Side::Base, &self.base), (Side::Candidate, &self.candidate)] {
            if runs.apart > 0 {
                notes.push(format!(
                    "charts and tables of the {} leave out {} of its runs, which do not add up with its first",
                    side.name(),
                    runs.apart
                ));
            }
        }
        let mut invalid = self.invalid;
        invalid.extend(conduct.invalid);
        Some(comparison::conclude(Case {
            metrics: judged.metrics,
            design: conduct.design,
            differences: self.differences.found().to_vec(),
            discarded: conduct.discarded,
            invalid,
            cut: conduct.cut,
            notes,
            base: self.base.all?,
            candidate: self.candidate.all?,
        }))
    }

    /// Decides, with intervals at the level `1 - alpha`.
    pub fn decide(&self, design: Design<'_>, alpha: f64) -> Judged {
        let metrics: Vec<Metric<'_>> = self
            .gates
            .all()
            .enumerate()
            .map(|(index, (comparand, margin))| {
                let of = |runs: &[Vec<Reading>]| runs.iter().map(|it| it[index]).collect();
                Metric {
                    comparand,
                    margin,
                    base: of(&self.base.readings),
                    candidate: of(&self.candidate.readings),
                }
            })
            .collect();
        let evidence: Vec<(Evidence, Option<String>)> = metrics
            .iter()
            .map(|it| match it.unfit(self.open_model) {
                Some(why) => (Evidence::Nothing, Some(why)),
                None => (it.evidence(design, alpha, self.seed), None),
            })
            .collect();
        let compared: Vec<Compared> = metrics
            .iter()
            .zip(&evidence)
            .map(|(metric, (evidence, _))| metric.compared(*evidence))
            .collect();
        let decided = decide(&compared, alpha);
        let told = metrics.iter().zip(evidence).zip(&decided);
        let metrics = told.map(|((metric, (evidence, unfit)), decided)| {
            let mut told = metric.told(&evidence, *decided, alpha);
            if matches!(design, Design::Single(..)) {
                cap(&mut told);
            }
            told.why = unfit.or(told.why);
            if matches!(design, Design::Pairs) {
                told.pairs = metric.pairs();
            }
            told
        });
        Judged {
            metrics: metrics.collect(),
            decided,
        }
    }
}

/// One run each never passes, and is called changed only where the change is far beyond what two runs of one build differ by.
fn cap(metric: &mut MetricComparison) {
    let far = |it: &MetricComparison| {
        it.change
            .is_some_and(|change| change.abs() > MARGINS_OF_SINGLE_RUNS * it.margin)
    };
    let says = matches!(metric.decision, Stored::Regression | Stored::Improvement);
    if metric.gated && !(says && far(metric)) {
        metric.decision = Stored::Inconclusive;
        let why = "one run each: two runs of one build may differ by as much; make pairs with `regstorm ab`";
        metric.why = Some(why.to_owned());
    }
}

/// One metric and what every run says of it.
struct Metric<'a> {
    comparand: &'a Comparand,
    /// `None`: it is shown, not judged.
    margin: Option<f64>,
    base: Vec<Reading>,
    candidate: Vec<Reading>,
}

impl Metric<'_> {
    /// Why nothing can be said of it, if so.
    fn unfit(&self, open_model: bool) -> Option<String> {
        let runs = || self.base.iter().chain(&self.candidate);
        let fewest = runs().map(|it| it.samples()).min().unwrap_or(0);
        if fewest == 0 {
            let nothing = match self.comparand {
                Comparand::Capacity => "a run has no confirmed capacity",
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
        let needed = needed(self.comparand);
        if fewest < needed {
            return Some(format!(
                "too few samples: a run has {fewest}, and it takes {needed}"
            ));
        }
        let not_above_zero = |it: &Reading| it.value().is_none_or(|value| value <= 0.0);
        if runs().any(not_above_zero) {
            return Some("it is 0 in a run, and has no relative change".to_owned());
        }
        None
    }

    /// More of it is worse, unless it is a rate.
    const fn better(&self) -> Better {
        match self.comparand {
            Comparand::Latency(..) => Better::Lower,
            Comparand::Capacity => Better::Higher,
            Comparand::Rate(metric) => match metric.quantity() {
                Quantity::Failed | Quantity::Dropped => Better::Lower,
                _ => Better::Higher,
            },
        }
    }

    /// Signed so that more is worse.
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

    fn evidence(&self, design: Design<'_>, alpha: f64, seed: u64) -> Evidence {
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
                stats::paired(&differences, alpha, seed).map_or(Evidence::Nothing, Evidence::Paired)
            }
            Design::Groups => stats::unpaired(&base, &candidate, alpha)
                .map_or(Evidence::Nothing, Evidence::Unpaired),
            // For reading, the change is enough: what lies within a run is no measure of it.
            Design::Single(..) if self.margin.is_none() => Evidence::Nothing,
            Design::Single(a, b) => match (base.first(), candidate.first()) {
                (Some(ours), Some(theirs)) => {
                    windows::shift((a, b), self.comparand, theirs - ours, (alpha, seed))
                        .map_or(Evidence::Nothing, Evidence::Windows)
                }
                _ => Evidence::Nothing,
            },
        }
    }

    fn compared(&self, evidence: Evidence) -> Compared {
        let margin = self.margin.unwrap_or_else(|| self.comparand.usual_margin());
        Compared {
            evidence,
            margin: Margin::new(margin).expect("margins are read as finite and above 0"),
            role: match self.margin {
                Some(_) => Role::Gated,
                None => Role::Informative,
            },
        }
    }

    fn told(&self, evidence: &Evidence, decided: Decided, alpha: f64) -> MetricComparison {
        let shift = evidence.shift();
        let sd = match evidence {
            Evidence::Paired(paired) => Some((paired.sd, paired.pairs)),
            _ => None,
        };
        let margin = self.margin.unwrap_or_else(|| self.comparand.usual_margin());
        let detectable = sd.and_then(|(sd, pairs)| detectable_effect(sd, pairs, alpha));
        let needed = sd.and_then(|(sd, _)| pairs_needed(sd, margin.ln_1p(), alpha));
        let (decision, why) = words(decided.decision);
        MetricComparison {
            metric: self.comparand.to_string(),
            unit: unit(self.comparand),
            better: self.better(),
            gated: self.margin.is_some(),
            margin,
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
            pairs: Vec::new(),
            decision,
            why,
        }
    }

    /// What a difference, signed so that more is worse, is as a change of the metric.
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

    /// The change of the middle values, where there is no evidence to estimate it by.
    fn plain_change(&self) -> Option<f64> {
        let (base, candidate) = (median(&self.base)?, median(&self.candidate)?);
        if self.comparand.is_share() {
            Some(candidate - base)
        } else {
            (base > 0.0).then(|| candidate / base - 1.0)
        }
    }

    fn pairs(&self) -> Vec<PairPoint> {
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

/// The middle value of all runs; of an even number the mean of the two in the middle.
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
mod tests;
