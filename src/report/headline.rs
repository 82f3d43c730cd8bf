//! What stands at the top of every format for people: what the run comes to and why, its target, and what failed.

use std::cmp::Reverse;

use crate::health::Verdict;
use crate::measure::{ClassCounts, Outcomes};
use crate::result::{Comparison, Document, Moved, OperationSection, PlanSection, RunVerdict};
use crate::units;
use crate::verdict::{Status, ThresholdResult};

use super::change::Words;
use super::figures::failed_share;
use super::reasons;
use super::words::{self, number_of};

/// Returns why the run has its verdict, the most important first, with what to do about the generator where it was the
/// limit.
pub(super) fn reasons(document: &Document) -> Vec<String> {
    reasons_with(document, reasons::with_advice(&document.generator.health))
}

/// Returns the same without advice.
pub(super) fn brief_reasons(document: &Document) -> Vec<String> {
    reasons_with(document, reasons::brief(&document.generator.health))
}

/// A doubt that is no reason of the verdict.
const SUSPECT: &str = "the generator is SUSPECT: it may have moved the numbers, see Generator";

/// Returns the same without doubts that are told of several runs at once.
pub(super) fn own_reasons(document: &Document) -> Vec<String> {
    let mut reasons = brief_reasons(document);
    reasons.retain(|it| it != SUSPECT);
    reasons
}

fn reasons_with(document: &Document, of_health: Vec<String>) -> Vec<String> {
    let mut reasons = Vec::new();
    if !document.closure.holds() {
        let broken = document.closure.broken().count();
        reasons.push(format!("{broken} sums {}", words::BROKEN_SUMS));
    }
    if document.interrupted {
        reasons.push("interrupted: the plan was not done".to_owned());
    }
    reasons.extend(document.broken());
    if let Some(search) = &document.search {
        reasons.push(format!("capacity {}", words::capacity(search)));
        reasons.extend(words::disagreement(search));
    } else if let verdict = words::verdict(document)
        && !reasons.contains(&verdict)
    {
        reasons.push(verdict);
    }
    let health = &document.generator.health;
    if document.verdict == RunVerdict::Invalid {
        reasons.extend(of_health);
    }
    let broken = |it: &&ThresholdResult| it.status == Status::Fail;
    let broken = document.thresholds.iter().filter(broken);
    reasons.extend(broken.map(|it| format!("broken: {}: {}", it.name(), it.observed_text)));
    if health.verdict() == Verdict::Suspect {
        reasons.push(SUSPECT.to_owned());
    }
    reasons
}

/// Returns where the target is and what it calls itself: `http://registry:5000 · Server: nginx`.
pub(super) fn target(document: &Document) -> String {
    let headers = &document.target;
    let named = [
        (
            "Docker-Distribution-Api-Version",
            &headers.docker_distribution_api_version,
        ),
        ("Server", &headers.server),
    ];
    let named = named
        .into_iter()
        .filter_map(|(header, value)| Some(format!("{header}: {}", value.as_ref()?)));
    let url = document.plan.target().map(str::to_owned);
    let all: Vec<String> = url.into_iter().chain(named).collect();
    if all.is_empty() {
        "-".to_owned()
    } else {
        all.join(" · ")
    }
}

/// Returns the digits of a plan's fingerprint that tell it from others: `263b3e3`.
pub(super) fn fingerprint(plan: &PlanSection) -> String {
    plan.fingerprint.to_hex().chars().take(7).collect()
}

/// Returns what the user calls a run by: `build=1.4.2`.
pub(super) fn labels(document: &Document) -> impl Iterator<Item = String> {
    let labels = document.environment.labels.iter();
    labels.map(|(name, value)| format!("{name}={value}"))
}

