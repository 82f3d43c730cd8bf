use super::*;
use crate::health::Verdict;
use crate::health::{ExchangeFacts, LoadFacts, TargetHost, judge};

fn often() -> MonitorSettings {
    MonitorSettings {
        sample_every: Duration::from_millis(20),
        watchdog_every: Duration::from_millis(5),
    }
}

/// Waits until something is so; there is no other end than success.
fn until(mut it_is_so: impl FnMut() -> bool) {
    while !it_is_so() {
        std::thread::yield_now();
    }
}

#[test]
fn threads_end_when_the_monitor_is_dropped() {
    let monitor = Monitor::start(MonitorSettings::default()).unwrap();
    let shared = Arc::downgrade(&monitor.shared);
    drop(monitor);
    // Each thread held the shared part.
    assert_eq!(shared.strong_count(), 0);
}

#[test]
fn without_a_window_nothing_is_known() {
    let monitor = Monitor::start(often()).unwrap();
    monitor.close_window();
    let signals = monitor.finish(vec![]);
    assert_eq!(signals, Signals::default());
}

#[test]
fn only_the_window_counts() {
    let monitor = Monitor::start(often()).unwrap();
    until(|| monitor.shared.watchdog_worst.take() > Duration::ZERO);
    let opened = Instant::now();
    monitor.open_window();
    monitor.open_window();
    until(|| opened.elapsed() > Duration::from_millis(100));
    monitor.close_window();
    let window = opened.elapsed();
    // The watchdog goes on for as long again and longer, and nobody listens.
    until(|| opened.elapsed() > 3 * window);
    let signals = monitor.finish(vec![]);
    // From the opening to the closing there is a moment every 5 ms, whenever the watchdog came to see it.
    let moments = window.as_millis() / 5;
    let counted = u128::from(signals.watchdog_lag.count());
    assert!(
        (19..=moments + 1).contains(&counted),
        "{counted} of {moments}"
    );
    assert!(signals.readings >= 2);
    let seen = Duration::from_micros(signals.window_us);
    assert!(seen > Duration::ZERO && seen < opened.elapsed());
}

#[test]
#[cfg(target_os = "linux")]
fn workers_are_seen_by_number_and_lags_go_to_theirs() {
    let monitor = Monitor::start(often()).unwrap();
    let handle = monitor.worker(1);
    handle.register();
    monitor.open_window();
    // A worker that works: this thread.
    until(|| {
        monitor
            .latest()
            .busiest_worker
            .is_some_and(|busy| busy > 0.0)
    });
    let latest = monitor.latest();
    assert!(latest.open_files.is_some() && latest.open_files_limit.is_some());
    let opened = Instant::now();
    until(|| opened.elapsed() > Duration::from_millis(50));
    let mut lag = LatencyHistogram::new();
    lag.record(Duration::from_millis(7));
    let signals = monitor.finish(vec![LatencyHistogram::new(), lag.clone()]);
    let numbers: Vec<usize> = signals.workers.iter().map(|it| it.worker).collect();
    assert_eq!(numbers, [0, 1]);
    assert_eq!(signals.workers[0].busy, None);
    assert_eq!(signals.workers[1].runtime_lag, lag);
    assert!(signals.workers[1].busy.is_some());
    let json = serde_json::to_string(&signals).unwrap();
    assert_eq!(serde_json::from_str::<Signals>(&json).unwrap(), signals);
}

#[test]
fn an_empty_run_is_judged_by_nothing() {
    let signals = Monitor::start(often()).unwrap().finish(vec![]);
    let facts = LoadFacts {
        journeys: vec![],
        exchanges: ExchangeFacts::default(),
        harness_limit_failures: 0,
        ceiling_share: None,
        target_host: TargetHost::Same,
    };
    let health = judge(&signals, &facts);
    assert_eq!(health.verdict(), Verdict::Valid);
    assert!(health.not_judged.len() > 10);
}
