//! Judges what the system reports: lags, processors, memory, sockets.

use std::time::Duration;

use super::super::{
    Level, MachineSignals, Signal, Signals, TargetHost, Throttling, Why, WorkerSignals,
};
use super::bounds::{self, Bounds};
use super::findings::Findings;
use crate::measure::LatencyHistogram;
use crate::units::{Quantile, duration};

pub(super) fn judge(signals: &Signals, target: TargetHost, findings: &mut Findings) {
    let window = Duration::from_micros(signals.window_us);
    let within = Judge {
        signals,
        window,
        target,
    };
    within.lags(findings);
    within.processors(findings);
    within.memory(findings);
    within.sockets(findings);
}

struct Judge<'a> {
    signals: &'a Signals,
    window: Duration,
    target: TargetHost,
}

impl Judge<'_> {
    /// Returns a value that is known and was taken over a time that is long enough.
    fn told<T>(&self, value: Option<T>, least: Duration) -> Result<T, Why> {
        let long_enough = self.window >= least;
        match value {
            _ if !long_enough => Err(Why::TooShort),
            None => Err(Why::NotKnown),
            Some(value) => Ok(value),
        }
    }

    fn hold(&self, signal: Signal, value: Option<f64>, bounds: Bounds, findings: &mut Findings) {
        let value = self.told(value, bounds::LEAST_WINDOW);
        findings.hold(signal, None, value, bounds);
    }

    fn lags(&self, findings: &mut Findings) {
        lag(
            (Signal::SystemLag, None),
            &self.signals.watchdog_lag,
            findings,
        );
        for worker in &self.signals.workers {
            let name = name(worker);
            let place = (Signal::RuntimeLag, Some(name.as_str()));
            lag(place, &worker.runtime_lag, findings);
        }
    }

    fn processors(&self, findings: &mut Findings) {
        for worker in &self.signals.workers {
            let name = name(worker);
            let streaks = worker.longest_busy_us.zip(worker.longest_saturated_us);
            self.sustained(
                (Signal::WorkerCpu, Some(&name)),
                streaks,
                ["above 80% busy", "above 95% busy"],
                findings,
            );
            let waiting = self.told(worker.waiting, bounds::LEAST_WINDOW);
            let place = Signal::RunQueueWait;
            findings.hold(place, Some(&name), waiting, bounds::RUN_QUEUE_WAIT);
        }
        let machine = self.signals.machine.as_ref();
        let streaks = machine.and_then(|it| {
            let takes_part = self.workers_part(it)? >= bounds::WORKERS_PART;
            let streaks = (it.longest_busy_us, it.longest_saturated_us);
            Some(if takes_part { streaks } else { (0, 0) })
        });
        self.sustained(
            (Signal::MachineCpu, None),
            streaks,
            ["a core below 20% idle", "a core below 5% idle"],
            findings,
        );
        let steal = machine.map(|it| it.steal);
        self.hold(Signal::Steal, steal, bounds::STEAL, findings);
        self.throttling(findings);
        let waits_are_known = self.signals.workers.iter().any(|it| it.waiting.is_some());
        if !waits_are_known && self.target == TargetHost::Other {
            let pressure = self.signals.cpu_pressure;
            let bounds = bounds::CPU_PRESSURE;
            self.hold(Signal::CpuPressure, pressure, bounds, findings);
        }
    }

    /// Returns the workers' part of the time that cores were busy. Where workers do not report it, that of the whole process.
    fn workers_part(&self, machine: &MachineSignals) -> Option<f64> {
        let workers = self.signals.workers.iter().map(|it| it.busy);
        let workers = workers.sum::<Option<f64>>().filter(|sum| *sum > 0.0);
        let ours = workers.or(self.signals.process.cores_used)?;
        let busy = machine.busy * f64::from(machine.cores);
        (busy > 0.0).then(|| ours / busy)
    }

    fn sustained(
        &self,
        place: (Signal, Option<&str>),
        streaks: Option<(u64, u64)>,
        [busy, saturated]: [&str; 2],
        findings: &mut Findings,
    ) {
        let (signal, subject) = place;
        match self.told(streaks, bounds::SUSTAINED) {
            Err(why) => findings.not_judged(signal, subject, why),
            Ok((busy_us, saturated_us)) => {
                let cases = [
                    (Level::Invalid, saturated_us, saturated),
                    (Level::Suspect, busy_us, busy),
                ];
                let mut streaks = cases
                    .into_iter()
                    .map(|(level, micros, state)| (level, Duration::from_micros(micros), state));
                let lasted = streaks.find(|(_, length, _)| *length > bounds::SUSTAINED);
                if let Some((level, length, state)) = lasted {
                    let observed = format!("{state} for {} in a row", duration(length));
                    let bound = format!("at most {} in a row", duration(bounds::SUSTAINED));
                    findings.found(level, place, observed, bound);
                }
            }
        }
    }

    fn throttling(&self, findings: &mut Findings) {
        let Some(Throttling {
            periods,
            throttled,
            throttled_us,
        }) = self.signals.throttling
        else {
            findings.not_judged(Signal::Throttling, None, Why::NotKnown);
            return;
        };
        // A stop is one even if it was too short to be seen in the times.
        let stopped = Duration::from_micros(throttled_us).as_secs_f64();
        let share = stopped / self.window.as_secs_f64().max(1e-6);
        let share = if throttled > 0 { share.max(1e-6) } else { 0.0 };
        if let Some((level, bound)) = bounds::THROTTLING.exceeded_by(share) {
            let observed = format!(
                "stopped in {throttled} of {periods} periods, for {} in all",
                duration(Duration::from_micros(throttled_us))
            );
            let bound = match level {
                Level::Suspect => bounds::THROTTLING.show(bound),
                Level::Invalid => format!("{} of the window", bounds::THROTTLING.show(bound)),
            };
            findings.found(level, (Signal::Throttling, None), observed, bound);
        }
    }

    fn memory(&self, findings: &mut Findings) {
        let pressure = self.signals.memory_pressure;
        let bounds = bounds::MEMORY_PRESSURE;
        self.hold(Signal::MemoryPressure, pressure, bounds, findings);
        let seconds = self.window.as_secs_f64().max(1e-6);
        let faults = self.signals.process.major_faults;
        let rate = faults.map(|faults| float(faults) / seconds);
        self.hold(Signal::MajorFaults, rate, bounds::MAJOR_FAULTS, findings);
    }

    fn sockets(&self, findings: &mut Findings) {
        let process = &self.signals.process;
        let part = |part: Option<u64>, whole: Option<u64>| {
            let whole = whole.filter(|whole| *whole > 0)?;
            Some(float(part?) / float(whole))
        };
        let files = part(process.open_files_max, process.open_files_limit);
        let files = files.ok_or(Why::NotKnown);
        findings.hold(Signal::OpenFiles, None, files, bounds::OPEN_FILES);

        let sockets = self.signals.sockets;
        let taken = sockets.map(|it| {
            // Both ends of each connection are on this machine, and one of them takes a port of the range.
            let ends = match self.target {
                TargetHost::Same => 2,
                TargetHost::Other => 1,
            };
            it.time_wait_max.saturating_add(it.in_use_max / ends)
        });
        let ports = part(taken, sockets.and_then(|it| it.ports)).ok_or(Why::NotKnown);
        findings.hold(Signal::Ports, None, ports, bounds::PORTS);

        let again = match self.signals.segments {
            None => Err(Why::NotKnown),
            Some(it) if it.sent < bounds::LEAST_SEGMENTS => Err(Why::TooFewValues),
            Some(it) => Ok(float(it.sent_again) / float(it.sent)),
        };
        findings.hold(Signal::Retransmits, None, again, bounds::RETRANSMITS);
    }
}

fn name(worker: &WorkerSignals) -> String {
    format!("worker {}", worker.worker)
}

fn lag(place: (Signal, Option<&str>), lag: &LatencyHistogram, findings: &mut Findings) {
    let (signal, subject) = place;
    let Some(p99) = lag.quantile(Quantile::P99) else {
        findings.not_judged(signal, subject, Why::TooFewValues);
        return;
    };
    let p90 = lag.quantile(Quantile::P90);
    if let Some(p90) = p90.filter(|p90| *p90 > bounds::LAG_IN_A_TENTH) {
        let observed = format!("p90 {}", duration(p90));
        let bound = format!("at most {}", duration(bounds::LAG_IN_A_TENTH));
        findings.found(Level::Invalid, place, observed, bound);
    } else if let Some((level, bound)) = bounds::LAG.exceeded_by(p99.as_secs_f64()) {
        let observed = format!("p99 {}", duration(p99));
        findings.found(level, place, observed, bounds::LAG.show(bound));
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "only its size against a bound matters"
)]
fn float(number: u64) -> f64 {
    number as f64
}
