//! The target's side of a run in Markdown.

use std::fmt::Write as _;

use crate::result::Document;
use crate::units;

use super::super::server;
use super::page::{MarkdownTable, escape};

/// More numbers than these are in the report only.
const MOST: usize = 40;

/// Returns the tables of numbers and of sources, and what moved with the latency; nothing without telemetry.
pub(super) fn tables(document: &Document) -> String {
    let Some(telemetry) = &document.telemetry else {
        return String::new();
    };
    let mut table = MarkdownTable::new(&["number", "value", "samples", "source"], MOST);
    for figure in &document.server {
        let value = match &figure.why {
            Some(why) => format!("-: {why}"),
            None => figure.text(),
        };
        table.row(&[
            escape(&figure.metric.to_string()),
            escape(&value),
            units::count(figure.samples),
            escape(&figure.source),
        ]);
    }
    let mut text = table.render("The target's side");
    // Writing to a string does not fail.
    for line in server::sources(telemetry, document.window_us) {
        let _ = write!(text, "\n- {}", escape(&line));
    }
    text.push('\n');
    let hints = document.moved().map(|it| server::hints(&it));
    let hints = hints.unwrap_or_default();
    for line in &hints {
        let _ = write!(text, "\n- {}", escape(line));
    }
    if !hints.is_empty() {
        let _ = write!(text, "\n\n{}\n", server::HINT);
    }
    text
}
