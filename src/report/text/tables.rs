//! The tables of the summary: journeys and operations, each first counted and then timed.

use std::time::Duration;

use crate::exchange::Phase;
use crate::measure::LatencyHistogram;
use crate::result::{Document, JourneySection, OperationSection};
use crate::units::{self, Quantile};

use super::super::figures::QUANTILES;
use super::super::on_purpose;
use super::super::table::{Cell, Paint, TextTable};
use super::super::words::{self, Spent};
use super::layout::Layout;

pub(super) fn journeys(document: &Document, layout: Layout) -> String {
    let provoked = on_purpose::column(document.totals.iterations);
    let heading = ["journey", "planned", "started", "ok", "failed", "dropped"];
    let heading = heading.into_iter().chain(["cancelled"]).chain(provoked);
    let heading: Vec<&str> = heading.chain(["rate", "sent", "received"]).collect();
    let mut counts = TextTable::new(1, &heading);
    let mut times = TextTable::new(
        2,
        &["journey", "", "p50", "p90", "p95", "p99", "p99.9", "max"],
    );
    for journey in &document.journeys {
        let outcomes = journey.counts.outcomes;
        let mut row = vec![
            (&journey.name).into(),
            units::count(journey.counts.starts.scheduled).into(),
            units::count(journey.counts.starts.started).into(),
            units::count(outcomes.ok).into(),
            trouble(outcomes.failed),
            trouble(journey.counts.starts.dropped),
            units::count(outcomes.cancelled).into(),
        ];
        row.extend(provoked.map(|_| units::count(outcomes.misbehaved).into()));
        row.extend([
            units::per_second(journey.iterations_per_s, "").into(),
            units::bytes(journey.counts.bytes.sent).into(),
            units::bytes(journey.counts.bytes.received).into(),
        ]);
        counts.row(row);
        journey_times(&mut times, journey, document.open_model);
    }
    let stages = stages(document, layout);
    format!(
        "{}\n{}{stages}\n{}",
        counts.render(layout.colour, layout.width),
        times.render(layout.colour, layout.width),
        spent(document, layout)
    )
}

/// Returns where the time of iterations went, on average.
fn spent(document: &Document, layout: Layout) -> String {
    let mut table = TextTable::new(1, &words::SPENT_COLUMNS);
    for journey in &document.journeys {
        let spent = Spent::of(journey);
        let shown = |time: Option<Duration>| time.map_or("-".to_owned(), units::duration);
        let mut row: Vec<Cell> = vec![(&journey.name).into()];
        row.extend(spent.means.map(|it| shown(it).into()));
        row.extend([
            units::count(spent.retries).into(),
            units::count(spent.paused).into(),
            shown(spent.longest_pause).into(),
        ]);
        table.row(row);
    }
    table.render(layout.colour, layout.width)
}

