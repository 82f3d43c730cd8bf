//! Several runs beside each other: each with its name, the numbers that tables of them have, and how far each is from the
//! first.
//!
//! Nothing is judged here. Two runs of one build differ, too, and what a difference means takes pairs of runs: that is what
//! [`crate::compare`] is for.

pub(super) mod differing;
pub(super) mod server;

use std::time::Duration;

use crate::measure::Outcomes;
use crate::result::Document;
use crate::units::Quantile;

use super::counts;
use super::figures::{self, Flow};
use super::words::number_of;

/// A run, and the name by which a reader tells it from the others.
#[derive(Debug, Clone, Copy)]
pub struct NamedRun<'a> {
    /// The name, such as that of its file.
    pub name: &'a str,
    /// The run.
    pub document: &'a Document,
}

/// The most runs that are shown beside each other: charts have so many looks, and tables of more are not read.
pub const MOST_RUNS: usize = 8;

/// The percentiles of these tables, with their names.
pub(super) const PERCENTILES: [(&str, Quantile); 3] = [
    ("p50", Quantile::P50),
    ("p95", Quantile::P95),
    ("p99", Quantile::P99),
];

/// Returns what these runs are called together: `rollout: 3 runs`.
pub(super) fn title(runs: &[NamedRun<'_>]) -> String {
    let count = number_of(runs.len() as u64, "run");
    let mut names = runs.iter().map(|it| it.document.plan.name.as_str());
    match names.next() {
        Some(name) if names.all(|it| it == name) => format!("{name}: {count}"),
        _ => count,
    }
}

/// Returns what a reader must not take these tables for.
pub(super) fn caution(runs: &[NamedRun<'_>]) -> String {
    let first = runs.first().map_or("the first", |it| it.name);
    format!("This is no comparison: differences are to {first}, and nothing is judged.")
}

/// Where there is more than that.
pub(super) const EVIDENCE: &str = "Two runs of one build differ, too. Evidence takes pairs of runs: regstorm ab, or regstorm \
                                   compare for stored reports.";

/// One journey or operation in every run.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    /// Its numbers, in the order of the runs; `None` for a run that has no such journey or operation.
    pub(super) runs: Vec<Option<Numbers>>,
}

/// The numbers of a journey or an operation in one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numbers {
    pub(super) outcomes: Outcomes,
    /// Ok ones per second of the window.
    pub(super) per_s: Beside<f64>,
    /// Of each of [`PERCENTILES`]; `None` where too few samples know it.
    pub(super) times: [Option<Beside<Duration>>; 3],
}

/// A number, and how far it is from that of the first run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beside<T> {
    pub(super) value: T,
    pub(super) difference: Difference,
}

/// How far a number is from that of the first run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Difference {
    /// It is that of the first run.
    First,
    /// As a share of that of the first run: 0.05 is five in a hundred more.
    Share(f64),
    /// One of the two is unknown or zero, or is not the target's.
    Unknown,
}

impl Difference {
    fn of(first: Option<f64>, this: f64) -> Self {
        match first {
            Some(first) if first > 0.0 => Self::Share(this / first - 1.0),
            _ => Self::Unknown,
        }
    }

    /// `+9.24%`; `-` where it is unknown, and nothing for the first.
    pub(super) fn words(self) -> String {
        match self {
            Self::First => String::new(),
            Self::Unknown => "-".to_owned(),
            Self::Share(share) => percent(share),
        }
    }
}

/// A tenth of a percent is as much as histograms know: `+9.2%`, `+437%`.
fn percent(share: f64) -> String {
    let size = (share * 100.0).abs();
    let digits = usize::from(size < 99.95);
    let words = format!("{size:.digits$}");
    let words = words.trim_end_matches(".0");
    let sign = match words {
        "0" => "",
        _ if share < 0.0 => "-",
        _ => "+",
    };
    format!("{sign}{words}%")
}

/// Returns every journey that any of the runs has, in the order in which they come.
pub(super) fn journeys<'a>(runs: &[NamedRun<'a>]) -> Vec<Subject<'a>> {
    // Response time from the scheduled start and service time are no two readings of one thing.
    let models = |a: &Document, b: &Document| a.open_model == b.open_model;
    subjects(runs, figures::journeys, models)
}

/// Returns every operation that any of the runs has, in the order in which they come.
pub(super) fn operations<'a>(runs: &[NamedRun<'a>]) -> Vec<Subject<'a>> {
    subjects(runs, figures::operations, |_, _| true)
}

