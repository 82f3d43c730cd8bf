//! What was expected of the run, and what came of it.

use crate::verdict::{Status, ThresholdResult};

use super::super::table::{Paint, harmless};
use super::layout::Layout;

/// Returns a line for each threshold: how it stands, what it is, what was found, and why that decides nothing.
pub(super) fn lines(results: &[ThresholdResult], layout: Layout) -> String {
    let names: Vec<String> = results.iter().map(|it| harmless(&it.name())).collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for (index, (result, name)) in results.iter().zip(names).enumerate() {
        let label = if index == 0 { "thresholds" } else { "" };
        let mark = match result.status {
            Status::Pass => ('✓', Paint::Good),
            Status::Fail => ('✗', Paint::Bad),
            Status::Inconclusive(_) => ('?', Paint::Bold),
        };
        let mut parts = vec![
            (format!("{name:width$}"), Paint::Plain),
            (result.observed_text.clone(), Paint::Plain),
        ];
        if let Status::Inconclusive(reason) = result.status {
            parts.push((format!("inconclusive: {reason}"), Paint::Dim));
        }
        if result.ended_run {
            parts.push(("ended the run".to_owned(), Paint::Bad));
        }
        text.push_str(&layout.parts(label, mark, &parts));
    }
    text
}
