//! Judges one trial of a capacity search: whether a rate keeps the thresholds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generator::Ran;
use super::number::real;
use super::threshold_result::{Figure, Overall, Status, ThresholdResult};
use crate::health::{Health, Level, Signal};
use crate::measure::{Period, Record};
use crate::plan::{Plan, Quantity};
use crate::schedule::TrialOutcome;

/// The share of iterations that may fail where no threshold speaks of errors.
const ERRORS: f64 = 0.001;

/// The share of the second half's arrivals that may be missing among what ended in it. More, and iterations come in
/// faster than they go out, however good the latencies still are.
const BACKLOG: f64 = 0.05;

/// What a trial can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// A threshold of the plan, by its place.
    Threshold(usize),
    /// More than one iteration in a thousand failed, in a plan without a threshold on errors.
    Errors,
    /// Bytes that did not have their digest or length: one is enough.
    Integrity,
    /// Iterations came in faster than they went out.
    Backlog,
    /// All virtual users were busy: more would have been needed.
    Users,
}

impl Criterion {
    /// The criteria that are no thresholds, in the order in which a search numbers them behind the thresholds.
    const OTHERS: [Self; 4] = [Self::Errors, Self::Integrity, Self::Backlog, Self::Users];

    /// Returns the number by which a search of so many thresholds knows it.
    fn index(self, thresholds: usize) -> usize {
        match self {
            Self::Threshold(index) => index,
            Self::Errors => thresholds,
            Self::Integrity => thresholds + 1,
            Self::Backlog => thresholds + 2,
            Self::Users => thresholds + 3,
        }
    }

    /// Returns the criterion of that number.
    pub fn of(index: usize, thresholds: usize) -> Self {
        let other = index.checked_sub(thresholds);
        let other = other.and_then(|it| Self::OTHERS.get(it).copied());
        other.unwrap_or(Self::Threshold(index))
    }

    /// In words; a threshold by its name.
    pub fn told(self, plan: &Plan) -> String {
        match self {
            Self::Threshold(index) => {
                let threshold = plan.thresholds.get(index);
                threshold.map_or_else(String::new, |it| {
                    format!("{} {}", it.metric, it.expectation)
                })
            }
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Threshold(_) => "a threshold",
            Self::Errors => "errors at most 0.1%",
            Self::Integrity => "every blob has its digest and length",
            Self::Backlog => "as many iterations end as are due",
            Self::Users => "a virtual user is free (max_vus)",
        })
    }
}

/// Returns what a trial at one rate comes to, with its thresholds judged.
///
/// The margin is that of the worst: how far it is from its limit, as a share of the limit.
pub fn trial_outcome(ran: &Ran<'_>, health: &Health, results: &[ThresholdResult]) -> TrialOutcome {
    if let Some(reason) = health
        .reasons
        .iter()
        .find(|it| it.level == Level::Invalid && !is_of_users(it.signal))
    {
        return TrialOutcome::Invalid {
            reason: format!("{} {}", reason.signal, reason.observed),
        };
    }
    let mut worst: Option<(f64, Criterion)> = None;
    let mut take = |margin: f64, criterion: Criterion| {
        if worst.is_none_or(|(before, _)| margin < before) {
            worst = Some((margin, criterion));
        }
    };
    for (index, result) in results.iter().enumerate() {
        match result.status {
            Status::Inconclusive(_) => {}
            Status::Pass | Status::Fail => take(margin(result), Criterion::Threshold(index)),
        }
    }
    for (margin, criterion) in others(ran.plan, ran.record) {
        take(margin, criterion);
    }
    match worst {
        Some((margin, criterion)) if margin < 0.0 => TrialOutcome::Fail {
            broke: criterion.index(results.len()),
            margin,
        },
        _ if Overall::of(results) == Overall::Inconclusive => TrialOutcome::Inconclusive,
        worst => TrialOutcome::Pass {
            margin: worst.map_or(1.0, |(margin, _)| margin.max(0.0)),
        },
    }
}

/// Starts that found no user are the cap of the search, which is a criterion of its own.
const fn is_of_users(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::DroppedNoVu
            | Signal::DroppedQueueFull
            | Signal::DroppedCut
            | Signal::DroppedByTarget
            | Signal::MissingStarts
    )
}

/// Returns how far from its limit, as a share of it: below zero if it is broken.
fn margin(result: &ThresholdResult) -> f64 {
    let limit = number(result.limit);
    let found = result.observed.map_or(limit, |it| number(it.at_least));
    let distance = if limit.abs() > f64::EPSILON {
        ((found - limit) / limit).abs()
    } else {
        1.0
    };
    match result.status {
        // Broken by a hair is broken.
        Status::Fail => -distance.max(1e-6),
        Status::Pass | Status::Inconclusive(_) => distance,
    }
}

/// Returns what no threshold says, with its margin; only what is broken.
fn others(plan: &Plan, record: &Record) -> Vec<(f64, Criterion)> {
    let totals = record.totals(Period::Measure);
    let mut broken = Vec::new();
    let judged = real(
        totals
            .iterations
            .ok
            .saturating_add(totals.iterations.failed),
    );
    let errors = real(totals.iterations.failed) / judged.max(1.0);
    let spoken_of = plan.thresholds.iter().any(|it| {
        it.metric
            .load()
            .is_some_and(|it| it.quantity() == Quantity::Failed)
    });
    if !spoken_of && errors > ERRORS {
        broken.push(((ERRORS - errors) / ERRORS, Criterion::Errors));
    }
    let classes = record
        .tracks()
        .flat_map(|(_, _, series)| series.counts.failure_classes.iter());
    if classes
        .into_iter()
        .any(|(class, _)| class.is_of_integrity())
    {
        broken.push((-1.0, Criterion::Integrity));
    }
    if let Some(missing) = backlog(record) {
        broken.push((-missing, Criterion::Backlog));
    }
    let dropped = real(totals.starts.dropped) / real(totals.starts.scheduled).max(1.0);
    if dropped > 0.0 {
        broken.push((-dropped, Criterion::Users));
    }
    broken
}

/// Returns the share of the second half's arrivals that is missing among what ended in it, if it is too much to be chance.
fn backlog(record: &Record) -> Option<f64> {
    let series = record.time_series();
    let width = series.window_seconds();
    let whole = usize::try_from(record.window().as_secs() / width).ok()?;
    let half = whole / 2;
    if half == 0 {
        return None;
    }
    let second = series.windows().skip(whole - half).take(half);
    let ended: u64 = second
        .flat_map(|(_, journeys)| journeys)
        .map(|journey| journey.iterations.ended())
        .sum();
    let seconds = real(width) * real(half as u64);
    let due = real(record.totals(Period::Measure).starts.scheduled) * seconds
        / record.window().as_secs_f64();
    let missing = (due - real(ended)) / due.max(1.0);
    // Three standard deviations of as many independent arrivals.
    (missing > BACKLOG && due - real(ended) > 3.0 * due.sqrt()).then_some(missing)
}

const fn number(figure: Figure) -> f64 {
    match figure {
        Figure::Micros(count) | Figure::Count(count) | Figure::Bytes(count) => real(count),
        Figure::PerSecond(value)
        | Figure::Share(value)
        | Figure::BytesPerSecond(value)
        | Figure::Seconds(value)
        | Figure::Cores(value)
        | Figure::SecondsPerSecond(value)
        | Figure::Amount(value)
        | Figure::Number(value) => value,
    }
}
