//! What a worker does for its own health: registers its thread, and measures how late its event loop is.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::moments::{MeasuredWindow, Moments, Worst};
use super::proc;
use crate::measure::LatencyHistogram;

/// How often the event loop is asked.
const PROBE_EVERY: Duration = Duration::from_millis(10);

/// One worker as the monitor knows it. Cheap to make and to send to the worker's thread.
#[derive(Debug, Clone)]
pub struct WorkerHandle {
    slot: Arc<Slot>,
    measured: Arc<MeasuredWindow>,
}

/// What a worker and the monitor share: written once by the one, read once a second by the other.
#[derive(Debug, Default)]
struct Slot {
    /// 0 until the worker has registered it.
    thread: AtomicU32,
    worst_lag: Worst,
}

/// All workers, by number.
#[derive(Debug, Default)]
pub(super) struct Workers(Mutex<BTreeMap<usize, Arc<Slot>>>);

/// Measures how late an event loop is: sleeps 10 ms each time, and counts how much later it woke.
///
/// Lag is the moment of waking less the moment asked for, with nothing subtracted. Tokio's timer has a grain of 1 ms
/// and rounds up, so 1 to 2 ms are normal on an idle loop. Each moment that a stall covers counts with its own lag:
/// a stall of 100 ms counts as 100, 90, ... 10 ms, so that a percentile is one of time, not of wake-ups.
///
/// It costs a hundred wake-ups a second: on an idle virtual machine 40 to 70 µs of processor time each, most of it the
/// system's for waking up, and less on a loop that is awake anyway.
#[derive(Debug)]
pub struct LagProbe {
    slot: Arc<Slot>,
    measured: Arc<MeasuredWindow>,
    lag: LatencyHistogram,
}

impl WorkerHandle {
    /// Registers the current thread as this worker's. Call it on that thread, before the window opens. Where the system
    /// gives a thread no number, the worker's processor time stays unknown.
    pub fn register(&self) {
        let link = fs::read_link("/proc/thread-self").unwrap_or_default();
        if let Some(thread) = link.to_str().and_then(proc::thread_id) {
            self.slot.thread.store(thread, Ordering::Relaxed);
        }
    }

    /// Returns a probe for this worker's event loop. A worker has one.
    pub fn lag_probe(&self) -> LagProbe {
        LagProbe {
            slot: Arc::clone(&self.slot),
            measured: Arc::clone(&self.measured),
            lag: LatencyHistogram::new(),
        }
    }
}

impl Workers {
    pub(super) fn handle(&self, worker: usize, measured: &Arc<MeasuredWindow>) -> WorkerHandle {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        WorkerHandle {
            slot: Arc::clone(slots.entry(worker).or_default()),
            measured: Arc::clone(measured),
        }
    }

    /// Returns the threads that are known.
    pub(super) fn threads(&self) -> BTreeMap<usize, u32> {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = slots
            .iter()
            .map(|(worker, slot)| (*worker, slot.thread.load(Ordering::Relaxed)));
        threads.filter(|(_, thread)| *thread != 0).collect()
    }

    /// Returns the worst lag of any event loop since the last call.
    pub(super) fn take_worst_lag(&self) -> Duration {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let worst = slots.values().map(|slot| slot.worst_lag.take()).max();
        worst.unwrap_or_default()
    }
}

impl LagProbe {
    /// Measures until it is dropped. Run it beside the worker's other tasks, on their event loop.
    ///
    /// Cancel safe: what was measured until then stays.
    pub async fn run(&mut self) -> Infallible {
        let mut moments = Moments::from(Instant::now(), PROBE_EVERY);
        loop {
            sleep_until(moments.next()).await;
            for (moment, late) in moments.passed(Instant::now()) {
                self.slot.worst_lag.note(late);
                if self.measured.holds(moment) {
                    self.lag.record(late);
                }
            }
        }
    }

    /// Returns the lag in the measured window.
    pub fn into_lag(self) -> LatencyHistogram {
        self.lag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets it go as far as it gets.
    async fn turn(mut run: std::pin::Pin<&mut impl Future<Output = Infallible>>) {
        std::future::poll_fn(|context| {
            assert!(run.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_loop_is_late_for_every_moment_of_the_stall() {
        let measured = Arc::new(MeasuredWindow::default());
        let workers = Workers::default();
        let mut probe = workers.handle(0, &measured).lag_probe();
        let start = Instant::now();
        measured.open(start);
        {
            let run = probe.run();
            tokio::pin!(run);
            turn(run.as_mut()).await;
            // The clock moves on, and no task runs: moments at 10, 20, 30 and 40 ms, all seen at 45 ms.
            tokio::time::advance(Duration::from_millis(45)).await;
            turn(run.as_mut()).await;
        }
        assert_eq!(workers.take_worst_lag(), Duration::from_millis(35));
        let lag = probe.into_lag();
        // 35, 25, 15 and 5 ms; the mean is 20.
        assert_eq!(lag.count(), 4);
        let mean = lag.mean().unwrap().as_secs_f64();
        assert!((mean - 0.020).abs() < 0.020 / 1000.0, "{mean}");
    }

    #[tokio::test(start_paused = true)]
    async fn outside_of_the_window_nothing_counts() {
        let measured = Arc::new(MeasuredWindow::default());
        let mut probe = Workers::default().handle(0, &measured).lag_probe();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        measured.open(at(100));
        measured.close(at(200));
        drop(tokio::time::timeout_at(at(500), probe.run()).await);
        // The moments 100, 110, ... 190 ms.
        assert_eq!(probe.into_lag().count(), 10);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn each_worker_tells_its_own_thread() {
        let (workers, measured) = (Workers::default(), Arc::default());
        let handles = [7, 2].map(|worker| workers.handle(worker, &measured));
        assert!(workers.threads().is_empty());
        for handle in handles {
            std::thread::spawn(move || handle.register())
                .join()
                .unwrap();
        }
        let threads = workers.threads();
        assert_eq!(threads.keys().collect::<Vec<_>>(), [&2, &7]);
        assert_ne!(threads[&2], threads[&7]);
    }
}
