//! What a lost shard should have started and did not: all of it is dropped.

use std::time::Duration;

use tokio::time::Instant;

use super::choice::Choice;
use super::client_draws::ClientDraws;
use super::clock::Clock;
use super::iteration_id::IterationId;
use super::tracks::Tracks;
use std::collections::HashMap;

use crate::measure::{
    Catalogue, DropCause, DropReason, DroppedStart, Period, Record, Recorder, TrackId, View,
};
use crate::plan::{Plan, Quota};
use crate::schedule::Shard;

/// Why nothing of it began.
const LOST: DroppedStart = DroppedStart {
    reason: DropReason::LostShard,
    cause: DropCause::Generator,
};

/// Returns the record of a shard of which nothing is known from some time after the begin of the load on, until the run was
/// stopped, if it was; both counted from there, warm-up included. `window` is how long the others measured: where iterations end
/// a load, the plan does not say it.
///
/// Arrivals are known exactly, since they follow from the plan, and so are iterations that a load counts, if the shard is lost
/// from the beginning. How often closed users would have started over is not known, and not guessed.
pub fn lost(
    plan: &Plan,
    views: &[View],
    shard: Shard,
    (from, until): (Duration, Option<Duration>),
    window: Duration,
) -> Record {
    let mut losses = Losses::of(plan, views);
    losses.from = from;
    losses.until = until.unwrap_or(Duration::MAX);
    losses.add(shard, |load| {
        let counts = !plan.loads[load].executor.is_open();
        // What it has started of these, it tells itself: `left`.
        !counts || from.is_zero()
    });
    losses.recorder.end_window(window);
    losses.recorder.into_record()
}

/// Returns the record of what a shard that was stopped has left of the iterations that its loads count, by what it has measured.
/// Of arrivals [`lost`] tells it.
pub fn left(plan: &Plan, views: &[View], shard: Shard, measured: &Record) -> Record {
    let mut losses = Losses::of(plan, views);
    let scheduled = measured.tracks();
    losses.begun = scheduled
        .map(|(id, _, series)| (id, series.counts.starts.scheduled))
        .collect();
    losses.add(shard, |load| !plan.loads[load].executor.is_open());
    losses.recorder.end_window(measured.window());
    losses.recorder.into_record()
}

struct Losses<'a> {
    plan: &'a Plan,
    tracks: Tracks,
    draws: ClientDraws,
    catalogue: Catalogue,
    recorder: Recorder,
    clock: Clock,
    from: Duration,
    until: Duration,
    /// Iterations that were scheduled all the same.
    begun: HashMap<TrackId, u64>,
}

impl<'a> Losses<'a> {
    fn of(plan: &'a Plan, views: &[View]) -> Self {
        let (tracks, catalogue) = Tracks::of(plan);
        Self {
            recorder: Recorder::new(&catalogue, views, plan.window()),
            plan,
            tracks,
            draws: ClientDraws::of(plan),
            catalogue,
            clock: Clock::new(plan, Instant::now()),
            from: Duration::ZERO,
            until: Duration::MAX,
            begun: HashMap::new(),
        }
    }

    /// Adds what a shard has of the loads that are wanted.
    fn add(&mut self, shard: Shard, wanted: impl Fn(usize) -> bool) {
        for load in (0..self.plan.loads.len()).filter(|it| wanted(*it)) {
            let vus = u64::from(self.plan.loads[load].executor.vus());
            if let Some(part) = shard.among(vus) {
                self.of_load(load, part);
            }
        }
    }

    fn of_load(&mut self, load: usize, part: Shard) {
        let plan = self.plan;
        let it = &plan.loads[load];
        let Some(clock) = self.clock.planned(plan, load) else {
            return;
        };
        let warmup = clock.measured.duration_since(clock.begin);
        let pool = it.executor.pool();
        if let (Some(pool), Some(curve)) = (pool, it.executor.curve(warmup)) {
            let (lane, lanes) = part.lane(0, 1);
            let arrivals = curve.arrivals(pool.arrival, plan.arrival_seed(load));
            for arrival in arrivals.lane(lane, lanes) {
                let due = clock.begin + arrival.due;
                let period = if due < clock.measured {
                    Period::WarmUp
                } else {
                    Period::Measure
                };
                let id = IterationId::of_load(0, load, arrival.index);
                self.drop_one(load, id, (arrival.stage, period, due));
            }
            return;
        }
        let before = plan.loads[..load].iter();
        let before = before.filter(|it| !it.executor.is_open());
        let before: u64 = before.map(|it| u64::from(it.executor.vus())).sum();
        let at = (0, Period::Measure, clock.measured);
        match it.executor.quota() {
            Quota::Endless => {}
            Quota::Together(all) => {
                for number in (0..all).filter(|it| part.has(*it)) {
                    self.drop_one(load, IterationId::of_load(0, load, number), at);
                }
            }
            Quota::Each(each) => {
                let users = 0..u64::from(it.executor.vus());
                for user in users.filter(|it| part.has(*it)) {
                    for number in 0..each {
                        self.drop_one(load, IterationId::of_user(0, before + user, number), at);
                    }
                }
            }
        }
    }

    fn drop_one(
        &mut self,
        load: usize,
        id: IterationId,
        (stage, period, due): (usize, Period, Instant),
    ) {
        let since_start = due.saturating_duration_since(self.clock.start);
        if since_start < self.from || since_start > self.until {
            return;
        }
        let due = due.saturating_duration_since(self.clock.epoch);
        let share = Choice::of(self.plan.seed, id).journey(&self.plan.loads[load]);
        let client = self.draws.client(self.plan.seed, load, share, id);
        let at = (load, stage);
        let track = self.tracks.track(&self.catalogue, at, (share, client));
        if let Some(begun) = self.begun.get_mut(&track).filter(|it| **it > 0) {
            *begun -= 1;
            return;
        }
        self.recorder.scheduled(track, period, due);
        self.recorder.dropped(track, period, due, LOST);
    }
}
