//! A worker: one thread, one event loop, and the virtual users that live on it. Nothing is shared with other
//! workers but the signal to stop, the count that `shared-iterations` is taken from, and a snapshot for the screen.

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

use super::clock::Clock;
use super::closed::Closed;
use super::context::{Context, Recorded};
use super::iteration_id::Begun;
use super::open::{Part, SharedArrivals};
use super::shared::Shared;
use super::stop::Stop;
use super::virtual_user::Done;
use crate::health::WorkerHandle;
use crate::measure::{LatencyHistogram, Live, Observed, Record, Recorder};

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
    /// What no count tells, and how often it was noted.
    pub(super) notes: BTreeMap<String, u64>,
}

impl Users {
    /// Those of a worker that panicked: nothing is known of them but that.
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
    }
}

/// What tells a worker who it is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) gate: Gate,
    pub(super) stop: Stop,
    pub(super) shown: watch::Sender<Snapshot>,
    pub(super) health: WorkerHandle,
}

/// Where a worker waits until all the others are ready, too.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) ready: SyncSender<()>,
    pub(super) clock: Receiver<Clock>,
}

impl Gate {
    /// Says that this worker is ready, and waits for the clock. `None`: there is nobody any more who would set it.
    fn pass(self) -> Option<Clock> {
        let _ = self.ready.send(());
        // Nobody else is waited for once every sender is gone.
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
pub(super) fn run(shared: Arc<Shared>, place: Place) -> io::Result<WorkerEnd> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let Place {
        index,
        gate,
        stop,
        shown,
        health,
    } = place;
    let context = Context::new(shared, index, || gate.pass());
    let context = Rc::new(context.ok_or(io::ErrorKind::BrokenPipe)?);
    let place = Lives {
        index,
        stop,
        shown,
        health,
    };
    let lived = runtime.block_on(live(&context, place));
    drop(runtime); // and with it whatever still held the context
    let context = Rc::into_inner(context).expect("the users and their event loop are gone");
    let Recorded {
        record,
        connections,
        notes,
    } = context.close();
    let lived = lived?;
    Ok(WorkerEnd {
        index,
        runtime_lag: lived.runtime_lag,
        users: Users {
            record,
            begun: lived.begun,
            cancel_time: lived.cancel_time,
            pacer_lag: lived.pacer_lag,
            connections,
            panics: lived.panics,
            notes,
        },
    })
}

/// Who a worker is, once it has passed the gate.
struct Lives {
    index: usize,
    stop: Stop,
    shown: watch::Sender<Snapshot>,
    health: WorkerHandle,
}

/// What is known when every user has stopped.
#[derive(Debug, Default)]
struct Lived {
    begun: Vec<(usize, Begun)>,
    cancel_time: Duration,
    pacer_lag: LatencyHistogram,
    runtime_lag: LatencyHistogram,
    panics: u64,
}

/// Everybody on one worker.
struct Everybody {
    tasks: JoinSet<io::Result<Done>>,
    parts: Vec<(usize, SharedArrivals)>,
    pacer_lag: Rc<RefCell<LatencyHistogram>>,
}

impl Everybody {
    fn of(context: &Rc<Context>, place: &Lives) -> io::Result<Self> {
        let plan = &context.shared.plan;
        let workers = plan.workers.get() as u64;
        let pacer_lag = Rc::<RefCell<LatencyHistogram>>::default();
        let (mut tasks, mut parts) = (JoinSet::new(), Vec::new());
        let mut first = 0; // user of the run
        for (load, it) in plan.loads.iter().enumerate() {
            let part = Part::of_worker(context, load, place.index, &place.stop)?;
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
            for number in 0..it.executor.vus() {
                let vu = first + u64::from(number);
                if vu % workers == place.index as u64 {
                    let stop = place.stop.clone();
                    let user = Closed::new(context, load, vu, number, stop);
                    tasks.spawn_local(async { Ok(user.run().await) });
                }
            }
            first += u64::from(it.executor.vus());
        }
        Ok(Self {
            tasks,
            parts,
            pacer_lag,
        })
    }
}

/// Every user's life, and the counts shown meanwhile.
async fn live(context: &Rc<Context>, place: Lives) -> io::Result<Lived> {
    let Everybody {
        mut tasks,
        parts,
        pacer_lag,
    } = Everybody::of(context, &place)?;
    if !tasks.is_empty() {
        context.recorder.borrow().make_room();
    }
    let mut tick = interval(SNAPSHOT_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    place.health.register();
    let mut probe = place.health.lag_probe();
    let mut lived = Lived::default();
    let mut probing = Box::pin(probe.run());
    let mut ticks = 0_u32;
    let mut measured_until = Duration::ZERO;
    let mut stop = place.stop.clone();
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => break,
                Some(Ok(done)) => {
                    let done = done?;
                    lived.begun.extend(done.begun.map(|begun| (done.load, begun)));
                    lived.cancel_time = lived.cancel_time.max(done.cancel_time);
                    measured_until = measured_until.max(done.measured_until);
                }
                Some(Err(_panicked)) => lived.panics += 1,
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
                place.shown.send_modify(|shown| {
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
            lived
                .begun
                .push((load, Begun::Arrivals(begun.into_inner())));
        }
    }
    drop(probing);
    lived.runtime_lag = probe.into_lag();
    lived.pacer_lag = pacer_lag.take();
    let mut recorder = context.recorder.borrow_mut();
    if !stopping {
        recorder.end_window(measured_until);
    }
    place
        .shown
        .send_modify(|shown| shown.live = recorder.live());
    Ok(lived)
}
