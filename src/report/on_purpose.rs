//! What clients that misbehave on purpose did, in lines for people.

use super::words::{each, number_of};
use crate::result::Document;
use crate::units;

/// What clients that misbehave on purpose did, a line for each journey: `rollout: 312 of 1,000 iterations (312 aborted); blob-get: 312
/// aborted`.
pub(super) fn lines(document: &Document) -> Vec<String> {
    let mut lines = Vec::new();
    for journey in &document.journeys {
        let operations = journey.operations.iter();
        let operations: Vec<String> = operations
            .filter(|it| !it.counts.misbehaviours.is_empty())
            .map(|it| format!("; {}: {}", it.name.name(), each(&it.counts.misbehaviours)))
            .collect();
        let outcomes = journey.counts.outcomes;
        if outcomes.misbehaved == 0 && operations.is_empty() {
            continue;
        }
        let kinds = match outcomes.misbehaved {
            0 => String::new(),
            _ => format!(" ({})", each(&journey.counts.misbehaviours)),
        };
        lines.push(format!(
            "{}: {} of {}{kinds}{}",
            journey.name,
            units::count(outcomes.misbehaved),
            number_of(outcomes.ended(), "iteration"),
            operations.concat()
        ));
    }
    lines
}
