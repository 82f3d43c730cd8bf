//! A run from the plan to the record: prepare, load, clean up.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::time::Instant;

use super::clock::{self, Clock};
use super::error::Error;
use super::images::Images;
use super::prepare::{Left, Seeded, Steward};
use super::stop::Stop;
use super::target::Target;
use super::virtual_user::Done;
use super::worker::{self, Place, Shared, WorkerEnd};
use crate::embedded;
use crate::measure::{Catalogue, Live, Period, Record};
use crate::oci::{Operation, PushMethod};
use crate::plan::{Action, Executor, Plan};

/// How often somebody is told how the run goes.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// How far a run has come.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Images are read, synthetic layers are hashed.
    Opening,
    /// The target has answered; this is where it is.
    Ready {
        /// The base URL of the registry.
        base: String,
        /// What it calls itself, as far as it does.
        headers: &'a [(String, String)],
    },
    /// Images are pushed to where pulls expect them.
    Seeding(Seeded),
    /// The load runs.
    Load {
        /// Warm-up or measuring.
        period: Period,
        /// Since the period began.
        elapsed: Duration,
        /// How long the period lasts at most.
        length: Duration,
        /// The counts so far.
        live: &'a Live,
    },
    /// What was pushed is deleted.
    CleaningUp,
}

/// A run that has come to its end.
#[derive(Debug)]
pub struct Finished {
    /// Everything that was measured.
    pub record: Record,
    /// Where the registry was.
    pub base: String,
    /// What the target calls itself: the headers of its first answer that say so.
    pub target_headers: Vec<(String, String)>,
    /// How long the load ran before it was measured.
    pub warm_up_time: Duration,
    /// How long the images took to get to where pulls expect them.
    pub prepare_time: Duration,
    /// What seeding did.
    pub seeded: Seeded,
    /// How long clean-up took.
    pub clean_up_time: Duration,
    /// Connections that the users opened.
    pub connections: u64,
    /// What the embedded registry counted, if that was the target.
    pub embedded: Option<embedded::Counts>,
    /// Did somebody ask to stop?
    pub interrupted: bool,
    /// Virtual users, or whole workers, that ended in a panic: defects of regstorm.
    pub panics: u64,
    /// What no count tells.
    pub notes: Vec<String>,
}

