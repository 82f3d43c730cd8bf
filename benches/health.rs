//! What watching the generator costs: the processor time of the monitor's threads and of a worker's lag probe, as the
//! system counts it, on an event loop that does nothing else.
//!
//! Readings are made far more often than the one in a second of a run, and their cost is given for each.

use std::fs::{self, File};
use std::time::Duration;

use regstorm::health::{Monitor, MonitorSettings};
use tokio::runtime::{Builder, Runtime};

/// How long each case is watched.
const WATCHED: Duration = Duration::from_secs(4);

fn main() {
    // A benchmark is also built and started by `cargo test --benches`, which wants no numbers.
    if std::env::args().any(|it| it == "--test") {
        return;
    }
    watch("with few files open", 0);
    watch("with 10,000 files open", 10_000);
}

#[expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]
fn watch(case: &str, files: usize) {
    let held: Vec<File> = (0..files)
        .map_while(|_| File::open("/dev/null").ok())
        .collect();
    let settings = MonitorSettings {
        sample_every: Duration::from_millis(10),
        ..MonitorSettings::default()
    };
    let monitor = Monitor::start(settings).expect("a thread");
    let worker = monitor.worker(0);
    let runtime: Runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    // Everything is opened and warm before it is watched.
    let (before, after, lag) = runtime.block_on(async {
        worker.register();
        let mut probe = worker.lag_probe();
        drop(tokio::time::timeout(Duration::from_millis(100), probe.run()).await);
        monitor.open_window();
        let before = ["health-sampler", "health-watchdog", "health"].map(cpu_time);
        drop(tokio::time::timeout(WATCHED, probe.run()).await);
        let after = ["health-sampler", "health-watchdog", "health"].map(cpu_time);
        monitor.close_window();
        (before, after, probe.into_lag())
    });
    let signals = monitor.finish(vec![lag]);
    let [sampler, watchdog, probe] = [0, 1, 2].map(|it| after[it].saturating_sub(before[it]));
    println!("{case} ({} held), for {WATCHED:?}:", held.len());
    println!(
        "  one reading               {:?}, at one a second {:.3}% of a core",
        sampler / signals.readings,
        percent(sampler / signals.readings, Duration::from_secs(1)),
    );
    println!(
        "  watchdog, 20 sleeps/s     {:.3}% of a core",
        percent(watchdog, WATCHED)
    );
    println!(
        "  lag probe, 100 sleeps/s   {:.3}% of a core",
        percent(probe, WATCHED)
    );
    let lag = &signals.workers[0].runtime_lag;
    println!(
        "  runtime lag, mean         {:?}",
        lag.mean().unwrap_or_default()
    );
}

/// The processor time of the thread whose name begins so; the main thread bears the name of the program.
fn cpu_time(name: &str) -> Duration {
    let threads = fs::read_dir("/proc/self/task").expect("Linux");
    let of_thread = threads.flatten().find_map(|thread| {
        let comm = fs::read_to_string(thread.path().join("comm")).ok()?;
        let is_monitor = comm.trim() == "health-sampler" || comm.trim() == "health-watchdog";
        let wanted = comm.trim() == name || (name == "health" && !is_monitor);
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanos = text.split_whitespace().next()?.parse().ok()?;
        wanted.then(|| Duration::from_nanos(nanos))
    });
    of_thread.expect("the thread is there")
}

fn percent(part: Duration, whole: Duration) -> f64 {
    part.as_secs_f64() / whole.as_secs_f64() * 100.0
}
