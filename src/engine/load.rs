//! One load from its start to its end: workers, the probe beside them, and the monitor that watches all.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::begun::Begun;
use super::clock::Clock;
use super::error::Error;
use super::finished::{Finished, ReplayCounts, TagFlickers, TargetIdentity};
use super::hooks;
use super::notes;
use super::occasion::timetable;
use super::probe::ProbeThread;
use super::progress::Progress;
use super::shared::Shared;
use super::stop::Stop;
use super::tags_seen::TagsSeen;
use super::worker::{self, Snapshot, StartBarrier, Users, Worker, WorkerEnd};
use crate::health::{Latest, Monitor, MonitorSettings, Signals};
use crate::hooks::Allowed;
use crate::measure::{LatencyHistogram, Live, Observed, Period, TracedRequests};
use crate::plan::{Length, Plan};
use crate::telemetry::{self, Gathered};

/// How often progress is reported.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// A load that is over, with what clean-up has to know of it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) finished: Finished,
    /// The iterations that have begun, by load.
    pub(super) begun: Vec<(usize, Begun)>,
    pub(super) tags: TagsSeen,
    /// The longest that a user took to cancel what it had given up.
    pub(super) cancel_time: Duration,
}

/// How long the workers have to make their users, before the first of these may act.
const LEAD: Duration = Duration::from_millis(50);

/// Says when a load starts, once all workers are ready: the load does not begin before. It may take its time, since no user
/// is there yet; the instant must leave the workers some 50 ms to make them.
pub type StartGate<'a, E> = &'a mut dyn FnMut() -> Result<Instant, E>;

/// Returns the first moment at which a load may start whose workers are ready now.
pub fn soon() -> Instant {
    Instant::now() + LEAD
}

/// The other ends of what workers have: when they are ready, their clock, what they show, and how they end.
struct Started {
    readies: mpsc::Receiver<()>,
    clocks: Vec<mpsc::SyncSender<Clock>>,
    snapshots: Vec<watch::Receiver<Snapshot>>,
    ends: mpsc::Receiver<io::Result<WorkerEnd>>,
}

/// Starts the threads of the workers, which wait for the clock.
fn start(shared: &Arc<Shared>, monitor: &Monitor, stop: &Stop) -> io::Result<Started> {
    let workers = shared.plan.workers.get();
    let (ready, readies) = mpsc::sync_channel(workers);
    let mut clocks = Vec::with_capacity(workers);
    let (ended, ends) = mpsc::sync_channel(workers);
    let mut snapshots = Vec::with_capacity(workers);
    for index in 0..workers {
        let (shown, snapshot) = watch::channel(Snapshot::default());
        snapshots.push(snapshot);
        let (set_clock, clock) = mpsc::sync_channel(1);
        clocks.push(set_clock);
        let barrier = StartBarrier {
            ready: ready.clone(),
            clock,
        };
        let worker = Worker {
            index,
            stop: stop.clone(),
            shown,
            health: monitor.worker(index),
        };
        let (shared, ended) = (Arc::clone(shared), ended.clone());
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                // The receiver is there until every worker has ended or panicked.
                let _ = ended.send(worker::run(shared, worker, barrier));
            })?;
    }
    drop((ready, ended));
    Ok(Started {
        readies,
        clocks,
        snapshots,
        ends,
    })
}

