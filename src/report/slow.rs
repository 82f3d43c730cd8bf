//! Which operation is slow, and in which phase.

use crate::exchange::Phase;
use crate::result::{Document, OperationSection};
use crate::units::{self, Quantile};

/// Returns the operation with the highest known percentile, by the highest that any operation knows:
/// `blob-get, p99 1.85 s, mostly first-byte p99 1.34 s`.
pub(super) fn operation(document: &Document) -> Option<String> {
    let knows = |quantile: Quantile| {
        let known = document.operations.iter().filter_map(|operation| {
            let total = operation.latencies.phases.get(Phase::Total)?;
            Some((total.quantile(quantile)?, operation))
        });
        known.max_by_key(|(time, _)| *time)
    };
    let of = [(Quantile::P99, "p99"), (Quantile::P50, "p50")];
    let (name, (time, operation)) = of
        .into_iter()
        .find_map(|(quantile, name)| Some((name, knows(quantile)?)))?;
    let phase = phase(operation);
    let phase = phase.map_or_else(String::new, |it| format!(", mostly {it}"));
    let time = units::duration(time);
    Some(format!("{}, {name} {time}{phase}", operation.name))
}

/// Returns the phase with the highest p99, or median where that is not known: `first-byte p99 1.34 s`.
pub(super) fn phase(operation: &OperationSection) -> Option<String> {
    let by = |quantile: Quantile| {
        let phases = Phase::ALL.into_iter().filter(|it| *it != Phase::Total);
        let known = phases.filter_map(|phase| {
            let time = operation.latencies.phases.get(phase)?.quantile(quantile)?;
            Some((time, phase))
        });
        known.max_by_key(|(time, _)| *time)
    };
    // A phase that few exchanges had, as dialling, has no p99; the others then decide.
    let (name, (time, phase)) = match by(Quantile::P99) {
        Some(found) => ("p99", found),
        None => ("p50", by(Quantile::P50)?),
    };
    Some(format!("{} {name} {}", phase.name(), units::duration(time)))
}
