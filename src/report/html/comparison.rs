//! A comparison in words and tables: what it comes to, each metric, how the evidence was come by.

use std::time::Duration;

use crate::report::change::{self, Words};
use crate::report::headline::{self, Failed};
use crate::result::{
    Comparison, ComparisonVerdict, Decision, Design, Document, Method, MetricComparison, MetricUnit,
};
use crate::units;

use super::head::{banner, fact, notes, warnings};
use super::markup::{Markup, element};
use super::parts::{details, faint, titled};
use super::table::{Cell, HtmlTable, State};

/// Returns the banner, and which two builds these are.
pub(super) fn head(comparison: &Comparison) -> Markup {
    let name = &comparison.candidate.plan.name;
    let mut head = Markup::from(element("h1").with(name).with(": candidate against base"));
    for (side, document) in [
        ("base", &comparison.base),
        ("candidate", &comparison.candidate),
    ] {
        head.push(build(side, document));
    }
    let state = match comparison.verdict {
        ComparisonVerdict::Pass => State::Good,
        ComparisonVerdict::Inconclusive => State::Open,
        ComparisonVerdict::Regression | ComparisonVerdict::Invalid => State::Bad,
    };
    let word = comparison.verdict.name().to_uppercase();
    head.push(banner(state, &word, &comparison.reasons, facts(comparison)));
    for (side, document) in [
        ("Base", &comparison.base),
        ("Candidate", &comparison.candidate),
    ] {
        let warnings = warnings(document);
        if !warnings.is_empty() {
            head.push(titled(format!("{side}:"), warnings));
        }
    }
    head.push(notes(&comparison.notes));
    head
}

/// Returns what the box says besides the verdict: what moved most, and what failed on each side.
fn facts(comparison: &Comparison) -> Markup {
    let mut list = element("dl");
    if let Some(moved) = headline::moved(comparison) {
        list = list
            .with(element("dt").with("moved most"))
            .with(element("dd").with(moved));
    }
    for (name, side) in [
        ("failed, base", &comparison.base),
        ("failed, candidate", &comparison.candidate),
    ] {
        let failed = Failed::of(side);
        let words = format!("{}; {}", failed.exchanges, failed.iterations);
        list = list
            .with(element("dt").with(name))
            .with(element("dd").with(words));
    }
    list.into()
}

fn build(side: &str, document: &Document) -> Markup {
    let environment = &document.environment;
    let mut strip = element("div").class("strip");
    strip = strip.with(element("strong").with(side));
    if let Some(target) = document.plan.target() {
        strip = strip.with(fact("target", target, None));
    }
    if let Some(server) = &document.target.server {
        strip = strip.with(fact("Server", server, None));
    }
    for (name, value) in &environment.labels {
        strip = strip.with(fact(name, value, None));
    }
    let host = environment.host.as_deref().unwrap_or("-");
    strip
        .with(fact("started", &environment.started, None))
        .with(fact("host", host, None))
        .with(fact("measured by regstorm", &document.regstorm, None))
        .into()
}

/// Returns the table of metrics, and the pairs of each to open.
pub(super) fn metrics(comparison: &Comparison) -> Markup {
    let interval = change::interval(&comparison.design);
    let heading = [
        "metric",
        "",
        "base",
        "candidate",
        "change",
        interval.as_str(),
        "margin",
        "p / by ranks",
        "detectable / pairs",
    ];
    let mut table = HtmlTable::new("Candidate against base", &heading);
    for metric in &comparison.metrics {
        table.row(row(metric));
    }
    if table.is_empty() {
        return faint("There was nothing to compare.").into();
    }
    let mut section = Markup::from(table.render());
    if let Some(words) = change::before_a_look(&comparison.design) {
        section.push(faint(words));
    }
    section.push(why(&comparison.metrics));
    section.push(faint(
        "Interval: where the change lies with the confidence of the design. p: how probable such evidence is if nothing has \
         changed. Detectable: the change that these runs find in eight of ten tries; pairs: how many would find the margin as \
         often. pp: percentage points.",
    ));
    let orders = &comparison.design.orders;
    let paired = comparison.metrics.iter().filter(|it| !it.pairs.is_empty());
    let pairs: Markup = paired
        .map(|it| titled(&it.metric, pairs(it, orders)))
        .collect();
    if !pairs.is_empty() {
        section.push(details("The pairs of each metric", pairs));
    }
    section
}

fn row(metric: &MetricComparison) -> Vec<Cell> {
    let words = Words(metric);
    let change_of = |it: Option<f64>| it.map_or_else(Cell::unknown, |it| changed(metric, it));
    let interval = metric.interval.map_or_else(Cell::unknown, |[low, high]| {
        Cell::number(words.interval(), format!("{low} to {high}"), low)
    });
    let signed = |it: Option<f64>| it.map_or_else(|| "-".to_owned(), |it| words.signed(it));
    let needed = metric.pairs_for_margin.map(|it| units::count(it.into()));
    let needed = needed.unwrap_or_else(|| "-".to_owned());
    vec![
        Cell::words(&metric.metric).short(),
        Cell::state(state(metric.decision), change::decision(metric.decision)),
        side(metric, metric.base),
        side(metric, metric.candidate),
        change_of(metric.change),
        interval,
        changed(metric, words.worse()),
        two(
            &probability(metric.p),
            &probability(metric.p_by_ranks),
            metric.p,
        ),
        two(&signed(metric.detectable), &needed, metric.detectable),
    ]
}

