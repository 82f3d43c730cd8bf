//! The summary of a comparison.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::result::{
    Comparison, ComparisonVerdict, Decision, Design, Document, Method, MetricComparison,
};
use crate::units;

use super::super::change::{self, Words};
use super::super::headline::{self, Failed};
use super::super::table::{Cell, Paint, TextTable, harmless};
use super::super::words::number_of;
use super::layout::{LABEL, Layout};

/// Returns the verdict with its reasons, the two sides and how they were compared, a line for each gated metric and each other
/// that has changed, and the verdict again.
pub(super) fn summary(comparison: &Comparison, layout: Layout, saved_as: Option<&Path>) -> String {
    let plan = &comparison.candidate.plan;
    let fingerprint = headline::fingerprint(plan);
    let line = |label: &str, words: &str| layout.line(label, words, Paint::Plain);
    let mut text = verdict(comparison, layout, &comparison.reasons);
    if let Some(moved) = headline::moved(comparison) {
        text.push_str(&layout.line("moved most", &moved, Paint::Bold));
    }
    for (side, run) in [
        ("base", &comparison.base),
        ("candidate", &comparison.candidate),
    ] {
        text.push_str(&line(side, &named(run)));
        let failed = Failed::of(run);
        if failed.any {
            let words = format!("failed: {}; {}", failed.exchanges, failed.iterations);
            text.push_str(&layout.line("", &words, Paint::Bad));
        }
    }
    let run = format!("{} · seed {} · plan {fingerprint}", plan.name, plan.seed);
    text.push_str(&layout.line("run", &run, Paint::Bold));
    text.push_str(&line("runs", &runs(&comparison.design)));
    for difference in &comparison.differences {
        text.push_str(&line("differs", &change::difference(difference)));
    }
    text.push('\n');
    text.push_str(&table(comparison, layout));
    if let Some(words) = change::before_a_look(&comparison.design) {
        text.push_str(&layout.dim(&words));
    }
    for words in power(comparison) {
        text.push_str(&layout.dim(&words));
    }
    text.push('\n');
    for discarded in &comparison.discarded {
        let words = format!(
            "pair {} was made again: {}",
            discarded.number, discarded.reason
        );
        text.push_str(&line("discarded", &words));
    }
    for note in &comparison.notes {
        text.push_str(&line("note", note));
    }
    text.push_str(&verdict(comparison, layout, &[]));
    if let Some(path) = saved_as {
        // A path is copied from here, so it is never broken.
        let path = harmless(&path.to_string_lossy());
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:LABEL$}{path}", "comparison");
    }
    text
}

fn verdict(comparison: &Comparison, layout: Layout, reasons: &[String]) -> String {
    let paint = match comparison.verdict {
        ComparisonVerdict::Pass => Paint::Good,
        ComparisonVerdict::Inconclusive => Paint::Bold,
        ComparisonVerdict::Regression | ComparisonVerdict::Invalid => Paint::Bad,
    };
    let word = comparison.verdict.name().to_uppercase();
    let mut reasons = reasons.iter();
    let first = reasons.next();
    let first = first.map_or_else(|| word.clone(), |it| format!("{word}   {it}"));
    let mut text = layout.line("verdict", &first, paint);
    for reason in reasons {
        text.push_str(&layout.line("", reason, Paint::Plain));
    }
    text
}

/// Returns where the target was, what it calls itself, and what the user calls it.
fn named(run: &Document) -> String {
    let target = run.plan.target().unwrap_or("-").to_owned();
    let server = run.target.server.iter().map(|it| format!("Server: {it}"));
    let named: Vec<String> = std::iter::once(target)
        .chain(server)
        .chain(headline::labels(run))
        .collect();
    named.join(" · ")
}

