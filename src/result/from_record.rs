//! From the record of a run to its document.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::exchange::Phase;
use crate::measure::{
    AddressUse, FirstFailure, JourneyId, JourneySeries, OperationSeries, Period, Record,
    SlowExchange, Sum, Totals,
};
use crate::oci::{Operation, repository_of};

use super::parts::{clients, operations, stages};
use super::section::micros;
use super::{
    Document, Example, Facts, FailureSection, IntegritySection, IterationFailureEntry,
    JourneySection, LatencySeries, OperationSection, PeriodSection, ProbeSection, RunVerdict,
    Schema, SlowExchangeEntry, WallClock,
};

impl Document {
    /// Returns the document of a run whose workers' records are merged.
    ///
    /// The sums that must close are those of the load and those of the probe.
    pub fn new(record: &Record, facts: Facts) -> Self {
        let window_us = micros(record.window());
        let clock = facts.environment.clock;
        let journeys = journeys(record, window_us, &facts.stage_lengths);
        let mut closure = record.check();
        if let Some((probe, _)) = &facts.probe {
            closure
                .sums
                .extend(probe.check().sums.into_iter().map(|sum| Sum {
                    name: format!("probe: {}", sum.name),
                    ..sum
                }));
        }
        if let Some(search) = &facts.search {
            closure.sums.extend(search.sums());
        }
        let operations = all_operations(record, window_us, Some(clock));
        let probe = facts.probe.as_ref();
        let probe = probe.and_then(|(record, every)| self::probe(record, *every, clock));
        let probed = probe.iter().flat_map(|it| &it.rounds.operations);
        let mut document = Self {
            integrity: IntegritySection::of(operations.iter().chain(probed)),
            schema: Schema,
            regstorm: env!("CARGO_PKG_VERSION").to_owned(),
            plan: facts.plan,
            environment: facts.environment,
            target: facts.target,
            pair: None,
            shard: None,
            interrupted: facts.interrupted,
            open_model: facts.open_model,
            verdict: RunVerdict::NotJudged,
            thresholds: facts.thresholds,
            generator: facts.generator,
            search: facts.search,
            window_opened: clock.at(facts.opened),
            shards: Vec::new(),
            window_us,
            totals: *record.totals(Period::Measure),
            transport: record.transport(),
            addresses: several(record.addresses()),
            clamped: record.clamped(),
            journeys,
            replays: Vec::new(),
            operations,
            periods: periods(record, &facts.period_durations),
            failures: failures(record, clock),
            time_series: record.time_series().clone(),
            latency_series: latency_series(record),
            closure,
            probe,
            audit: None,
            telemetry: None,
            hooks: Vec::new(),
            server: Vec::new(),
            upstream: None,
            notes: facts.notes,
            stored: None,
        };
        document.judge();
        document
    }
}

/// Returns the addresses of hosts that have more than one.
pub(super) fn several(addresses: &[AddressUse]) -> Vec<AddressUse> {
    let is_one_of_several = |it: &&AddressUse| {
        let other = |other: &AddressUse| other.host == it.host && other.address != it.address;
        addresses.iter().any(other)
    };
    addresses
        .iter()
        .filter(is_one_of_several)
        .cloned()
        .collect()
}

fn journeys(
    record: &Record,
    window_us: u64,
    lengths: &BTreeMap<(String, String), Duration>,
) -> Vec<JourneySection> {
    let section = |(id, name, series): (JourneyId, &str, Cow<'_, JourneySeries>)| {
        let operations = operations(record.operations(id));
        let mut section = JourneySection::new(name, &series, operations);
        section.stages = stages(record, id, lengths);
        section.clients = clients(record, id);
        section.rate(window_us);
        section
    };
    record.journeys().map(section).collect()
}

/// Returns what the probe saw, from a record of its own.
fn probe(record: &Record, every: Duration, clock: WallClock) -> Option<ProbeSection> {
    let (id, name, series) = record.journeys().next()?;
    let mut rounds = JourneySection::new(name, &series, operations(record.operations(id)));
    let window_us = micros(record.window());
    rounds.rate(window_us);
    Some(ProbeSection {
        every_us: micros(every),
        window_us,
        rounds,
        failures: failures(record, clock),
    })
}

