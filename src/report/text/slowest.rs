//! The slowest exchange of each operation.

use crate::result::Document;

use super::super::slowest;
use super::super::table::Paint;
use super::layout::Layout;

/// More operations than this are in the document only, as are the others of each operation.
const SHOWN: usize = 3;

/// Returns the operations with the slowest exchanges, each with its slowest one; nothing where none was kept.
pub(super) fn lines(document: &Document, layout: Layout) -> String {
    let mut text = String::new();
    for (operation, worst) in slowest::worst(document).into_iter().take(SHOWN) {
        let label = if text.is_empty() { "slowest" } else { "" };
        let words = slowest::words(operation, worst);
        text.push_str(&layout.line(label, &words, Paint::Plain));
        // To be found in the registry's log.
        let place = slowest::place(worst);
        text.push_str(&layout.line("", &format!("  {place}"), Paint::Dim));
    }
    text
}
