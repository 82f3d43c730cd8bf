//! The clients of a run's journeys in Markdown, where a journey has several.

use crate::result::Document;
use crate::units::{self, Quantile};

use super::super::on_purpose;
use super::page::{MarkdownTable, ROWS, escape, shown};

/// Returns the part of the iterations that each client had, and how long they took; nothing where no journey has several.
pub(super) fn table(document: &Document) -> String {
    let provoked = on_purpose::column(document.totals.iterations);
    let columns = ["client", "journey", "share", "started", "ok", "failed"];
    let columns = columns.into_iter().chain(provoked);
    let columns = columns.chain(["rate", "p50", "p90", "p99", "max"]);
    let mut table = MarkdownTable::new(&columns.collect::<Vec<_>>(), ROWS);
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
            ];
            row.extend(provoked.map(|_| units::count(it.counts.outcomes.misbehaved)));
            row.push(units::per_second(it.iterations_per_s, ""));
            let known = [Quantile::P50, Quantile::P90, Quantile::P99];
            row.extend(known.map(|it| shown(latency.quantile(it))));
            row.push(shown(latency.max()));
            table.row(&row);
        }
    }
    table.render("Clients")
}
