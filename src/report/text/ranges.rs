//! Requests for ranges of blobs, and what the registry made of them.

use crate::result::Document;

use super::super::ranges;
use super::super::table::{Cell, TextTable};
use super::layout::Layout;

/// Returns a table for each journey that asked for ranges; nothing where none did.
pub(super) fn tables(document: &Document, layout: Layout) -> String {
    let mut text = String::new();
    for of_journey in ranges::tables(document) {
        let mut columns = vec!["journey"];
        columns.extend(of_journey.columns);
        let mut table = TextTable::new(3, &columns);
        for cells in of_journey.rows {
            let mut row: Vec<Cell> = vec![of_journey.journey.into()];
            row.extend(cells.into_iter().map(Cell::from));
            table.row(row);
        }
        text.push('\n');
        text.push_str(&table.render(layout.colour, layout.width));
    }
    text
}
