//! The operations of a run in Markdown: what is slow, and in which phase.

use crate::exchange::Phase;
use crate::measure::LatencyHistogram;
use crate::result::OperationSection;
use crate::units::{self, Quantile};

use super::super::{on_purpose, slow};
use super::page::{MarkdownTable, ROWS, shown};

/// Returns counts and times of each operation, with the phase in which its slow exchanges spend most.
pub(super) fn table(operations: &[OperationSection], title: &str) -> String {
    let provoked = on_purpose::column_of(operations);
    let columns = ["operation", "count", "errors"];
    let columns = columns.into_iter().chain(provoked);
    let columns = columns.chain(["rate", "p50", "p95", "p99", "p99.9", "max"]);
    let columns: Vec<&str> = columns.chain(["slowest phase"]).collect();
    let mut table = MarkdownTable::new(&columns, ROWS);
    for operation in operations {
        let total = operation.latencies.phases.get(Phase::Total);
        let mut row = vec![
            operation.name.name().to_owned(),
            units::count(operation.count),
            units::count(operation.counts.outcomes.failed),
        ];
        row.extend(provoked.map(|_| units::count(operation.counts.outcomes.misbehaved)));
        row.push(units::per_second(operation.requests_per_s, ""));
        let known = [Quantile::P50, Quantile::P95, Quantile::P99, Quantile::P999];
        row.extend(known.map(|it| shown(total.and_then(|total| total.quantile(it)))));
        row.push(shown(total.and_then(LatencyHistogram::max)));
        row.push(slow::phase(operation).unwrap_or_else(|| "-".to_owned()));
        table.row(&row);
    }
    table.render(title)
}
