//! The slowest exchanges of each operation, to be found in the logs of the registry.

use std::time::Duration;

use crate::exchange::Phase;
use crate::report::slowest::place;
use crate::report::words::clock;
use crate::result::{Document, OperationSection, SlowExchangeEntry};

use super::markup::{Markup, element};
use super::parts::{details, faint};
use super::table::{Cell, HtmlTable};

/// Returns a table for each operation, which a reader may open; nothing where none was kept.
pub(super) fn section(document: &Document) -> Markup {
    let kept = document
        .operations
        .iter()
        .filter(|it| !it.slowest.is_empty());
    let tables: Markup = kept
        .map(|it| details(it.name.name(), table(it).render()))
        .collect();
    if tables.is_empty() {
        return tables;
    }
    let mut section = Markup::from(element("h3").with("Slowest exchanges"));
    section.push(faint(
        "Of the ok ones in the measured window, the slowest of each operation.",
    ));
    section.push(tables);
    section
}

fn table(operation: &OperationSection) -> HtmlTable {
    let phases: Vec<Phase> = Phase::ALL
        .into_iter()
        .filter(|phase| {
            operation
                .slowest
                .iter()
                .any(|it| it.phases_us.contains_key(phase))
        })
        .collect();
    let mut heading = vec!["at", "journey", "status", "total"];
    heading.extend(phases.iter().map(|it| it.name()));
    heading.push("request");
    let mut table = HtmlTable::new("The slowest first", &heading);
    for exchange in &operation.slowest {
        table.row(row(exchange, &phases));
    }
    table
}

fn row(exchange: &SlowExchangeEntry, phases: &[Phase]) -> Vec<Cell> {
    let status = exchange.status.map_or("-".to_owned(), |it| it.to_string());
    let mut row = vec![
        Cell::words(clock(exchange.at_us)),
        Cell::words(&exchange.journey).short(),
        Cell::words(status),
        Cell::time(Some(Duration::from_micros(exchange.total_us))),
    ];
    row.extend(phases.iter().map(|phase| {
        let time = exchange.phases_us.get(phase);
        Cell::time(time.copied().map(Duration::from_micros))
    }));
    row.push(Cell::words(place(exchange)));
    row
}
