//! The readings of one measured window, added up one after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::count::{Count, Streak};
use super::proc::CoreTimes;
use super::sample::{Fixed, Sample};
use super::signals::{
    MachineSignals, ProcessSignals, SegmentSignals, Signals, SocketSignals, Throttling,
    WorkerSignals,
};

/// Two readings closer than this say nothing about a share: times of cores come in steps of 10 ms.
const LEAST_INTERVAL: Duration = Duration::from_millis(500);

/// A worker is busy, or saturated, above these shares of its time.
const WORKER_BUSY: f64 = 0.80;
const WORKER_SATURATED: f64 = 0.95;

/// A core is busy, or saturated, when it is idle for less than these.
const CORE_BUSY: f64 = 0.20;
const CORE_SATURATED: f64 = 0.05;

/// What the readings so far come to.
#[derive(Debug)]
pub(super) struct Course {
    first: Instant,
    last: Instant,
    readings: u32,
    /// Where the current interval began.
    base: Sample,
    workers: BTreeMap<usize, WorkerCourse>,
    cores: BTreeMap<u32, CoreCourse>,
    idle_min: f64,
    core_busy: Streak,
    core_saturated: Streak,
    process_us: Count,
    major_faults: Count,
    periods: Count,
    throttled: Count,
    throttled_us: Count,
    cpu_stalled_us: Count,
    memory_stalled_us: Count,
    sent: Count,
    sent_again: Count,
    resident_bytes_max: Option<u64>,
    open_files_max: Option<u64>,
    in_use_max: Option<u64>,
    time_wait_max: Option<u64>,
}

#[derive(Debug, Default)]
struct WorkerCourse {
    on_cpu_ns: Count,
    waiting_ns: Count,
    busy: Streak,
    saturated: Streak,
}

#[derive(Debug, Default)]
struct CoreCourse {
    idle: Count,
    steal: Count,
    total: Count,
}

impl Course {
    /// Opens the window with this reading.
    pub(super) fn begin(sample: Sample) -> Self {
        let mut course = Self {
            first: sample.at,
            last: sample.at,
            readings: 0,
            base: sample.clone(),
            workers: BTreeMap::new(),
            cores: BTreeMap::new(),
            idle_min: 1.0,
            core_busy: Streak::default(),
            core_saturated: Streak::default(),
            process_us: Count::default(),
            major_faults: Count::default(),
            periods: Count::default(),
            throttled: Count::default(),
            throttled_us: Count::default(),
            cpu_stalled_us: Count::default(),
            memory_stalled_us: Count::default(),
            sent: Count::default(),
            sent_again: Count::default(),
            resident_bytes_max: None,
            open_files_max: None,
            in_use_max: None,
            time_wait_max: None,
        };
        course.see(sample);
        course
    }

    /// Adds a reading, no earlier than the last.
    pub(super) fn see(&mut self, sample: Sample) {
        self.readings = self.readings.saturating_add(1);
        self.last = sample.at;
        self.add_counts(&sample);
        let most = |so_far: &mut Option<u64>, now: Option<u64>| *so_far = (*so_far).max(now);
        most(&mut self.resident_bytes_max, sample.resident_bytes);
        most(&mut self.open_files_max, sample.open_files);
        most(&mut self.in_use_max, sample.sockets.map(|it| it.in_use));
        most(
            &mut self.time_wait_max,
            sample.sockets.map(|it| it.time_wait),
        );
        let length = sample.at.saturating_duration_since(self.base.at);
        if length >= LEAST_INTERVAL {
            self.end_interval(&sample, length);
            self.base = sample;
        }
    }

    fn add_counts(&mut self, sample: &Sample) {
        for (worker, times) in &sample.workers {
            let course = self.workers.entry(*worker).or_default();
            course.on_cpu_ns.see(Some(times.on_cpu_ns));
            course.waiting_ns.see(Some(times.waiting_ns));
        }
        for times in sample.cores.iter().flatten() {
            let course = self.cores.entry(times.core).or_default();
            course.idle.see(Some(times.idle));
            course.steal.see(Some(times.steal));
            course.total.see(Some(times.total));
        }
        self.process_us.see(sample.process.map(|it| it.cpu_us));
        self.major_faults
            .see(sample.process.map(|it| it.major_faults));
        self.periods.see(sample.throttle.map(|it| it.periods));
        self.throttled.see(sample.throttle.map(|it| it.throttled));
        self.throttled_us
            .see(sample.throttle.map(|it| it.throttled_us));
        self.cpu_stalled_us.see(sample.cpu_stalled_us);
        self.memory_stalled_us.see(sample.memory_stalled_us);
        self.sent.see(sample.segments.map(|it| it.sent));
        self.sent_again.see(sample.segments.map(|it| it.sent_again));
    }

