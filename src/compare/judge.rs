//! From the runs of both sides to what is decided of each metric.

use std::time::Duration;

use crate::result::{
    self, Aspect, Comparison, Decision as Stored, DiscardedPair, Document, MetricComparison,
};
use crate::schedule::Side;
use crate::units::Quantile;

use super::comparison::{self, Case};
use super::decision::{Compared, Decided, Evidence, decide};
use super::differences::Differences;
use super::gates::Gates;
use super::look::Look;
use super::metric::{Design, RunsOfMetric};
use super::outlook::Outlook;
use super::reading::Reading;

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
    /// How each may still end, in the same order; `None` for those that do not gate.
    pub outlooks: Vec<Option<Outlook>>,
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

    /// Returns what is compared.
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

    /// Returns how many runs of a side there are.
    pub fn runs(&self, side: Side) -> usize {
        match side {
            Side::Base => self.base.readings.len(),
            Side::Candidate => self.candidate.readings.len(),
        }
    }

    /// Returns the longest median of an iteration's service time, over the journeys of both sides.
    pub fn iteration_time(&self) -> Option<Duration> {
        let runs = [&self.base.all, &self.candidate.all].into_iter().flatten();
        let journeys = runs.flat_map(|it| &it.journeys);
        let medians = journeys.filter_map(|it| it.latencies.service_time.quantile(Quantile::P50));
        medians.max()
    }

    /// Returns the comparison of the runs so far. `None` where a side has none.
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

    /// Decides, with intervals at the level of the look.
    pub fn decide(&self, design: Design<'_>, look: &Look) -> Judged {
        let alpha = look.alpha;
        let metrics: Vec<RunsOfMetric<'_>> = self
            .gates
            .all()
            .enumerate()
            .map(|(index, (comparand, gate))| {
                let of = |runs: &[Vec<Reading>]| runs.iter().map(|it| it[index]).collect();
                RunsOfMetric {
                    comparand,
                    gate,
                    base: of(&self.base.readings),
                    candidate: of(&self.candidate.readings),
                }
            })
            .collect();
        let evidence: Vec<(Evidence, Option<String>)> = metrics
            .iter()
            .map(|it| match it.unfit(self.open_model, design) {
                Some(why) => (Evidence::Nothing, Some(why)),
                None => (it.evidence(design, look, self.seed), None),
            })
            .collect();
        let compared: Vec<Compared> = metrics
            .iter()
            .zip(&evidence)
            .map(|(metric, (evidence, _))| metric.compared(*evidence))
            .collect();
        let decided = decide(&compared, look);
        let gates = self.gates.gated.len();
        let outlooks: Vec<Option<Outlook>> = metrics
            .iter()
            .zip(&compared)
            .map(|(metric, compared)| metric.outlook(compared, look, gates))
            .collect();
        let stored = metrics.iter().zip(&compared).zip(evidence);
        let stored = stored.zip(&decided).zip(&outlooks);
        let metrics = stored.map(|((((metric, compared), (_, unfit)), decided), outlook)| {
            let more = outlook.and_then(|it| it.more_pairs);
            let more = more.filter(|_| matches!(design, Design::Pairs));
            let mut stored = metric.stored(compared, *decided, (alpha, more));
            if matches!(design, Design::Single(..)) {
                cap(&mut stored);
            }
            stored.why = unfit.or(stored.why);
            if matches!(design, Design::Pairs) {
                stored.pairs = metric.pairs();
            }
            stored
        });
        Judged {
            metrics: metrics.collect(),
            decided,
            outlooks,
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

#[cfg(test)]
mod tests;
