//! Operations: how many exchanges, how they ended, what they ran over, and where their time went.

use crate::exchange::Phase;
use crate::measure::LatencyHistogram;
use crate::report::{addresses, on_purpose, words};
use crate::result::{Document, OperationSection};
use crate::units::{self, Quantile};

use super::markup::Markup;
use super::number::{float, micros};
use super::plot::nothing;
use super::table::{Cell, HtmlTable, exact_time, quantiles};

/// Returns the operations of all journeys together, and where their connections went if there was a choice.
pub(super) fn section(document: &Document) -> Markup {
    let mut section = tables(&document.operations);
    for host in addresses::hosts(document) {
        let mut table = HtmlTable::new(&host.summary, &["address", "what came of it"]);
        for (address, counts) in host.addresses {
            table.row(vec![Cell::words(address), Cell::words(counts)]);
        }
        section.push(table.render());
    }
    section.push(super::slowest::section(document));
    section
}

/// Counts, times and phases.
pub(super) fn tables(operations: &[OperationSection]) -> Markup {
    if operations.is_empty() {
        return nothing("no samples").into();
    }
    let mut section = Markup::from(counts(operations).render());
    section.push(times(operations).render());
    section.push(phases(operations).render());
    if operations.iter().any(|it| it.counts.connections.http2 > 0) {
        section.push(super::parts::faint(
            "Over HTTP/2, sending and first byte are measured in the client, not at the socket.",
        ));
    }
    section
}

fn counts(operations: &[OperationSection]) -> HtmlTable {
    let secure = operations.iter().any(|it| {
        let connections = it.counts.connections;
        connections.tls_full > 0 || connections.tls_resumed > 0
    });
    let provoked = on_purpose::column_of(operations);
    let heading = ["operation", "statuses", "count", "errors", "cancelled"];
    let heading = heading.into_iter().chain(provoked);
    let mut heading: Vec<&str> = heading.chain(["new connections", "reused"]).collect();
    if secure {
        heading.push("TLS full / resumed");
    }
    heading.extend(["rate", "sent", "received"]);
    let mut table = HtmlTable::new("Exchanges in the measured window", &heading);
    for operation in operations {
        let statuses = operation.counts.statuses.iter();
        let statuses = statuses.map(|(status, count)| format!("{status}: {}", units::count(count)));
        let connections = operation.counts.connections;
        let versions = format!(
            "HTTP/1.1 {}, HTTP/2 {}",
            units::count(connections.http1),
            units::count(connections.http2)
        );
        let mut row = vec![
            Cell::words(operation.name.name()).short(),
            Cell::words(statuses.collect::<Vec<_>>().join(", ")),
            Cell::count(operation.count),
            Cell::trouble(operation.counts.outcomes.failed)
                .remark(words::classes(&operation.counts.failure_classes)),
            Cell::count(operation.counts.outcomes.cancelled),
        ];
        row.extend(provoked.map(|_| {
            let count = Cell::count(operation.counts.outcomes.misbehaved);
            count.remark(words::each(&operation.counts.misbehaviours))
        }));
        row.extend([
            Cell::count(connections.new),
            Cell::words(words::reused(connections))
                .numeric()
                .remark(versions),
        ]);
        if secure {
            let [full, resumed] = [connections.tls_full, connections.tls_resumed].map(units::count);
            row.push(Cell::words(format!("{full} / {resumed}")).numeric());
        }
        let bytes = operation.counts.bytes;
        let all = |count| format!("{} B in all, of every outcome", units::count(count));
        row.extend([
            Cell::rate(operation.requests_per_s),
            Cell::bytes_per_second(operation.sent_per_s).remark(all(bytes.sent)),
            Cell::bytes_per_second(operation.received_per_s).remark(all(bytes.received)),
        ]);
        table.row(row);
    }
    table
}

fn times(operations: &[OperationSection]) -> HtmlTable {
    let heading = [
        "operation",
        "min",
        "p50",
        "p90",
        "p95",
        "p99",
        "p99.9",
        "max",
    ];
    let mut table = HtmlTable::new("Total time of ok exchanges", &heading);
    let none = LatencyHistogram::new();
    for operation in operations {
        let total = operation
            .latencies
            .phases
            .get(Phase::Total)
            .unwrap_or(&none);
        let mut row = vec![
            Cell::words(operation.name.name()).short(),
            Cell::time(total.min()),
        ];
        row.extend(quantiles(total));
        table.row(row);
    }
    table
}

/// Returns where the time went: the median and p99 of each phase that any operation had.
fn phases(operations: &[OperationSection]) -> HtmlTable {
    let had = |phase: &Phase| {
        operations
            .iter()
            .any(|it| it.latencies.phases.get(*phase).is_some())
    };
    let phases: Vec<Phase> = Phase::ALL.into_iter().filter(had).collect();
    let names = phases.iter().map(|it| it.name());
    let heading: Vec<&str> = std::iter::once("operation").chain(names).collect();
    let mut table = HtmlTable::new("p50 / p99 of each phase of ok exchanges", &heading);
    for operation in operations {
        let mut row = vec![Cell::words(operation.name.name()).short()];
        let cells = phases
            .iter()
            .map(|it| middle_and_tail(operation.latencies.phases.get(*it)));
        row.extend(cells);
        table.row(row);
    }
    table
}

fn middle_and_tail(histogram: Option<&LatencyHistogram>) -> Cell {
    let Some(histogram) = histogram else {
        return Cell::unknown();
    };
    let known = [Quantile::P50, Quantile::P99].map(|it| histogram.quantile(it));
    let [middle, tail] = known.map(|it| it.map_or("-".to_owned(), units::duration));
    let [exactly, exactly_tail] = known.map(|it| it.map_or("-".to_owned(), exact_time));
    let key = known[0].map_or(0, micros);
    let count = units::count(histogram.count());
    let exact = format!("{exactly} / {exactly_tail} of {count}");
    Cell::number(format!("{middle} / {tail}"), exact, float(key))
}
