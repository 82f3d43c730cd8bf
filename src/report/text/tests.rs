//! The summary as a person sees it, of documents whose numbers are made by hand.

use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

use super::*;
use crate::exchange::Phase;
use crate::health::{Health, Level, Reason, Signal, Signals, TargetHost};
use crate::measure::Catalogue;
use crate::measure::{
    BY_EXCHANGE, Bytes, Closure, Connections, FailureClass, FailureKind, FailureLog, IterationTime,
    JourneyCounts, JourneyLatencies, LatencyHistogram, OperationCounts, OperationLatencies,
    Outcomes, Period, PeriodTally, Record, Recorder, Starts, Totals,
};
use crate::oci::{Digest, Operation};
use crate::result::{
    Environment, Example, Facts, FailureSection, GeneratorSection, IterationFailureEntry,
    JourneySection, OperationSection, PlanSection, RunVerdict, TargetHeaders, WallClock,
};

/// The durations from `first` to `last` milliseconds, each once.
fn millis(first: u64, last: u64) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    for value in first..=last {
        histogram.record(Duration::from_millis(value));
    }
    histogram
}

fn outcomes(ok: u64, failed: u64, cancelled: u64) -> Outcomes {
    Outcomes {
        ok,
        failed,
        cancelled,
        misbehaved: 0,
    }
}

/// A run in which nothing happened.
fn empty() -> Document {
    let catalogue = Catalogue::new(vec![("rollout".into(), vec![Operation::BlobGet])]);
    let record: Record = Recorder::new(&catalogue, &[], Duration::from_secs(20)).into_record();
    let facts = Facts {
        plan: PlanSection {
            name: "rollout".into(),
            seed: 42,
            // sha256 of nothing begins with e3b0c442.
            fingerprint: Digest::sha256(b""),
            resolved: serde_json::Value::Null,
            found: Vec::new(),
        },
        environment: Environment {
            host: None,
            kernel: None,
            cpu_model: None,
            cores: 2,
            memory_bytes: None,
            labels: BTreeMap::new(),
            ci: BTreeMap::new(),
            started: String::new(),
            ended: String::new(),
            clock: WallClock::default(),
        },
        target: TargetHeaders::default(),
        interrupted: false,
        open_model: true,
        thresholds: Vec::new(),
        generator: GeneratorSection {
            health: Health {
                reasons: Vec::new(),
                not_judged: Vec::new(),
                target_host: TargetHost::Same,
            },
            ceiling_share: Some(0.21),
            pacer_lag: LatencyHistogram::new(),
            signals: Signals::default(),
        },
        search: None,
        probe: None,
        opened: Instant::now(),
        stage_lengths: BTreeMap::new(),
        period_durations: BTreeMap::new(),
        notes: vec![],
    };
    Document::new(&record, facts)
}

fn journey() -> JourneySection {
    JourneySection {
        name: "rollout".into(),
        counts: JourneyCounts {
            starts: Starts {
                scheduled: 1_010,
                started: 1_008,
                dropped: 2,
            },
            outcomes: outcomes(1_000, 6, 2),
            failure_classes: [(FailureClass::Reset, 6)].into_iter().collect(),
            bytes: Bytes {
                sent: 0,
                received: 1_414_213_562,
            },
            // Of 1,008: 412 ms each, of which 395, 12 and 5.
            time: IterationTime {
                total: 1_008 * Duration::from_millis(412),
                operations: 1_008 * Duration::from_millis(395),
                pauses: 1_008 * Duration::from_millis(12),
                rest: 1_008 * Duration::from_millis(5),
                retries: 9,
                paused_iterations: 7,
                longest_pause: Duration::from_secs(5),
            },
            within_window: 998,
            ..JourneyCounts::default()
        },
        iterations_per_s: 49.9,
        latencies: JourneyLatencies {
            service_time: millis(1, 1_000),
            response_time: millis(1_001, 2_000),
            start_lag: millis(1, 1),
            failed_service_time: millis(5, 5),
            ..JourneyLatencies::default()
        },
        stages: Vec::new(),
        clients: Vec::new(),
        operations: vec![],
        ranges: Vec::new(),
    }
}