fn subjects<'a>(
    runs: &[NamedRun<'a>],
    flows_of: fn(&'a Document) -> Vec<Flow<'a>>,
    times_compare: fn(&Document, &Document) -> bool,
) -> Vec<Subject<'a>> {
    let flows: Vec<Vec<Flow<'a>>> = runs.iter().map(|it| flows_of(it.document)).collect();
    let mut names: Vec<&str> = Vec::new();
    for flow in flows.iter().flatten() {
        if !names.contains(&flow.of) {
            names.push(flow.of);
        }
    }
    let subject = |name: &'a str| {
        let found = flows.iter().map(|it| it.iter().find(|it| it.of == name));
        let found: Vec<Option<&Flow<'_>>> = found.collect();
        let numbers = runs.iter().zip(&found).enumerate();
        let numbers = numbers.map(|(place, (run, flow))| {
            let first = runs.first().filter(|_| place > 0).map(|first| {
                let is_sound = counts(first.document) && counts(run.document);
                let flow = found.first().copied().flatten().filter(|_| is_sound);
                Reference::of(flow, times_compare(first.document, run.document))
            });
            flow.map(|it| Numbers::of(it, first))
        });
        Subject {
            name,
            runs: numbers.collect(),
        }
    };
    names.into_iter().map(subject).collect()
}

/// The numbers of the first run, as far as those of another may be held against them.
#[derive(Debug, Clone, Copy)]
struct Reference {
    per_s: Option<f64>,
    times: [Option<Duration>; 3],
}

impl Reference {
    fn of(flow: Option<&Flow<'_>>, times_compare: bool) -> Self {
        Self {
            per_s: flow.map(|it| it.per_s),
            times: flow.filter(|_| times_compare).map_or([None; 3], times),
        }
    }
}

impl Numbers {
    /// Without a reference they are those of the first run.
    fn of(flow: &Flow<'_>, first: Option<Reference>) -> Self {
        let against = |known: Option<f64>, this: f64| match first {
            None => Difference::First,
            Some(_) => Difference::of(known, this),
        };
        let known = first.map_or([None; 3], |it| it.times);
        let mut beside = times(flow).into_iter().zip(known).map(|(time, known)| {
            let value = time?;
            let known = known.map(|it| it.as_secs_f64());
            let difference = against(known, value.as_secs_f64());
            Some(Beside { value, difference })
        });
        Self {
            outcomes: flow.outcomes,
            per_s: Beside {
                value: flow.per_s,
                difference: against(first.and_then(|it| it.per_s), flow.per_s),
            },
            times: std::array::from_fn(|_| beside.next().flatten()),
        }
    }
}

fn times(flow: &Flow<'_>) -> [Option<Duration>; 3] {
    PERCENTILES.map(|(_, quantile)| flow.latency?.quantile(quantile))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Phase;
    use crate::measure::LatencyHistogram;
    use crate::report::testing::{document, empty, invalidate, millis};

    fn named(documents: [&Document; 2]) -> [NamedRun<'_>; 2] {
        let [a, b] = documents;
        [("a", a), ("b", b)].map(|(name, document)| NamedRun { name, document })
    }

    fn words(numbers: Option<Numbers>) -> [String; 4] {
        let numbers = numbers.expect("the run has it");
        let times = numbers.times.map(|it| it.map(|it| it.difference));
        let [p50, p95, p99] = times.map(|it| it.map_or("none".to_owned(), Difference::words));
        [numbers.per_s.difference.words(), p50, p95, p99]
    }

    /// 1 to 1,000 ms, and twice as long; 49.9 and 24.95 a second. Buckets of three digits hold 500 and 1,000, 950 and 1,900.
    #[test]
    fn differences_are_shares_of_the_first() {
        let (first, mut second) = (document(), document());
        second.operations[0].requests_per_s /= 2.0;
        let mut slower = LatencyHistogram::new();
        for value in 1..=1_000 {
            slower.record(Duration::from_millis(2 * value));
        }
        let latencies = &mut second.operations[0].latencies;
        latencies.phases = [(Phase::Total, slower)].into_iter().collect();
        let found = operations(&named([&first, &second]));
        assert_eq!(found.len(), 1);
        assert_eq!(words(found[0].runs[0]), [""; 4]);
        let [rate, p50, ..] = words(found[0].runs[1]);
        assert_eq!(rate, "-50%");
        assert!(
            p50.starts_with("+100%") || p50.starts_with("+99.9"),
            "{p50}"
        );
    }

    #[test]
    fn what_is_not_the_targets_is_held_against_nothing() {
        let (sound, mut invalid) = (document(), document());
        invalidate(&mut invalid);
        for runs in [[&sound, &invalid], [&invalid, &sound]] {
            let found = operations(&named(runs));
            assert_eq!(words(found[0].runs[1]), ["-"; 4]);
        }
    }

    #[test]
    fn times_of_an_open_and_a_closed_load_are_two_things() {
        let (open, mut closed) = (document(), document());
        closed.open_model = false;
        let found = journeys(&named([&open, &closed]));
        assert_eq!(words(found[0].runs[1]), ["0%", "-", "-", "-"]);
    }

    #[test]
    fn a_run_without_it_has_no_numbers() {
        let (some, none) = (document(), empty());
        let found = operations(&named([&none, &some]));
        assert_eq!(found[0].name, "blob-get");
        assert!(found[0].runs[0].is_none());
        // There is nothing to hold it against.
        assert_eq!(words(found[0].runs[1]), ["-"; 4]);
        // Fifty values know no p99.
        let mut few = document();
        few.journeys[0].latencies.response_time = millis(1, 50);
        let found = journeys(&named([&some, &few]));
        assert_eq!(words(found[0].runs[1])[3], "none");
    }
}
