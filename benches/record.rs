//! What it costs to record a sample: the price that every exchange pays inside the measured time.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use regstorm::exchange::{ConnectionUse, Protocol, Timings};
use regstorm::measure::{
    Catalogue, ExchangeSample, IterationSample, Outcome, Period, Recorder, Spent, TrackId,
};
use regstorm::oci::Operation;

const OPERATIONS: [Operation; 4] = [
    Operation::ManifestHead,
    Operation::ManifestGet,
    Operation::BlobGet,
    Operation::Token,
];

/// A spread of latencies, so that the buckets are not all in the nearest cache.
fn spread(number: u64) -> Duration {
    Duration::from_micros(100 + number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 50_000)
}

fn exchange(track: TrackId, number: u64) -> ExchangeSample {
    ExchangeSample {
        track,
        operation: OPERATIONS[usize::try_from(number % 4).expect("below 4")],
        period: Period::Measure,
        due: Duration::ZERO,
        finished: Duration::from_micros(number),
        timings: Timings {
            wait: Some(Duration::from_micros(2)),
            send: Some(Duration::from_micros(15)),
            first_byte: Some(spread(number)),
            body: Some(spread(number + 1)),
            total: spread(number) + spread(number + 1),
            ..Timings::default()
        },
        connection: ConnectionUse::Reused,
        protocol: Some(Protocol::Http1),
        handshake: None,
        sent: 0,
        received: 4096,
        status: Some(200),
        outcome: Outcome::Ok,
    }
}

fn record(c: &mut Criterion) {
    let catalogue = Catalogue::new(vec![("pull".into(), OPERATIONS.to_vec())]);
    let track = catalogue.track(0).expect("there is one");
    let mut recorder = Recorder::new(&catalogue, &[], Duration::from_mins(2));

    let mut number = 0;
    c.bench_function("record/exchange of five phases", |b| {
        b.iter(|| {
            number = (number + 1) % 100_000_000;
            recorder.exchange(black_box(&exchange(track, number)));
        });
    });
    c.bench_function("record/iteration", |b| {
        b.iter(|| {
            number = (number + 1) % 100_000_000;
            let finished = Duration::from_secs(1) + Duration::from_micros(number);
            recorder.iteration(black_box(&IterationSample {
                track,
                period: Period::Measure,
                scheduled: Duration::from_micros(number),
                started: Duration::from_micros(number + 10),
                finished,
                sent: 0,
                received: 40_960,
                spent: Spent::default(),
                outcome: Outcome::Ok,
            }));
        });
    });
    c.bench_function("record/snapshot for the progress line", |b| {
        b.iter(|| black_box(recorder.live()));
    });
}

criterion_group!(benches, record);
criterion_main!(benches);