/// Returns the journeys by stage, where one ran in more than one: the percentiles of a ramp say nothing of what follows it.
fn stages(document: &Document, layout: Layout) -> String {
    let provoked = on_purpose::column(document.totals.iterations);
    let heading = ["stage", "journey", "", "started", "failed", "dropped"];
    let heading = heading.into_iter().chain(provoked);
    let heading = heading.chain(["rate", "p50", "p90", "p99", "max"]);
    let mut table = TextTable::new(3, &heading.collect::<Vec<_>>());
    let mut any = false;
    for journey in &document.journeys {
        for stage in &journey.stages {
            any = true;
            let it = &stage.iterations;
            let name = words::stage(stage);
            let what = if document.open_model {
                "response time"
            } else {
                "service time"
            };
            let rate = match stage.length_us {
                Some(_) => units::per_second(it.iterations_per_s, ""),
                None => "-".to_owned(),
            };
            let mut row: Vec<Cell> = vec![
                name.as_str().into(),
                journey.name.as_str().into(),
                what.into(),
                units::count(it.counts.starts.started).into(),
                trouble(it.counts.outcomes.failed),
                trouble(it.counts.starts.dropped),
            ];
            row.extend(provoked.map(|_| units::count(it.counts.outcomes.misbehaved).into()));
            row.push(rate.into());
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

/// Returns what the probe saw.
pub(super) fn probe(document: &Document, layout: Layout) -> String {
    let Some(probe) = &document.probe else {
        return String::new();
    };
    let mut table = TextTable::new(
        1,
        &[
            "probe", "count", "errors", "dropped", "p50", "p90", "p99", "max",
        ],
    );
    let rounds = &probe.rounds;
    let row = |name: &str, count, failed, dropped: Option<u64>, latency: &LatencyHistogram| {
        let mut row: Vec<Cell> = vec![name.into(), units::count(count).into(), trouble(failed)];
        row.push(dropped.map_or("-".into(), trouble));
        let known = [Quantile::P50, Quantile::P90, Quantile::P99];
        row.extend(known.map(|quantile| time(latency.quantile(quantile))));
        row.push(time(latency.max()));
        row
    };
    table.row(row(
        "a round, response time",
        rounds.counts.starts.started,
        rounds.counts.outcomes.failed,
        Some(rounds.counts.starts.dropped),
        &rounds.latencies.response_time,
    ));
    for operation in &rounds.operations {
        if let Some(total) = operation.latencies.phases.get(Phase::Total) {
            let failed = operation.counts.outcomes.failed;
            table.row(row(
                operation.name.name(),
                operation.count,
                failed,
                None,
                total,
            ));
        }
    }
    format!("\n{}", table.render(layout.colour, layout.width))
}

fn journey_times(times: &mut TextTable, journey: &JourneySection, open_model: bool) {
    let response = ("response time", &journey.latencies.response_time);
    let service = ("service time", &journey.latencies.service_time);
    // In a closed model nothing is due before it starts: the row would only repeat the other.
    let rows = if open_model {
        vec![response, service]
    } else {
        vec![service]
    };
    for (index, (label, histogram)) in rows.into_iter().enumerate() {
        let name = if index == 0 {
            journey.name.as_str()
        } else {
            ""
        };
        let mut row: Vec<Cell> = vec![name.into(), label.into()];
        if histogram.count() == 0 {
            row.push("no samples".into());
        } else {
            row.extend(quantiles(histogram));
            row.push(time(histogram.max()));
        }
        times.row(row);
    }
}

pub(super) fn operations(document: &Document, layout: Layout) -> String {
    let provoked = on_purpose::column(document.totals.exchanges);
    let heading = ["operation", "count", "errors", "cancelled"];
    let heading = heading.into_iter().chain(provoked);
    let heading = heading.chain(["reused", "rate", "sent", "received"]);
    let mut counts = TextTable::new(1, &heading.collect::<Vec<_>>());
    let mut times = TextTable::new(
        1,
        &[
            "operation",
            "total min",
            "p50",
            "p90",
            "p95",
            "p99",
            "p99.9",
            "max",
        ],
    );
    if document.operations.is_empty() {
        counts.row(vec!["no samples".into()]);
        return counts.render(layout.colour, layout.width);
    }
    for operation in &document.operations {
        let outcomes = operation.counts.outcomes;
        let mut row = vec![
            operation.name.name().into(),
            units::count(operation.count).into(),
            trouble(outcomes.failed),
            units::count(outcomes.cancelled).into(),
        ];
        row.extend(provoked.map(|_| units::count(outcomes.misbehaved).into()));
        row.extend([
            words::reused(operation.counts.connections).into(),
            units::per_second(operation.requests_per_s, "").into(),
            units::per_second(operation.sent_per_s, "B").into(),
            units::per_second(operation.received_per_s, "B").into(),
        ]);
        counts.row(row);
        times.row(operation_times(operation));
    }
    format!(
        "{}\n{}\n{}",
        counts.render(layout.colour, layout.width),
        times.render(layout.colour, layout.width),
        phases(document).render(layout.colour, layout.width)
    )
}

/// Returns where the time went: the median and p99 of each phase that any operation had, in their order.
fn phases(document: &Document) -> TextTable {
    let had = |phase: &Phase| {
        let mut operations = document.operations.iter();
        *phase != Phase::Total && operations.any(|it| it.latencies.phases.get(*phase).is_some())
    };
    let phases: Vec<Phase> = Phase::ALL.into_iter().filter(had).collect();
    let titles: Vec<&str> = std::iter::once("operation")
        .chain(phases.iter().map(|phase| title(*phase)))
        .collect();
    let mut table = TextTable::new(1, &titles);
    for operation in &document.operations {
        let mut row: Vec<Cell> = vec![operation.name.name().into()];
        if operation.latencies.phases.get(Phase::Total).is_some() {
            row.extend(
                phases
                    .iter()
                    .map(|phase| middle_and_tail(operation.latencies.phases.get(*phase))),
            );
        } else {
            row.push("no samples".into());
        }
        table.row(row);
    }
    table
}

const fn title(phase: Phase) -> &'static str {
    match phase {
        Phase::Wait => "wait p50 / p99",
        Phase::Dns => "dns p50 / p99",
        Phase::Connect => "connect p50 / p99",
        Phase::Proxy => "proxy p50 / p99",
        Phase::Tls => "tls p50 / p99",
        Phase::Send => "send p50 / p99",
        Phase::FirstByte => "first byte p50 / p99",
        Phase::Body => "body p50 / p99",
        Phase::Total => "total p50 / p99",
    }
}

/// `1.04 ms / 1.95 ms`, or `-` for a phase that never was.
fn middle_and_tail(histogram: Option<&LatencyHistogram>) -> Cell {
    let Some(histogram) = histogram else {
        return "-".into();
    };
    let [middle, tail] = [Quantile::P50, Quantile::P99].map(|quantile| {
        let known = histogram.quantile(quantile);
        known.map_or("-".to_owned(), units::duration)
    });
    format!("{middle} / {tail}").into()
}

/// Returns `true` if the tables show a `-`: of the percentiles, p99.9 is the last to be known.
pub(super) fn has_gaps(document: &Document) -> bool {
    let few = |it: &LatencyHistogram| it.count() > 0 && it.quantile(Quantile::P999).is_none();
    let journeys = document
        .journeys
        .iter()
        .map(|it| &it.latencies.service_time);
    let totals = document
        .operations
        .iter()
        .filter_map(|it| it.latencies.phases.get(Phase::Total));
    // A phase that one operation has and another has not leaves a gap in the other's row.
    let ran = || {
        let operations = document.operations.iter();
        operations.filter(|it| it.latencies.phases.get(Phase::Total).is_some())
    };
    let uneven = |phase: &Phase| {
        let having = ran()
            .filter(|it| it.latencies.phases.get(*phase).is_some())
            .count();
        having > 0 && having < ran().count()
    };
    journeys.chain(totals).any(few) || Phase::ALL.iter().any(uneven)
}

fn operation_times(operation: &OperationSection) -> Vec<Cell> {
    let mut row: Vec<Cell> = vec![operation.name.name().into()];
    let Some(total) = operation.latencies.phases.get(Phase::Total) else {
        row.push("no samples".into());
        return row;
    };
    row.push(time(total.min()));
    row.extend(quantiles(total));
    row.push(time(total.max()));
    row
}

fn quantiles(histogram: &LatencyHistogram) -> impl Iterator<Item = Cell> {
    QUANTILES.map(|it| time(histogram.quantile(it))).into_iter()
}

pub(super) fn time(value: Option<Duration>) -> Cell {
    value.map_or("-".to_owned(), units::duration).into()
}

pub(super) fn trouble(count: u64) -> Cell {
    let paint = if count > 0 { Paint::Bad } else { Paint::Plain };
    Cell::new(units::count(count), paint)
}
