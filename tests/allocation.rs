//! Recording a sample allocates nothing, and a recorder reserves no more than it says. The counting allocator is
//! this binary's own, which is why the test has a binary of its own.

use std::time::Duration;

use regstorm::measure::{
    Catalogue, Connection, ExchangeSample, FailureClass, IterationSample, JourneyId,
    LatencyHistogram, Outcome, Period, Phases, Recorder,
};
use regstorm::oci::Operation;

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

fn record_some(recorder: &mut Recorder, journey: JourneyId, number: u64) {
    // Past 600 s, so that the time series has to widen its windows on the way.
    let finished = Duration::from_secs(number);
    let time = Some(Duration::from_micros(number * 977));
    for period in Period::ALL {
        for outcome in OUTCOMES {
            recorder.scheduled(journey, period);
            recorder.started(journey, period);
            recorder.exchange(&ExchangeSample {
                journey,
                operation: Operation::BlobGet,
                period,
                finished,
                phases: Phases {
                    wait: time,
                    dns: time,
                    connect: time,
                    tls: time,
                    send: time,
                    first_byte: time,
                    body: time,
                    total: Duration::from_secs(number * 7),
                },
                connection: Connection::New,
                sent: 1,
                received: number,
                status: Some(200),
                outcome,
            });
            recorder.iteration(&IterationSample {
                journey,
                period,
                scheduled: Duration::ZERO,
                started: Duration::from_micros(number),
                finished,
                sent: 1,
                received: number,
                outcome,
            });
        }
    }
    recorder.transport_bytes(1, number);
    recorder.dropped(journey, Period::Measure);
}

#[test]
fn recording_does_not_allocate() {
    let catalogue = catalogue();
    let journey = catalogue.journey(0).expect("there is one");
    let mut recorder = Recorder::new(&catalogue, Duration::from_mins(1));
    let counted = allocation_counter::measure(|| {
        for number in 0..2_000 {
            record_some(&mut recorder, journey, number);
        }
    });
    assert_eq!(counted.count_total, 0);
    let record = recorder.into_record();
    assert_eq!(record.totals(Period::Measure).exchanges.ended(), 6_000);
    assert_eq!(record.time_series().window_seconds(), 4);
    // An allocation is counted at all: this operation was not expected.
    let mut recorder = Recorder::new(&catalogue, Duration::from_mins(1));
    let unforeseen = allocation_counter::measure(|| {
        recorder.exchange(&ExchangeSample {
            journey,
            operation: Operation::Redirected,
            period: Period::Measure,
            finished: Duration::ZERO,
            phases: Phases::default(),
            connection: Connection::None,
            sent: 0,
            received: 0,
            status: None,
            outcome: Outcome::Ok,
        });
    });
    assert!(unforeseen.count_total > 0);
}

#[test]
fn a_recorder_reserves_what_it_says() {
    let catalogue = catalogue();
    // 4 histograms of the journey and 9 of each operation, of 23 * 1,024 buckets.
    let histograms = 22 * LatencyHistogram::RESERVED_BYTES;
    assert_eq!(catalogue.reserved_bytes(), histograms);
    let counted = allocation_counter::measure(|| {
        let _ = Recorder::new(&catalogue, Duration::from_mins(1));
    });
    let reserved = usize::try_from(counted.bytes_max).expect("fits");
    assert!(reserved >= histograms);
    // Statuses by operation and period, the windows, the progress line.
    assert!(reserved - histograms < 1_000_000, "{reserved}");
}
