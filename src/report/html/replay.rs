//! Replays, each beside its trace.

use crate::result::{Document, OPERATION_COLUMNS};

use super::markup::{Markup, element};
use super::parts::titled;
use super::table::{Cell, HtmlTable, State};

/// Returns the figures of each replay beside those of its trace, and its verdict; nothing where none was.
pub(super) fn tables(document: &Document) -> Markup {
    let mut all = Markup::new();
    for replay in &document.replays {
        let state = if replay.is_faithful() {
            State::Good
        } else {
            State::Bad
        };
        let word = if replay.is_faithful() {
            "faithful"
        } else {
            "not faithful"
        };
        let mut section = Markup::new();
        let mut line = Markup::from(state.badge(word));
        line.push(format!(" {}", replay.differences.join("; ")));
        section.push(element("p").with(line));
        section.push(element("p").with(replay.notes().join(" · ")));
        let heading = ["", "recorded", "replayed"];
        let mut table = HtmlTable::new("What was sent, beside the trace", &heading);
        for figure in replay.figures() {
            table.row(vec![
                Cell::words(figure.name),
                Cell::words(figure.recorded),
                Cell::words(figure.replayed),
            ]);
        }
        section.push(table.render());
        let mut table = HtmlTable::new("The same by operation", &OPERATION_COLUMNS);
        for (operation, cells) in replay.operations() {
            let mut row = vec![Cell::words(operation.name())];
            row.extend(cells.into_iter().map(Cell::words));
            table.row(row);
        }
        section.push(table.render());
        all.push(titled(format!("Replay: {}", replay.load), section));
    }
    all
}
