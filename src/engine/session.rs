//! What is done once for a run, however many loads it is made of: before the first and after the last.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::time::Instant;

use super::clock::Ends;
use super::error::Error;
use super::images::Images;
use super::load::Measured;
use super::open;
use super::prepare::{Seeded, Steward};
use super::run::{Finished, Progress};
use super::stop::Stop;
use super::target::Target;
use super::tracks::Tracks;
use super::turn::Begun;
use super::worker::Shared;
use crate::measure::{FailureClass, Record, View};
use crate::plan::{Action, CleanUp, Executor, Haste, Plan, Share};
use crate::units;

/// A run whose target is ready.
pub(super) struct Session<'a> {
    shared: &'a Arc<Shared>,
    runtime: LocalRuntime,
    steward: Steward<'a>,
    target_headers: Vec<(String, String)>,
    prepare_time: Duration,
    seeded: Seeded,
    /// How often the plan was run.
    loads: u64,
    /// What these have begun, by load of the plan.
    begun: Vec<(usize, Begun)>,
    last_orders: Duration,
}

/// Opens the images and the target of a plan; asks nothing of the target yet.
pub(super) fn prepare(
    plan: &Arc<Plan>,
    run_id: u64,
    views: Vec<View>,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Arc<Shared>, Error> {
    tell(Progress::Opening);
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let images = Arc::new(Images::prepare(plan, cores)?);
    let target = Arc::new(Target::open(plan)?);
    Ok(Arc::new(Shared::new(plan, images, target, run_id, views)))
}

impl<'a> Session<'a> {
    /// Pings the target and puts the images in place.
    pub(super) fn open(
        shared: &'a Arc<Shared>,
        stop: &Stop,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())?;
        let began = Instant::now();
        let mut steward = Steward::new(shared, stop.clone());
        let headers = runtime.block_on(steward.ping())?;
        let target_headers = names(&headers);
        tell(Progress::Ready {
            base: shared.target.base.to_string(),
            headers: &target_headers,
        });
        runtime.block_on(steward.find_existing())?;
        runtime.block_on(steward.take_stock())?;
        let seeded = runtime.block_on(steward.seed(|seeded| tell(Progress::Seeding(seeded))));
        steward.note_again("seeding");
        if seeded.is_err() {
            // Some images are there. What cannot be deleted either is not the news here.
            tell(Progress::CleaningUp);
            runtime.block_on(steward.clean_up(&[]));
        }
        Ok(Self {
            seeded: seeded?,
            prepare_time: began.elapsed(),
            shared,
            runtime,
            steward,
            target_headers,
            loads: 0,
            begun: Vec::new(),
            last_orders: Duration::ZERO,
        })
    }

    /// Keeps in mind what a load has begun, for clean-up.
    pub(super) fn keep(&mut self, begun: Vec<(usize, Begun)>, last_orders: Duration) {
        self.loads += 1;
        self.begun.extend(begun);
        self.last_orders = self.last_orders.max(last_orders);
    }

    /// How long the target takes to answer a ping: the median of five. `None` if one of them failed.
    pub(super) fn ping_time(&mut self) -> Option<Duration> {
        self.runtime.block_on(self.steward.ping_time())
    }

    /// Lets some time pass.
    pub(super) fn pause(&self, time: Duration) {
        // Inside: a timer belongs to the runtime in which it is made.
        self.runtime
            .block_on(async { tokio::time::sleep(time).await });
    }

    /// Cleans up, and gives all that is known of the run, whose numbers are those of one load.
    pub(super) fn close(self, measured: Measured, tell: &mut dyn FnMut(Progress<'_>)) -> Finished {
        let mut finished = self.told(measured);
        let shared = self.shared;
        let runtime = self.settle(Some(&mut finished), tell);
        // Clean-up is in the run's counts, and so it is in the registry's.
        finished.embedded = runtime.block_on(shared.target.embedded_counts());
        finished
    }

    /// What is known of a load before clean-up.
    pub(super) fn told(&self, measured: Measured) -> Finished {
        let plan = &self.shared.plan;
        let mut notes = Vec::new();
        if plan.is_uneven() {
            notes.push(
                "the loads begin or end at different times: every rate is over the whole window"
                    .to_owned(),
            );
        }
        notes.extend(self.hasty(&measured.record));
        let told = measured.notes.iter();
        notes.extend(told.map(|(note, count)| format!("{count} × {note}")));
        Finished {
            record: measured.record,
            probe: measured.probe,
            pacer_lag: measured.pacer_lag,
            signals: measured.signals,
            base: self.shared.target.base.to_string(),
            target_headers: self.target_headers.clone(),
            opened: measured.opened,
            warm_up_time: measured.warm_up_time,
            prepare_time: Duration::ZERO,
            seeded: self.seeded,
            clean_up_time: Duration::ZERO,
            connections: measured.connections,
            embedded: None,
            interrupted: measured.interrupted,
            panics: measured.panics,
            notes,
        }
    }

    /// Journeys whose requests timed out, and could do nothing else.
    fn hasty(&self, record: &Record) -> Vec<String> {
        let plan = &self.shared.plan;
        let mut notes = Vec::new();
        for (id, name, _) in record.journeys() {
            let operations = record.operations(id);
            let timed_out = operations.map(|(_, series)| series.classes.of(FailureClass::Timeout));
            let timed_out: u64 = timed_out.sum();
            let mut journeys = plan.journeys.iter();
            let Some(journey) = journeys.find(|it| timed_out > 0 && it.name == name) else {
                continue;
            };
            let set = journey.images().map(|images| images.set);
            let sizes = set.map(|set| self.shared.images.layer_sizes(set));
            let haste = sizes.and_then(|sizes| Haste::of(journey, &sizes));
            notes.extend(haste.map(|haste| {
                let requests = units::count(timed_out);
                format!("{name}: {requests} requests timed out: {haste}")
            }));
        }
        notes
    }

    /// Cleans up, and adds what was done before and after to the last load, if there was one.
    pub(super) fn settle(
        mut self,
        last: Option<&mut Finished>,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> LocalRuntime {
        tell(Progress::CleaningUp);
        let began = Instant::now();
        let left = self.runtime.block_on(self.steward.clean_up(&self.begun));
        let Some(finished) = last else {
            return self.runtime;
        };
        if !finished.interrupted {
            finished
                .notes
                .extend(cut_by_time(&self.shared.plan, &self.begun, self.loads));
        }
        finished
            .notes
            .extend(std::mem::take(&mut self.steward.notes));
        finished.notes.extend(left.notes());
        // The steward's comes in second: the window is that of the load.
        finished.record.merge(self.steward.into_record());
        finished.prepare_time = self.prepare_time;
        // The users cancel what they gave up at the end of the load; that is clean-up, too.
        finished.clean_up_time = began.elapsed() + self.last_orders;
        finished.interrupted |= left.cut;
        self.runtime
    }

    /// Cleans up after a load that never came.
    pub(super) fn abandon(mut self) {
        self.runtime.block_on(self.steward.clean_up(&self.begun));
    }
}

impl Shared {
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
                open::lanes(load, workers)
            } else {
                usize::try_from(load.executor.vus()).unwrap_or(usize::MAX)
            }
        });
        let left = plan
            .loads
            .iter()
            .map(|load| shared_iterations(&load.executor));
        let journeys = plan.loads.iter().flat_map(|load| &load.mix);
        let stores = |share: &Share| {
            let action = &plan.journeys[share.journey].action;
            matches!(action, Action::Push(_) | Action::Delete(_))
        };
        Self {
            images,
            target,
            catalogue,
            tracks,
            views,
            run_id,
            trial: 0,
            keeps_turns: plan.prepare.clean_up != CleanUp::None && journeys.into_iter().any(stores),
            ends: Ends::new(busy),
            left: left.map(AtomicU64::new).collect(),
            plan: Arc::clone(plan),
        }
    }

    /// What a trial of a search has in common: the same images and target, another plan of the same journeys.
    pub(super) fn trial(&self, plan: &Arc<Plan>, trial: u32) -> Self {
        let (images, target) = (Arc::clone(&self.images), Arc::clone(&self.target));
        Self {
            trial,
            ..Self::new(plan, images, target, self.run_id, self.views.clone())
        }
    }
}

/// The loads that were to do a number of iterations, and for which there was no time to begin them all.
fn cut_by_time(plan: &Plan, begun: &[(usize, Begun)], runs: u64) -> impl Iterator<Item = String> {
    let loads = plan.loads.iter().enumerate();
    loads.filter_map(move |(index, load)| {
        let planned = load.executor.iterations()?.saturating_mul(runs);
        let of_load = begun.iter().filter(|(load, _)| *load == index);
        let begun: u64 = of_load.map(|(_, begun)| begun.count()).sum();
        (begun < planned).then(|| {
            let name = &load.name;
            format!("{name} reached its max_duration: {begun} of {planned} iterations began")
        })
    })
}

/// What `shared-iterations` has to give out.
const fn shared_iterations(executor: &Executor) -> u64 {
    match executor {
        Executor::SharedIterations { iterations, .. } => *iterations,
        _ => 0,
    }
}

/// The headers by which a registry says what it is.
fn names(headers: &http::HeaderMap) -> Vec<(String, String)> {
    ["server", "docker-distribution-api-version"]
        .iter()
        .filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?;
            let shown = value.chars().filter(|c| !c.is_control()).take(100);
            Some(((*name).to_owned(), shown.collect()))
        })
        .collect()
}
