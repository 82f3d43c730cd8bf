//! A worker: one thread, one event loop, and the virtual users that live on it. It shares nothing with other workers
//! but the signal to stop, the count that `shared-iterations` is taken from, and a snapshot for the screen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::begun::{Begun, OfLoad, SharedOfLoad};
use super::clock::Clock;
use super::closed::Closed;
use super::context::{Context, Recorded};
use super::open::Part;
use super::shared::Shared;
use super::stop::Stop;
use super::tags_seen::TagsSeen;
use super::virtual_user::Done;
use crate::health::WorkerHandle;
use crate::measure::{LatencyHistogram, Live, Observed, Record, Recorder, TracedRequests};
use crate::plan::Quota;

/// How often a worker shows its counts.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(250);

/// Every so many times it shows what thresholds look at, too.
const OBSERVED_EVERY: u32 = 4;

/// What is left of a worker at its end.
#[derive(Debug)]
pub(super) struct WorkerEnd {
    pub(super) index: usize,
    /// How late the event loop was.
    pub(super) runtime_lag: LatencyHistogram,
    pub(super) users: Users,
}

/// What the users of one worker have done, or those of several added up.
#[derive(Debug)]
pub(super) struct Users {
    pub(super) record: Record,
    /// The iterations that have begun, by load.
    pub(super) begun: Vec<(usize, Begun)>,
    /// The longest that a user took to cancel what it had given up.
    pub(super) cancel_time: Duration,
    /// How late the pacers woke.
    pub(super) pacer_lag: LatencyHistogram,
    pub(super) connections: u64,
    pub(super) panics: u64,
    /// Notes, and how often each was made.
    pub(super) notes: BTreeMap<String, u64>,
    /// The requests of replays, by load.
    pub(super) replays: BTreeMap<usize, TracedRequests>,
    pub(super) tags: TagsSeen,
}

impl Users {
    /// Returns those of a worker that panicked: nothing is known of them but that.
    pub(super) fn lost(shared: &Shared, panics: u64) -> Self {
        let empty = Recorder::new(&shared.catalogue, &shared.views, Duration::ZERO);
        Self {
            record: empty.into_record(),
            begun: Vec::new(),
            cancel_time: Duration::ZERO,
            pacer_lag: LatencyHistogram::new(),
            connections: 0,
            panics,
            notes: BTreeMap::new(),
            replays: BTreeMap::new(),
            tags: TagsSeen::default(),
        }
    }

    /// Adds what others have done.
    pub(super) fn merge(&mut self, other: Self) {
        self.record.merge(other.record);
        self.begun.extend(other.begun);
        self.cancel_time = self.cancel_time.max(other.cancel_time);
        self.pacer_lag.merge(&other.pacer_lag);
        self.connections += other.connections;
        self.panics += other.panics;
        for (note, count) in other.notes {
            *self.notes.entry(note).or_default() += count;
        }
        for (load, sent) in other.replays {
            self.replays.entry(load).or_default().merge(&sent);
        }
        self.tags.merge(other.tags);
    }
}

/// One worker, before it runs.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) index: usize,
    pub(super) stop: Stop,
    pub(super) shown: watch::Sender<Snapshot>,
    pub(super) health: WorkerHandle,
}

/// A barrier: a worker waits here until all others are ready, too.
#[derive(Debug)]
pub(super) struct StartBarrier {
    pub(super) ready: SyncSender<()>,
    pub(super) clock: Receiver<Clock>,
}

impl StartBarrier {
    /// Says that this worker is ready, and waits for the clock. `None` if the load was given up.
    fn wait(self) -> Option<Clock> {
        let _ = self.ready.send(());
        // The load starts once every sender is gone.
        drop(self.ready);
        self.clock.recv().ok()
    }
}

/// What a worker shows while it runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) live: Live,
    /// What thresholds look at; of the last second.
    pub(super) observed: Vec<Observed>,
}

/// Runs the users of one worker to their end.
pub(super) fn run(
    shared: Arc<Shared>,
    worker: Worker,
    barrier: StartBarrier,
) -> io::Result<WorkerEnd> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let index = worker.index;
    let context = Context::new(shared, index, || barrier.wait());
    let context = Rc::new(context.ok_or(io::ErrorKind::BrokenPipe)?);
    let end = runtime.block_on(run_users(&context, worker));
    drop(runtime); // and with it whatever still held the context
    let context = Rc::into_inner(context).expect("the users and their event loop are gone");
    let Recorded {
        record,
        connections,
        notes,
        replays,
        tags,
    } = context.close();
    let end = end?;
    Ok(WorkerEnd {
        index,
        runtime_lag: end.runtime_lag,
        users: Users {
            record,
            begun: end.begun,
            cancel_time: end.cancel_time,
            pacer_lag: end.pacer_lag,
            connections,
            panics: end.panics,
            notes,
            replays,
            tags,
        },
    })
}

