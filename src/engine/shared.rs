//! What all workers of a load read: the plan with its images, its target, and the tracks of its samples.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::client_draws::ClientDraws;
use super::clock::Ends;
use super::images::Images;
use super::registers::Registers;
use super::store_times::StoreTimes;
use super::target::Target;
use super::tracks::Tracks;
use super::variants::Variants;
use crate::measure::{Catalogue, View};
use crate::plan::{Action, CleanUp, Plan, Quota};
use crate::schedule::Shard;
use crate::trace::replay::Sessions;

/// Which run this is, and which part of it this process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunPart {
    /// Makes unique content differ from that of any other run; the same for all shards of one.
    pub id: u64,
    /// The part.
    pub shard: Shard,
}

impl RunPart {
    /// All of a run.
    pub const fn whole(id: u64) -> Self {
        Self {
            id,
            shard: Shard::WHOLE,
        }
    }
}

/// What all workers read.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) images: Arc<Images>,
    pub(super) target: Arc<Target>,
    pub(super) catalogue: Catalogue,
    pub(super) tracks: Tracks,
    pub(super) variants: Variants,
    pub(super) client_draws: ClientDraws,
    /// What thresholds look at.
    pub(super) views: Vec<View>,
    pub(super) run_id: u64,
    /// Which part of the run this process does.
    pub(super) shard: Shard,
    /// Which of the loads against one target this is; 0 where there is one only.
    pub(super) trial: u32,
    /// Whether the audit or clean-up needs to know which iterations have stored something.
    pub(super) keeps_stored: bool,
    /// Tags that pushes share.
    pub(super) registers: Registers,
    pub(super) ends: Ends,
    /// How many of each load's `shared-iterations` were taken.
    pub(super) taken: Vec<AtomicU64>,
    /// When what replays store was stored, by load.
    pub(super) stores: BTreeMap<usize, StoreTimes>,
}

impl Shared {
    /// Returns what the workers of a load of this plan read, the first against its target.
    pub(super) fn new(
        plan: &Arc<Plan>,
        images: Arc<Images>,
        target: Arc<Target>,
        part: RunPart,
        views: Vec<View>,
    ) -> Self {
        let RunPart { id: run_id, shard } = part;
        let (tracks, catalogue) = Tracks::of(plan);
        let busy = (0..plan.loads.len()).map(|load| {
            if plan.loads[load].executor.is_open() {
                open_workers(plan, load, shard)
            } else {
                let users = of_load(plan, load, shard).map_or(0, |it| users(plan, load, it));
                usize::try_from(users).unwrap_or(usize::MAX)
            }
        });
        Self {
            registers: Registers::of(plan, &images),
            images,
            target,
            catalogue,
            tracks,
            variants: Variants::of(plan),
            client_draws: ClientDraws::of(plan),
            views,
            run_id,
            shard,
            trial: 0,
            keeps_stored: plan.stores()
                && (plan.prepare.clean_up != CleanUp::None || plan.audits()),
            ends: Ends::new(busy),
            taken: plan.loads.iter().map(|_| AtomicU64::new(0)).collect(),
            stores: replays(plan)
                .map(|(load, it)| (load, StoreTimes::of(it)))
                .collect(),
            plan: Arc::clone(plan),
        }
    }

    /// Returns the same with the images as they were found in the registry.
    pub(super) fn with_images(&self, images: Images) -> Self {
        let target = Arc::clone(&self.target);
        let (images, views) = (Arc::new(images), self.views.clone());
        Self::new(&self.plan, images, target, self.part(), views)
    }

    /// Returns the same for another load: the same images and target, a plan of the same journeys, other iterations.
    pub(super) fn trial(&self, plan: &Arc<Plan>, trial: u32) -> Self {
        let (images, target) = (Arc::clone(&self.images), Arc::clone(&self.target));
        Self {
            trial,
            ..Self::new(plan, images, target, self.part(), self.views.clone())
        }
    }

    const fn part(&self) -> RunPart {
        RunPart {
            id: self.run_id,
            shard: self.shard,
        }
    }

    /// Returns which part of a load this process does; `None` if the load has too few users for that.
    pub(super) fn shard_of(&self, load: usize) -> Option<Shard> {
        of_load(&self.plan, load, self.shard)
    }

    /// Returns how many workers of this process have a part of an open load: as many as there are with a user for it.
    pub(super) fn open_workers(&self, load: usize) -> usize {
        open_workers(&self.plan, load, self.shard)
    }

    /// Returns how many iterations of a load this process does, where the load counts them.
    pub(super) fn iterations(&self, load: usize) -> Option<u64> {
        let executor = &self.plan.loads[load].executor;
        let share = |all| self.shard_of(load).map_or(0, |it| it.share(all));
        match executor.quota() {
            Quota::Endless => None,
            Quota::Each(number) => Some(number.saturating_mul(share(executor.vus().into()))),
            Quota::Together(all) => Some(share(all)),
        }
    }

    /// Takes one out of the iterations that the users of a load share, and returns its number; `None` if there is none left.
    pub(super) fn take(&self, load: usize) -> Option<u64> {
        let Quota::Together(all) = self.plan.loads[load].executor.quota() else {
            return None;
        };
        let shard = self.shard_of(load)?;
        let one_more = |taken| (taken < shard.share(all)).then_some(taken + 1);
        // Relaxed: only the number matters, not its order.
        let (relaxed, taken) = (Ordering::Relaxed, &self.taken[load]);
        let place = taken.fetch_update(relaxed, relaxed, one_more).ok()?;
        let (first, step) = shard.lane(0, 1);
        Some(first + place * step)
    }
}

fn of_load(plan: &Plan, load: usize, shard: Shard) -> Option<Shard> {
    shard.among(u64::from(plan.loads[load].executor.vus()))
}

fn users(plan: &Plan, load: usize, shard: Shard) -> u64 {
    shard.share(u64::from(plan.loads[load].executor.vus()))
}

fn open_workers(plan: &Plan, load: usize, shard: Shard) -> usize {
    let users = of_load(plan, load, shard).map_or(0, |it| users(plan, load, it));
    let users = usize::try_from(users).unwrap_or(usize::MAX);
    plan.workers.get().min(users)
}

/// Returns the loads that replay a trace, with its sessions.
fn replays(plan: &Plan) -> impl Iterator<Item = (usize, &Sessions)> {
    let loads = plan.loads.iter().enumerate();
    loads.filter_map(|(load, it)| {
        let journey = &plan.journeys[it.mix.first()?.journey];
        match &journey.action {
            Action::Replay(replay) => Some((load, &*replay.sessions)),
            _ => None,
        }
    })
}
