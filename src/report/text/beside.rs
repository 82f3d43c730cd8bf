//! The summary of several runs beside each other.

use crate::health::Verdict;
use crate::measure::Outcomes;
use crate::report::figures::failed_share;
use crate::result::{Document, RunVerdict};
use crate::units;

use super::super::headline;
use super::super::runs::{
    self, Beside, EVIDENCE, NamedRun, Numbers, PERCENTILES, Subject, differing,
};
use super::super::table::{Cell, Paint, TextTable};
use super::super::words::{self, number_of};
use super::layout::Layout;

/// More reasons of a run than these, and more differences, would push the tables from the screen.
const MOST_REASONS: usize = 3;
const MOST_DIFFERENCES: usize = 10;

/// Returns that it is no comparison, what makes the numbers doubtful, a line for each run and why it has its verdict, in what
/// they differ, and a line for each journey and operation of each run.
pub(super) fn summary(runs: &[NamedRun<'_>], layout: Layout) -> String {
    let mut text = layout.line("runs", &runs::title(runs), Paint::Bold);
    text.push_str(&layout.line("note", &runs::caution(runs), Paint::Bold));
    text.push_str(&layout.line("", EVIDENCE, Paint::Plain));
    for warning in differing::warnings(runs) {
        text.push_str(&layout.line("warning", &warning, Paint::Bad));
    }
    text.push('\n');
    text.push_str(&verdicts(runs, layout));
    text.push('\n');
    text.push_str(&reasons(runs, layout));
    text.push_str(&differences(runs, layout));
    for (what, subjects) in [
        ("journey", runs::journeys(runs)),
        ("operation", runs::operations(runs)),
    ] {
        if !subjects.is_empty() {
            text.push('\n');
            text.push_str(&numbers(what, runs, &subjects, layout));
        }
    }
    text.push_str(&server(runs, layout));
    text
}

/// Returns the numbers of the target's side, a column for each run; nothing where none was read.
fn server(runs: &[NamedRun<'_>], layout: Layout) -> String {
    let names = runs.iter().map(|it| it.name);
    let heading: Vec<&str> = std::iter::once("server").chain(names).collect();
    let mut table = TextTable::new(1, &heading);
    let rows = runs::server::server(runs);
    if rows.is_empty() {
        return String::new();
    }
    for row in rows {
        let mut cells = vec![Cell::new(row.metric.name(), Paint::Bold)];
        cells.extend(row.runs.into_iter().map(|it| match it {
            Some((figure, difference)) => runs::server::words(figure, difference).into(),
            None => "-".into(),
        }));
        table.row(cells);
    }
    format!("\n{}", table.render(layout.colour, layout.width))
}

/// Returns what each run came to; its target and its labels stand behind.
fn verdicts(runs: &[NamedRun<'_>], layout: Layout) -> String {
    let heading = [
        "run",
        "verdict",
        "generator",
        "exchanges",
        "failed",
        "iterations",
        "failed",
    ];
    let mut table = TextTable::new(3, &heading);
    for run in runs {
        let totals = &run.document.totals;
        let mut row = vec![
            Cell::new(run.name, Paint::Bold),
            verdict(run.document),
            generator(run.document),
        ];
        for outcomes in [totals.exchanges, totals.iterations] {
            row.push(units::count(outcomes.ended()).into());
            row.push(trouble(units::count(outcomes.failed), outcomes));
        }
        row.push(Cell::new(behind(run.document), Paint::Dim));
        table.row(row);
    }
    table.render(layout.colour, layout.width)
}

fn verdict(document: &Document) -> Cell {
    let paint = match document.verdict {
        RunVerdict::Pass => Paint::Good,
        RunVerdict::NotJudged | RunVerdict::Inconclusive => Paint::Bold,
        RunVerdict::Fail | RunVerdict::Invalid => Paint::Bad,
    };
    Cell::new(words::verdict_word(document.verdict), paint)
}

fn generator(document: &Document) -> Cell {
    match document.generator.health.verdict() {
        Verdict::Valid => Cell::new("valid", Paint::Good),
        Verdict::Suspect => Cell::new("SUSPECT", Paint::Bad),
        Verdict::Invalid => Cell::new("INVALID", Paint::Bad),
    }
}

/// `http://registry:5000 · build=1.4.2`
fn behind(document: &Document) -> String {
    let target = std::iter::once(headline::target(document));
    target
        .chain(headline::labels(document))
        .collect::<Vec<_>>()
        .join(" · ")
}

fn reasons(runs: &[NamedRun<'_>], layout: Layout) -> String {
    let mut text = String::new();
    for run in runs {
        let reasons = headline::own_reasons(run.document);
        let more = reasons.len().saturating_sub(MOST_REASONS);
        let more = (more > 0).then(|| format!("and {}", number_of(more as u64, "more reason")));
        let reasons = reasons.into_iter().take(MOST_REASONS).chain(more);
        let reasons: Vec<String> = reasons.collect();
        let label = if text.is_empty() { "why" } else { "" };
        let words = format!("{}: {}", run.name, reasons.join("; "));
        text.push_str(&layout.line(label, &words, Paint::Plain));
    }
    text
}

fn differences(runs: &[NamedRun<'_>], layout: Layout) -> String {
    let mut text = String::new();
    let all = differing::differing(runs);
    for it in all.iter().take(MOST_DIFFERENCES) {
        let label = if text.is_empty() { "differs" } else { "" };
        let words = format!("{}: {}", it.what, it.values.join(" | "));
        text.push_str(&layout.line(label, &words, Paint::Plain));
    }
    let more = all.len().saturating_sub(MOST_DIFFERENCES);
    if more > 0 {
        let words = format!(
            "and {}, on the page of --html",
            number_of(more as u64, "more difference")
        );
        text.push_str(&layout.line("", &words, Paint::Dim));
    }
    text
}

/// Returns a table with a row for each subject and run.
fn numbers(what: &str, runs: &[NamedRun<'_>], subjects: &[Subject<'_>], layout: Layout) -> String {
    let rows = subjects.iter().flat_map(|it| &it.runs).flatten();
    let wide = widths(rows);
    let names = std::iter::once("rate").chain(PERCENTILES.iter().map(|(name, _)| *name));
    // A heading stands above its numbers, not above the differences behind them.
    let names: Vec<String> = names.zip(wide).map(|(it, wide)| padded(it, wide)).collect();
    let heading = [what, "run", "count", "failed"].into_iter();
    let heading: Vec<&str> = heading.chain(names.iter().map(String::as_str)).collect();
    let mut table = TextTable::new(2, &heading);
    for subject in subjects {
        for (place, (run, numbers)) in runs.iter().zip(&subject.runs).enumerate() {
            let name = if place == 0 { subject.name } else { "" };
            let mut row = vec![Cell::new(name, Paint::Bold), run.name.into()];
            match numbers {
                Some(numbers) => row.extend(cells(numbers, wide)),
                None => row.push("-".into()),
            }
            table.row(row);
        }
    }
    table.render(layout.colour, layout.width)
}

/// Returns how wide the differences of each column are.
fn widths<'a>(rows: impl Iterator<Item = &'a Numbers>) -> [usize; 4] {
    rows.fold([0; 4], |wide, row| {
        let differences = differences_of(row);
        std::array::from_fn(|it| wide[it].max(differences[it].chars().count()))
    })
}

/// Returns the differences of a row: of its rate and its times.
fn differences_of(numbers: &Numbers) -> [String; 4] {
    let [p50, p95, p99] = numbers
        .times
        .map(|it| it.map_or_else(String::new, |it| it.difference.words()));
    [numbers.per_s.difference.words(), p50, p95, p99]
}

fn cells(numbers: &Numbers, wide: [usize; 4]) -> Vec<Cell> {
    let outcomes = numbers.outcomes;
    let failed = format!(
        "{}{}",
        units::count(outcomes.failed),
        headline::percent(outcomes)
    );
    let [rate, p50, p95, p99] = wide;
    let mut cells = vec![
        units::count(outcomes.ended()).into(),
        trouble(failed, outcomes),
        beside(numbers.per_s, rate, |it| units::per_second(it, "")).into(),
    ];
    let times = numbers.times.into_iter().zip([p50, p95, p99]);
    cells.extend(times.map(|(time, wide)| {
        let shown = time.map(|it| beside(it, wide, units::duration));
        shown.unwrap_or_else(|| padded("-", wide)).into()
    }));
    cells
}

/// `94.8 ms  +9.24%`, and room for a difference where there is none.
fn beside<T>(number: Beside<T>, wide: usize, shown: impl Fn(T) -> String) -> String {
    let difference = number.difference.words();
    let words = shown(number.value);
    if wide == 0 {
        return words;
    }
    format!("{words} {difference:>wide$}")
}

fn padded(words: &str, wide: usize) -> String {
    if wide == 0 {
        return words.to_owned();
    }
    format!("{words} {:wide$}", "")
}

fn trouble(words: String, outcomes: Outcomes) -> Cell {
    let failed = failed_share(outcomes).is_some_and(|it| it > 0.0);
    Cell::new(words, if failed { Paint::Bad } else { Paint::Plain })
}