/// Starts the workers, reports their progress, and waits for them.
pub(super) fn load<E: From<Error>>(
    shared: &Arc<Shared>,
    (target, allowed): (&TargetIdentity, Option<&Allowed>),
    gate: StartGate<'_, E>,
    stop: &Stop,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Loaded, E> {
    let plan = &shared.plan;
    let monitor = Monitor::start(MonitorSettings::default()).map_err(Error::from)?;
    let Started {
        readies,
        clocks,
        snapshots,
        ends,
    } = start(shared, &monitor, stop).map_err(Error::from)?;
    // The clock starts when every worker has its memory, or is gone already: nothing is to be late because of that.
    while readies.recv().is_ok() {}
    let clock = Clock::new(plan, gate()?);
    let probe = ProbeThread::start(shared, clock).map_err(Error::from)?;
    let beside = hooks::start(shared, allowed, clock.epoch, stop).map_err(Error::from)?;
    let watched = Watched {
        telemetry: telemetry(shared).map_err(Error::from)?,
        health: monitor,
    };
    for set_clock in clocks {
        // Who is gone needs none.
        let _ = set_clock.send(clock);
    }
    let mut window = Window::of(plan, clock);
    let mut done = Vec::with_capacity(plan.workers.get());
    loop {
        match ends.recv_timeout(window.next_edge().min(TELL_EVERY)) {
            Ok(end) => {
                // When one has ended, the load is not what it was; what the target does for the others counts to their end.
                watched.health.close_window();
                done.push(end.map_err(Error::from)?);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                window.pass(&watched);
                tell_load(plan, &clock, &snapshots, watched.health.latest(), tell);
                watched.tell_news(tell);
                hooks::tell(beside.as_ref(), tell);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    done.sort_by_key(|end| end.index);
    let lags = take_lags(&mut done);
    let (signals, gathered) = watched.finish(lags, tell).map_err(Error::from)?;
    let probe = probe.map(ProbeThread::end).transpose();
    let probe = probe.map_err(Error::from)?;
    let (hooks, panics) = hooks::end(beside, tell);
    let asked = stop.asked();
    let asked = asked.map(|at| at.saturating_duration_since(clock.epoch));
    let lost = (plan.workers.get() - done.len()) as u64;
    let mut users = Users::lost(shared, lost);
    for end in done {
        users.merge(end.users);
    }
    // A worker that had nothing to do, or no more, did not hear of it: its window is as long as was planned.
    let window = shared.plan.window();
    users.record.end_window(asked.unwrap_or(window));
    let mut notes = notes::of_load(plan, &shared.images, &users.record);
    let told = users.notes.iter();
    notes.extend(told.map(|(note, count)| format!("{count} × {note}")));
    Ok(Loaded {
        finished: Finished {
            record: users.record,
            probe: probe.flatten(),
            pacer_lag: users.pacer_lag,
            signals,
            telemetry: gathered,
            target: target.clone(),
            opened: clock.epoch,
            warm_up_time: plan.warm_up().min(clock.start.elapsed()),
            found: Vec::new(),
            replays: replays(shared, users.replays),
            hooks,
            upstream: None,
            flickers: TagFlickers::default(),
            connections: users.connections,
            interrupted: asked.is_some(),
            panics: users.panics + panics,
            notes,
            audited: None,
            around: None,
        },
        begun: users.begun,
        tags: users.tags,
        cancel_time: users.cancel_time,
    })
}

/// Starts to read what the plan wants to know of the target, in the first shard alone.
fn telemetry(shared: &Shared) -> io::Result<Option<telemetry::Monitor>> {
    if !shared.shard.is_first() {
        return Ok(None);
    }
    telemetry::Monitor::start(&shared.target.telemetry)
}

/// What is watched over the measured window: this machine, and the target.
struct Watched {
    health: Monitor,
    telemetry: Option<telemetry::Monitor>,
}

impl Watched {
    fn open_window(&self) {
        self.health.open_window();
        self.telemetry
            .iter()
            .for_each(telemetry::Monitor::open_window);
    }

    fn close_window(&self) {
        self.health.close_window();
        self.telemetry
            .iter()
            .for_each(telemetry::Monitor::close_window);
    }

    /// Returns what was seen of both, the last news told.
    fn finish(
        self,
        lags: Vec<LatencyHistogram>,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> io::Result<(Signals, Option<Gathered>)> {
        self.close_window();
        let signals = self.health.finish(lags);
        let Some(telemetry) = self.telemetry else {
            return Ok((signals, None));
        };
        let gathered = telemetry.finish()?.map(|(gathered, told)| {
            for told in &told {
                tell(Progress::Telemetry(told));
            }
            gathered
        });
        Ok((signals, gathered))
    }

    fn tell_news(&self, tell: &mut dyn FnMut(Progress<'_>)) {
        for told in self.telemetry.iter().flat_map(telemetry::Monitor::news) {
            tell(Progress::Telemetry(&told));
        }
    }
}

/// Takes how late the event loop of each worker was.
fn take_lags(done: &mut [WorkerEnd]) -> Vec<LatencyHistogram> {
    let done = done.iter_mut();
    done.map(|end| std::mem::take(&mut end.runtime_lag))
        .collect()
}

/// Holds what was sent against what the traces say of the sessions that this process was to do.
fn replays(shared: &Shared, mut sent: BTreeMap<usize, TracedRequests>) -> Vec<ReplayCounts> {
    let counts = shared.stores.keys().filter_map(|&load| {
        let it = &shared.plan.loads[load];
        let replayed = shared.images.replay(it.mix.first()?.journey)?;
        let part = shared.shard_of(load);
        let is_ours = |number| part.is_some_and(|part| part.has(number));
        let pace = (it.executor.speed(), timetable(&it.executor));
        Some(ReplayCounts {
            load,
            recorded: replayed.recorded(pace, is_ours),
            replayed: sent.remove(&load).unwrap_or_default(),
        })
    });
    counts.collect()
}

fn tell_load(
    plan: &Plan,
    clock: &Clock,
    snapshots: &[watch::Receiver<Snapshot>],
    generator: Latest,
    tell: &mut dyn FnMut(Progress<'_>),
) {
    let mut live = Live::new();
    let mut observed: Vec<Observed> = Vec::new();
    for snapshot in snapshots {
        let shown = snapshot.borrow();
        live.merge(&shown.live);
        observed.resize_with(shown.observed.len().max(observed.len()), Observed::default);
        for (mine, theirs) in observed.iter_mut().zip(&shown.observed) {
            mine.merge(theirs);
        }
    }
    let now = Instant::now();
    let (period, since, length) = if now < clock.epoch {
        (Period::WarmUp, clock.start, plan.warm_up())
    } else {
        (Period::Measure, clock.epoch, plan.window())
    };
    tell(Progress::Load {
        period,
        elapsed: now.saturating_duration_since(since),
        length,
        live: &live,
        observed: &observed,
        generator,
    });
}

/// The span in which the generator is watched: from the opening of the measured window to the end of the loads that
/// end by the clock, or to the first worker that has nothing more to do.
struct Window {
    opens: Instant,
    closes: Option<Instant>,
    is_open: bool,
}

impl Window {
    fn of(plan: &Plan, clock: Clock) -> Self {
        let mut loads = plan.loads.iter();
        let set = loads.all(|load| matches!(load.executor.length(), Length::Set(_)));
        Self {
            opens: clock.epoch,
            closes: set.then(|| clock.epoch + plan.window()),
            is_open: false,
        }
    }

    /// Returns how long until it opens or closes; the longest time if that is not known.
    fn next_edge(&self) -> Duration {
        let edge = if self.is_open {
            self.closes
        } else {
            Some(self.opens)
        };
        edge.map_or(Duration::MAX, |edge| {
            edge.saturating_duration_since(Instant::now())
        })
    }

    /// Opens or closes the window when it is time.
    fn pass(&mut self, watched: &Watched) {
        let now = Instant::now();
        if !self.is_open && now >= self.opens {
            self.is_open = true;
            watched.open_window();
        }
        if self.closes.is_some_and(|closes| now >= closes) {
            self.closes = None;
            watched.close_window();
        }
    }
}
