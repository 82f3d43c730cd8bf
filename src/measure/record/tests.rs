//! Recording, merging and the sums, on samples made by hand or at random.

use proptest::prelude::*;
use tokio::time::Instant;

use super::super::{
    BY_EXCHANGE, DropCause, DropReason, DroppedStart, FailureClass, FailureExample,
    IterationFailure, Live, Outcome, Recorder, Spent,
};
use super::*;
use crate::exchange::{ConnectionUse, Phase, Protocol, Timings};
use crate::units::Quantile;

/// No user was free, because the target kept them.
const NO_VU: DroppedStart = DroppedStart {
    reason: DropReason::NoVu,
    cause: DropCause::Target,
};

mod truth;

fn catalogue() -> Catalogue {
    Catalogue::new(vec![
        (
            "pull".into(),
            vec![Operation::ManifestGet, Operation::BlobGet],
        ),
        ("push".into(), vec![Operation::UploadPut]),
    ])
}

fn journey(index: usize) -> JourneyId {
    catalogue().journey(index).unwrap()
}

/// The one track of a journey.
fn track(index: usize) -> TrackId {
    catalogue().track(index).unwrap()
}

/// An exchange of 10 bytes up and 1,000 down, its time divided 1:2 before and after the first byte.
fn exchange(period: Period, operation: Operation, outcome: Outcome, at_ms: u64) -> ExchangeSample {
    ExchangeSample {
        track: track(0),
        operation,
        period,
        due: Duration::ZERO,
        finished: Duration::from_millis(at_ms),
        timings: Timings {
            first_byte: Some(Duration::from_micros(at_ms)),
            body: Some(Duration::from_micros(at_ms * 2)),
            total: Duration::from_micros(at_ms * 3),
            ..Timings::default()
        },
        connection: ConnectionUse::Reused,
        protocol: Some(Protocol::Http1),
        handshake: None,
        sent: 10,
        received: 1_000,
        status: Some(200),
        outcome,
    }
}

fn iteration(journey_index: usize, outcome: Outcome, at_ms: u64) -> IterationSample {
    let at = Duration::from_millis(at_ms);
    IterationSample {
        track: track(journey_index),
        period: Period::Measure,
        scheduled: at.saturating_sub(Duration::from_millis(30)),
        started: at.saturating_sub(Duration::from_millis(20)),
        finished: at,
        sent: 1,
        received: 2,
        spent: Spent::at_rest(at.min(Duration::from_millis(20))),
        outcome,
    }
}

fn run_iteration(recorder: &mut Recorder, sample: &IterationSample) {
    recorder.scheduled(sample.track, sample.period, sample.scheduled);
    recorder.started(sample.track, sample.period, sample.scheduled);
    recorder.iteration(sample);
    if let Outcome::Failed(class) = sample.outcome {
        recorder.iteration_failure(&IterationFailure {
            track: sample.track,
            period: sample.period,
            class,
            cause: BY_EXCHANGE,
            at: sample.finished,
            when: Instant::now(),
            text: &"example",
        });
    }
}

fn run_exchange(recorder: &mut Recorder, sample: &ExchangeSample) {
    recorder.exchange(sample);
    recorder.transport_bytes(sample.sent, sample.received);
    if let Outcome::Failed(class) = sample.outcome {
        recorder.failure_example(&FailureExample {
            track: sample.track,
            period: sample.period,
            operation: sample.operation,
            class,
            status: sample.status,
            code: None,
            at: Duration::ZERO,
            when: Instant::now(),
            asked: None,
            request_id: None,
            trace: None,
            text: &"example",
        });
    }
}

const RESET: Outcome = Outcome::Failed(FailureClass::Reset);

