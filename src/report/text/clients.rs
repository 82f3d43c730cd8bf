//! The journeys by client, where one has several.

use crate::result::Document;
use crate::units::{self, Quantile};

use super::super::on_purpose;
use super::super::table::{Cell, TextTable};
use super::layout::Layout;
use super::tables::{time, trouble};

/// Returns a row for each client of each journey that has several: its part of the iterations, and how long they took.
pub(super) fn table(document: &Document, layout: Layout) -> String {
    let provoked = on_purpose::column(document.totals.iterations);
    let heading = ["client", "journey", "", "share", "started", "ok", "failed"];
    let heading = heading.into_iter().chain(provoked);
    let heading = heading.chain(["rate", "p50", "p90", "p99", "max"]);
    let mut table = TextTable::new(3, &heading.collect::<Vec<_>>());
    let what = if document.open_model {
        "response time"
    } else {
        "service time"
    };
    let mut any = false;
    for journey in &document.journeys {
        for client in &journey.clients {
            any = true;
            let it = &client.iterations;
            let mut row: Vec<Cell> = vec![
                client.client.as_str().into(),
                journey.name.as_str().into(),
                what.into(),
                units::share(client.share).into(),
                units::count(it.counts.starts.started).into(),
                units::count(it.counts.outcomes.ok).into(),
                trouble(it.counts.outcomes.failed),
            ];
            row.extend(provoked.map(|_| units::count(it.counts.outcomes.misbehaved).into()));
            row.push(units::per_second(it.iterations_per_s, "").into());
            let latency = &it.latencies.response_time;
            let known = [Quantile::P50, Quantile::P90, Quantile::P99];
            row.extend(known.map(|quantile| time(latency.quantile(quantile))));
            row.push(time(latency.max()));
            table.row(row);
        }
    }
    if any {
        format!("\n{}", table.render(layout.colour, layout.width))
    } else {
        String::new()
    }
}
