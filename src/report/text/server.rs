//! The target's side: what it used, how that was read, and what moved with the latency.

use crate::result::Document;

use super::super::server;
use super::super::table::Paint;
use super::layout::Layout;

/// Returns the lines; nothing without telemetry.
pub(super) fn lines(document: &Document, layout: Layout) -> String {
    let Some(telemetry) = &document.telemetry else {
        return String::new();
    };
    let usage = server::usage(document);
    let usage = if usage.is_empty() {
        "nothing is known of what it used".to_owned()
    } else {
        usage.join(" · ")
    };
    let mut text = layout.line("server", &usage, Paint::Plain);
    if let Some(words) = server::restarts(document) {
        text.push_str(&layout.line("", &words, Paint::Bad));
    }
    for line in server::sources(telemetry, document.window_us) {
        text.push_str(&layout.line("", &line, Paint::Dim));
    }
    let hints = document.moved().map(|it| server::hints(&it));
    for line in hints.unwrap_or_default() {
        text.push_str(&layout.line("", &line, Paint::Plain));
    }
    text
}