#[test]
fn failures_never_enter_the_latency_of_successes() {
    let mut recorder = Recorder::new(&catalogue(), &[], Duration::from_mins(1));
    run_exchange(
        &mut recorder,
        &exchange(Period::Measure, Operation::BlobGet, Outcome::Ok, 5),
    );
    run_exchange(
        &mut recorder,
        &exchange(Period::Measure, Operation::BlobGet, RESET, 9_000),
    );
    run_exchange(
        &mut recorder,
        &exchange(
            Period::Measure,
            Operation::BlobGet,
            Outcome::Cancelled,
            9_000,
        ),
    );
    run_iteration(&mut recorder, &iteration(0, Outcome::Ok, 40));
    run_iteration(&mut recorder, &iteration(0, RESET, 500));
    let record = recorder.into_record();

    let (_, blobs) = record.operations(journey(0)).nth(1).unwrap();
    assert_eq!(
        blobs.latencies.phases.of(Phase::Total).max(),
        Some(Duration::from_micros(15))
    );
    assert_eq!(
        blobs.latencies.phases.of(Phase::FirstByte).max(),
        Some(Duration::from_micros(5))
    );
    assert_eq!(blobs.latencies.phases.of(Phase::Tls).count(), 0);
    assert_eq!(blobs.latencies.failed_total.count(), 1);
    assert_eq!(
        (
            blobs.counts.outcomes.ok,
            blobs.counts.outcomes.failed,
            blobs.counts.outcomes.cancelled
        ),
        (1, 1, 1)
    );
    assert_eq!(blobs.counts.bytes.received, 3_000);

    let (_, _, pulls) = record.journeys().next().unwrap();
    let micros = |histogram: &LatencyHistogram| histogram.min().map(|it| it.as_micros());
    // The lowest value of the bucket, at most one part in a thousand below.
    assert_eq!(micros(&pulls.latencies.service_time), Some(20_000));
    assert_eq!(micros(&pulls.latencies.response_time), Some(30_000));
    assert_eq!(micros(&pulls.latencies.start_lag), Some(10_000));
    assert_eq!(pulls.latencies.failed_service_time.count(), 1);
    assert!(record.check().holds(), "{:?}", record.check());
}

#[test]
fn only_the_measured_window_feeds_statistics() {
    let mut recorder = Recorder::new(&catalogue(), &[], Duration::from_mins(1));
    for period in [Period::Prepare, Period::WarmUp, Period::CleanUp] {
        run_exchange(
            &mut recorder,
            &exchange(period, Operation::BlobGet, Outcome::Ok, 1),
        );
        run_iteration(
            &mut recorder,
            &IterationSample {
                period,
                ..iteration(0, Outcome::Ok, 100)
            },
        );
    }
    let record = recorder.into_record();
    assert_eq!(record.totals(Period::Measure), &Totals::default());
    assert!(
        record
            .operations(journey(0))
            .all(|(_, it)| it.counts.outcomes.ended() == 0)
    );
    assert_eq!(record.time_series().windows().count(), 0);
    let (operation, tally) = record.tally(Period::WarmUp).operations().next().unwrap();
    assert_eq!((operation, tally.outcomes.ok), (Operation::BlobGet, 1));
    assert_eq!(tally.statuses.iter().collect::<Vec<_>>(), [(200, 1)]);
    assert_eq!(record.totals(Period::WarmUp).iterations.ok, 1);
    assert!(record.check().holds(), "{:?}", record.check());
}

#[test]
fn what_ends_after_the_window_is_counted_but_not_in_the_rate() {
    let mut recorder = Recorder::new(&catalogue(), &[], Duration::from_mins(1));
    recorder.end_window(Duration::from_secs(2));
    recorder.end_window(Duration::from_secs(30)); // it does not open again
    for at_ms in [1_000, 2_000, 2_001] {
        run_exchange(
            &mut recorder,
            &exchange(Period::Measure, Operation::BlobGet, Outcome::Ok, at_ms),
        );
        run_iteration(&mut recorder, &iteration(0, Outcome::Ok, at_ms));
    }
    let record = recorder.into_record();
    assert_eq!(record.window(), Duration::from_secs(2));
    let (_, _, pulls) = record.journeys().next().unwrap();
    assert_eq!(
        (pulls.counts.outcomes.ok, pulls.counts.within_window),
        (3, 2)
    );
    let (_, blobs) = record.operations(journey(0)).nth(1).unwrap();
    assert_eq!(
        (blobs.counts.outcomes.ok, blobs.counts.within_window),
        (3, 2)
    );
    assert_eq!(blobs.counts.bytes_within_window.received, 2_000);
}

