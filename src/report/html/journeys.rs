//! The journeys: what was planned and came of it, how long it took, stage by stage, and what the probe saw.

use std::time::Duration;

use crate::exchange::Phase;
use crate::measure::LatencyHistogram;
use crate::result::{Document, JourneySection, ProbeSection};
use crate::units::{self, Quantile};

use super::markup::Markup;
use super::operations;
use super::parts::{details, faint, titled};
use super::table::{Cell, HtmlTable, quantiles};
use crate::report::on_purpose;
use crate::report::words::{self, Spent};

/// Returns the tables of the journeys, each with its operations to open.
pub(super) fn section(document: &Document) -> Markup {
    let mut section = Markup::from(counts(document).render());
    section.push(times(document).render());
    section.push(faint(
        "-: too few samples to know (p99 takes 100, p99.9 takes 1,000). Latencies are of ok iterations alone.",
    ));
    section.push(spent(document).render());
    for journey in &document.journeys {
        let mut inside = operations::tables(&journey.operations);
        inside.push(failed(journey));
        section.push(details(format!("{}: its operations", journey.name), inside));
    }
    section.push(stages(document));
    section.push(document.probe.as_ref().map(probe).unwrap_or_default());
    section
}

fn counts(document: &Document) -> HtmlTable {
    let provoked = on_purpose::column(document.totals.iterations);
    let heading = ["journey", "planned", "started", "dropped", "ok", "failed"];
    let heading = heading.into_iter().chain(["cancelled"]).chain(provoked);
    let heading: Vec<&str> = heading.chain(["rate", "sent", "received"]).collect();
    let mut table = HtmlTable::new("Iterations in the measured window", &heading);
    for journey in &document.journeys {
        let starts = journey.counts.starts;
        let reasons = journey.counts.drops.iter();
        let reasons = reasons.map(|(reason, count)| format!("{} {reason}", units::count(count)));
        let reasons: Vec<String> = reasons.collect();
        let classes = words::classes(&journey.counts.failure_classes);
        let mut row = vec![
            Cell::words(&journey.name),
            Cell::count(starts.scheduled),
            Cell::count(starts.started),
            Cell::trouble(starts.dropped).remark(reasons.join(", ")),
            Cell::count(journey.counts.outcomes.ok),
            Cell::trouble(journey.counts.outcomes.failed).remark(classes),
            Cell::count(journey.counts.outcomes.cancelled),
        ];
        row.extend(provoked.map(|_| {
            let count = Cell::count(journey.counts.outcomes.misbehaved);
            count.remark(words::each(&journey.counts.misbehaviours))
        }));
        row.extend([
            Cell::rate(journey.iterations_per_s),
            Cell::bytes(journey.counts.bytes.sent),
            Cell::bytes(journey.counts.bytes.received),
        ]);
        table.row(row);
    }
    table
}

fn times(document: &Document) -> HtmlTable {
    let heading = ["journey", "", "p50", "p90", "p95", "p99", "p99.9", "max"];
    let mut table = HtmlTable::new("Latency of iterations", &heading);
    for journey in &document.journeys {
        let response = ("response time", &journey.latencies.response_time);
        let service = ("service time", &journey.latencies.service_time);
        // In a closed model nothing is due before it starts: the row would only repeat the other.
        let rows = if document.open_model {
            vec![response, service]
        } else {
            vec![service]
        };
        for (what, histogram) in rows {
            let mut row = vec![Cell::words(&journey.name), Cell::words(what).short()];
            row.extend(quantiles(histogram));
            table.row(row);
        }
    }
    table
}

/// Returns where the time of iterations went, on average.
fn spent(document: &Document) -> HtmlTable {
    let mut table = HtmlTable::new(words::SPENT, &words::SPENT_COLUMNS);
    for journey in &document.journeys {
        let spent = Spent::of(journey);
        let mut row = vec![Cell::words(&journey.name)];
        row.extend(spent.means.map(Cell::time));
        row.extend([
            Cell::count(spent.retries),
            Cell::count(spent.paused),
            Cell::time(spent.longest_pause),
        ]);
        table.row(row);
    }
    table
}

