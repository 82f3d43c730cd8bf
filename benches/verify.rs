//! What it costs to check a blob while it comes, by each of the ways, on one core.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use regstorm::oci::{Algorithm, Checksummer};

/// Bytes of a frame, as large as the connection hands them up.
const FRAME: usize = 256 * 1024;

/// Frames of one blob: 16 MiB, more than the caches near the core hold.
const FRAMES: usize = 64;

fn frames() -> Vec<Vec<u8>> {
    let byte = |place: usize| u8::try_from(place * 7 % 251).expect("below 251");
    let frame = |number: usize| (0..FRAME).map(|place| byte(place + number)).collect();
    (0..FRAMES).map(frame).collect()
}

fn verify(c: &mut Criterion) {
    let frames = frames();
    let mut group = c.benchmark_group("verify");
    group.throughput(Throughput::Bytes((FRAME * FRAMES) as u64));
    group.sample_size(20);
    group.bench_function("every copy by SHA-256", |b| {
        b.iter(|| {
            let mut hasher = Algorithm::Sha256.hasher();
            for frame in &frames {
                hasher.update(black_box(frame));
            }
            hasher.finish()
        });
    });
    group.bench_function("a first copy, by SHA-256 and XXH3", |b| {
        b.iter(|| {
            let mut hasher = Algorithm::Sha256.hasher();
            let mut checksummer = Checksummer::new();
            for frame in &frames {
                hasher.update(black_box(frame));
                checksummer.update(black_box(frame));
            }
            (hasher.finish(), checksummer.finish())
        });
    });
    group.bench_function("a later copy, by XXH3", |b| {
        b.iter(|| {
            let mut checksummer = Checksummer::new();
            for frame in &frames {
                checksummer.update(black_box(frame));
            }
            checksummer.finish()
        });
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
