//! What one arrival costs the generator: when it is due, handing it to a user, and recording it, without the request.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use regstorm::engine::{Due, IdleUsers};
use regstorm::measure::{Catalogue, IterationSample, Outcome, Period, Recorder, Spent};
use regstorm::schedule::{Curve, Spacing};
use regstorm::units::Rate;
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::{spawn_local, yield_now};
use tokio::time::Instant;

const ARRIVALS: u64 = 10_000;

/// One second of 10,000 a second.
fn curve() -> Curve {
    Curve::Constant {
        rate: Rate::new(10_000.0, Duration::from_secs(1)).expect("a rate that is allowed"),
        duration: Duration::from_secs(1),
    }
}

fn schedule(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("arrival");
    group.throughput(Throughput::Elements(ARRIVALS));
    for (name, spacing) in [
        ("due, uniform", Spacing::Uniform),
        ("due, poisson", Spacing::Poisson),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for arrival in curve().arrivals(spacing, 42) {
                    black_box(arrival);
                }
            });
        });
    }
    group.finish();
}

/// The whole way: the stream, a user that waits and is woken, and the counts and histograms of its iteration.
fn hand_over(criterion: &mut Criterion) {
    let track = catalogue().track(0).expect("there is one");
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .expect("an event loop");
    let mut group = criterion.benchmark_group("arrival");
    group.throughput(Throughput::Elements(ARRIVALS));
    group.bench_function("due, handed over, recorded", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let idle_users = IdleUsers::new(1, 0);
                let user = Rc::clone(&idle_users);
                let begin = Instant::now();
                let done = spawn_local(async move {
                    let mut recorder = Recorder::new(&catalogue(), &[], Duration::from_secs(1));
                    while let Some(due) = user.next(0).await {
                        let at = due.at.saturating_duration_since(begin);
                        recorder.scheduled(track, Period::Measure, at);
                        recorder.started(track, Period::Measure, at);
                        recorder.iteration(&IterationSample {
                            track,
                            period: Period::Measure,
                            scheduled: at,
                            started: at,
                            finished: at + Duration::from_micros(due.index % 1_000),
                            sent: 0,
                            received: 1_000,
                            spent: Spent::default(),
                            outcome: Outcome::Ok,
                        });
                    }
                    recorder
                });
                yield_now().await;
                for arrival in curve().arrivals(Spacing::Uniform, 42) {
                    idle_users.offer(Due {
                        index: arrival.index,
                        at: begin + arrival.due,
                        stage: arrival.stage,
                    });
                    // The user has its turn.
                    yield_now().await;
                }
                idle_users.close();
                black_box(done.await.expect("the user does not panic"));
            });
        });
    });
    group.finish();
}

fn catalogue() -> Catalogue {
    Catalogue::new(vec![("pull".into(), Vec::new())])
}

criterion_group!(benches, schedule, hand_over);
criterion_main!(benches);