/// `10 pairs, each side in 3 slices of 10 s after 2 s to settle · order by coin (seed 42) · looks at 6, 10, 16 pairs`
fn runs(design: &Design) -> String {
    let mut words = match design.method {
        Method::Paired => format!("{} pairs", design.base_runs),
        Method::Unpaired => format!(
            "{} of the base and {} of the candidate, not in pairs",
            design.base_runs, design.candidate_runs
        ),
        Method::Single => "one each, not a pair".to_owned(),
    };
    let slices = design.orders.first().map_or(0, |it| it.len() / 2);
    let time = |micros| units::duration(Duration::from_micros(micros));
    if let Some(slice) = design.slice_us {
        let _ = write!(
            words,
            ", each side in {} of {} after {} to settle",
            number_of(slices as u64, "slice"),
            time(slice),
            time(design.settle_us)
        );
    }
    if let Some(seed) = design.order_seed {
        let _ = write!(words, " · order by coin (seed {seed})");
    }
    if let Some(budget) = &design.budget {
        let _ = write!(words, " · {}", change::budget(budget));
    } else if design.looks.len() > 1 {
        let looks: Vec<String> = design.looks.iter().map(u32::to_string).collect();
        let _ = write!(words, " · looks at {} pairs", looks.join(", "));
    }
    words
}

fn table(comparison: &Comparison, layout: Layout) -> String {
    let interval = change::interval(&comparison.design);
    let heading = [
        "metric",
        "base",
        "candidate",
        "change",
        interval.as_str(),
        "margin",
        "detectable",
        "p",
    ];
    let mut table = TextTable::new(1, &heading);
    let changed = |it: &MetricComparison| it.p.is_some_and(|p| p <= comparison.design.alpha);
    let shown = |it: &&MetricComparison| it.gated || changed(it);
    for metric in comparison.metrics.iter().filter(shown) {
        table.row(row(metric));
    }
    let hidden = comparison.metrics.iter().filter(|it| !shown(it)).count();
    let mut text = table.render(layout.colour, layout.width);
    if hidden > 0 {
        let words = format!("{hidden} further metrics, not gated: no change is shown");
        text.push_str(&layout.dim(&words));
    }
    text
}

fn row(metric: &MetricComparison) -> Vec<Cell> {
    let words = Words(metric);
    let paint = match metric.decision {
        Decision::Regression => Paint::Bad,
        Decision::Pass | Decision::Improvement => Paint::Good,
        Decision::Inconclusive => Paint::Bold,
        Decision::NotGated => Paint::Dim,
    };
    let p = metric.p.map_or_else(|| "-".to_owned(), probability);
    let decision = change::decision(metric.decision);
    let decision = if metric.decision == Decision::Regression {
        decision.to_uppercase()
    } else {
        decision.to_owned()
    };
    let margin = if metric.gated {
        words.margin()
    } else {
        "-".to_owned()
    };
    vec![
        (&metric.metric).into(),
        words.value(metric.base).into(),
        words.value(metric.candidate).into(),
        words.change().into(),
        words.interval().into(),
        margin.into(),
        metric
            .detectable
            .map_or_else(|| "-".to_owned(), units::share)
            .into(),
        p.into(),
        Cell::new(decision, paint),
    ]
}

/// Four digits say enough.
fn probability(p: f64) -> String {
    if p < 0.0001 {
        "<0.0001".to_owned()
    } else {
        format!("{p:.4}")
    }
}

/// Returns what the gates of pairs could have found, and what it would take where that is more than their margin.
fn power(comparison: &Comparison) -> Vec<String> {
    let pairs = comparison.design.base_runs;
    let gated = comparison.metrics.iter().filter(|it| it.gated);
    let blunt = gated.filter_map(|it| {
        let detectable = it.detectable.filter(|found| *found > it.margin)?;
        let name = &it.metric;
        let margin = units::share(it.margin);
        let found = units::share(detectable);
        let more = match it.pairs_for_margin {
            Some(more) => format!("{more} pairs would find its margin of {margin}"),
            None => format!("its margin of {margin} takes more than 1,000 pairs"),
        };
        Some(harmless(&format!(
            "with this noise {pairs} pairs find a change of {found} at {name} in 8 of 10 tries; {more}"
        )))
    });
    blunt.collect()
}
