//! The shards of a merged report: what each was, how far apart they began, and which are missing.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::wall_time::micros_of;
use super::{Document, ShardPart, ShardSection};
use crate::health::{self, ShardFacts, Signal};
use crate::measure::LatencyHistogram;
use crate::units::{self, Quantile};
use crate::verdict::{Reason, Status};

/// Samples that a median is of, at least, before a shard is held against the others.
const SAMPLES: u64 = 100;

/// How many times the median of the other shards its own is, at least, where one is called slower.
const SLOWER: f64 = 1.5;

/// How many times as often as the others' its iterations fail, at least, where that is its own fault.
const FAILING: f64 = 3.0;

/// So many more of a hundred of its iterations fail, at least, and so many of them.
const MORE_FAILED: (f64, u64) = (0.01, 10);

impl Document {
    /// This run as one of the shards of a merged report; those that it is made of, if it is one. None where it is no shard.
    pub(super) fn as_shards(&self) -> Vec<ShardSection> {
        let Some(part) = &self.shard else {
            return self.shards.clone();
        };
        let mut response_time = LatencyHistogram::new();
        for journey in &self.journeys {
            response_time.merge(&journey.latencies.response_time);
        }
        vec![ShardSection {
            index: part.index,
            count: part.count,
            run: part.run.clone(),
            lost: part.lost,
            host: self.environment.host.clone(),
            labels: self.environment.labels.clone(),
            window_opened: self.window_opened.clone(),
            window_us: self.window_us,
            health: self.generator.health.verdict(),
            reasons: self.generator.health.reasons.clone(),
            started: self.totals.starts.started,
            ok: self.totals.iterations.ok,
            failed: self.totals.iterations.failed,
            response_time,
            clock: part.clock,
        }]
    }

    /// Returns `true` if it is of one shard, and the others are not part of it.
    pub fn is_part(&self) -> bool {
        self.shard.as_ref().is_some_and(|it| it.count > 1)
    }

    /// Leaves the thresholds to the merged report, where this is of one of several shards. They are of the whole load: a part of it
    /// has a part of each rate and each count.
    pub fn leave_thresholds(&mut self) {
        if !self.is_part() {
            return;
        }
        for threshold in &mut self.thresholds {
            threshold.status = Status::Inconclusive(Reason::OneShard);
        }
        self.judge();
    }

    /// Returns the numbers of its shards; none where it is no part of a run in shards.
    pub(super) fn shard_numbers(&self) -> BTreeSet<u32> {
        match &self.shard {
            Some(part) => BTreeSet::from([part.index]),
            None => self.shards.iter().map(|it| it.index).collect(),
        }
    }

    /// Returns how many shards its run has, and the run.
    pub(super) fn shards_of(&self) -> Option<(u32, &str)> {
        let part = self.shard.as_ref().map(|it| (it.count, &*it.run));
        part.or_else(|| self.shards.first().map(|it| (it.count, &*it.run)))
    }

    /// Returns the run that it is of, as its shards name it; `None` where there are none.
    pub fn run(&self) -> Option<&str> {
        self.shards_of().map(|(_, run)| run)
    }

    /// Returns the numbers of the shards that are not part of it.
    pub fn missing_shards(&self) -> Vec<u32> {
        let has = self.shard_numbers();
        let count = self.shards_of().map_or(0, |(count, _)| count);
        (0..count).filter(|index| !has.contains(index)).collect()
    }

    /// Returns what a shard of the same run is of which there is no report. None where this is the report of no shard.
    pub fn lost_shard(&self, index: u32) -> Option<ShardPart> {
        let shards = self.as_shards();
        let one = shards.first()?;
        Some(ShardPart {
            index,
            count: one.count,
            run: one.run.clone(),
            from: "merge".to_owned(),
            lost: true,
            clock: None,
        })
    }

