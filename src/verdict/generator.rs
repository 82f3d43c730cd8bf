//! Whether the generator was fit to measure: what is known of a run, put as its health is judged by.

use std::time::Duration;

use crate::exchange::Phase;
use crate::health::{
    self, Drops, ExchangeFacts, Health, JourneyFacts, LoadFacts, ScheduleFacts, Signals, TargetHost,
};
use crate::measure::{
    DropReason, FailureClass, JourneySeries, LatencyHistogram, Record, Track, TrackId,
};
use crate::plan::{ConnectionPolicy, JourneyClient, Load, OnNoVu, Plan};

/// A run that is over, as far as the generator's health depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Ran<'a> {
    /// What was to be done.
    pub plan: &'a Plan,
    /// What was measured.
    pub record: &'a Record,
    /// How late the pacers of open loads woke.
    pub pacer_lag: &'a LatencyHistogram,
    /// What was seen of the process and its machine.
    pub signals: &'a Signals,
    /// The share of this machine's ceiling that was needed; `None` if it was not measured.
    pub ceiling_share: Option<f64>,
    /// Where the target is.
    pub target_host: TargetHost,
    /// Whether the run was ended before its time: what was dropped because of that is no fault.
    pub ended_early: bool,
}

/// A journey's open tracks, added up.
#[derive(Default)]
struct Scheduled {
    starts: u64,
    begun: u64,
    drops: Drops,
    /// Of the fastest load.
    interval: Option<Duration>,
    lag: LatencyHistogram,
}

impl Ran<'_> {
    /// Returns the generator's health.
    pub fn health(&self) -> Health {
        let record = self.record;
        let journeys: Vec<(&str, LatencyHistogram, Option<Scheduled>)> = record
            .journeys()
            .map(|(id, name, series)| {
                let tracks = record.tracks().filter(|(_, track, _)| track.journey == id);
                (
                    name,
                    series.latencies.service_time.clone(),
                    self.scheduled(tracks),
                )
            })
            .collect();
        let facts = LoadFacts {
            journeys: journeys
                .iter()
                .map(|(name, service_time, scheduled)| JourneyFacts {
                    name,
                    service_time,
                    schedule: scheduled.as_ref().map(Scheduled::facts),
                })
                .collect(),
            exchanges: exchanges(self.plan, record),
            harness_limit_failures: harness_limits(record),
            ceiling_share: self.ceiling_share,
            target_host: self.target_host,
        };
        health::judge(self.signals, &facts)
    }

    /// Returns what was due of a journey by a schedule; `None` if all its loads are closed.
    fn scheduled<'a>(
        &self,
        tracks: impl Iterator<Item = (TrackId, &'a Track, &'a JourneySeries)>,
    ) -> Option<Scheduled> {
        let mut all: Option<Scheduled> = None;
        for (_, track, series) in tracks {
            let mut loads = self.plan.loads.iter();
            let load = loads.find(|load| load.name == track.load);
            let Some((load, pool)) = load.and_then(|it| Some((it, it.executor.pool()?))) else {
                continue;
            };
            let all = all.get_or_insert_default();
            all.starts += series.counts.starts.scheduled;
            all.begun += series.counts.starts.started;
            for (reason, count) in series.counts.drops.iter() {
                let by_target = series.dropped_by_target.of(reason);
                let others = count - by_target;
                match reason {
                    DropReason::Cut if self.ended_early => {
                        // Neither planned for the part that took place, nor missing in it.
                        all.starts -= count;
                        continue;
                    }
                    DropReason::NoVu => all.drops.no_vu += others,
                    DropReason::QueueFull => all.drops.queue_full += others,
                    DropReason::Cut => all.drops.cut += others,
                    // The first is of closed loads only; the other of no run of one process.
                    DropReason::Overrun | DropReason::LostShard => continue,
                }
                all.drops.by_target += by_target;
            }
            // What waits in a queue waits for the target; the pacer's part is known apart.
            match pool.on_no_vu {
                OnNoVu::Drop => all.lag.merge(&series.latencies.start_lag),
                OnNoVu::Queue { .. } => all.lag.merge(self.pacer_lag),
            }
            let interval = mean_interval(load, series.counts.starts.scheduled);
            all.interval = match (all.interval, interval) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        all
    }
}

fn mean_interval(load: &Load, starts: u64) -> Option<Duration> {
    let starts = u32::try_from(starts).ok().filter(|it| *it > 0)?;
    Some(load.executor.curve(Duration::ZERO)?.length() / starts)
}

impl Scheduled {
    fn facts(&self) -> ScheduleFacts<'_> {
        ScheduleFacts {
            planned: self.starts,
            started: self.begun,
            dropped: self.drops,
            mean_interval: self.interval.unwrap_or_default(),
            start_lag: &self.lag,
        }
    }
}

/// Returns the exchanges that are not meant to wait for a connection. Where users share a pool, waiting for it is what the
/// scenario is about.
fn exchanges(plan: &Plan, record: &Record) -> ExchangeFacts {
    let mut facts = ExchangeFacts::default();
    let shares = |name: &str| {
        let journey = plan.journeys.iter().find(|journey| journey.name == name);
        let shared =
            |it: &JourneyClient| matches!(it.habits.connections, ConnectionPolicy::Shared { .. });
        journey.is_some_and(|it| it.clients.iter().any(shared))
    };
    for (track, _, _) in record.tracks() {
        if shares(record.journey_name(track)) {
            continue;
        }
        for (_, series) in record.track_operations(track) {
            let total = series.latencies.phases.of(Phase::Total);
            facts.count += total.count();
            facts.total = facts.total.saturating_add(sum(total));
            facts.waited = facts
                .waited
                .saturating_add(sum(series.latencies.phases.of(Phase::Wait)));
        }
    }
    facts
}

/// Returns the sum of all values, as exactly as the histogram knows them.
fn sum(histogram: &LatencyHistogram) -> Duration {
    let count = u32::try_from(histogram.count()).unwrap_or(u32::MAX);
    let mean = histogram.mean().unwrap_or_default();
    mean.saturating_mul(count)
}

fn harness_limits(record: &Record) -> u64 {
    let tracks = record.tracks();
    let operations = tracks.flat_map(|(track, _, _)| record.track_operations(track));
    let classes = operations.flat_map(|(_, series)| series.counts.failure_classes.iter());
    let limits = classes.filter(|(class, _)| *class == FailureClass::HarnessLimit);
    limits.map(|(_, count)| count).sum()
}
