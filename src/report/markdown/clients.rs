//! The clients of a run's journeys in Markdown, where a journey has several.

use crate::result::Document;
use crate::units::{self, Quantile};

use super::page::{MarkdownTable, ROWS, escape, shown};

/// Returns the part of the iterations that each client had, and how long they took; nothing where no journey has several.
pub(super) fn table(document: &Document) -> String {
    let columns = [
        "client", "journey", "share", "started", "ok", "failed", "rate", "p50", "p90", "p99", "max",
    ];
    let mut table = MarkdownTable::new(&columns, ROWS);
    for journey in &document.journeys {
        for client in &journey.clients {
            let it = &client.iterations;
            let latency = &it.latencies.response_time;
            let mut row = vec![
                escape(&client.client),
                escape(&journey.name),
                units::share(client.share),
                units::count(it.counts.starts.started),
                units::count(it.counts.outcomes.ok),
                units::count(it.counts.outcomes.failed),
                units::per_second(it.iterations_per_s, ""),
            ];
            let known = [Quantile::P50, Quantile::P90, Quantile::P99];
            row.extend(known.map(|it| shown(latency.quantile(it))));
            row.push(shown(latency.max()));
            table.row(&row);
        }
    }
    table.render("Clients")
}
