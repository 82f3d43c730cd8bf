//! Requests for ranges of blobs in Markdown.

use crate::result::Document;

use super::super::ranges;
use super::page::{MarkdownTable, ROWS, escape};

/// Returns a table for each journey that asked for ranges; nothing where none did.
pub(super) fn tables(document: &Document) -> String {
    let mut text = String::new();
    for of_journey in ranges::tables(document) {
        let mut table = MarkdownTable::new(&of_journey.columns, ROWS);
        for cells in of_journey.rows {
            table.row(&cells);
        }
        let title = format!("Ranges of {}", escape(of_journey.journey));
        text.push_str(&table.render(&title));
    }
    text
}
