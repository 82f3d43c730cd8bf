//! What is compared: the gates of the user, or the usual ones; and what is shown beside them.

use crate::exchange::Phase;
use crate::measure::IterationClock;
use crate::plan::{Metric, Statistic};
use crate::result::Document;
use crate::scenario::{Comparand, Gate};
use crate::telemetry::ServerMetric;
use crate::units::{self, Quantile};

use super::reading::{Reading, needed};

/// What two builds are compared by.
#[derive(Debug, Clone, PartialEq)]
pub struct Gates {
    /// What has a say in the verdict, each with its margin. Not empty.
    pub gated: Vec<Gate>,
    /// What is shown and not judged.
    pub informative: Vec<Comparand>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// The numbers of the target's side that are shown beside the gates, where they are known.
const SERVER: [&str; 14] = [
    "cpu",
    "cpu_per_iteration",
    "cpu_per_gb",
    "memory",
    "memory.max",
    "heap",
    "open_files",
    "goroutines",
    "gc_pause",
    "throttled",
    "storage_time",
    "read_bytes",
    "written_bytes",
    "cache_hit_share",
];

impl Gates {
    /// The percentiles of journeys and of whole exchanges that are tested where a run has samples enough of them.
    const READ: [Quantile; 4] = [Quantile::P50, Quantile::P95, Quantile::P99, Quantile::P999];

    /// Returns the gates that a user has chosen; the usual ones if there are none. There will be so many pairs of such runs;
    /// five, if runs are no pairs.
    pub fn of(chosen: Vec<Gate>, run: &Document, pairs: usize) -> Self {
        if chosen.is_empty() {
            Self::usual(run, pairs)
        } else {
            Self::chosen(chosen, run, pairs)
        }
    }

    /// Returns the gates that a user has chosen, with what else so many pairs of runs like this one can be read for.
    pub fn chosen(gates: Vec<Gate>, run: &Document, pairs: usize) -> Self {
        let mut all = Self {
            gated: gates,
            informative: Vec::new(),
            notes: Vec::new(),
        };
        all.tell_the_rest(run, pairs);
        all
    }

    /// Returns the usual gates of so many pairs of runs like this one: few, because each takes from the others' chance to be found.
    ///
    /// Of each journey the response time, p(50) and p(99), and the share that failed; the iterations per second where no
    /// load has a schedule. Of a target that was read, the processor time of an iteration. Of a search its capacity alone. A percentile for which a run has too few samples is left out,
    /// which is noted.
    pub fn usual(run: &Document, pairs: usize) -> Self {
        let mut gates = Self {
            gated: Vec::new(),
            informative: Vec::new(),
            notes: Vec::new(),
        };
        if run.search.is_some() {
            gates.gate(Comparand::Capacity);
            return gates;
        }
        for journey in &run.journeys {
            let response_time = Metric::of_journey(&journey.name, IterationClock::Response);
            for quantile in [Quantile::P50, Quantile::P99] {
                let statistic = Statistic::Quantile(quantile);
                let comparand = Comparand::Latency(response_time.clone(), statistic);
                if has_enough(run, &comparand, pairs) {
                    gates.gate(comparand);
                } else {
                    let samples = units::count(Reading::of(run, &comparand).samples());
                    let needed = units::count(needed(&comparand, pairs));
                    gates.notes.push(format!(
                        "{comparand} is not gated: a run has {samples} samples, and it takes {needed} in {pairs} pairs"
                    ));
                }
            }
            if !run.open_model {
                gates.gate(Comparand::Rate(Metric::iterations_of(&journey.name)));
            }
            gates.gate(Comparand::Rate(Metric::errors_of(&journey.name)));
        }
        gates.gated.extend(processor_time(run).map(Gate::usual));
        gates.tell_the_rest(run, pairs);
        gates
    }

    /// Returns all of them, gated ones first.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Comparand, Option<&Gate>)> {
        let gated = self.gated.iter().map(|it| (&it.comparand, Some(it)));
        gated.chain(self.informative.iter().map(|it| (it, None)))
    }

    fn gate(&mut self, comparand: Comparand) {
        self.gated.push(Gate::usual(comparand));
    }

    /// What a reader looks for when a gate has something to say: the other percentiles, and where the time went.
    fn tell_the_rest(&mut self, run: &Document, pairs: usize) {
        let mut rest = Vec::new();
        for journey in &run.journeys {
            let response_time = Metric::of_journey(&journey.name, IterationClock::Response);
            for quantile in Self::READ {
                let statistic = Statistic::Quantile(quantile);
                rest.push(Comparand::Latency(response_time.clone(), statistic));
            }
        }
        for operation in &run.operations {
            let first_byte = [Quantile::P50, Quantile::P99].map(|it| (Phase::FirstByte, it));
            let total = Self::READ.map(|it| (Phase::Total, it));
            for (phase, quantile) in first_byte.into_iter().chain(total) {
                let metric = Metric::of_operation(operation.name, phase);
                rest.push(Comparand::Latency(metric, Statistic::Quantile(quantile)));
            }
        }
        let server = SERVER.map(|it| Comparand::Server(ServerMetric::of_word(it)));
        rest.extend(server);
        let known = |it: &Comparand| self.gated.iter().any(|gate| gate.comparand == *it);
        rest.retain(|it| !known(it) && has_enough(run, it, pairs));
        self.informative = rest;
    }
}

/// Returns the processor time of an iteration: of a pull or a push where a run did nothing else.
fn processor_time(run: &Document) -> Option<Comparand> {
    let words = ["cpu_per_pull", "cpu_per_push", "cpu_per_iteration"];
    let mut all = words.into_iter().map(ServerMetric::of_word);
    let known = |it: &ServerMetric| run.server_figure(it).is_some_and(|it| it.value.is_some());
    all.find(known).map(Comparand::Server)
}

fn has_enough(run: &Document, comparand: &Comparand, pairs: usize) -> bool {
    Reading::of(run, comparand).samples() >= needed(comparand, pairs)
}

/// Returns the percentiles that gates are of, with the samples that a run has of each: those that a user has chosen, or the
/// usual ones.
pub fn percentiles(chosen: &[Gate], run: &Document) -> Vec<(Quantile, u64)> {
    let of_journeys = run.journeys.iter().flat_map(|journey| {
        let response_time = Metric::of_journey(&journey.name, IterationClock::Response);
        let statistics = [Quantile::P50, Quantile::P99].map(Statistic::Quantile);
        statistics.map(|it| Comparand::Latency(response_time.clone(), it))
    });
    let comparands: Vec<Comparand> = if chosen.is_empty() {
        of_journeys.collect()
    } else {
        chosen.iter().map(|it| it.comparand.clone()).collect()
    };
    let percentiles = comparands.iter().filter_map(|it| match it {
        Comparand::Latency(_, Statistic::Quantile(quantile)) => {
            Some((*quantile, Reading::of(run, it).samples()))
        }
        _ => None,
    });
    percentiles.collect()
}
