//! Markdown for a pull request or a job's summary: the verdict first, then why.
//!
//! The text is bounded: a comment on GitHub may have 65,536 characters, and what does not fit is left out with a word
//! about it. Words of others stand for themselves: they make no table, no link, no HTML, and mention nobody by `@`.

mod audit;
mod beside;
mod clients;
mod hooks;
mod operations;
mod page;
mod ranges;
mod replay;
mod search;
mod server;
mod shards;

use std::fmt::Write as _;

use crate::measure::LatencyHistogram;
use crate::result::{Comparison, DiscardedPair, Document, Environment};
use crate::units::{self, Quantile};
use crate::verdict::{Status, ThresholdResult};

use super::addresses::{self, Host};
use super::change::{self, Words};
use super::figures::latency_of;
use super::headline::{self, Failed};
use super::promises;
use super::runs::NamedRun;
use super::words::{self, Spent};
use super::{on_purpose, reasons, slow, slowest, upstream};
use page::{MarkdownPage, MarkdownTable, ROWS, escape, shown};

/// More kinds of failures than this are in the report only.
const FAILURES: usize = 5;

/// One run.
pub fn run(document: &Document) -> String {
    let mut page = MarkdownPage::new();
    let verdict = words::verdict_word(document.verdict);
    let name = escape(&document.plan.name);
    page.add(&format!("## regstorm: {verdict}, {name}\n"));
    page.list("", top(document).into_iter());
    page.add(&thresholds(&document.thresholds));
    let wrong = document.integrity.words().into_iter();
    page.list("Integrity", wrong.chain(promises::flickers(document)));
    if let Some(found) = &document.audit {
        page.list("Audit", audit::list(found).into_iter());
    }
    page.add(&health("Generator", document));
    page.add(&shards::table(document));
    page.add(&journeys(document));
    page.add(&clients::table(document));
    page.add(&replay::tables(document));
    page.add(&ranges::tables(document));
    page.add(&operations::table(&document.operations, "Operations"));
    page.add(&hooks::table(document));
    page.add(&server::tables(document));
    page.list("Upstream", document.upstream.iter().map(upstream::line));
    page.add(&search::trials(document));
    page.add(&spent(document));
    page.list("Slowest exchange", slowest_exchange(document).into_iter());
    page.add(&failures(document));
    page.list(
        "Addresses",
        addresses::hosts(document).iter().map(Host::line),
    );
    page.list("Notes", document.notes.iter().cloned());
    let mut rows = vec![
        ("plan", document.plan.fingerprint.to_string()),
        ("seed", document.plan.seed.to_string()),
        ("window", units::duration(document.window())),
    ];
    rows.extend(environment(&document.environment));
    page.add(&details("Environment", &rows, &[&document.environment]));
    page.finish()
}

/// Returns a comparison of two builds.
pub fn comparison(comparison: &Comparison) -> String {
    let mut page = MarkdownPage::new();
    let verdict = comparison.verdict.name().to_uppercase();
    let name = escape(&comparison.candidate.plan.name);
    page.add(&format!("## regstorm: {verdict}, {name}\n"));
    page.list("", comparison.reasons.iter().cloned());
    if let Some(moved) = headline::moved(comparison) {
        page.add(&format!("\n**Moved most**: {}\n", escape(&moved)));
    }
    page.add(&metrics(comparison));
    page.list("", change::before_a_look(&comparison.design).into_iter());
    page.list(
        "Differences",
        comparison.differences.iter().map(change::difference),
    );
    page.list(
        "Discarded pairs",
        comparison.discarded.iter().map(discarded),
    );
    for (title, side) in [
        ("Generator, base", &comparison.base),
        ("Generator, candidate", &comparison.candidate),
    ] {
        page.add(&health(title, side));
    }
    for (title, side) in [
        ("Operations, base", &comparison.base),
        ("Operations, candidate", &comparison.candidate),
    ] {
        page.add(&operations::table(&side.operations, title));
    }
    page.add(&failures(&comparison.candidate));
    page.list("Notes", comparison.notes.iter().cloned());
    let design = &comparison.design;
    let mut rows = vec![
        ("runs of the base", design.base_runs.to_string()),
        ("runs of the candidate", design.candidate_runs.to_string()),
        ("plan", comparison.candidate.plan.fingerprint.to_string()),
    ];
    if let Some(budget) = &design.budget {
        rows.push(("time", change::budget(budget)));
    }
    let sides = [
        &comparison.base.environment,
        &comparison.candidate.environment,
    ];
    rows.extend(environment(sides[1]));
    page.add(&details("Environment of the candidate", &rows, &sides));
    page.finish()
}

