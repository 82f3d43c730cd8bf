//! Replays in Markdown, each beside its trace.

use std::fmt::Write as _;

use crate::result::{Document, OPERATION_COLUMNS};

use super::page::{MarkdownTable, ROWS, escape};

/// Returns the figures of each replay beside those of its trace, and its verdict; nothing where none was.
pub(super) fn tables(document: &Document) -> String {
    let mut text = String::new();
    for replay in &document.replays {
        // Writing to a string does not fail.
        let verdict = escape(&replay.verdict());
        let _ = writeln!(
            text,
            "\n**Replay of `{}`**: {verdict}\n",
            escape(&replay.load)
        );
        let mut table = MarkdownTable::new(&["", "recorded", "replayed"], ROWS);
        for figure in replay.figures() {
            table.row(&[figure.name.to_owned(), figure.recorded, figure.replayed]);
        }
        text.push_str(&table.render("Replay"));
        let mut table = MarkdownTable::new(&OPERATION_COLUMNS, ROWS);
        for (operation, cells) in replay.operations() {
            let mut row = vec![operation.name().to_owned()];
            row.extend(cells);
            table.row(&row);
        }
        text.push_str(&table.render("Replay by operation"));
        text.push('\n');
        for note in replay.notes() {
            let _ = writeln!(text, "- {}", escape(&note));
        }
    }
    text
}
