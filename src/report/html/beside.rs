//! Several runs beside each other in tables: what each came to, in what they differ, their journeys, operations and failures.

use crate::measure::{FailureKind, Period};
use crate::oci::Operation;
use crate::report::headline::{self, Failed};
use crate::report::runs::{
    self, Beside, EVIDENCE, NamedRun, Numbers, PERCENTILES, Subject, differing,
};
use crate::report::words;
use crate::result::{Document, Example};
use crate::units;

use super::head::{notes, state};
use super::health;
use super::markup::{Markup, element};
use super::parts::faint;
use super::server;
use super::table::{Cell, HtmlTable};

/// More kinds of failures than these are on the pages of the runs.
const KINDS: usize = 20;

/// Returns what these are, that they are no comparison, and what makes them doubtful.
pub(super) fn head(runs: &[NamedRun<'_>]) -> Markup {
    let title = format!("{} beside each other", runs::title(runs));
    let mut head = Markup::from(element("h1").with(title));
    let warnings = differing::warnings(runs).into_iter();
    let alert = |it| element("p").class("alert").attr("role", "alert").with(it);
    head.push(warnings.map(alert).collect::<Markup>());
    head.push(notes(&[format!("{} {EVIDENCE}", runs::caution(runs))]));
    head
}

/// Returns what each run came to, a column each.
pub(super) fn table(runs: &[NamedRun<'_>]) -> Markup {
    let mut table = columns("run", runs);
    let mut add = |name: &str, of: &dyn Fn(&Document) -> Cell| {
        let mut row = vec![Cell::words(name)];
        row.extend(runs.iter().map(|it| of(it.document)));
        table.row(row);
    };
    add("verdict", &|it| {
        Cell::state(state(it.verdict), words::verdict_word(it.verdict))
    });
    add("why", &|it| {
        let reasons = headline::own_reasons(it).into_iter();
        let items = reasons.map(|it| element("li").with(it));
        Cell::words(element("ul").with(items.collect::<Markup>()))
    });
    add("generator", &|it| Cell::words(health::badge(&it.generator)));
    add("failed", &|it| Cell::words(Failed::of(it).exchanges));
    add("iterations failed", &|it| {
        Cell::words(Failed::of(it).iterations)
    });
    add("target", &|it| Cell::words(headline::target(it)));
    add("labels", &|it| {
        Cell::words(headline::labels(it).collect::<Vec<_>>().join(" · "))
    });
    add("plan", &|it| {
        let fingerprint = headline::fingerprint(&it.plan);
        let words = format!("{}, {fingerprint}, seed {}", it.plan.name, it.plan.seed);
        Cell::words(words).remark(it.plan.fingerprint.to_string())
    });
    add("window", &|it| Cell::words(units::duration(it.window())));
    add("started", &|it| Cell::words(&it.environment.started));
    add("regstorm", &|it| Cell::words(&it.regstorm));
    table.render().into()
}

/// Returns a table with a column for each run.
fn columns(what: &str, runs: &[NamedRun<'_>]) -> HtmlTable {
    let names = runs.iter().map(|it| it.name);
    let heading: Vec<&str> = std::iter::once(what).chain(names).collect();
    HtmlTable::new("", &heading)
}

/// Returns in what the runs differ.
pub(super) fn differing(runs: &[NamedRun<'_>]) -> Markup {
    let mut table = columns("what", runs);
    for it in differing::differing(runs) {
        let mut row = vec![Cell::words(it.what)];
        row.extend(it.values.into_iter().map(Cell::words));
        table.row(row);
    }
    if table.is_empty() {
        return faint("None: plan, machine, version and the state of the generator are the same.")
            .into();
    }
    table.render().into()
}

/// Returns the journeys of all runs.
pub(super) fn journeys(runs: &[NamedRun<'_>]) -> Markup {
    let open = |it: &NamedRun<'_>| it.document.open_model;
    let caption = match (runs.iter().any(open), runs.iter().all(open)) {
        (_, true) => "Iterations, with their response time",
        (false, _) => "Iterations, with their service time",
        _ => "Iterations, with their response time, or service time in a closed load",
    };
    subjects(runs, caption, "journey", &runs::journeys(runs))
}

/// Returns the operations of all runs.
pub(super) fn operations(runs: &[NamedRun<'_>]) -> Markup {
    let caption = "Exchanges, with the total time of ok ones";
    subjects(runs, caption, "operation", &runs::operations(runs))
}

fn subjects(runs: &[NamedRun<'_>], caption: &str, what: &str, subjects: &[Subject<'_>]) -> Markup {
    let percentiles = PERCENTILES.iter().map(|(name, _)| *name);
    let heading = [what, "run", "count", "failed", "rate"].into_iter();
    let heading: Vec<&str> = heading.chain(percentiles).collect();
    let mut table = HtmlTable::new(caption, &heading);
    for subject in subjects {
        for (run, numbers) in runs.iter().zip(&subject.runs) {
            let mut row = vec![
                Cell::words(subject.name).short(),
                Cell::words(run.name).short(),
            ];
            row.extend(numbers.map_or_else(unknown, cells));
            table.row(row);
        }
    }
    if table.is_empty() {
        return Markup::new();
    }
    let mut section = Markup::from(table.render());
    section.push(faint(
        "Behind a number: its difference to that of the first run. -: unknown, by too few samples (p95 takes 20, p99 takes 100), \
         or because one of the two is not the target's.",
    ));
    section
}

/// Returns the numbers of the target's side, a column for each run.
pub(super) fn server(runs: &[NamedRun<'_>]) -> Markup {
    let mut table = columns("number", runs);
    for row in runs::server::server(runs) {
        let mut cells = vec![Cell::words(row.metric.to_string()).short()];
        cells.extend(row.runs.into_iter().map(|it| match it {
            Some((figure, difference)) => server::cell(figure).beside(&difference.words()),
            None => Cell::unknown().beside(""),
        }));
        table.row(cells);
    }
    if table.is_empty() {
        return Markup::new();
    }
    table.render().into()
}

fn cells(numbers: Numbers) -> Vec<Cell> {
    let outcomes = numbers.outcomes;
    let share = headline::percent(outcomes);
    let mut cells = vec![
        Cell::count(outcomes.ended()),
        Cell::trouble(outcomes.failed).remark(share.trim().to_owned()),
        beside(numbers.per_s, Cell::rate),
    ];
    let times = numbers.times.into_iter();
    cells.extend(times.map(|it| match it {
        Some(it) => beside(it, |time| Cell::time(Some(time))),
        None => Cell::unknown().beside(""),
    }));
    cells
}

/// Returns the cells of a run that has nothing of it.
fn unknown() -> Vec<Cell> {
    let counts = vec![Cell::unknown(); 2];
    let others = vec![Cell::unknown().beside(""); 1 + PERCENTILES.len()];
    [counts, others].concat()
}

fn beside<T>(number: Beside<T>, cell: fn(T) -> Cell) -> Cell {
    cell(number.value).beside(&number.difference.words())
}

/// What failures are of one kind.
type Kind = (Period, Operation, String);

/// Returns how often each kind of failure was in each run, the most frequent first.
pub(super) fn failures(runs: &[NamedRun<'_>]) -> Markup {
    let kind = |it: &FailureKind<Example>| -> Kind { (it.period, it.operation, words::kind(it)) };
    let mut found: Vec<(Kind, Vec<u64>)> = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        for one in &run.document.failures.exchanges.kinds {
            let this = kind(one);
            let at = found.iter().position(|it| it.0 == this);
            let at = at.unwrap_or_else(|| {
                found.push((this, vec![0; runs.len()]));
                found.len() - 1
            });
            found[at].1[place] = found[at].1[place].saturating_add(one.count);
        }
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.1.iter().copied().max()));
    let mut table = columns("kind", runs);
    for ((period, operation, words), counts) in found.iter().take(KINDS) {
        let period = match period {
            Period::Measure => String::new(),
            other => format!(" in {}", other.name()),
        };
        let mut row = vec![Cell::words(format!("{operation} {words}{period}"))];
        row.extend(counts.iter().map(|it| Cell::trouble(*it)));
        table.row(row);
    }
    if table.is_empty() {
        return faint("No exchange failed in any of the runs.").into();
    }
    let mut section = Markup::from(table.render());
    let more = found.len().saturating_sub(KINDS);
    if more > 0 {
        section.push(faint(format!("{more} more kinds are in the reports.")));
    }
    section
}
