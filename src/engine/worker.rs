//! A worker: one thread, one event loop, and the virtual users that live on it. Nothing is shared with other
//! workers but the stop wish, the count that `shared-iterations` is taken from, and a snapshot for the screen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::clock::{self, Clock};
use super::images::Images;
use super::observer::SharedRecorder;
use super::stop::Stop;
use super::target::Target;
use super::virtual_user::{Done, Habits, VirtualUser};
use crate::measure::{Catalogue, Live, Record, Recorder, View};
use crate::plan::Plan;
use crate::registry::Settings;
use crate::transport::{Pool, PoolSettings, Resolver, Totals};

/// How often a worker shows its counts.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(250);

/// What all workers read.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) images: Images,
    pub(super) target: Target,
    pub(super) catalogue: Catalogue,
    /// What thresholds look at.
    pub(super) views: Vec<View>,
    pub(super) run_id: u64,
    /// What is left to start of each load's `shared-iterations`.
    pub(super) left: Vec<AtomicU64>,
}

/// What the users of one worker have in common.
pub(super) struct Context {
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Clock,
    pub(super) recorder: SharedRecorder,
    pub(super) habits: Vec<Habits>,                   // by journey
    pub(super) settings: Vec<Rc<Settings>>,           // by journey
    pub(super) notes: RefCell<BTreeMap<String, u64>>, // at most MAX_NOTES
    totals: Rc<Totals>,
    resolver: Rc<Resolver>,
    pools: RefCell<BTreeMap<usize, Rc<Pool>>>, // of journeys whose users share one
}

/// Different things a worker tells beside the numbers.
const MAX_NOTES: usize = 16;

/// What a worker has to say at its end.
#[derive(Debug)]
pub(super) struct WorkerEnd {
    pub(super) record: Record,
    pub(super) users: Vec<Done>,
    pub(super) notes: BTreeMap<String, u64>,
    pub(super) panics: u64,
    pub(super) connections: u64,
}

/// What tells a worker who it is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) clock: Clock,
    pub(super) stop: Stop,
    pub(super) live: watch::Sender<Live>,
}

impl Context {
    /// A pool as `per-vu` users have it: their own, without a limit.
    pub(super) fn own_pool(&self, keep_alive: bool) -> Rc<Pool> {
        self.pool(PoolSettings {
            keep_alive,
            limit: None,
        })
    }

    /// The pool that all users of this worker share in one journey.
    pub(super) fn shared_pool(&self, journey: usize, size: NonZeroUsize) -> Rc<Pool> {
        let mut pools = self.pools.borrow_mut();
        let pool = pools.entry(journey).or_insert_with(|| {
            self.pool(PoolSettings {
                keep_alive: true,
                limit: Some(size),
            })
        });
        Rc::clone(pool)
    }

    fn pool(&self, settings: PoolSettings) -> Rc<Pool> {
        Pool::new(settings, Rc::clone(&self.resolver), Rc::clone(&self.totals))
    }

    /// Notes something that no count tells.
    pub(super) fn note(&self, text: String) {
        let mut notes = self.notes.borrow_mut();
        if notes.len() < MAX_NOTES || notes.contains_key(&text) {
            *notes.entry(text).or_default() += 1;
        }
    }
}

/// Runs the users of one worker to their end.
pub(super) fn run(shared: Arc<Shared>, place: Place) -> io::Result<WorkerEnd> {
    let plan = Arc::clone(&shared.plan);
    let recorder = Recorder::new(&shared.catalogue, &shared.views, clock::window(&plan));
    let context = Rc::new(Context {
        clock: place.clock,
        recorder: Rc::new(RefCell::new(recorder)),
        habits: plan.journeys.iter().map(Habits::of).collect(),
        settings: plan
            .journeys
            .iter()
            .map(|journey| shared.target.client(journey.request_timeout))
            .collect(),
        notes: RefCell::default(),
        totals: Rc::default(),
        resolver: Rc::default(),
        pools: RefCell::default(),
        shared,
    });
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let (users, panics) = runtime.block_on(live(&context, place));
    drop(runtime); // and with it whatever still held the context
    let context = Rc::into_inner(context).expect("the users and their event loop are gone");
    let mut recorder = Rc::into_inner(context.recorder)
        .expect("the users and their event loop are gone")
        .into_inner();
    recorder.transport_bytes(context.totals.sent(), context.totals.received());
    let connections = context.totals.connections();
    Ok(WorkerEnd {
        record: recorder.into_record(),
        users,
        notes: context.notes.into_inner(),
        panics,
        connections,
    })
}

/// Every user's life, and the counts shown meanwhile.
async fn live(context: &Rc<Context>, place: Place) -> (Vec<Done>, u64) {
    let mut users = JoinSet::new();
    for user in VirtualUser::of_worker(context, place.index, &place.stop) {
        users.spawn_local(user.run());
    }
    let mut tick = interval(SNAPSHOT_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut done, mut panics) = (Vec::with_capacity(users.len()), 0);
    let mut stop = place.stop.clone();
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = users.join_next() => match ended {
                None => break,
                Some(Ok(user)) => done.push(user),
                Some(Err(_panicked)) => panics += 1,
            },
            () = stop.wait_asked(), if !stopping => {
                stopping = true;
                let at = stop.asked().unwrap_or_else(tokio::time::Instant::now);
                let at = at.saturating_duration_since(context.clock.epoch);
                context.recorder.borrow_mut().end_window(at);
            }
            _ = tick.tick() => {
                place.live.send_replace(context.recorder.borrow().live());
            }
        }
    }
    let mut recorder = context.recorder.borrow_mut();
    let measured = done.iter().map(|user| user.measured_until).max();
    let set = clock::set_window(&context.shared.plan);
    if !stopping {
        recorder.end_window(measured.unwrap_or_default().max(set));
    }
    place.live.send_replace(recorder.live());
    drop(recorder);
    (done, panics)
}
