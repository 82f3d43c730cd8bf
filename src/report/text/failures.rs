//! What went wrong, by kind, with one example of each.

use std::fmt::Write as _;

use crate::measure::{FailureKind, Period};
use crate::result::{Document, Example};
use crate::units;

use super::super::on_purpose;
use super::super::table::Paint;
use super::super::words::{self, clock, number_of};
use super::layout::Layout;

/// More kinds than this are in the document only: a summary must not scroll.
const SHOWN: usize = 10;

pub(super) fn lines(document: &Document, layout: Layout) -> String {
    let (exchanges, iterations) = (document.totals.exchanges, document.totals.iterations);
    let failures = &document.failures;
    let counted = format!(
        "{} of {} and {} of {} in the window",
        units::count(exchanges.failed),
        number_of(exchanges.ended(), "exchange"),
        units::count(iterations.failed),
        number_of(iterations.ended(), "iteration")
    );
    let paint = if exchanges.failed > 0 || iterations.failed > 0 {
        Paint::Bad
    } else {
        Paint::Plain
    };
    let mut text = layout.line("failures", &counted, paint);
    for kind in failures.exchanges.kinds.iter().take(SHOWN) {
        text.push_str(&layout.line("", &entry(kind), Paint::Plain));
        // To be found in the registry's log, so never cut.
        let place = words::place(document, kind);
        text.push_str(&layout.line("", &format!("  {place}"), Paint::Dim));
    }
    let hidden = failures.exchanges.kinds.iter().skip(SHOWN);
    let rest = hidden.fold(failures.exchanges.other, |sum, kind| {
        sum.saturating_add(kind.count)
    });
    if rest > 0 {
        let words = format!("{} × other kinds, see the report", units::count(rest));
        text.push_str(&layout.line("", &words, Paint::Plain));
    }
    for kind in failures.iterations.iter().take(SHOWN) {
        text.push_str(&layout.line("", &words::failed_iterations(kind), Paint::Plain));
    }
    let hidden = failures.iterations.iter().skip(SHOWN);
    let rest = hidden.fold(0_u64, |sum, kind| sum.saturating_add(kind.count));
    if rest > 0 {
        let words = format!("{} × other iterations, see the report", units::count(rest));
        text.push_str(&layout.line("", &words, Paint::Plain));
    }
    for line in on_purpose::lines(document) {
        text.push_str(&layout.line("on purpose", &line, Paint::Plain));
    }
    text
}

/// `6 × blob-get status 503 UNAVAILABLE, first at 0:47.310 in rollout: no backend`
fn entry(kind: &FailureKind<Example>) -> String {
    let mut text = format!(
        "{} × {} {}",
        units::count(kind.count),
        kind.operation,
        kind.class
    );
    if let Some(status) = kind.status {
        let _ = write!(text, " {status}");
    }
    if let Some(code) = &kind.code {
        let _ = write!(text, " {code}");
    }
    let example = &kind.example;
    let _ = match kind.period {
        Period::Measure => write!(
            text,
            ", e.g. at {} in {}: {}",
            clock(example.at_us),
            example.journey,
            example.text
        ),
        // The window's clock did not run, and seeding and deleting belong to no journey.
        period => write!(text, " in {}, e.g. {}", period.name(), example.text),
    };
    text
}