#[test]
fn an_operation_that_was_not_foreseen_is_not_lost() {
    let mut recorder = Recorder::new(&catalogue(), &[], Duration::from_mins(1));
    run_exchange(
        &mut recorder,
        &exchange(Period::Measure, Operation::Redirected, RESET, 1),
    );
    let mut record = Recorder::new(&catalogue(), &[], Duration::from_mins(1)).into_record();
    record.merge(recorder.into_record());
    let found = record
        .operations(journey(0))
        .find(|(operation, _)| *operation == Operation::Redirected);
    assert_eq!(found.unwrap().1.counts.outcomes.failed, 1);
    assert!(record.check().holds(), "{:?}", record.check());
}

#[test]
fn a_sum_that_does_not_close_is_named() {
    let mut recorder = Recorder::new(&catalogue(), &[], Duration::from_mins(1));
    recorder.scheduled(track(1), Period::Measure, Duration::ZERO);
    recorder.scheduled(track(1), Period::Measure, Duration::ZERO);
    recorder.started(track(1), Period::Measure, Duration::ZERO); // the other is lost, and this one never ends
    recorder.exchange(&exchange(
        Period::Measure,
        Operation::BlobGet,
        Outcome::Ok,
        1,
    )); // no transport bytes
    let closure = recorder.into_record().check();
    let broken: Vec<_> = closure
        .broken()
        .map(|sum| (sum.name.as_str(), sum.left, sum.right))
        .collect();
    assert_eq!(
        broken,
        [
            ("measure: scheduled = started + dropped", 2, 1),
            (
                "measure: started = ok + failed + cancelled + misbehaved",
                1,
                0
            ),
            ("push: scheduled = started + dropped", 2, 1),
            ("push: started = ok + failed + cancelled + misbehaved", 1, 0),
            ("bytes sent: transport = samples", 0, 10),
            ("bytes received: transport = samples", 0, 1_000),
        ]
    );
}

#[test]
fn the_progress_line_sees_what_goes_on() {
    let mut recorder = Recorder::new(&catalogue(), &[], Duration::from_mins(1));
    run_iteration(&mut recorder, &iteration(0, Outcome::Ok, 1_000));
    run_iteration(&mut recorder, &iteration(1, Outcome::Ok, 1_000));
    recorder.scheduled(track(0), Period::Measure, Duration::ZERO);
    recorder.started(track(0), Period::Measure, Duration::ZERO);
    run_exchange(
        &mut recorder,
        &exchange(Period::Measure, Operation::BlobGet, RESET, 1),
    );
    let mut live = Live::new();
    live.merge(&recorder.live());
    live.merge(&recorder.live());
    assert_eq!(live.active(), 2);
    assert_eq!(live.totals(Period::Measure).iterations.ok, 4);
    assert_eq!(live.totals(Period::Measure).exchanges.failed, 2);
    assert_eq!(live.totals(Period::Measure).bytes.received, 2_000);
    let median = live.response_time(Quantile::P50).unwrap().as_micros();
    assert!((30_000..30_300).contains(&median), "{median}");
}

#[test]
fn latencies_are_kept_in_the_windows_of_the_time_series() {
    let mut recorder = Recorder::new(&catalogue(), &[], Duration::from_mins(1));
    for (outcome, at_ms) in [
        (Outcome::Ok, 400),
        (RESET, 500),
        (Outcome::Ok, 2_700),
        (Outcome::Ok, 2_800),
        (Outcome::Ok, 999), // told late
        (RESET, 1_200_000), // widens the windows to 4 s, and has no place among the ok ones
    ] {
        let blob = exchange(Period::Measure, Operation::BlobGet, outcome, at_ms);
        run_exchange(&mut recorder, &blob);
        run_iteration(&mut recorder, &iteration(0, outcome, at_ms));
    }
    let record = recorder.into_record();
    assert_eq!(record.time_series().window_seconds(), 4);
    let series: Vec<_> = record.latency_series().collect();
    let names: Vec<_> = series.iter().map(|(name, _)| name.to_string()).collect();
    // What did not occur is not there: nobody got a manifest.
    assert_eq!(
        names,
        [
            "pull.response_time",
            "push.response_time",
            "blob-get.first-byte",
            "blob-get.total"
        ]
    );
    for (name, windows) in &series {
        assert_eq!(windows.len(), 301, "{name}");
        let ok = if name.journey() == Some("push") { 0 } else { 4 };
        let counts: Vec<_> = windows.iter().map(PackedHistogram::count).collect();
        assert_eq!((counts[0], counts[1..].iter().sum()), (ok, 0), "{name}");
    }
    // 400, 999, 2,700 and 2,800 µs, known to one in a hundred.
    let first_bytes: Vec<_> = series[2].1[0].buckets().collect();
    for (bucket, exact) in first_bytes.iter().zip([400, 999, 2_700, 2_800]) {
        let exact = Duration::from_micros(exact);
        assert!(bucket.low <= exact && exact <= bucket.high, "{bucket:?}");
    }
    assert!(record.check().holds(), "{:?}", record.check());
}