/// Returns the metric of a comparison that moved most: `manifest-get.total p(95): 1.98 ms, now 302 ms (+15152%), not gated`.
pub(super) fn moved(comparison: &Comparison) -> Option<String> {
    let Moved { metric, is_shown } = comparison.moved_most()?;
    let words = Words(metric);
    let change = metric.change.map(|it| words.signed(it));
    let mut text = format!(
        "{}: {}, now {} ({})",
        metric.metric,
        words.value(metric.base),
        words.value(metric.candidate),
        change.unwrap_or_default()
    );
    if !metric.gated {
        text.push_str(", not gated");
    }
    if !is_shown {
        text.push_str(", which may be chance");
    }
    Some(text)
}

/// Returns how many thresholds hold: `2 hold, 1 broken`.
pub(super) fn thresholds(document: &Document) -> String {
    let count = |status: fn(&Status) -> bool| {
        let results = document.thresholds.iter();
        results.filter(|it| status(&it.status)).count()
    };
    let counts = [
        (count(|it| *it == Status::Pass), "hold"),
        (count(|it| *it == Status::Fail), "broken"),
        (
            count(|it| matches!(it, Status::Inconclusive(_))),
            "cannot be decided",
        ),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if counts.is_empty() {
        "none".to_owned()
    } else {
        counts.join(", ")
    }
}

/// What failed in the measured window.
pub(super) struct Failed {
    /// `103 of 4,469 exchanges (2.3%): 103 unavailable`
    pub(super) exchanges: String,
    /// `103 of 513 iterations (20.1%), 9 retries`
    pub(super) iterations: String,
    /// `blob-get, where 103 of 1,936 failed (5.3%)`; `None` if no exchange failed.
    pub(super) worst: Option<String>,
    /// Whether anything failed or was dropped.
    pub(super) any: bool,
}

impl Failed {
    pub(super) fn of(document: &Document) -> Self {
        let totals = &document.totals;
        let mut classes = ClassCounts::default();
        for operation in &document.operations {
            classes.merge(&operation.counts.failure_classes);
        }
        let mut exchanges = share(totals.exchanges, "exchange");
        let classes = words::classes(&classes);
        if !classes.is_empty() {
            exchanges = format!("{exchanges}: {classes}");
        }
        let mut iterations = share(totals.iterations, "iteration");
        let starts = totals.starts;
        if starts.dropped > 0 {
            let of = units::count(starts.scheduled);
            let dropped = units::count(starts.dropped);
            iterations = format!("{iterations}, {dropped} of {of} starts dropped");
        }
        let retries = document.journeys.iter().map(|it| it.counts.time.retries);
        let retries = retries.fold(0_u64, u64::saturating_add);
        if retries > 0 {
            let retries = if retries == 1 {
                "1 retry".to_owned()
            } else {
                format!("{} retries", units::count(retries))
            };
            iterations = format!("{iterations}, {retries}");
        }
        Self {
            exchanges,
            iterations,
            worst: worst(&document.operations).map(|it| {
                let outcomes = it.counts.outcomes;
                let of = units::count(outcomes.ended());
                let failed = units::count(outcomes.failed);
                format!(
                    "{}, where {failed} of {of} failed{}",
                    it.name,
                    percent(outcomes)
                )
            }),
            any: totals.exchanges.failed > 0 || totals.iterations.failed > 0 || starts.dropped > 0,
        }
    }
}

/// Returns the operation with the most failures; of several, the one of which the largest share failed.
fn worst(operations: &[OperationSection]) -> Option<&OperationSection> {
    let failed = operations.iter().filter(|it| it.counts.outcomes.failed > 0);
    failed.max_by_key(|it| {
        let outcomes = it.counts.outcomes;
        (outcomes.failed, Reverse(outcomes.ended()))
    })
}

/// `103 of 4,469 exchanges (2.3%)`
fn share(outcomes: Outcomes, noun: &str) -> String {
    let failed = units::count(outcomes.failed);
    let of = number_of(outcomes.ended(), noun);
    format!("{failed} of {of}{}", percent(outcomes))
}

/// ` (2.3%)`; nothing where nothing failed.
pub(super) fn percent(outcomes: Outcomes) -> String {
    match failed_share(outcomes) {
        Some(share) if share > 0.0 => format!(" ({})", units::share(share)),
        _ => String::new(),
    }
}
