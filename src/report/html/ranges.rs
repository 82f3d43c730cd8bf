//! Requests for ranges of blobs, and what the registry made of them.

use crate::result::Document;

use super::super::ranges;
use super::markup::Markup;
use super::table::{Cell, HtmlTable};

/// Returns a table for each journey that asked for ranges; nothing where none did.
pub(super) fn tables(document: &Document) -> Markup {
    let mut all = Markup::new();
    for of_journey in ranges::tables(document) {
        let title = format!("Requests of {} for ranges of blobs", of_journey.journey);
        let mut table = HtmlTable::new(&title, &of_journey.columns);
        for cells in of_journey.rows {
            table.row(cells.into_iter().map(Cell::words).collect());
        }
        all.push(table.render());
    }
    all
}