    /// Judges what no shard can know: how far apart they began, how many are lost, and whether one differs from the others.
    /// `allowed` is the share of shards that may be lost. To be called once all are merged.
    pub fn judge_shards(&mut self, allowed: f64) {
        self.shards.sort_by_key(|it| it.index);
        let lost = self.shards.iter().filter(|it| it.lost).count();
        let facts = ShardFacts {
            skew: skew(&self.shards),
            lost: float(lost) / float(self.shards.len().max(1)),
            allowed,
        };
        let health = &mut self.generator.health;
        let own = [Signal::StartSkew, Signal::LostShards];
        health.reasons.retain(|it| !own.contains(&it.signal));
        health.reasons.extend(health::judge_shards(&facts));
        health
            .reasons
            .sort_by_key(|it| Reverse((it.level, Reverse(it.signal))));
        self.judge();
        for note in [slower(&self.shards), failing(&self.shards)].concat() {
            self.note(note);
        }
    }
}

/// From the first that began to measure to the last, in seconds.
fn skew(shards: &[ShardSection]) -> f64 {
    let opened = shards.iter().filter(|it| !it.lost);
    let opened: Vec<u64> = opened.map(|it| micros_of(&it.window_opened)).collect();
    let first = opened.iter().min().copied().unwrap_or(0);
    let last = opened.iter().max().copied().unwrap_or(0);
    // Where they met, all began at one moment, as well as the clocks are known.
    let errors = shards.iter().filter_map(|it| Some(it.clock?.error_us));
    let unknown = errors.max().unwrap_or(0);
    Duration::from_micros(last - first + unknown).as_secs_f64()
}

/// Returns a note for each shard that is slower than the others.
fn slower(shards: &[ShardSection]) -> Vec<String> {
    let median = |it: &ShardSection| {
        let enough = it.response_time.count() >= SAMPLES;
        let p50 = it.response_time.quantile(Quantile::P50);
        p50.filter(|_| enough).map(|it| it.as_secs_f64())
    };
    let medians: Vec<(&ShardSection, f64)> = shards
        .iter()
        .filter_map(|it| Some((it, median(it)?)))
        .collect();
    // Of two, neither can say which one is the exception.
    if medians.len() < 3 {
        return Vec::new();
    }
    let mut notes = Vec::new();
    for (shard, own) in &medians {
        let others = medians.iter().filter(|(it, _)| it.index != shard.index);
        let mut others: Vec<f64> = others.map(|(_, it)| *it).collect();
        others.sort_by(f64::total_cmp);
        let usual = others[others.len() / 2];
        if *own > SLOWER * usual {
            let host = shard.host.as_deref().unwrap_or("unknown");
            let shown = |seconds| units::duration(Duration::from_secs_f64(seconds));
            notes.push(format!(
                "shard {} on {host} was slower than the others: p50 of response time {}, of the median shard {}; look at its network and machine before the target",
                shard.index,
                shown(*own),
                shown(usual),
            ));
        }
    }
    notes
}

/// Returns a note for each shard whose iterations fail more often than those of all others together.
fn failing(shards: &[ShardSection]) -> Vec<String> {
    let of = |it: &ShardSection| (it.failed, it.ok + it.failed);
    let all = shards.iter().map(of);
    let all = all.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    let mut notes = Vec::new();
    for shard in shards {
        let own = of(shard);
        let others = (all.0 - own.0, all.1 - own.1);
        if own.1 < SAMPLES || others.1 < SAMPLES {
            continue;
        }
        let [own_share, usual] = [own, others].map(|(failed, ended)| share(failed, ended));
        let (least, many) = MORE_FAILED;
        if own.0 >= many && own_share >= usual + least && own_share >= FAILING * usual {
            let host = shard.host.as_deref().unwrap_or("unknown");
            notes.push(format!(
                "shard {} on {host} failed more often than the others: {} of its iterations, {} of theirs; look at its network and machine before the target",
                shard.index,
                units::share(own_share),
                units::share(usual),
            ));
        }
    }
    notes
}

#[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
const fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are at most 10,000 shards"
)]
const fn float(count: usize) -> f64 {
    count as f64
}
