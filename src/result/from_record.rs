//! From the record of a run to its document.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::exchange::Phase;
use crate::measure::{
    AddressUse, ClassCounts, FailureClass, JourneyId, JourneySeries, OperationSeries, Period,
    Record, StatusCounts, Sum, Totals, Track, TrackId,
};
use crate::oci::{Operation, repository_of};

use super::{
    Counts, Document, Example, Facts, FailureEntry, FailureSection, IterationFailureEntry,
    IterationTimes, JourneySection, LatencySeries, OperationSection, PeriodOperation,
    PeriodSection, ProbeSection, RunVerdict, Schema, StageSection, WallClock,
};

impl Document {
    /// The document of a run whose workers' records are merged.
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
        Self {
            schema: Schema,
            regstorm: env!("CARGO_PKG_VERSION").to_owned(),
            plan: facts.plan,
            environment: facts.environment,
            target: facts.target,
            pair: None,
            interrupted: facts.interrupted,
            open_model: facts.open_model,
            verdict: facts.search.as_ref().map_or_else(
                || {
                    let counts = Counts::of(record.totals(Period::Measure), &journeys);
                    RunVerdict::of(&facts.generator.health, &facts.thresholds, &counts)
                },
                RunVerdict::of_search,
            ),
            thresholds: facts.thresholds,
            generator: facts.generator,
            search: facts.search,
            window_opened: clock.at(facts.opened),
            window_from_us: 0,
            shards: Vec::new(),
            window_us,
            totals: *record.totals(Period::Measure),
            transport: record.transport(),
            addresses: several(record.addresses()),
            clamped: record.clamped(),
            journeys,
            operations: all_operations(record, window_us),
            periods: periods(record, &facts.period_durations),
            failures: failures(record, clock),
            time_series: record.time_series().clone(),
            latency_series: latency_series(record),
            closure,
            probe: facts
                .probe
                .as_ref()
                .and_then(|(record, every)| probe(record, *every, clock)),
            notes: facts.notes,
        }
    }
}

/// The addresses of hosts that have more than one.
fn several(addresses: &[AddressUse]) -> Vec<AddressUse> {
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
        let operations = record.operations(id);
        let mut section = journey_section(name, &series, operations);
        section.stages = stages(record, id, lengths);
        section.rate(window_us);
        section
    };
    record.journeys().map(section).collect()
}

/// Without its rates, which need the window, and without its stages.
fn journey_section<'a>(
    name: &str,
    series: &JourneySeries,
    operations: impl Iterator<Item = (Operation, Cow<'a, OperationSeries>)>,
) -> JourneySection {
    JourneySection {
        name: name.to_owned(),
        starts: series.starts,
        drops: series.drops.iter().collect(),
        drop_causes: series.drops.causes().collect(),
        outcomes: series.outcomes,
        failure_classes: classes(&series.classes),
        bytes: series.bytes,
        time: IterationTimes::of(&series.time),
        within_window: series.within_window,
        iterations_per_s: 0.0,
        service_time: series.service_time.clone(),
        response_time: series.response_time.clone(),
        start_lag: series.start_lag.clone(),
        failed_service_time: series.failed_service_time.clone(),
        unfinished_service_time: series.unfinished_service_time.clone(),
        unfinished_response_time: series.unfinished_response_time.clone(),
        operations: operations
            .filter(|(_, series)| series.outcomes.ended() > 0)
            .map(|(operation, series)| operation_section(operation, &series))
            .collect(),
        stages: Vec::new(),
    }
}

/// The stages of a journey, if it ran in more than one.
fn stages(
    record: &Record,
    journey: JourneyId,
    lengths: &BTreeMap<(String, String), Duration>,
) -> Vec<StageSection> {
    let tracks = || {
        let tracks = record.tracks();
        tracks.filter(|(_, track, _)| track.journey == journey)
    };
    if tracks().count() < 2 {
        return Vec::new();
    }
    let section = |(id, track, series): (TrackId, &Track, &JourneySeries)| {
        let operations = record.track_operations(id);
        let operations = operations.map(|(operation, series)| (operation, Cow::Borrowed(series)));
        let length = lengths.get(&(track.load.clone(), track.stage.clone()));
        StageSection {
            load: track.load.clone(),
            stage: track.stage.clone(),
            length_us: length.copied().map(micros),
            iterations: journey_section(record.journey_name(id), series, operations),
        }
    };
    tracks().map(section).collect()
}

/// What a bystander saw, from a record of its own.
fn probe(record: &Record, every: Duration, clock: WallClock) -> Option<ProbeSection> {
    let (id, name, series) = record.journeys().next()?;
    let mut rounds = journey_section(name, &series, record.operations(id));
    let window_us = micros(record.window());
    rounds.rate(window_us);
    Some(ProbeSection {
        every_us: micros(every),
        window_us,
        rounds,
        failures: failures(record, clock),
    })
}