/// Returns how long those took that did not end well.
fn failed(journey: &JourneySection) -> Markup {
    let heading = ["", "count", "p50", "p90", "p95", "p99", "p99.9", "max"];
    let mut table = HtmlTable::new("Iterations that did not end well", &heading);
    for (what, histogram) in [
        (
            "failed: service time",
            &journey.latencies.failed_service_time,
        ),
        (
            "cancelled or timed out: at least this service time",
            &journey.latencies.unfinished_service_time,
        ),
        (
            "cancelled or timed out: at least this response time",
            &journey.latencies.unfinished_response_time,
        ),
    ] {
        if histogram.count() > 0 {
            let mut row = vec![Cell::words(what), Cell::count(histogram.count())];
            row.extend(quantiles(histogram));
            table.row(row);
        }
    }
    if table.is_empty() {
        Markup::new()
    } else {
        table.render().into()
    }
}

/// Returns the journeys by stage, where one ran in more than one.
fn stages(document: &Document) -> Markup {
    let provoked = on_purpose::column(document.totals.iterations);
    let heading = ["stage", "journey", "planned", "started", "dropped", "ok"];
    let heading = heading.into_iter().chain(["failed", "cancelled"]);
    let heading = heading.chain(provoked).chain(["rate"]);
    let heading: Vec<&str> = heading.chain(["p50", "p90", "p99", "max"]).collect();
    let what = if document.open_model {
        "response time"
    } else {
        "service time"
    };
    let caption = format!("Iterations by the stage in which they were due, with their {what}");
    let mut table = HtmlTable::new(&caption, &heading);
    for journey in &document.journeys {
        for stage in &journey.stages {
            let it = &stage.iterations;
            let latency = &it.latencies.response_time;
            let rate = stage.length_us.map(|_| Cell::rate(it.iterations_per_s));
            let mut row = vec![
                Cell::words(words::stage(stage)),
                Cell::words(&journey.name),
                Cell::count(it.counts.starts.scheduled),
                Cell::count(it.counts.starts.started),
                Cell::trouble(it.counts.starts.dropped),
                Cell::count(it.counts.outcomes.ok),
                Cell::trouble(it.counts.outcomes.failed),
                Cell::count(it.counts.outcomes.cancelled),
            ];
            row.extend(provoked.map(|_| Cell::count(it.counts.outcomes.misbehaved)));
            row.push(rate.unwrap_or_else(Cell::unknown));
            row.extend(few(latency));
            table.row(row);
        }
    }
    if table.is_empty() {
        return Markup::new();
    }
    titled("Stages", table.render()).into()
}

pub(super) fn few(latency: &LatencyHistogram) -> impl Iterator<Item = Cell> {
    let known = [Quantile::P50, Quantile::P90, Quantile::P99];
    let known = known.map(|it| Cell::time(latency.quantile(it)));
    known.into_iter().chain([Cell::time(latency.max())])
}

fn probe(probe: &ProbeSection) -> Markup {
    let heading = ["", "count", "errors", "dropped", "p50", "p90", "p99", "max"];
    let mut table = HtmlTable::new("", &heading);
    let rounds = &probe.rounds;
    let mut row = vec![
        Cell::words("a round, response time"),
        Cell::count(rounds.counts.starts.started),
        Cell::trouble(rounds.counts.outcomes.failed),
        Cell::trouble(rounds.counts.starts.dropped),
    ];
    row.extend(few(&rounds.latencies.response_time));
    table.row(row);
    for operation in &rounds.operations {
        if let Some(total) = operation.latencies.phases.get(Phase::Total) {
            let mut row = vec![
                Cell::words(operation.name.name()),
                Cell::count(operation.count),
                Cell::trouble(operation.counts.outcomes.failed),
                Cell::unknown(),
            ];
            row.extend(few(total));
            table.row(row);
        }
    }
    let every = units::duration(Duration::from_micros(probe.every_us));
    let mut inside = Markup::from(faint(format!(
        "Requests every {every} on a connection of their own, beside the load. The other tables do not count them."
    )));
    inside.push(table.render());
    titled("Probe", inside).into()
}
