//! The journeys by client, where one has several.

use crate::report::on_purpose;
use crate::result::Document;

use super::journeys::few;
use super::markup::Markup;
use super::parts::titled;
use super::table::{Cell, HtmlTable};

/// Returns a table with a row for each client of each journey that has several.
pub(super) fn table(document: &Document) -> Markup {
    let provoked = on_purpose::column(document.totals.iterations);
    let heading = ["client", "journey", "share", "started", "ok", "failed"];
    let heading = heading.into_iter().chain(["cancelled"]).chain(provoked);
    let heading = heading.chain(["rate", "p50", "p90", "p99", "max"]);
    let heading: Vec<&str> = heading.collect();
    let what = if document.open_model {
        "response time"
    } else {
        "service time"
    };
    let caption = format!("Iterations by the client that they were of, with their {what}");
    let mut table = HtmlTable::new(&caption, &heading);
    for journey in &document.journeys {
        for client in &journey.clients {
            let it = &client.iterations;
            let mut row = vec![
                Cell::words(&client.client),
                Cell::words(&journey.name),
                Cell::share(client.share),
                Cell::count(it.counts.starts.started),
                Cell::count(it.counts.outcomes.ok),
                Cell::trouble(it.counts.outcomes.failed),
                Cell::count(it.counts.outcomes.cancelled),
            ];
            row.extend(provoked.map(|_| Cell::count(it.counts.outcomes.misbehaved)));
            row.push(Cell::rate(it.iterations_per_s));
            row.extend(few(&it.latencies.response_time));
            table.row(row);
        }
    }
    if table.is_empty() {
        return Markup::new();
    }
    titled("Clients", table.render()).into()
}
