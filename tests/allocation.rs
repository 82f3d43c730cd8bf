//! Recording a sample allocates nothing, closing a window of latencies a bounded number of times, a recorder takes no more
//! than it says and grows by what latencies need, and a checksum costs the same however many frames it takes in. The counting allocator is this
//! binary's own, which is why the test has a binary of its own.

use std::time::Duration;

use regstorm::exchange::{ConnectionUse, Protocol, Timings};
use regstorm::measure::{
    Catalogue, DropCause, DropReason, DroppedStart, ExchangeSample, FailureClass, Identity,
    IterationSample, LatencyHistogram, Outcome, Period, Recorder, Spent, TrackId,
};
use regstorm::oci::{Checksummer, Operation};
use tokio::time::Instant;

/// No user was free, because the target kept them.
const NO_VU: DroppedStart = DroppedStart {
    reason: DropReason::NoVu,
    cause: DropCause::Target,
};

const LONG_PATH: &str = concat!(
    "/v2/a-long-name-of-a-repository/of-many-parts/of-many-parts/of-many-parts/of-many-parts/of-many-parts/of-many-parts",
    "/of-many-parts/of-many-parts/of-many-parts/of-many-parts/of-many-parts/of-many-parts/of-many-parts/of-many-parts",
    "/of-many-parts/of-many-parts/of-many-parts/of-many-parts/of-many-parts/of-many-parts/of-many-parts/blobs/sha256:9c1f"
);

const OUTCOMES: [Outcome; 3] = [
    Outcome::Ok,
    Outcome::Failed(FailureClass::Reset),
    Outcome::Cancelled,
];

fn catalogue() -> Catalogue {
    Catalogue::new(vec![(
        "pull".into(),
        vec![Operation::ManifestGet, Operation::BlobGet],
    )])
}

fn record_some(recorder: &mut Recorder, track: TrackId, number: u64) {
    // Past 600 s, so that the time series has to widen its windows on the way.
    let finished = Duration::from_secs(number);
    let time = Some(Duration::from_micros(number * 977));
    let identity = Identity {
        when: Instant::now(),
        host: &"registry.example.com:5000",
        // More than is kept of it.
        path: LONG_PATH,
        request_id: Some("3f2a"),
        trace: None,
    };
    for period in Period::ALL {
        for outcome in OUTCOMES {
            recorder.scheduled(track, period, Duration::ZERO);
            recorder.started(track, period, Duration::ZERO);
            let sample = ExchangeSample {
                track,
                operation: Operation::BlobGet,
                period,
                due: Duration::ZERO,
                finished,
                timings: Timings {
                    wait: time,
                    dns: time,
                    connect: time,
                    proxy: time,
                    tls: time,
                    send: time,
                    first_byte: time,
                    body: time,
                    total: Duration::from_secs(number * 7),
                },
                connection: ConnectionUse::New,
                protocol: Some(Protocol::Http1),
                handshake: None,
                sent: 1,
                received: number,
                status: Some(200),
                outcome,
            };
            recorder.exchange(&sample);
            // Each second has slower ones than all before: they are kept in place of others.
            if recorder.is_slow(&sample) {
                recorder.keep_slow(&sample, &identity);
            }
            recorder.iteration(&IterationSample {
                track,
                period,
                scheduled: Duration::ZERO,
                started: Duration::from_micros(number),
                finished,
                sent: 1,
                received: number,
                spent: Spent::at_rest(finished.saturating_sub(Duration::from_micros(number))),
                outcome,
            });
        }
    }
    recorder.transport_bytes(1, number);
    recorder.dropped(track, Period::Measure, Duration::ZERO, NO_VU);
}

#[test]
fn recording_does_not_allocate() {
    let catalogue = catalogue();
    let track = catalogue.track(0).expect("there is one");
    let mut recorder = Recorder::new(&catalogue, &[], Duration::from_mins(1));
    // The very first ones take memory that is there.
    recorder.make_room();
    let counted = allocation_counter::measure(|| record_some(&mut recorder, track, 0));
    assert_eq!(counted.count_total, 0);
    for second in 0..2_000 {
        recorder.make_room();
        // The first sample of a second closes the windows of the one before.
        record_some(&mut recorder, track, second);
        let counted = allocation_counter::measure(|| {
            for _ in 0..3 {
                record_some(&mut recorder, track, second);
            }
        });
        assert_eq!(counted.count_total, 0, "second {second}");
    }
    let record = recorder.into_record();
    assert_eq!(record.totals(Period::Measure).exchanges.ended(), 24_003);
    assert_eq!(record.time_series().window_seconds(), 4);
    // An allocation is counted at all: this operation was not expected.
    let mut recorder = Recorder::new(&catalogue, &[], Duration::from_mins(1));
    let unforeseen = allocation_counter::measure(|| {
        recorder.exchange(&ExchangeSample {
            track,
            operation: Operation::Redirected,
            period: Period::Measure,
            due: Duration::ZERO,
            finished: Duration::ZERO,
            timings: Timings::default(),
            connection: ConnectionUse::None,
            protocol: None,
            handshake: None,
            sent: 0,
            received: 0,
            status: None,
            outcome: Outcome::Ok,
        });
    });
    assert!(unforeseen.count_total > 0);
}

