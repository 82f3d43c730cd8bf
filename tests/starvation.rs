//! A generator that is starved of processor time says so, and says why. A binary of its own, because it takes every core
//! from whatever else would run beside it.

#![cfg(target_os = "linux")]

use std::fs;
use std::hint::spin_loop;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use regstorm::health::{
    ExchangeFacts, Level, LoadFacts, Monitor, MonitorSettings, Signal, Signals, TargetHost,
    Verdict, Why, judge,
};
use tokio::time::Instant;

/// Long enough for shares of time to be judged; bounded from below only.
const WINDOW: Duration = Duration::from_secs(3);

/// Of so many threads that always want to run on each core, beside a worker that does, too, the worker gets a fifth of
/// one: it is ready and waits for four fifths of the time. Even beside a single one it would be half.
const RIVALS_PER_CORE: usize = 4;

#[test]
fn a_worker_without_a_core_makes_a_run_invalid() {
    let signals = starved();
    let facts = LoadFacts {
        journeys: vec![],
        exchanges: ExchangeFacts::default(),
        harness_limit_failures: 0,
        ceiling_share: None,
        target_host: TargetHost::Same,
    };
    let health = judge(&signals, &facts);
    if signals.workers[0].waiting.is_none() {
        // A kernel without CONFIG_SCHED_INFO.
        let why = (Signal::RunQueueWait, Why::NotKnown);
        let not_judged = health.not_judged.iter().map(|it| (it.signal, it.why));
        assert!(not_judged.into_iter().any(|it| it == why), "{health:?}");
        return;
    }
    assert_eq!(health.verdict(), Verdict::Invalid, "{health:?}");
    let reasons = health.reasons.iter().map(|it| (it.signal, it.level));
    let reasons: Vec<(Signal, Level)> = reasons.collect();
    assert!(
        reasons.contains(&(Signal::RunQueueWait, Level::Invalid)),
        "{health:?}"
    );
    // It had little of the cores, and they were not full by its doing.
    let blamed = |signal| reasons.iter().any(|(it, _)| *it == signal);
    assert!(
        !blamed(Signal::WorkerCpu) && !blamed(Signal::MachineCpu),
        "{health:?}"
    );
}

/// The cores on which this process may run, be its quota of them as it may: a quota leaves cores free that nobody fights for.
fn cores() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let masks = lines.find_map(|line| line.strip_prefix("Cpus_allowed:"));
    let digits = masks.into_iter().flat_map(str::chars);
    let allowed: u32 = digits
        .filter_map(|it| it.to_digit(16))
        .map(u32::count_ones)
        .sum();
    let otherwise = thread::available_parallelism().map_or(1, usize::from);
    usize::try_from(allowed).map_or(otherwise, |it| it.max(otherwise))
}

fn starved() -> Signals {
    let cores = cores();
    let monitor = Monitor::start(MonitorSettings::default()).expect("two threads");
    let worker = monitor.worker(0);
    let over = AtomicBool::new(false);
    let ready = Barrier::new(RIVALS_PER_CORE * cores + 2);
    let run = || {
        ready.wait();
        while !over.load(Ordering::Relaxed) {
            spin_loop();
        }
    };
    thread::scope(|scope| {
        for _ in 0..RIVALS_PER_CORE * cores {
            scope.spawn(run);
        }
        scope.spawn(|| {
            worker.register();
            run();
        });
        ready.wait();
        monitor.open_window();
        let opened = Instant::now();
        while opened.elapsed() < WINDOW {
            thread::yield_now();
        }
        monitor.close_window();
        let signals = monitor.finish(vec![]);
        over.store(true, Ordering::Relaxed);
        signals
    })
}