fn operation(
    name: Operation,
    ok: u64,
    phases: BTreeMap<Phase, LatencyHistogram>,
) -> OperationSection {
    OperationSection {
        name,
        count: ok + 7,
        counts: OperationCounts {
            outcomes: outcomes(ok, 6, 1),
            statuses: [(200, ok)].into_iter().collect(),
            connections: Connections {
                new: 2,
                reused: 54,
                http1: 56,
                ..Connections::default()
            },
            within_window: ok,
            ..OperationCounts::default()
        },
        requests_per_s: 379.4,
        sent_per_s: 0.0,
        received_per_s: 1_410_000_000.0,
        latencies: OperationLatencies {
            phases: phases.into_iter().collect(),
            ..OperationLatencies::default()
        },
        slowest: Vec::new(),
    }
}

fn failures() -> FailureSection {
    FailureSection {
        exchanges: FailureLog {
            kinds: vec![FailureKind {
                period: Period::Measure,
                operation: Operation::BlobGet,
                class: FailureClass::Status,
                status: Some(503),
                code: Some("UNAVAILABLE".into()),
                count: 6,
                example: Example {
                    journey: "rollout".into(),
                    at_us: 107_310_999,
                    time: "2026-01-02T03:04:52.310000Z".into(),
                    host: Some("registry:5000".into()),
                    path: Some("/v2/app/blobs/sha256:9c1f".into()),
                    repository: Some("app".into()),
                    request_id: Some("3f2a".into()),
                    trace_id: None,
                    text: "no\x1b[31m backend".into(),
                },
            }],
            other: 2,
        },
        iterations: vec![
            IterationFailureEntry {
                period: Period::Measure,
                journey: "rollout".into(),
                class: FailureClass::Timeout,
                cause: "iteration-timeout".into(),
                count: 9,
                time: "2026-01-02T03:05:07.000000Z".into(),
                text: "given up after its iteration_timeout".into(),
            },
            IterationFailureEntry {
                period: Period::Measure,
                journey: "rollout".into(),
                class: FailureClass::Status,
                cause: BY_EXCHANGE.into(),
                count: 6,
                time: "2026-01-02T03:05:08.000000Z".into(),
                text: "blob-get: no backend".into(),
            },
        ],
    }
}

fn busy() -> Document {
    let few = BTreeMap::from([
        (Phase::Total, millis(1, 50)),
        (Phase::FirstByte, millis(101, 150)),
    ]);
    Document {
        target: TargetHeaders {
            server: Some("nginx".into()),
            docker_distribution_api_version: Some("registry/2.0".into()),
        },
        totals: Totals {
            exchanges: outcomes(54_000, 6, 1),
            ..Totals::default()
        },
        journeys: vec![journey()],
        operations: vec![
            operation(Operation::BlobGet, 50, few),
            operation(Operation::Token, 0, BTreeMap::new()),
        ],
        periods: vec![PeriodSection {
            period: Period::WarmUp,
            duration_us: 10_000_000,
            totals: Totals {
                exchanges: outcomes(1_200, 3, 0),
                bytes: Bytes {
                    sent: 0,
                    received: 33_600_000,
                },
                ..Totals::default()
            },
            operations: PeriodTally::default(),
        }],
        verdict: RunVerdict::Invalid,
        generator: GeneratorSection {
            health: Health {
                reasons: vec![Reason {
                    level: Level::Invalid,
                    signal: Signal::StartLag,
                    subject: Some("rollout".into()),
                    observed: "p99 12 ms".into(),
                    bound: "at most 10 ms".into(),
                    advice: "use more cores".into(),
                }],
                not_judged: Vec::new(),
                target_host: TargetHost::Same,
            },
            ..empty().generator
        },
        failures: failures(),
        clamped: 0,
        notes: vec!["the target is on this machine".into()],
        closure: Closure {
            sums: vec![Sum {
                name: "rollout: all".into(),
                left: 5,
                right: 5,
            }],
        },
        ..empty()
    }
}

/// Every number follows from `busy`: of 1, 2, ..., 1,000 ms the median is the 500th, p99.9 the 999th; 54 of 56
/// connections are 96.4%; 6 of 54,007 are 0.0111%, 6 of 7 85.7%; 107,310,999 µs are 1 minute 47.310 s.
const BUSY: &str = "\
verdict     INVALID   the generator was the limit, not the target
            start-lag of rollout: p99 12 ms (at most 10 ms)
target      Docker-Distribution-Api-Version: registry/2.0 · Server: nginx
failed      6 of 54,007 exchanges (0.0111%)
            most in token, where 6 of 7 failed (85.7%)
            0 of 0 iterations, 9 retries
