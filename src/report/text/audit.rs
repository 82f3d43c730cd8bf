//! What was wrong in the measured window, what the audit found, and examples of both.

use crate::result::Document;
use crate::units;

use super::super::promises;
use super::super::table::Paint;
use super::layout::Layout;

/// Returns nothing where nothing was wrong and there was no audit.
pub(super) fn lines(document: &Document, layout: Layout) -> String {
    let mut text = String::new();
    let wrong = document.integrity.words().into_iter();
    let wrong = wrong.map(|it| (it, Paint::Bad));
    let flickers = promises::flickers(document).into_iter();
    let flickers = flickers.map(|it| (it, Paint::Plain));
    for (place, (line, paint)) in wrong.chain(flickers).enumerate() {
        let label = if place == 0 { "integrity" } else { "" };
        text.push_str(&layout.line(label, &line, paint));
    }
    let Some(audit) = &document.audit else {
        return text;
    };
    let paint = match (audit.found() > 0, audit.is_clean()) {
        (true, _) => Paint::Bad,
        (false, true) => Paint::Good,
        (false, false) => Paint::Plain,
    };
    text.push_str(&layout.line("audit", &promises::audit(audit), paint));
    let (examples, rest) = promises::examples(audit);
    for example in examples {
        text.push_str(&layout.line("", &promises::example(example), Paint::Plain));
    }
    if rest > 0 {
        let words = format!("and {} more, see the report", units::count(rest));
        text.push_str(&layout.line("", &words, Paint::Plain));
    }
    if let Some(unknown) = &audit.unknown_example {
        let words = format!("a check failed, e.g. {unknown}");
        text.push_str(&layout.line("", &words, Paint::Plain));
    }
    text
}