/// Two numbers in a cell, sorted by the first.
fn two(first: &str, second: &str, key: Option<f64>) -> Cell {
    let shown = format!("{first} / {second}");
    key.map_or_else(
        || Cell::words(&shown).numeric(),
        |key| Cell::number(shown.clone(), format!("{key} / {second}"), key),
    )
}

/// Returns what is not plain from the numbers of a metric.
fn why(metrics: &[MetricComparison]) -> Markup {
    let mut list = element("dl");
    let mut any = false;
    for metric in metrics {
        if let Some(why) = &metric.why {
            any = true;
            list = list
                .with(element("dt").with(&metric.metric))
                .with(element("dd").with(why));
        }
    }
    if any { list.into() } else { Markup::new() }
}

fn pairs(metric: &MetricComparison, orders: &[String]) -> Markup {
    let mut table = HtmlTable::new("", &["pair", "order", "base", "candidate", "change"]);
    for (index, pair) in metric.pairs.iter().enumerate() {
        table.row(vec![
            Cell::words(pair.number.to_string()),
            Cell::words(orders.get(index).map_or("-", String::as_str)),
            side(metric, Some(pair.base)),
            side(metric, Some(pair.candidate)),
            changed(metric, pair.change),
        ]);
    }
    table.render().into()
}

/// Returns how much a decision is to be noticed.
pub(super) const fn state(decision: Decision) -> State {
    match decision {
        Decision::Regression => State::Bad,
        Decision::Pass | Decision::Improvement => State::Good,
        Decision::Inconclusive => State::Open,
        Decision::NotGated => State::Plain,
    }
}

/// Returns a value, exactly on hover.
fn side(metric: &MetricComparison, value: Option<f64>) -> Cell {
    let Some(value) = value else {
        return Cell::unknown();
    };
    let exact = match metric.unit {
        MetricUnit::Micros => format!("{value} µs"),
        MetricUnit::PerSecond => format!("{value}/s"),
        MetricUnit::BytesPerSecond => format!("{value} B/s"),
        MetricUnit::Bytes => format!("{value} B"),
        MetricUnit::Share | MetricUnit::Cores | MetricUnit::Number => value.to_string(),
    };
    Cell::number(Words(metric).value(Some(value)), exact, value)
}

fn changed(metric: &MetricComparison, change: f64) -> Cell {
    Cell::number(Words(metric).signed(change), change.to_string(), change)
}

fn probability(p: Option<f64>) -> String {
    match p {
        None => "-".to_owned(),
        Some(p) if p < 0.0001 => "<0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
    }
}

/// Returns how the evidence was come by, and what of it was thrown away.
pub(super) fn design(comparison: &Comparison) -> Markup {
    let design = &comparison.design;
    let method = match design.method {
        Method::Paired => "pairs of runs, made in turn (Student's t on log ratios, and Wilcoxon)",
        Method::Unpaired => "runs made at any time (Welch's t on logs, and Mann-Whitney)",
        Method::Single => {
            "one run each: what their windows tell, which is too little to fail a build by"
        }
    };
    let time = |micros| units::duration(Duration::from_micros(micros));
    let looks: Vec<String> = design.looks.iter().map(ToString::to_string).collect();
    let mut facts = vec![
        ("method", method.to_owned()),
        ("runs of the base", units::count(design.base_runs.into())),
        (
            "runs of the candidate",
            units::count(design.candidate_runs.into()),
        ),
        significance(design),
    ];
    if !looks.is_empty() {
        facts.push(("looks, in pairs", looks.join(", ")));
    }
    if let Some(budget) = &design.budget {
        facts.push(("time", change::budget(budget)));
    }
    if let Some(seed) = design.order_seed {
        facts.push(("seed of the order", seed.to_string()));
    }
    if let Some(slice) = design.slice_us {
        facts.push(("measured in each slice", time(slice)));
        facts.push(("thrown away before it", time(design.settle_us)));
    }
    if !design.orders.is_empty() {
        facts.push(("orders, A being the base", design.orders.join(", ")));
    }
    let mut list = element("dl");
    for (name, value) in facts {
        list = list
            .with(element("dt").with(name))
            .with(element("dd").with(value));
    }
    let mut section = Markup::from(list);
    let mut table = HtmlTable::new("Pairs that were made and not used", &["pair", "why"]);
    for pair in &comparison.discarded {
        let number = Cell::words(pair.number.to_string());
        table.row(vec![number, Cell::words(&pair.reason)]);
    }
    if !table.is_empty() {
        section.push(table.render());
    }
    section
}

/// With a time each look has a level of its own, and the last one's is stored.
fn significance(design: &Design) -> (&'static str, String) {
    let level = format!("{}, two-sided", design.alpha);
    match &design.budget {
        None => ("significance at each look", level),
        Some(_) if design.looks.is_empty() => ("significance", "it ended before a look".to_owned()),
        Some(_) => ("significance at the last look", level),
    }
}

/// In what the sides differ that ought not to.
pub(super) fn differences(comparison: &Comparison) -> Markup {
    let mut table = HtmlTable::new("", &["what", "", "base", "candidate"]);
    for difference in &comparison.differences {
        let state = if difference.allowed {
            Cell::state(State::Open, "allowed")
        } else {
            Cell::state(State::Bad, "not allowed")
        };
        table.row(vec![
            Cell::words(difference.aspect.name()),
            state,
            Cell::words(&difference.base),
            Cell::words(&difference.candidate),
        ]);
    }
    if table.is_empty() {
        return faint("None: plan, machine, version and load are the same.").into();
    }
    table.render().into()
}