#[test]
fn a_window_costs_a_few_allocations_however_many_samples_it_has() {
    let catalogue = catalogue();
    let track = catalogue.track(0).expect("there is one");
    let mut recorder = Recorder::new(&catalogue, &[], Duration::from_secs(599));
    let (mut count, mut bytes) = (0, 0);
    for second in 0..600 {
        recorder.make_room();
        let counted = allocation_counter::measure(|| {
            for _ in 0..5 {
                record_some(&mut recorder, track, second);
            }
        });
        count += counted.count_total;
        bytes += counted.bytes_current;
    }
    // A response time, a first byte and a total were closed 599 times: one allocation each, and one to cut it to size.
    assert!(count <= 599 * 3 * 2, "{count}");
    assert!(count >= 599 * 3, "{count}");
    // What is kept of a window is a bucket or two, and not all there are.
    assert!(bytes < 599 * 3 * 64, "{bytes}");
}

#[test]
fn a_recorder_takes_what_it_says_and_grows_by_what_latencies_need() {
    let catalogue = catalogue();
    let track = catalogue.track(0).expect("there is one");
    // 6 histograms of the track and 11 of each operation, each with a place for 91 blocks; and 5 series of windows, each with
    // 600 places of two words, and a place for 13 blocks.
    let histograms = 28 * LatencyHistogram::EMPTY_BYTES + 5 * (600 * 16 + 13 * 8);
    assert_eq!(catalogue.empty_bytes(), histograms);
    let counted = allocation_counter::measure(|| {
        let _ = Recorder::new(&catalogue, &[], Duration::from_mins(1));
    });
    let taken = usize::try_from(counted.bytes_max).expect("fits");
    assert!(taken >= histograms);
    // Statuses by operation and period, the windows of counts.
    assert!(taken - histograms < 200_000, "{taken}");

    // Service and response time, start lag, a total; the same in windows of two digits: the response time and the total; and
    // the response time on the progress line.
    let mut recorder = Recorder::new(&catalogue, &[], Duration::from_mins(1));
    let record = |recorder: &mut Recorder, micros: u64| {
        let time = Duration::from_micros(micros);
        recorder.exchange(&ExchangeSample {
            track,
            operation: Operation::BlobGet,
            period: Period::Measure,
            due: Duration::ZERO,
            finished: time,
            timings: Timings {
                total: time,
                ..Timings::default()
            },
            connection: ConnectionUse::New,
            protocol: None,
            handshake: None,
            sent: 0,
            received: 0,
            status: None,
            outcome: Outcome::Ok,
        });
        recorder.iteration(&IterationSample {
            track,
            period: Period::Measure,
            scheduled: Duration::ZERO,
            started: Duration::ZERO,
            finished: time,
            sent: 0,
            received: 0,
            outcome: Outcome::Ok,
            spent: Spent::default(),
        });
    };
    let grown = |recorder: &mut Recorder, micros| {
        let counted = allocation_counter::measure(|| record(recorder, micros));
        (counted.count_current, counted.bytes_current)
    };
    assert_eq!(grown(&mut recorder, 5_000), (7, 7 * 2_048));
    // From 4,096 to 5,119 µs a block of 256 buckets of 4 µs each; with two digits all from 4,096 to 16,383.
    assert_eq!(grown(&mut recorder, 4_096), (0, 0));
    assert_eq!(grown(&mut recorder, 5_120), (3, 3 * 2_048));
}

#[test]
fn a_checksum_allocates_for_a_blob_and_not_for_its_frames() {
    let frame = vec![7; 100_000];
    let mut checksummer = None;
    let begun = allocation_counter::measure(|| checksummer = Some(Checksummer::new()));
    assert!((1..=3).contains(&begun.count_total), "{begun:?}");
    let mut checksummer = checksummer.expect("it was made");
    let taken_in = allocation_counter::measure(|| {
        for length in [1, 300, 100_000, 63, 256, 8_192] {
            checksummer.update(&frame[..length]);
        }
    });
    assert_eq!(taken_in.count_total, 0);
}