/// With the slowest exchanges if there is a clock.
fn all_operations(
    record: &Record,
    window_us: u64,
    clock: Option<WallClock>,
) -> Vec<OperationSection> {
    let mut merged: BTreeMap<Operation, OperationSeries> = BTreeMap::new();
    for (journey, _, _) in record.journeys() {
        for (operation, series) in record.operations(journey) {
            if series.counts.outcomes.ended() > 0 {
                merged.entry(operation).or_default().merge(&series);
            }
        }
    }
    let section = |(operation, series): (&Operation, &OperationSeries)| {
        let mut section = OperationSection::new(*operation, series);
        section.rate(window_us);
        if let Some(clock) = clock {
            section.slowest = slowest(record, *operation, clock);
        }
        section
    };
    merged.iter().map(section).collect()
}

fn slowest(record: &Record, operation: Operation, clock: WallClock) -> Vec<SlowExchangeEntry> {
    let entry = |it: SlowExchange| {
        let phases = Phase::ALL.into_iter().filter(|it| *it != Phase::Total);
        SlowExchangeEntry {
            journey: record.journey_name(it.track).to_owned(),
            at_us: micros(it.at),
            time: clock.at(it.when),
            total_us: micros(it.timings.total),
            phases_us: phases
                .filter_map(|phase| Some((phase, micros(it.timings.of(phase)?))))
                .collect(),
            status: it.status,
            sent_bytes: it.sent,
            received_bytes: it.received,
            repository: repository_of(&it.names.path).map(str::to_owned),
            host: it.names.host,
            path: it.names.path,
            request_id: Some(it.names.request_id).filter(|it| !it.is_empty()),
            trace_id: it.trace.map(|it| it.to_string()),
        }
    };
    record.slowest(operation).into_iter().map(entry).collect()
}

fn latency_series(record: &Record) -> Vec<LatencySeries> {
    let series = record.latency_series();
    series
        .map(|(metric, windows)| LatencySeries { metric, windows })
        .collect()
}

/// Returns the exchanges of every period of a record, that of the measured window included: all that was sent.
pub(super) fn all_periods(record: &Record) -> Vec<PeriodSection> {
    let mut all = periods(record, &BTreeMap::new());
    let measured = all_operations(record, 0, None);
    let tallies = measured.iter().map(|it| (it.name, (&it.counts).into()));
    all.push(PeriodSection {
        period: Period::Measure,
        duration_us: micros(record.window()),
        totals: *record.totals(Period::Measure),
        operations: tallies.collect(),
    });
    all.sort_by_key(|it| it.period);
    all
}

pub(super) fn periods(
    record: &Record,
    durations: &BTreeMap<Period, Duration>,
) -> Vec<PeriodSection> {
    let section = |period: Period| {
        let totals = record.totals(period);
        let duration = durations.get(&period).copied().unwrap_or_default();
        let happened = *totals != Totals::default() || !duration.is_zero();
        (period != Period::Measure && happened).then(|| PeriodSection {
            period,
            duration_us: micros(duration),
            totals: *totals,
            operations: record.tally(period).clone(),
        })
    };
    Period::ALL.into_iter().filter_map(section).collect()
}

pub(super) fn failures(record: &Record, clock: WallClock) -> FailureSection {
    let example = |first: &FirstFailure| Example {
        journey: record.journey_name(first.track).to_owned(),
        at_us: micros(first.at),
        time: clock.at(first.when),
        host: first.host.clone(),
        repository: first
            .path
            .as_deref()
            .and_then(repository_of)
            .map(str::to_owned),
        path: first.path.clone(),
        request_id: first.request_id.clone(),
        trace_id: first.trace.map(|it| it.to_string()),
        text: first.text.clone(),
    };
    let mut section = FailureSection {
        exchanges: record.failures().map(example),
        iterations: Vec::new(),
    };
    for kind in record.iteration_failures().kinds() {
        section.add_iterations(IterationFailureEntry {
            period: kind.period,
            journey: record.journey_name(kind.track).to_owned(),
            class: kind.class,
            cause: kind.cause.to_owned(),
            count: kind.count,
            time: clock.at(kind.when),
            text: kind.example.clone(),
        });
    }
    section.sort();
    section
}
