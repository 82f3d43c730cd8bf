//! What went wrong, by kind, with the first example of each.

use crate::measure::{FailureKind, Period};
use crate::report::on_purpose;
use crate::report::words::{self, clock, number_of};
use crate::result::{Document, Example};
use crate::units;

use super::markup::Markup;
use super::number::float;
use super::parts::faint;
use super::table::{Cell, HtmlTable};

/// Returns all kinds that the report tells apart, the most frequent first.
pub(super) fn section(document: &Document) -> Markup {
    let (exchanges, iterations) = (document.totals.exchanges, document.totals.iterations);
    let counted = format!(
        "{} of {} and {} of {} in the measured window failed.",
        units::count(exchanges.failed),
        number_of(exchanges.ended(), "exchange"),
        units::count(iterations.failed),
        number_of(iterations.ended(), "iteration")
    );
    let mut section = Markup::from(faint(counted));
    for line in on_purpose::lines(document) {
        section.push(faint(format!("On purpose: {line}")));
    }
    let failures = &document.failures;
    let told = failures.exchanges.kinds.iter().map(|it| it.count);
    let all = told.fold(failures.exchanges.other, u64::saturating_add);
    let heading = [
        "operation",
        "count",
        "share",
        "period",
        "class",
        "status",
        "code",
        "first example",
    ];
    let mut table = HtmlTable::new("Of all periods", &heading);
    for kind in &failures.exchanges.kinds {
        table.row(row(document, kind, all));
    }
    if !table.is_empty() {
        section.push(table.render());
    }
    let heading = [
        "journey",
        "count",
        "period",
        "class",
        "cause",
        "first example",
    ];
    let mut table = HtmlTable::new("Iterations", &heading);
    for kind in &failures.iterations {
        table.row(vec![
            Cell::words(&kind.journey).short(),
            Cell::count(kind.count),
            Cell::words(kind.period.name()).short(),
            Cell::words(kind.class.name()).short(),
            Cell::words(&kind.cause).short(),
            Cell::words(format!("{}: {}", kind.time, kind.text)),
        ]);
    }
    if !table.is_empty() {
        section.push(table.render());
    }
    if failures.exchanges.other > 0 {
        let words = format!(
            "{} more failures are of other kinds.",
            units::count(failures.exchanges.other)
        );
        section.push(faint(words));
    }
    section
}

fn row(document: &Document, kind: &FailureKind<Example>, all: u64) -> Vec<Cell> {
    let example = &kind.example;
    let place = match kind.period {
        Period::Measure => format!("{} in {}: ", clock(example.at_us), example.journey),
        // The window's clock did not run, and seeding and deleting belong to no journey.
        _ => String::new(),
    };
    let share = float(kind.count) / float(all.max(1));
    vec![
        Cell::words(kind.operation.name()).short(),
        Cell::count(kind.count),
        Cell::number(
            units::share(share),
            format!("{share} of all failures"),
            share,
        ),
        Cell::words(kind.period.name()).short(),
        Cell::words(kind.class.name()).short(),
        Cell::words(kind.status.map_or("-".to_owned(), |it| it.to_string())),
        Cell::words(kind.code.as_deref().unwrap_or("-")).short(),
        Cell::words(format!(
            "{place}{} ({})",
            example.text,
            words::place(document, kind)
        )),
    ]
}