/// Several runs beside each other, in which nothing is judged.
pub fn runs(runs: &[NamedRun<'_>]) -> String {
    beside::page(runs)
}

/// Returns what stands for the result of a command, such as `run`, that has none, so that nobody reads an older one.
pub fn no_result(command: &str, reason: &str) -> String {
    let mut text = format!("## regstorm {command}: NO RESULT\n\n");
    // Indented, it is shown as it stands, whatever it holds.
    for line in reason.lines() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// Returns the verdict's reasons, where the target is, what failed and what is slow.
fn top(document: &Document) -> Vec<String> {
    let mut top = headline::reasons(document);
    top.push(format!("target: {}", headline::target(document)));
    let failed = Failed::of(document);
    top.push(format!("failed: {}", failed.exchanges));
    top.extend(failed.worst.map(|it| format!("most in {it}")));
    top.push(failed.iterations);
    top.extend(slow::operation(document).map(|it| format!("slowest: {it}")));
    top
}

fn thresholds(results: &[ThresholdResult]) -> String {
    let mut table = MarkdownTable::new(&["threshold", "observed", "samples", "status"], ROWS);
    for result in results {
        let status = match result.status {
            Status::Pass => "pass".to_owned(),
            Status::Fail => "**FAIL**".to_owned(),
            Status::Inconclusive(reason) => {
                format!("inconclusive: {}", escape(&reason.to_string()))
            }
        };
        table.row(&[
            escape(&result.name()),
            escape(&result.observed_text),
            units::count(result.samples),
            status,
        ]);
    }
    table.render("Thresholds")
}

fn metrics(comparison: &Comparison) -> String {
    let interval = change::interval(&comparison.design);
    let heading = [
        "metric",
        "base",
        "candidate",
        "change",
        interval.as_str(),
        "margin",
        "decision",
    ];
    let mut table = MarkdownTable::new(&heading, ROWS);
    for metric in &comparison.metrics {
        let words = Words(metric);
        let decision = change::decision(metric.decision);
        let decision = match (metric.gated, &metric.why) {
            (true, Some(why)) => format!("**{decision}**: {}", escape(why)),
            (true, None) => format!("**{decision}**"),
            (false, _) => decision.to_owned(),
        };
        table.row(&[
            escape(&metric.metric),
            words.value(metric.base),
            words.value(metric.candidate),
            escape(&words.change()),
            words.interval(),
            words.margin(),
            decision,
        ]);
    }
    table.render("Metrics")
}

/// Returns the generator's health, with its reasons.
fn health(title: &str, document: &Document) -> String {
    let health = &document.generator.health;
    let mut text = format!("\n**{title}**: {}\n", health.verdict());
    if !health.reasons.is_empty() {
        text.push('\n');
    }
    for reason in reasons::with_advice(health).iter().take(ROWS) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "- {}", escape(reason));
    }
    text
}

fn journeys(document: &Document) -> String {
    let (title, heading) = if document.open_model {
        ("Journeys, response time from the scheduled start", "p50")
    } else {
        ("Journeys, service time (closed model)", "p50")
    };
    let provoked = on_purpose::column(document.totals.iterations);
    let columns = ["journey", "started", "ok", "failed", "dropped", "cancelled"];
    let columns = columns.into_iter().chain(provoked);
    let columns = columns.chain(["rate", heading, "p90", "p99", "p99.9", "max"]);
    let mut table = MarkdownTable::new(&columns.collect::<Vec<_>>(), ROWS);
    for journey in &document.journeys {
        let latency = latency_of(journey, document.open_model);
        let mut row = vec![
            escape(&journey.name),
            units::count(journey.counts.starts.started),
            units::count(journey.counts.outcomes.ok),
            units::count(journey.counts.outcomes.failed),
            units::count(journey.counts.starts.dropped),
            units::count(journey.counts.outcomes.cancelled),
        ];
        row.extend(provoked.map(|_| units::count(journey.counts.outcomes.misbehaved)));
        row.push(units::per_second(journey.iterations_per_s, ""));
        row.extend(times(latency));
        table.row(&row);
    }
    table.render(title)
}