run         rollout · seed 42 · plan e3b0c44
window      20 s · open model: response time from the scheduled start, service time from the real one

journey  planned  started     ok  failed  dropped  cancelled    rate  sent  received
rollout    1,010    1,008  1,000       6        2          2  49.9/s   0 B   1.41 GB

journey                    p50     p90     p95     p99   p99.9     max
rollout  response time  1.50 s  1.90 s  1.95 s  1.99 s  2.00 s  2.00 s
         service time   500 ms  900 ms  950 ms  990 ms  999 ms  1.00 s

journey    time  = operations  + pauses  + rest  retries  paused  longest
rollout  412 ms        395 ms     12 ms    5 ms        9       7      5 s

operation  count  errors  cancelled  reused   rate   sent   received
blob-get      57       6          1   96.4%  379/s  0 B/s  1.41 GB/s
token          7       6          1   96.4%  379/s  0 B/s  1.41 GB/s

operation   total min      p50      p90      p95  p99  p99.9      max
blob-get         1 ms  25.0 ms  45.0 ms  48.0 ms    -      -  50.0 ms
token      no samples

operation  first byte p50 / p99
blob-get             125 ms / -
token                no samples
-: no such phase, or too few samples to know (p99 needs 100, p99.9 needs 1,000)

failures    6 of 54,007 exchanges and 0 of 0 iterations in the window
            6 × blob-get status 503 UNAVAILABLE, e.g. at 1:47.310 in rollout: no [31m backend
              2026-01-02T03:04:52.310000Z registry:5000 /v2/app/blobs/sha256:9c1f request 3f2a
            2 × other kinds, see the report
            9 × rollout timeout (iteration-timeout), first at 2026-01-02T03:05:07.000000Z: given up after its
            iteration_timeout
            6 × rollout status: an exchange of the iteration failed, see above
outside     warm-up 1,203 exchanges in 10 s, 3 failed, 33.6 MB received
note        the target is on this machine
sums        close (1 checked)
generator   INVALID · 21% of this machine's ceiling · target on the same host
            invalid: start-lag of rollout p99 12 ms (bound at most 10 ms): use more cores
verdict     INVALID   the generator was the limit, not the target
report      out/base.json
";

#[test]
fn is_what_the_document_says() {
    let text = summary(&busy(), Some(120), false, Some(Path::new("out/base.json")));
    assert_eq!(text, BUSY, "\n{text}");
}

#[test]
fn nothing_is_not_zero() {
    let text = summary(&empty(), Some(120), false, None);
    assert_eq!(text.matches("no samples").count(), 3, "\n{text}");
    assert!(!text.contains("µs") && !text.contains("NaN"), "\n{text}");
    assert!(text.contains("0 of 0 exchanges"), "\n{text}");
}

#[test]
fn a_closed_model_has_one_time() {
    let document = Document {
        open_model: false,
        ..busy()
    };
    let text = summary(&document, Some(120), false, None);
    assert!(!text.contains("response time  1.50 s"), "\n{text}");
    assert!(text.contains("rollout  service time  500 ms"), "\n{text}");
    assert!(text.contains("closed model"), "\n{text}");
}

#[test]
fn a_defect_is_not_overlooked() {
    let closure = Closure {
        sums: vec![Sum {
            name: "rollout: started = ended".into(),
            left: 7,
            right: 6,
        }],
    };
    let document = Document {
        closure,
        clamped: 3,
        interrupted: true,
        ..busy()
    };
    let text = summary(&document, Some(120), false, None);
    assert!(text.contains("DO NOT CLOSE"), "\n{text}");
    assert!(
        text.contains("rollout: started = ended: 7 and 6"),
        "\n{text}"
    );
    assert!(text.contains("3 durations were more than 1 h"), "\n{text}");
    assert!(text.contains("interrupted"), "\n{text}");
}

#[test]
fn many_kinds_of_failures_do_not_scroll() {
    let mut document = busy();
    document.failures.exchanges.kinds = vec![document.failures.exchanges.kinds[0].clone(); 40];
    let text = summary(&document, Some(120), false, None);
    assert_eq!(text.matches("6 × blob-get").count(), 10);
    assert!(text.contains("182 × other kinds"), "\n{text}"); // 30 * 6 + 2
}

mod fitting;
