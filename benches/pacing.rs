//! How late iterations start that are due at a rate: the lag of the pacer, idle and beside work of its own.
//!
//! `cargo bench --bench pacing`. One event loop, as a worker has it. `work` keeps it busy for a share of the time in
//! pieces of 20 µs, about what a request costs. tokio's own timer stands beside it for comparison.

use std::hint::black_box;
use std::time::Duration;

use regstorm::engine::Pacer;
use regstorm::measure::LatencyHistogram;
use regstorm::schedule::{Curve, Spacing};
use regstorm::units::{Quantile, Rate, duration};
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::{Instant, sleep_until};

const SECONDS: Duration = Duration::from_secs(3);
const PIECE: Duration = Duration::from_micros(20);

#[expect(clippy::print_stdout, reason = "a bench tells what it found")]
fn main() {
    println!("start lag            rate   p50       p99       p99.9     max");
    for (per_second, work) in [(1_000_u32, 0.0), (10_000, 0.0), (1_000, 0.8), (10_000, 0.8)] {
        let lag = paced(per_second, work, true);
        tell("pacer", per_second, work, &lag);
    }
    for per_second in [1_000, 10_000] {
        let lag = paced(per_second, 0.0, false);
        tell("tokio sleep_until", per_second, 0.0, &lag);
    }
}

#[expect(clippy::print_stdout, reason = "a bench tells what it found")]
fn tell(name: &str, per_second: u32, work: f64, lag: &LatencyHistogram) {
    let at = |quantile| lag.quantile(quantile).map_or("-".to_owned(), duration);
    let name = if work > 0.0 {
        format!("{name}, {:.0}% work", work * 100.0)
    } else {
        name.to_owned()
    };
    println!(
        "{name:17} {per_second:>6}/s   {:8}  {:8}  {:8}  {:8}",
        at(Quantile::P50),
        at(Quantile::P99),
        at(Quantile::P999),
        lag.max().map_or("-".to_owned(), duration)
    );
}

/// How late the starts of some seconds were.
fn paced(per_second: u32, work: f64, precise: bool) -> LatencyHistogram {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .expect("an event loop");
    let curve = Curve::Constant {
        rate: Rate::new(f64::from(per_second), Duration::from_secs(1)).expect("an allowed rate"),
        duration: SECONDS,
    };
    // So many pieces of work for each arrival come to that share of the time.
    let pieces = work / f64::from(per_second) / PIECE.as_secs_f64();
    let mut lag = LatencyHistogram::new();
    runtime.block_on(async {
        let mut pacer = Pacer::new().expect("a timer");
        let begin = Instant::now() + Duration::from_millis(10);
        let mut owed = 0.0;
        for arrival in curve.arrivals(Spacing::Uniform, 0) {
            let due = begin + arrival.due;
            if precise {
                pacer.wait_until(due).await.expect("a timer");
            } else {
                sleep_until(due).await;
            }
            lag.record(Instant::now().saturating_duration_since(due));
            owed += pieces;
            while owed >= 1.0 {
                owed -= 1.0;
                busy();
            }
        }
    });
    lag
}

/// Works for a piece of time.
fn busy() {
    let until = Instant::now() + PIECE;
    while Instant::now() < until {
        black_box(());
    }
}