#[test]
#[should_panic(expected = "two different plans")]
fn records_of_different_plans_do_not_merge() {
    let other = Catalogue::new(vec![("poll".into(), vec![])]);
    let mut record = Recorder::new(&catalogue(), &[], Duration::ZERO).into_record();
    record.merge(Recorder::new(&other, &[], Duration::ZERO).into_record());
}

/// What a worker may be told.
#[derive(Debug, Clone)]
enum Event {
    Exchange(ExchangeSample),
    Iteration(IterationSample),
    Dropped(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![
        Just(Outcome::Ok),
        prop::sample::select(&FailureClass::ALL[..]).prop_map(Outcome::Failed),
        Just(Outcome::Cancelled),
    ];
    let period = prop::sample::select(&Period::ALL[..]);
    let operation = prop::sample::select(&Operation::ALL[..]);
    (0..3, period, operation, outcome, 0_u64..3_000_000).prop_map(
        |(kind, period, operation, outcome, at_ms)| match kind {
            0 => Event::Exchange(exchange(period, operation, outcome, at_ms)),
            1 => Event::Iteration(IterationSample {
                period,
                ..iteration(usize::from(at_ms % 2 == 0), outcome, at_ms)
            }),
            _ => Event::Dropped(usize::from(at_ms % 2 == 0)),
        },
    )
}

fn play(recorder: &mut Recorder, event: &Event) {
    match event {
        Event::Exchange(sample) => {
            run_exchange(recorder, sample);
        }
        Event::Iteration(sample) => run_iteration(recorder, sample),
        Event::Dropped(index) => {
            recorder.scheduled(track(*index), Period::Measure, Duration::ZERO);
            recorder.dropped(track(*index), Period::Measure, Duration::ZERO, NO_VU);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn merging_workers_is_recording_into_one(events in prop::collection::vec((event(), any::<bool>()), 0..60)) {
        let new = || Recorder::new(&catalogue(), &[], Duration::from_mins(1));
        let (mut one, mut left, mut right) = (new(), new(), new());
        for (event, to_left) in &events {
            play(&mut one, event);
            play(if *to_left { &mut left } else { &mut right }, event);
        }
        let mut live = left.live();
        live.merge(&right.live());
        prop_assert_eq!(&live, &one.live());
        let mut merged = left.into_record();
        merged.merge(right.into_record());
        let one = one.into_record();
        prop_assert!(merged.check().holds(), "{:?}", merged.check());
        // Their order, and which example of several at one instant is kept, depend on who met them first.
        let kinds = |record: &Record| {
            let kinds = record.failures().kinds.iter();
            let mut kinds: Vec<_> = kinds
                .map(|it| (it.period, it.operation, it.class, it.status, it.count))
                .collect();
            kinds.sort_unstable();
            kinds
        };
        prop_assert_eq!(kinds(&merged), kinds(&one));
        // Window by window what ended in it, however the workers shared it.
        for (_, windows) in merged.latency_series() {
            prop_assert_eq!(windows.len(), merged.time_series().windows().count());
        }
        let pulls = merged.latency_series().next().unwrap().1;
        for (latencies, (_, journeys)) in pulls.iter().zip(merged.time_series().windows()) {
            prop_assert_eq!(latencies.count(), journeys[0].iterations.ok);
        }
        merged.failures = FailureLog::default();
        merged.iteration_failures = IterationFailureLog::default();
        let one = Record {
            failures: FailureLog::default(),
            iteration_failures: IterationFailureLog::default(),
            ..one
        };
        prop_assert!(merged == one);
    }
}
