//! What all workers of a load read: the plan with its images, its target, and the tracks of its samples.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::clock::Ends;
use super::images::Images;
use super::target::Target;
use super::tracks::Tracks;
use crate::measure::{Catalogue, View};
use crate::plan::{CleanUp, Executor, Journey, Load, Plan, Quota, Share};

/// What all workers read.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) images: Arc<Images>,
    pub(super) target: Arc<Target>,
    pub(super) catalogue: Catalogue,
    pub(super) tracks: Tracks,
    /// What thresholds look at.
    pub(super) views: Vec<View>,
    pub(super) run_id: u64,
    /// Which of the loads against one target this is; 0 where there is one only.
    pub(super) trial: u32,
    /// Whether clean-up needs to know which iterations have stored something.
    pub(super) keeps_stored: bool,
    pub(super) ends: Ends,
    /// What is left to start of each load's `shared-iterations`.
    pub(super) left: Vec<AtomicU64>,
}

impl Shared {
    /// Returns what the workers of a load of this plan read, the first against its target.
    pub(super) fn new(
        plan: &Arc<Plan>,
        images: Arc<Images>,
        target: Arc<Target>,
        run_id: u64,
        views: Vec<View>,
    ) -> Self {
        let (tracks, catalogue) = Tracks::of(plan);
        let workers = plan.workers.get();
        let busy = plan.loads.iter().map(|load| {
            if load.executor.is_open() {
                lanes(load, workers)
            } else {
                usize::try_from(load.executor.vus()).unwrap_or(usize::MAX)
            }
        });
        let left = plan
            .loads
            .iter()
            .map(|load| shared_iterations(&load.executor));
        let journeys = plan.loads.iter().flat_map(|load| &load.mix);
        let stores = |share: &Share| plan.journeys[share.journey].action.stores();
        Self {
            images,
            target,
            catalogue,
            tracks,
            views,
            run_id,
            trial: 0,
            keeps_stored: plan.prepare.clean_up != CleanUp::None
                && journeys.into_iter().any(stores),
            ends: Ends::new(busy),
            left: left.map(AtomicU64::new).collect(),
            plan: Arc::clone(plan),
        }
    }

    /// Returns the same with the images as they were found in the registry.
    pub(super) fn with_images(&self, images: Images) -> Self {
        let target = Arc::clone(&self.target);
        let (images, views) = (Arc::new(images), self.views.clone());
        Self::new(&self.plan, images, target, self.run_id, views)
    }

    /// Returns the same for another load: the same images and target, a plan of the same journeys, other iterations.
    pub(super) fn trial(&self, plan: &Arc<Plan>, trial: u32) -> Self {
        let (images, target) = (Arc::clone(&self.images), Arc::clone(&self.target));
        Self {
            trial,
            ..Self::new(plan, images, target, self.run_id, self.views.clone())
        }
    }
}

/// Returns how many iterations the users of a load have to share.
fn shared_iterations(executor: &Executor) -> u64 {
    match executor.quota() {
        Quota::Together(number) => number,
        Quota::Endless | Quota::Each(_) => 0,
    }
}

/// Returns the lanes into which an open load is split: as many as there are workers with a user for it.
pub(super) fn lanes(load: &Load, workers: usize) -> usize {
    workers.min(usize::try_from(load.executor.vus()).unwrap_or(usize::MAX))
}

/// Returns the journeys that a load uses, each once, with their places in the plan.
pub(super) fn used_journeys(plan: &Plan) -> impl Iterator<Item = (usize, &Journey)> {
    let shares = plan.loads.iter().flat_map(|load| &load.mix);
    let used: BTreeSet<usize> = shares.map(|share| share.journey).collect();
    used.into_iter().map(|index| (index, &plan.journeys[index]))
}
