//! Replays, each beside its trace.

use crate::result::{Document, OPERATION_COLUMNS};

use super::super::table::{Cell, Paint, TextTable};
use super::layout::Layout;

/// Returns the figures of each replay beside those of its trace, and its verdict; nothing where none was.
pub(super) fn tables(document: &Document, layout: Layout) -> String {
    let mut text = String::new();
    for replay in &document.replays {
        let of_load = format!("replay of {}", replay.load);
        let mut table = TextTable::new(1, &[&of_load, "recorded", "replayed"]);
        for figure in replay.figures() {
            let cells: Vec<Cell> = vec![
                figure.name.into(),
                figure.recorded.into(),
                figure.replayed.into(),
            ];
            table.row(cells);
        }
        text.push('\n');
        text.push_str(&table.render(layout.colour, layout.width));
        let mut table = TextTable::new(1, &OPERATION_COLUMNS);
        for (operation, cells) in replay.operations() {
            let mut row: Vec<Cell> = vec![operation.name().into()];
            row.extend(cells.into_iter().map(Cell::from));
            table.row(row);
        }
        text.push('\n');
        text.push_str(&table.render(layout.colour, layout.width));
        let paint = if replay.is_faithful() {
            Paint::Good
        } else {
            Paint::Bad
        };
        text.push('\n');
        text.push_str(&layout.line("replay", &replay.verdict(), paint));
        for note in replay.notes() {
            text.push_str(&layout.line("", &note, Paint::Plain));
        }
    }
    text
}