fn all_operations(record: &Record, window_us: u64) -> Vec<OperationSection> {
    let mut merged: BTreeMap<Operation, OperationSeries> = BTreeMap::new();
    for (journey, _, _) in record.journeys() {
        for (operation, series) in record.operations(journey) {
            if series.outcomes.ended() > 0 {
                merged.entry(operation).or_default().merge(&series);
            }
        }
    }
    let section = |(operation, series): (&Operation, &OperationSeries)| {
        let mut section = operation_section(*operation, series);
        section.rate(window_us);
        section
    };
    merged.iter().map(section).collect()
}

/// Without its rates, which need the window.
fn operation_section(operation: Operation, series: &OperationSeries) -> OperationSection {
    OperationSection {
        name: operation,
        count: series.outcomes.ended(),
        outcomes: series.outcomes,
        failure_classes: classes(&series.classes),
        statuses: statuses(&series.statuses),
        connections: series.connections,
        bytes: series.bytes,
        within_window: series.within_window,
        bytes_within_window: series.bytes_within_window,
        requests_per_s: 0.0,
        sent_per_s: 0.0,
        received_per_s: 0.0,
        phases: Phase::ALL
            .into_iter()
            .map(|phase| (phase, series.phase(phase)))
            .filter(|(_, histogram)| histogram.count() > 0)
            .map(|(phase, histogram)| (phase, histogram.clone()))
            .collect(),
        failed_total: series.failed_total.clone(),
        unfinished_total: series.unfinished_total.clone(),
    }
}

fn latency_series(record: &Record) -> Vec<LatencySeries> {
    let series = record.latency_series();
    series
        .map(|(metric, windows)| LatencySeries { metric, windows })
        .collect()
}

/// The exchanges of every period of a record, that of the measured window included: all that was sent.
pub(super) fn all_periods(record: &Record) -> Vec<PeriodSection> {
    let mut all = periods(record, &BTreeMap::new());
    let totals = record.totals(Period::Measure);
    let measured = all_operations(record, 0).into_iter();
    all.push(PeriodSection {
        period: Period::Measure,
        duration_us: micros(record.window()),
        starts: totals.starts,
        iterations: totals.iterations,
        exchanges: totals.exchanges,
        bytes: totals.bytes,
        operations: measured
            .map(|it| PeriodOperation {
                name: it.name,
                outcomes: it.outcomes,
                failure_classes: it.failure_classes,
                statuses: it.statuses,
                bytes: it.bytes,
            })
            .collect(),
    });
    all.sort_by_key(|it| it.period);
    all
}

fn periods(record: &Record, durations: &BTreeMap<Period, Duration>) -> Vec<PeriodSection> {
    let section = |period: Period| {
        let totals = record.totals(period);
        let duration = durations.get(&period).copied().unwrap_or_default();
        let happened = *totals != Totals::default() || !duration.is_zero();
        (period != Period::Measure && happened).then(|| PeriodSection {
            period,
            duration_us: micros(duration),
            starts: totals.starts,
            iterations: totals.iterations,
            exchanges: totals.exchanges,
            bytes: totals.bytes,
            operations: record
                .tally(period)
                .operations()
                .map(|(name, tally)| PeriodOperation {
                    name,
                    outcomes: tally.outcomes,
                    failure_classes: classes(&tally.classes),
                    statuses: statuses(&tally.statuses),
                    bytes: tally.bytes,
                })
                .collect(),
        })
    };
    Period::ALL.into_iter().filter_map(section).collect()
}

pub(super) fn failures(record: &Record, clock: WallClock) -> FailureSection {
    let entries = record.failures().kinds().iter().map(|kind| FailureEntry {
        period: kind.period,
        operation: kind.operation,
        class: kind.class,
        status: kind.status,
        code: kind.code.as_ref().map(|code| code.as_str().to_owned()),
        count: kind.count,
        example: Example {
            journey: record.journey_name(kind.track).to_owned(),
            at_us: micros(kind.at),
            time: clock.at(kind.when),
            host: kind.host.clone(),
            repository: kind
                .path
                .as_deref()
                .and_then(repository_of)
                .map(str::to_owned),
            path: kind.path.clone(),
            request_id: kind.request_id.clone(),
            text: kind.example.clone(),
        },
    });
    let mut section = FailureSection {
        kinds: entries.collect(),
        other: record.failures().other(),
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

fn classes(counts: &ClassCounts) -> BTreeMap<FailureClass, u64> {
    counts.iter().collect()
}

fn statuses(counts: &StatusCounts) -> BTreeMap<u16, u64> {
    counts.iter().collect()
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