/// Returns where the time of iterations went, on average.
fn spent(document: &Document) -> String {
    let mut table = MarkdownTable::new(&words::SPENT_COLUMNS, ROWS);
    for journey in &document.journeys {
        let spent = Spent::of(journey);
        let mut row = vec![escape(&journey.name)];
        row.extend(spent.means.map(shown));
        row.extend([
            units::count(spent.retries),
            units::count(spent.paused),
            shown(spent.longest_pause),
        ]);
        table.row(&row);
    }
    table.render(words::SPENT)
}

/// `-` where there are too few samples to know.
fn times(latency: &LatencyHistogram) -> impl Iterator<Item = String> {
    let known = [
        latency.quantile(Quantile::P50),
        latency.quantile(Quantile::P90),
        latency.quantile(Quantile::P99),
        latency.quantile(Quantile::P999),
        latency.max(),
    ];
    known.into_iter().map(shown)
}

/// The worst of all, and where it is found in a log, whole; the others are in the report.
fn slowest_exchange(document: &Document) -> Vec<String> {
    let worst = slowest::worst(document);
    let worst = worst.first().map(|(operation, worst)| {
        let what = slowest::words(*operation, worst);
        vec![what, slowest::place(worst)]
    });
    worst.unwrap_or_default()
}

fn failures(document: &Document) -> String {
    let section = &document.failures;
    let heading = [
        "count",
        "period",
        "operation",
        "why",
        "first of them",
        "where",
    ];
    let mut table = MarkdownTable::new(&heading, FAILURES);
    for kind in &section.exchanges.kinds {
        table.row(&[
            units::count(kind.count),
            kind.period.name().to_owned(),
            kind.operation.name().to_owned(),
            escape(&words::kind(kind)),
            escape(&kind.example.text),
            escape(&words::place(document, kind)),
        ]);
    }
    let mut text = table.render("Failures");
    let mut table = MarkdownTable::new(
        &["count", "period", "journey", "why", "first of them"],
        FAILURES,
    );
    for kind in &section.iterations {
        table.row(&[
            units::count(kind.count),
            kind.period.name().to_owned(),
            escape(&kind.journey),
            escape(&format!("{} ({})", kind.class, kind.cause)),
            escape(&format!("{} ({})", kind.text, kind.time)),
        ]);
    }
    text.push_str(&table.render("Failed iterations"));
    for line in on_purpose::lines(document) {
        let _ = writeln!(text, "\nOn purpose: {}", escape(&line));
    }
    if section.exchanges.other > 0 {
        let other = units::count(section.exchanges.other);
        let _ = writeln!(text, "\n{other} more failures are of other kinds.");
    }
    text
}

fn discarded(pair: &DiscardedPair) -> String {
    format!("pair {}: {}", pair.number, pair.reason)
}

fn environment(environment: &Environment) -> Vec<(&'static str, String)> {
    let unknown = || "-".to_owned();
    let text = |it: &Option<String>| it.clone().unwrap_or_else(unknown);
    vec![
        ("started", environment.started.clone()),
        ("ended", environment.ended.clone()),
        ("host", text(&environment.host)),
        ("kernel", text(&environment.kernel)),
        ("processor", text(&environment.cpu_model)),
        ("cores", environment.cores.to_string()),
        (
            "memory",
            environment.memory_bytes.map_or_else(unknown, units::bytes),
        ),
    ]
}

/// Folded away: what a reader wants only when in doubt. Labels of more than one side stand beside each other.
fn details(title: &str, rows: &[(&str, String)], sides: &[&Environment]) -> String {
    let mut table = MarkdownTable::new(&["", ""], 2 * ROWS);
    for (name, value) in rows {
        table.row(&[(*name).to_owned(), escape(value)]);
    }
    for (index, side) in sides.iter().enumerate() {
        let of = match (sides.len(), index) {
            (1, _) => "",
            (_, 0) => " (base)",
            _ => " (candidate)",
        };
        for (name, value) in side.labels.iter().chain(&side.ci).take(ROWS) {
            table.row(&[format!("{}{of}", escape(name)), escape(value)]);
        }
    }
    format!(
        "\n<details><summary>{title}</summary>\n{}\n</details>\n",
        table.render("")
    )
}

#[cfg(test)]
mod tests;
