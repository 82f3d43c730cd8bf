//! The two threads that watch the generator while it works.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::course::{Course, busy_share, idle_shares};
use super::moments::{MeasuredWindow, Moments, Worst};
use super::sample::{Fixed, Sample, Sampler};
use super::signals::{Signals, WorkerSignals};
use super::thread::Thread;
use super::window::Window;
use super::worker::{WorkerHandle, Workers};
use crate::measure::LatencyHistogram;

/// How often the monitor reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonitorSettings {
    /// How often everything is read. Below half a second, shares are still taken over half a second.
    pub sample_every: Duration,
    /// How long the watchdog sleeps.
    pub watchdog_every: Duration,
}

impl Default for MonitorSettings {
    /// A reading a second, a sleep of 50 ms.
    fn default() -> Self {
        Self {
            sample_every: Duration::from_secs(1),
            watchdog_every: Duration::from_millis(50),
        }
    }
}

/// Watches this process and its machine, with two threads that end when it is finished or dropped.
///
/// One thread reads what the system reports, and once more at each edge of the window. The other, the watchdog, sleeps
/// and measures how late the system wakes it.
#[derive(Debug)]
pub struct Monitor {
    shared: Arc<Shared>,
    sampler: Thread<Edge, Option<Box<Course>>>,
    watchdog: Thread<Infallible, LatencyHistogram>,
    fixed: Fixed,
}

/// The generator's health while it runs, for a progress line.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Latest {
    /// The share in which the cores that the process may use had something to do.
    pub machine_busy: Option<f64>,
    /// The share in which the busiest worker ran.
    pub busiest_worker: Option<f64>,
    /// Descriptors that are open.
    pub open_files: Option<u64>,
    /// How many there may be.
    pub open_files_limit: Option<u64>,
    /// The worst lateness of an event loop or of the watchdog since the reading before.
    pub worst_lag: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    workers: Workers,
    measured: Arc<MeasuredWindow>,
    watchdog_worst: Worst,
    latest: Mutex<Latest>,
}

/// An edge of the measured window.
#[derive(Debug, Clone, Copy)]
enum Edge {
    Open,
    Close,
}

impl Monitor {
    /// Starts watching.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(settings: MonitorSettings) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let fixed = Fixed::read();
        let watched = Arc::clone(&shared);
        let sampler = Thread::start("health-sampler", move |edges| {
            watch(&watched, &edges, settings.sample_every, fixed)
        })?;
        let watched = Arc::clone(&shared);
        let watchdog = Thread::start("health-watchdog", move |stop| {
            sleep_and_wake(&watched, &stop, settings.watchdog_every)
        })?;
        Ok(Self {
            shared,
            sampler,
            watchdog,
            fixed,
        })
    }

    /// Returns the handle of the worker of that number. The same number gives the same worker.
    pub fn worker(&self, number: usize) -> WorkerHandle {
        self.shared.workers.handle(number, &self.shared.measured)
    }

    /// Opens the measured window now. A second call does nothing. Returns at once.
    pub fn open_window(&self) {
        self.shared.measured.open(Instant::now());
        self.sampler.tell(Edge::Open);
    }

    /// Closes the measured window now. A second call does nothing. Returns at once; the workers' threads should still be
    /// there, or their last second is not seen.
    pub fn close_window(&self) {
        self.shared.measured.close(Instant::now());
        self.sampler.tell(Edge::Close);
    }

    /// Returns the last reading. Takes a lock that is held briefly, and by no worker.
    pub fn latest(&self) -> Latest {
        *self
            .shared
            .latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the window if it is open, ends the threads, and returns what they saw. `lags` is what the workers' probes
    /// measured, in the order of the workers' numbers from 0.
    ///
    /// Without a window the signals are empty, and nothing can be judged by them.
    pub fn finish(self, lags: Vec<LatencyHistogram>) -> Signals {
        self.shared.measured.close(Instant::now());
        let course = self.sampler.finish().flatten();
        let mut signals = course.map_or_else(Signals::default, |it| it.signals(self.fixed));
        signals.watchdog_lag = self.watchdog.finish().unwrap_or_default();
        for (number, lag) in lags.into_iter().enumerate() {
            let place = signals.workers.iter().position(|it| it.worker >= number);
            let place = place.unwrap_or(signals.workers.len());
            if signals
                .workers
                .get(place)
                .is_none_or(|it| it.worker != number)
            {
                let unseen = WorkerSignals {
                    worker: number,
                    ..WorkerSignals::default()
                };
                signals.workers.insert(place, unseen);
            }
            signals.workers[place].runtime_lag = lag;
        }
        signals
    }
}

/// Runs the sampler's thread: reads once per period and at the edges of the window.
fn watch(
    shared: &Shared,
    edges: &Receiver<Edge>,
    every: Duration,
    fixed: Fixed,
) -> Option<Box<Course>> {
    let mut sampler = Sampler::new();
    let mut read = || {
        sampler.watch(&shared.workers.threads());
        sampler.sample()
    };
    let mut before = read();
    let mut window = Window::Before;
    let mut next = Instant::now() + every;
    loop {
        let wait = next.saturating_duration_since(Instant::now());
        match edges.recv_timeout(wait) {
            Ok(Edge::Open) => {
                window.open(read());
                next = Instant::now() + every;
            }
            Ok(Edge::Close) => window = window.close(read()),
            Err(RecvTimeoutError::Timeout) => {
                let now = read();
                let latest = Latest::between(&before, &now, shared, fixed);
                *shared.latest.lock().unwrap_or_else(PoisonError::into_inner) = latest;
                before = now.clone();
                window.see(now);
                // Not `next + every`: after a pause, readings in a rush would say nothing.
                next = Instant::now() + every;
            }
            Err(RecvTimeoutError::Disconnected) => return window.close(read()).into_course(),
        }
    }
}

/// Runs the watchdog's thread.
fn sleep_and_wake(
    shared: &Shared,
    stop: &Receiver<Infallible>,
    every: Duration,
) -> LatencyHistogram {
    let mut lag = LatencyHistogram::new();
    let mut moments = Moments::from(Instant::now(), every);
    loop {
        let wait = moments.next().saturating_duration_since(Instant::now());
        let woken = stop.recv_timeout(wait);
        for (moment, late) in moments.passed(Instant::now()) {
            shared.watchdog_worst.note(late);
            if shared.measured.holds(moment) {
                lag.record(late);
            }
        }
        if woken == Err(RecvTimeoutError::Disconnected) {
            return lag;
        }
    }
}

impl Latest {
    fn between(before: &Sample, after: &Sample, shared: &Shared, fixed: Fixed) -> Self {
        let workers = after.workers.keys();
        let busy = workers.filter_map(|worker| busy_share(before, after, *worker));
        let idle: Vec<f64> = idle_shares(before, after).collect();
        let cores = u32::try_from(idle.len()).unwrap_or(u32::MAX);
        let worst = shared.workers.take_worst_lag();
        Self {
            machine_busy: (cores > 0).then(|| 1.0 - idle.iter().sum::<f64>() / f64::from(cores)),
            busiest_worker: busy.reduce(f64::max),
            open_files: after.open_files,
            open_files_limit: fixed.open_files_limit,
            worst_lag: worst.max(shared.watchdog_worst.take()),
        }
    }
}

#[cfg(test)]
mod tests;
