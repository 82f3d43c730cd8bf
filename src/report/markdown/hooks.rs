//! What the hooks of a run came to, and what they did to the journeys.

use crate::result::Document;

use super::super::hooks;
use super::page::{MarkdownTable, ROWS, escape};

/// Returns a line for each hook, one for each trouble, and the rows of what they did; nothing where there are none.
pub(super) fn table(document: &Document) -> String {
    let mut text = String::new();
    let mut table = MarkdownTable::new(&hooks::COLUMNS, ROWS);
    for hook in &document.hooks {
        for line in std::iter::once(hooks::outcome(hook)).chain(hooks::troubles(hook)) {
            text.push_str("- ");
            text.push_str(&escape(&line));
            text.push('\n');
        }
        for row in hooks::rows(hook) {
            table.row(&row.map(|it| escape(&it)));
        }
    }
    if text.is_empty() {
        return text;
    }
    format!("\n**Hooks**\n\n{text}{}", table.render(""))
}