/// Runs a plan. `run_id` makes unique content differ from that of any other run.
///
/// Blocks the calling thread until the run is over; `tell` is called on it, a few times a second.
///
/// # Errors
/// [`Error`] when it does not come to measuring. A run that is interrupted while it measures is not an error.
pub fn run(
    plan: &Arc<Plan>,
    run_id: u64,
    stop: &Stop,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Finished, Error> {
    tell(Progress::Opening);
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let shared = Arc::new(Shared {
        images: Images::prepare(plan, cores)?,
        target: Target::open(plan)?,
        catalogue: catalogue(plan),
        views: Vec::new(),
        run_id,
        left: plan
            .loads
            .iter()
            .map(|load| AtomicU64::new(shared_iterations(&load.executor)))
            .collect(),
        plan: Arc::clone(plan),
    });
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let base = shared.target.base.to_string();

    let began = Instant::now();
    let mut steward = Steward::new(&shared, stop.clone());
    let headers = runtime.block_on(steward.ping())?;
    let target_headers = names(&headers);
    tell(Progress::Ready {
        base: base.clone(),
        headers: &target_headers,
    });
    let seeded = runtime.block_on(steward.seed(|seeded| tell(Progress::Seeding(seeded))));
    if seeded.is_err() {
        // Some images are there. What cannot be deleted either is not the news here.
        tell(Progress::CleaningUp);
        runtime.block_on(steward.clean_up(&[]));
    }
    let seeded = seeded?;
    let prepare_time = began.elapsed();

    let loaded = load(&shared, stop, tell)?;

    tell(Progress::CleaningUp);
    let began = Instant::now();
    let users: Vec<Done> = loaded
        .ends
        .iter()
        .flat_map(|end| end.users.iter().copied())
        .collect();
    let left = runtime.block_on(steward.clean_up(&users));
    // The users cancel what they gave up at the end of the load; that is clean-up, too.
    let last_orders = users.iter().map(|user| user.last_orders).max();
    let clean_up_time = began.elapsed() + last_orders.unwrap_or_default();

    let mut record = steward.into_record();
    let mut notes = notes(plan, &loaded, &users, &left);
    let (mut panics, mut connections) = (loaded.lost, 0);
    let mut told = BTreeMap::new();
    for end in loaded.ends {
        record.merge(end.record);
        panics += end.panics;
        connections += end.connections;
        for (note, count) in end.notes {
            *told.entry(note).or_insert(0) += count;
        }
    }
    notes.extend(told.iter().map(|(note, count)| format!("{count} × {note}")));
    if let Some(at) = loaded.asked {
        // A worker that had nothing to do, or no more, did not hear of it: its window is as long as was planned.
        record.end_window(at);
    }
    Ok(Finished {
        record,
        base,
        target_headers,
        warm_up_time: loaded.warm_up_time,
        prepare_time,
        seeded,
        clean_up_time,
        connections,
        embedded: shared.target.embedded_counts(),
        interrupted: loaded.asked.is_some() || left.cut,
        panics,
        notes,
    })
}

/// A load that is over.
struct Loaded {
    ends: Vec<WorkerEnd>,
    /// Workers that ended in a panic and took their counts with them. What the others counted is kept.
    lost: u64,
    /// How long it ran before it was measured: less than planned if it was stopped before.
    warm_up_time: Duration,
    /// When somebody asked to stop while it ran, since the measured window opened.
    asked: Option<Duration>,
}

/// Starts the workers, tells how they do, and waits for them.
fn load(
    shared: &Arc<Shared>,
    stop: &Stop,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Loaded, Error> {
    let plan = &shared.plan;
    // A moment, so that every worker is there when the clock starts.
    let clock = Clock::new(plan, Instant::now() + Duration::from_millis(50));
    let (ended, ends) = mpsc::sync_channel(plan.workers.get());
    let mut snapshots = Vec::with_capacity(plan.workers.get());
    for index in 0..plan.workers.get() {
        let (live, snapshot) = watch::channel(Live::new());
        snapshots.push(snapshot);
        let place = Place {
            index,
            clock,
            stop: stop.clone(),
            live,
        };
        let (shared, ended) = (Arc::clone(shared), ended.clone());
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                // The receiver is there until every worker has ended or panicked.
                let _ = ended.send(worker::run(shared, place));
            })?;
    }
    drop(ended);
    let mut done = Vec::with_capacity(plan.workers.get());
    loop {
        match ends.recv_timeout(TELL_EVERY) {
            Ok(end) => done.push(end?),
            Err(mpsc::RecvTimeoutError::Timeout) => tell_load(plan, &clock, &snapshots, tell),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(Loaded {
        lost: (plan.workers.get() - done.len()) as u64,
        ends: done,
        warm_up_time: clock::warm_up(plan).min(clock.start.elapsed()),
        asked: stop
            .asked()
            .map(|at| at.saturating_duration_since(clock.epoch)),
    })
}

fn tell_load(
    plan: &Plan,
    clock: &Clock,
    snapshots: &[watch::Receiver<Live>],
    tell: &mut dyn FnMut(Progress<'_>),
) {
    let mut live = Live::new();
    for snapshot in snapshots {
        live.merge(&snapshot.borrow());
    }
    let now = Instant::now();
    let (period, since, length) = if now < clock.epoch {
        (Period::WarmUp, clock.start, clock::warm_up(plan))
    } else {
        (Period::Measure, clock.epoch, clock::window(plan))
    };
    tell(Progress::Load {
        period,
        elapsed: now.saturating_duration_since(since),
        length,
        live: &live,
    });
}

/// What the counts of a run do not tell.
fn notes(plan: &Plan, loaded: &Loaded, users: &[Done], left: &Left) -> Vec<String> {
    let mut notes = Vec::new();
    if clock::is_uneven(plan) {
        notes.push(
            "the loads end at different times: every rate is over the whole window".to_owned(),
        );
    }
    if loaded.asked.is_none() {
        notes.extend(cut_by_time(plan, users));
    }
    if left.cut {
        notes.push("clean-up was cut short: what the run pushed is still there".to_owned());
    }
    if let Some(refused) = &left.refused {
        notes.push(format!("clean-up stopped: {refused}"));
    }
    if left.failed > 0 {
        notes.push(format!("clean-up: {} deletions failed", left.failed));
    }
    notes
}

/// The loads that were to do a number of iterations, and for which there was no time to begin them all.
fn cut_by_time(plan: &Plan, users: &[Done]) -> impl Iterator<Item = String> {
    let loads = plan.loads.iter().enumerate();
    loads.filter_map(|(index, load)| {
        let planned = load.executor.iterations()?;
        let of_load = users.iter().filter(|user| user.load == index);
        let begun: u64 = of_load.map(|user| user.iterations).sum();
        (begun < planned).then(|| {
            format!("load {index} reached its max_duration: {begun} of {planned} iterations began")
        })
    })
}

/// What `shared-iterations` has to give out.
const fn shared_iterations(executor: &Executor) -> u64 {
    match executor {
        Executor::SharedIterations { iterations, .. } => *iterations,
        Executor::ConstantVus { .. } | Executor::PerVuIterations { .. } => 0,
    }
}

/// What each journey will ask, so that its histograms are there before the first answer.
fn catalogue(plan: &Plan) -> Catalogue {
    use Operation::{
        BlobGet, BlobHead, ManifestGet, ManifestPut, UploadCancel, UploadMount, UploadPatch,
        UploadPost, UploadPut, UploadStart,
    };
    let journeys = plan.journeys.iter().map(|journey| {
        let operations = match &journey.action {
            Action::Pull(_) => vec![ManifestGet, BlobGet],
            Action::Push(push) => {
                let mut operations = vec![
                    UploadStart,
                    UploadPatch,
                    UploadPut,
                    ManifestPut,
                    UploadCancel,
                ];
                operations.extend(push.exists_check.then_some(BlobHead));
                operations.extend(push.mount_from.is_some().then_some(UploadMount));
                operations.extend((push.method == PushMethod::Post).then_some(UploadPost));
                operations
            }
        };
        (journey.name.clone(), operations)
    });
    Catalogue::new(journeys.collect())
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
