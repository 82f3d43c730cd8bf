//! From what is decided of each metric to the comparison that is stored.

use std::time::Duration;

use crate::health::{Level, Verdict};
use crate::result::{
    Comparison, ComparisonSchema, ComparisonVerdict, Decision, Design, Difference, DiscardedPair,
    Document, MetricComparison,
};
use crate::schedule::Side;
use crate::units;

/// A comparison that is at its end.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) metrics: Vec<MetricComparison>,
    pub(super) design: Design,
    pub(super) differences: Vec<Difference>,
    pub(super) discarded: Vec<DiscardedPair>,
    /// Why nothing can be concluded, whatever the metrics say.
    pub(super) invalid: Vec<String>,
    /// Why less is concluded than the metrics say: the comparison was cut short.
    pub(super) cut: Option<String>,
    pub(super) notes: Vec<String>,
    pub(super) base: Document,
    pub(super) candidate: Document,
}

pub(super) fn conclude(case: Case) -> Comparison {
    let mut invalid = case.invalid;
    let not_allowed = case.differences.iter().filter(|it| !it.allowed);
    invalid.extend(not_allowed.map(|it| {
        let aspect = it.aspect.name();
        format!(
            "the two sides differ in their {aspect}; `--allow {aspect}` compares them all the same"
        )
    }));
    let (verdict, reasons) = if invalid.is_empty() {
        let (verdict, mut reasons) = verdict(&case.metrics);
        match case.cut {
            // What is found is found; what is not yet found may come.
            Some(cut) => {
                reasons.push(cut);
                (verdict.max(ComparisonVerdict::Inconclusive), reasons)
            }
            None => (verdict, reasons),
        }
    } else {
        (ComparisonVerdict::Invalid, invalid)
    };
    let (verdict, reasons) = judged_by_promises(&case.candidate, verdict, reasons);
    let mut notes = case.notes;
    let of_base = case.base.broken().into_iter();
    notes.extend(of_base.map(|it| format!("base: {it}")));
    Comparison {
        schema: ComparisonSchema,
        regstorm: env!("CARGO_PKG_VERSION").to_owned(),
        verdict,
        reasons,
        design: case.design,
        differences: case.differences,
        metrics: case.metrics,
        discarded: case.discarded,
        notes,
        base: case.base,
        candidate: case.candidate,
    }
}

/// Returns the verdict in view of what the candidate did to its content: one that loses what it acknowledged is no better for
/// being as fast, and what was lost was lost whatever the generator did. The reasons begin with it.
fn judged_by_promises(
    candidate: &Document,
    verdict: ComparisonVerdict,
    reasons: Vec<String>,
) -> (ComparisonVerdict, Vec<String>) {
    let mut broken = candidate.broken();
    if broken.is_empty() {
        return (verdict, reasons);
    }
    for it in &mut broken {
        it.insert_str(0, "candidate: ");
    }
    broken.extend(reasons);
    (ComparisonVerdict::Regression, broken)
}

/// Returns what the gated metrics come to, with a line for each that is the reason.
fn verdict(metrics: &[MetricComparison]) -> (ComparisonVerdict, Vec<String>) {
    let gated = || metrics.iter().filter(|it| it.gated);
    let of = |decision: Decision| gated().filter(move |it| it.decision == decision);
    let regressed: Vec<String> = of(Decision::Regression)
        .map(|it| format!("{} is worse by its margin or more", it.metric))
        .collect();
    if !regressed.is_empty() {
        return (ComparisonVerdict::Regression, regressed);
    }
    let open: Vec<String> = of(Decision::Inconclusive)
        .map(|it| {
            let why = it.why.as_deref().unwrap_or("not decided");
            match longer(it) {
                Some(longer) => format!("{}: {why}; {longer}", it.metric),
                None => format!("{}: {why}", it.metric),
            }
        })
        .collect();
    if open.is_empty() && gated().next().is_some() {
        let passed = of(Decision::Pass);
        let tolerated =
            passed.filter_map(|it| Some(format!("{}: {}", it.metric, it.why.as_ref()?)));
        return (ComparisonVerdict::Pass, tolerated.collect());
    }
    (ComparisonVerdict::Inconclusive, open)
}

/// Returns what it would take to decide a metric, where that is known.
fn longer(metric: &MetricComparison) -> Option<String> {
    let pairs = metric.more_pairs?;
    let pairs = if pairs == 1 {
        "1 more pair".to_owned()
    } else {
        format!("{} more pairs", units::count(pairs.into()))
    };
    let time = metric.more_us.map(|it| {
        let minutes = Duration::from_micros(it).as_secs().div_ceil(60);
        let time = units::duration(Duration::from_secs(minutes * 60));
        format!(", another {time},")
    });
    let time = time.unwrap_or_default();
    Some(format!(
        "about {pairs}{time} would decide it if noise and change stay as they are"
    ))
}

/// Returns why a run makes a comparison invalid, if it does.
pub(super) fn unfit(side: Side, run: &Document) -> Option<String> {
    let of = format!("a run of the {}", side.name());
    if !run.closure.holds() {
        return Some(format!(
            "the sums of {of} do not close: a defect of regstorm"
        ));
    }
    if run.interrupted {
        return Some(format!("{of} was interrupted"));
    }
    generator_limit(run).map(|why| format!("the generator was the limit in {of}: {why}"))
}

/// Returns what made the generator's health invalid, if it is.
pub fn generator_limit(run: &Document) -> Option<String> {
    let health = &run.generator.health;
    if health.verdict() != Verdict::Invalid {
        return None;
    }
    let mut reasons = health
        .reasons
        .iter()
        .filter(|it| it.level == Level::Invalid);
    reasons
        .next()
        .map(|it| format!("{} {}, allowed {}", it.signal, it.observed, it.bound))
}
