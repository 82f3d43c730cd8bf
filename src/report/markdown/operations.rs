//! The operations of a run in Markdown: what is slow, and in which phase.

use crate::exchange::Phase;
use crate::measure::LatencyHistogram;
use crate::result::{Document, OperationSection};
use crate::units::{self, Quantile};

use super::page::{MarkdownTable, ROWS, shown};

/// Returns counts and times of each operation, with the phase in which its slow exchanges spend most.
pub(super) fn table(operations: &[OperationSection], title: &str) -> String {
    let columns = [
        "operation",
        "count",
        "errors",
        "rate",
        "p50",
        "p95",
        "p99",
        "p99.9",
        "max",
        "slowest phase",
    ];
    let mut table = MarkdownTable::new(&columns, ROWS);
    for operation in operations {
        let total = operation.latencies.phases.get(Phase::Total);
        let mut row = vec![
            operation.name.name().to_owned(),
            units::count(operation.count),
            units::count(operation.counts.outcomes.failed),
            units::per_second(operation.requests_per_s, ""),
        ];
        let known = [Quantile::P50, Quantile::P95, Quantile::P99, Quantile::P999];
        row.extend(known.map(|it| shown(total.and_then(|total| total.quantile(it)))));
        row.push(shown(total.and_then(LatencyHistogram::max)));
        row.push(slow_phase(operation).unwrap_or_else(|| "-".to_owned()));
        table.row(&row);
    }
    table.render(title)
}

/// Returns the operation with the highest known percentile, by the highest that all operations know:
/// `slowest: blob-get, p99 1.85 s, mostly first-byte p99 1.34 s`.
pub(super) fn slowest(document: &Document) -> Option<String> {
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
    let phase = slow_phase(operation);
    let phase = phase.map_or_else(String::new, |it| format!(", mostly {it}"));
    let time = units::duration(time);
    Some(format!("slowest: {}, {name} {time}{phase}", operation.name))
}

/// Returns the phase with the highest p99, or median where that is not known: `first-byte p99 1.34 s`.
fn slow_phase(operation: &OperationSection) -> Option<String> {
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
