//! What was expected of the run, and what came of it.

use std::fmt::Write as _;

use crate::verdict::{Status, ThresholdResult};

use super::super::table::{Paint, harmless};
use super::layout::LABEL;

/// Returns a line for each threshold: how it stands, what it is, what was found, and why that decides nothing.
pub(super) fn lines(results: &[ThresholdResult], colour: bool) -> String {
    let names: Vec<String> = results.iter().map(|it| harmless(&it.name())).collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for (index, (result, name)) in results.iter().zip(names).enumerate() {
        let label = if index == 0 { "thresholds" } else { "" };
        let (mark, paint) = match result.status {
            Status::Pass => ("✓", Paint::Good),
            Status::Fail => ("✗", Paint::Bad),
            Status::Inconclusive(_) => ("?", Paint::Bold),
        };
        let mark = paint.over(mark, colour);
        let observed = harmless(&result.observed_text);
        // Writing to a string does not fail.
        let _ = write!(text, "{label:LABEL$}{mark} {name:width$}  {observed}");
        if let Status::Inconclusive(reason) = result.status {
            let reason = format!("inconclusive: {reason}");
            let _ = write!(text, "  {}", Paint::Dim.over(&reason, colour));
        }
        if result.ended_run {
            let _ = write!(text, "  {}", Paint::Bad.over("ended the run", colour));
        }
        text.push('\n');
    }
    text
}