    fn end_interval(&mut self, sample: &Sample, length: Duration) {
        for (worker, course) in &mut self.workers {
            let busy = busy_share(&self.base, sample, *worker).unwrap_or(0.0);
            course.busy.see(busy > WORKER_BUSY, length);
            course.saturated.see(busy > WORKER_SATURATED, length);
        }
        let idle = idle_shares(&self.base, sample).fold(1.0, f64::min);
        self.idle_min = self.idle_min.min(idle);
        self.core_busy.see(idle < CORE_BUSY, length);
        self.core_saturated.see(idle < CORE_SATURATED, length);
    }

    /// Returns what the readings come to.
    pub(super) fn signals(&self, fixed: Fixed) -> Signals {
        let window = self.last.saturating_duration_since(self.first);
        let of_window = |sum: u64, unit: Duration| {
            (!window.is_zero())
                .then(|| share(float(sum) * unit.as_secs_f64(), window.as_secs_f64()))
        };
        let (micros, nanos) = (Duration::from_micros(1), Duration::from_nanos(1));
        let workers = self.workers.iter().map(|(worker, course)| {
            let on_cpu = course.on_cpu_ns.sum;
            WorkerSignals {
                worker: *worker,
                busy: on_cpu.and_then(|it| of_window(it, nanos)),
                waiting: course.waiting_ns.sum.and_then(|it| of_window(it, nanos)),
                longest_busy_us: on_cpu.map(|_| whole_micros(course.busy.longest)),
                longest_saturated_us: on_cpu.map(|_| whole_micros(course.saturated.longest)),
                ..WorkerSignals::default()
            }
        });
        let stalled = |count: Count| count.sum.and_then(|it| of_window(it, micros));
        Signals {
            window_us: whole_micros(window),
            readings: self.readings,
            workers: workers.collect(),
            process: ProcessSignals {
                cores_used: stalled(self.process_us),
                major_faults: self.major_faults.sum,
                resident_bytes_max: self.resident_bytes_max,
                open_files_max: self.open_files_max,
                open_files_limit: fixed.open_files_limit,
            },
            machine: self.machine(),
            throttling: self.throttling(),
            cpu_pressure: stalled(self.cpu_stalled_us),
            memory_pressure: stalled(self.memory_stalled_us),
            sockets: self.sockets(fixed.ports),
            segments: self.segments(),
            ..Signals::default()
        }
    }

    fn machine(&self) -> Option<MachineSignals> {
        let sum = |of: fn(&CoreCourse) -> Count| -> Option<u64> {
            self.cores.values().map(|course| of(course).sum).sum()
        };
        let total = sum(|it| it.total).filter(|total| *total > 0)?;
        let busy = total.saturating_sub(sum(|it| it.idle)?);
        Some(MachineSignals {
            cores: u32::try_from(self.cores.len()).ok()?,
            busy: share(float(busy), float(total)),
            steal: share(float(sum(|it| it.steal)?), float(total)),
            idle_min: share(self.idle_min, 1.0),
            longest_busy_us: whole_micros(self.core_busy.longest),
            longest_saturated_us: whole_micros(self.core_saturated.longest),
        })
    }

    fn throttling(&self) -> Option<Throttling> {
        Some(Throttling {
            periods: self.periods.sum?,
            throttled: self.throttled.sum?,
            throttled_us: self.throttled_us.sum?,
        })
    }

    fn sockets(&self, ports: Option<u64>) -> Option<SocketSignals> {
        Some(SocketSignals {
            in_use_max: self.in_use_max?,
            time_wait_max: self.time_wait_max?,
            ports,
        })
    }

    fn segments(&self) -> Option<SegmentSignals> {
        Some(SegmentSignals {
            sent: self.sent.sum?,
            sent_again: self.sent_again.sum?,
        })
    }
}

/// Returns the share in which a worker ran between two readings.
pub(super) fn busy_share(before: &Sample, after: &Sample, worker: usize) -> Option<f64> {
    let (first, last) = (before.workers.get(&worker)?, after.workers.get(&worker)?);
    let ran = Duration::from_nanos(last.on_cpu_ns.saturating_sub(first.on_cpu_ns));
    let length = after.at.saturating_duration_since(before.at);
    (!length.is_zero()).then(|| ran.as_secs_f64() / length.as_secs_f64())
}

/// Returns the shares in which the cores were idle between two readings.
pub(super) fn idle_shares(before: &Sample, after: &Sample) -> impl Iterator<Item = f64> {
    let before = before.cores.as_deref().unwrap_or_default();
    let after = after.cores.as_deref().unwrap_or_default();
    after.iter().filter_map(|last: &CoreTimes| {
        let first = before.iter().find(|it| it.core == last.core)?;
        let total = last.total.saturating_sub(first.total);
        let idle = last.idle.saturating_sub(first.idle);
        (total > 0).then(|| float(idle) / float(total))
    })
}

/// To four decimals: more would be noise, and they are read back from a report as they were.
fn share(part: f64, whole: f64) -> f64 {
    (part / whole * 1e4).round() / 1e4
}

fn whole_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shares are shown to four digits; these are exact to fifteen"
)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
