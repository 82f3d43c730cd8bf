//! Several runs beside each other in Markdown.

use crate::result::Document;
use crate::units;

use super::super::headline;
use super::super::runs::{
    self, Beside, EVIDENCE, NamedRun, Numbers, PERCENTILES, Subject, differing,
};
use super::super::words::{self, number_of};
use super::page::{MarkdownPage, MarkdownTable, ROWS, escape};

/// More reasons of a run than these are in its report only.
const REASONS: usize = 3;

/// Returns that it is no comparison, what makes the numbers doubtful, and the tables.
pub(super) fn page(runs: &[NamedRun<'_>]) -> String {
    let mut page = MarkdownPage::new();
    let title = escape(&runs::title(runs));
    page.add(&format!("## regstorm: {title}\n"));
    let caution = escape(&runs::caution(runs));
    page.add(&format!("\n{caution} {EVIDENCE}\n"));
    page.list("Warnings", differing::warnings(runs).into_iter());
    page.add(&verdicts(runs));
    let journeys = runs::journeys(runs);
    page.add(&numbers("journey", "Journeys", runs, &journeys));
    let operations = runs::operations(runs);
    page.add(&numbers("operation", "Operations", runs, &operations));
    page.add(&server(runs));
    page.add(&differences(runs));
    page.finish()
}

fn verdicts(runs: &[NamedRun<'_>]) -> String {
    let heading = [
        "run",
        "verdict",
        "why",
        "generator",
        "failed",
        "target",
        "labels",
        "plan",
        "window",
    ];
    let mut table = MarkdownTable::new(&heading, ROWS);
    for run in runs {
        let document = run.document;
        let labels: Vec<String> = headline::labels(document).collect();
        table.row(&[
            escape(run.name),
            words::verdict_word(document.verdict).to_owned(),
            why(document),
            document.generator.health.verdict().to_string(),
            escape(&headline::Failed::of(document).exchanges),
            escape(&headline::target(document)),
            escape(&labels.join(" · ")),
            headline::fingerprint(&document.plan),
            units::duration(document.window()),
        ]);
    }
    table.render("Runs")
}

fn why(document: &Document) -> String {
    let reasons = headline::own_reasons(document);
    let more = reasons.len().saturating_sub(REASONS);
    let more = (more > 0).then(|| format!("and {}", number_of(more as u64, "more reason")));
    let reasons = reasons.iter().take(REASONS).map(|it| escape(it));
    reasons.chain(more).collect::<Vec<_>>().join("; ")
}

fn numbers(what: &str, title: &str, runs: &[NamedRun<'_>], subjects: &[Subject<'_>]) -> String {
    let percentiles = PERCENTILES.iter().map(|(name, _)| *name);
    let heading = [what, "run", "count", "failed", "rate"].into_iter();
    let heading: Vec<&str> = heading.chain(percentiles).collect();
    let mut table = MarkdownTable::new(&heading, 2 * ROWS);
    for subject in subjects {
        for (run, numbers) in runs.iter().zip(&subject.runs) {
            let mut row = vec![escape(subject.name), escape(run.name)];
            row.extend(numbers.map_or_else(|| vec!["-".to_owned(); 6], cells));
            table.row(&row);
        }
    }
    table.render(title)
}

fn cells(numbers: Numbers) -> Vec<String> {
    let outcomes = numbers.outcomes;
    let mut cells = vec![
        units::count(outcomes.ended()),
        format!(
            "{}{}",
            units::count(outcomes.failed),
            headline::percent(outcomes)
        ),
        beside(numbers.per_s, |it| units::per_second(it, "")),
    ];
    let times = numbers.times.into_iter();
    cells.extend(times.map(|it| it.map_or("-".to_owned(), |it| beside(it, units::duration))));
    cells
}

/// `94.8 ms (+9.24%)`
fn beside<T>(number: Beside<T>, shown: impl Fn(T) -> String) -> String {
    let difference = number.difference.words();
    let words = shown(number.value);
    if difference.is_empty() {
        words
    } else {
        format!("{words} ({difference})")
    }
}

fn server(runs: &[NamedRun<'_>]) -> String {
    let names: Vec<String> = runs.iter().map(|it| escape(it.name)).collect();
    let heading = std::iter::once("number").chain(names.iter().map(String::as_str));
    let mut table = MarkdownTable::new(&heading.collect::<Vec<_>>(), 2 * ROWS);
    for row in runs::server::server(runs) {
        let mut cells = vec![escape(&row.metric.to_string())];
        cells.extend(row.runs.into_iter().map(|it| match it {
            Some((figure, difference)) => escape(&runs::server::words(figure, difference)),
            None => "-".to_owned(),
        }));
        table.row(&cells);
    }
    table.render("The target's side")
}

fn differences(runs: &[NamedRun<'_>]) -> String {
    let names: Vec<String> = runs.iter().map(|it| escape(it.name)).collect();
    let heading = std::iter::once("what").chain(names.iter().map(String::as_str));
    let heading: Vec<&str> = heading.collect();
    let mut table = MarkdownTable::new(&heading, ROWS);
    for it in differing::differing(runs) {
        let mut row = vec![escape(&it.what)];
        row.extend(it.values.iter().map(|it| escape(it)));
        table.row(&row);
    }
    table.render("Differences")
}
