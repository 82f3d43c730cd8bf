//! The hooks of a run: what came of them, and what they did to the journeys.

use crate::result::Document;

use super::super::hooks;
use super::super::table::{Cell, Paint, TextTable};
use super::layout::Layout;

/// Returns a line for each hook, one for each trouble, and the rows of what they did; nothing where there are none.
pub(super) fn section(document: &Document, layout: Layout) -> String {
    let mut text = String::new();
    let mut table = TextTable::new(3, &hooks::COLUMNS);
    for hook in &document.hooks {
        let paint = if hook.record.counts.all_ok() {
            Paint::Plain
        } else {
            Paint::Bad
        };
        text.push_str(&layout.line("hook", &hooks::outcome(hook), paint));
        for trouble in hooks::troubles(hook) {
            text.push_str(&layout.line("", &trouble, Paint::Plain));
        }
        for row in hooks::rows(hook) {
            table.row(row.iter().map(Cell::from).collect());
        }
    }
    if document.hooks.iter().any(|it| !it.effects.is_empty()) {
        text.push_str(&table.render(layout.colour, layout.width));
        text.push_str(&layout.dim(hooks::MEANING));
    }
    text
}