/// What is known when every user has stopped.
#[derive(Debug, Default)]
struct UsersEnd {
    begun: Vec<(usize, Begun)>,
    cancel_time: Duration,
    pacer_lag: LatencyHistogram,
    runtime_lag: LatencyHistogram,
    panics: u64,
}

/// What was spawned on one worker.
struct Spawned {
    tasks: JoinSet<io::Result<Done>>,
    parts: Vec<(usize, SharedOfLoad)>,
    pacer_lag: Rc<RefCell<LatencyHistogram>>,
}

impl Spawned {
    fn of(context: &Rc<Context>, worker: &Worker) -> io::Result<Self> {
        let shared = &context.shared;
        let plan = &shared.plan;
        let workers = plan.workers.get() as u64;
        let pacer_lag = Rc::<RefCell<LatencyHistogram>>::default();
        let (mut tasks, mut parts) = (JoinSet::new(), Vec::new());
        let mut first = 0; // user of the run
        let mut before = 0; // users of this process
        for (load, it) in plan.loads.iter().enumerate() {
            let part = Part::of_worker(context, load, worker.index, &worker.stop)?;
            if let Some(part) = part {
                for member in part.members {
                    tasks.spawn_local(async { Ok(member.run().await) });
                }
                tasks.spawn_local(part.open.run(part.pacer, Rc::clone(&pacer_lag)));
                parts.push((load, part.begun));
            }
            if it.executor.is_open() {
                continue;
            }
            let vus = u64::from(it.executor.vus());
            if let Some(shard) = shared.shard_of(load) {
                let begun = matches!(it.executor.quota(), Quota::Together(_)).then(|| {
                    let lane = shard.lane(0, 1);
                    let begun = OfLoad::new(shared.trial, load, lane, shared.keeps_stored);
                    Rc::new(RefCell::new(begun))
                });
                for number in (0..it.executor.vus()).filter(|it| shard.has(u64::from(*it))) {
                    let place = before + u64::from(number) / u64::from(shard.count());
                    if place % workers == worker.index as u64 {
                        let (vu, stop) = (first + u64::from(number), worker.stop.clone());
                        let user = Closed::new(context, load, (vu, number), begun.clone(), stop);
                        tasks.spawn_local(async { Ok(user.run().await) });
                    }
                }
                parts.extend(begun.map(|begun| (load, begun)));
                before += shard.share(vus);
            }
            first += vus;
        }
        Ok(Self {
            tasks,
            parts,
            pacer_lag,
        })
    }
}

/// Runs all users to their end, and publishes their counts meanwhile.
async fn run_users(context: &Rc<Context>, worker: Worker) -> io::Result<UsersEnd> {
    let Spawned {
        mut tasks,
        parts,
        pacer_lag,
    } = Spawned::of(context, &worker)?;
    if !tasks.is_empty() {
        context.recorder.borrow().make_room();
    }
    let mut tick = interval(SNAPSHOT_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    worker.health.register();
    let mut probe = worker.health.lag_probe();
    let mut end = UsersEnd::default();
    let mut probing = Box::pin(probe.run());
    let mut ticks = 0_u32;
    let mut measured_until = Duration::ZERO;
    let mut stop = worker.stop.clone();
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => break,
                Some(Ok(done)) => {
                    let done = done?;
                    end.begun.extend(done.begun.map(|begun| (done.load, begun)));
                    end.cancel_time = end.cancel_time.max(done.cancel_time);
                    measured_until = measured_until.max(done.measured_until);
                }
                Some(Err(_panicked)) => end.panics += 1,
            },
            () = stop.wait_asked(), if !stopping => {
                stopping = true;
                let at = stop.asked().unwrap_or_else(tokio::time::Instant::now);
                let at = at.saturating_duration_since(context.clock.epoch);
                context.recorder.borrow_mut().end_window(at);
            }
            _ = tick.tick() => {
                let recorder = context.recorder.borrow();
                recorder.make_room();
                worker.shown.send_modify(|shown| {
                    shown.live = recorder.live();
                    // Whole histograms are copied for thresholds; once a second is often enough.
                    if ticks.is_multiple_of(OBSERVED_EVERY) {
                        shown.observed = recorder.observed();
                    }
                });
                ticks = ticks.wrapping_add(1);
            }
            never = &mut probing => match never {},
        }
    }
    for (load, begun) in parts {
        // Its users are gone; of one that panicked nothing is known.
        if let Some(begun) = Rc::into_inner(begun) {
            end.begun.push((load, Begun::OfLoad(begun.into_inner())));
        }
    }
    drop(probing);
    end.runtime_lag = probe.into_lag();
    end.pacer_lag = pacer_lag.take();
    let mut recorder = context.recorder.borrow_mut();
    if !stopping {
        recorder.end_window(measured_until);
    }
    worker
        .shown
        .send_modify(|shown| shown.live = recorder.live());
    Ok(end)
}
