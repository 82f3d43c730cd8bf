//! Documents and comparisons made by hand, for the tests of renderers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::exchange::Phase;
use crate::health::{Health, Level, Reason, Signal, Signals, TargetHost};
use crate::measure::{
    Bytes, Catalogue, FailureClass, FailureKind, JourneyCounts, JourneyLatencies, LatencyHistogram,
    Observed, OperationCounts, OperationLatencies, Outcomes, PackedHistogram, Period, Record,
    Recorder, Starts, Sum,
};
use crate::oci::{Digest, Operation};
use crate::result::{
    Aspect, Better, Comparison, ComparisonSchema, ComparisonVerdict, Decision, Design, Difference,
    DiscardedPair, Document, Environment, Example, Facts, GeneratorSection, JourneySection,
    LatencySeries, Method, MetricComparison, MetricUnit, OperationSection, PlanSection, RunVerdict,
    TargetHeaders, WallClock,
};
use crate::verdict::{self, Figure, Observation, Status, ThresholdResult};

/// What a server or a scenario might say to break a format.
pub(crate) const HOSTILE: &str =
    "=a|b`c`<script>alert(1)</script>\r\n# \"x\" 'y' \u{1b}[31m\u{0}\u{202e},{z}\\ @team & ]]>";

/// Returns the durations from `first` to `last` milliseconds, each once.
pub(crate) fn millis(first: u64, last: u64) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    for value in first..=last {
        histogram.record(Duration::from_millis(value));
    }
    histogram
}

/// Returns a run in which nothing happened.
pub(crate) fn empty() -> Document {
    let catalogue = Catalogue::new(vec![("pull".into(), vec![Operation::BlobGet])]);
    let record: Record = Recorder::new(&catalogue, &[], Duration::from_secs(20)).into_record();
    let facts = Facts {
        plan: PlanSection {
            name: "rollout".into(),
            seed: 42,
            fingerprint: Digest::sha256(b""),
            resolved: serde_json::Value::Null,
            found: Vec::new(),
        },
        environment: Environment {
            host: Some("node-a".into()),
            kernel: Some("6.1.0".into()),
            cpu_model: Some("Fast CPU".into()),
            cores: 2,
            memory_bytes: Some(8_000_000_000),
            labels: BTreeMap::from([("build".into(), "1.4.2".into())]),
            ci: BTreeMap::from([("GITHUB_RUN_ID".into(), "17".into())]),
            started: "2026-01-02T03:04:05.000Z".into(),
            ended: "2026-01-02T03:04:35.000Z".into(),
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
                target_host: TargetHost::Other,
            },
            ceiling_share: Some(0.21),
            pacer_lag: LatencyHistogram::new(),
            signals: Signals::default(),
        },
        search: None,
        probe: None,
        opened: Instant::now(),
        stage_lengths: BTreeMap::new(),
        period_durations: BTreeMap::from([
            (Period::Prepare, Duration::from_secs(2)),
            (Period::WarmUp, Duration::from_secs(3)),
        ]),
        notes: Vec::new(),
    };
    Document::new(&record, facts)
}

/// Returns a run of 1,000 good pulls: response times of 1,001 to 2,000 ms, blobs of 1 to 1,000 ms.
pub(crate) fn document() -> Document {
    let mut document = empty();
    document.window_us = 20_000_000;
    document.verdict = RunVerdict::Pass;
    document.journeys = vec![pulls()];
    document.operations = vec![blobs()];
    document.totals.iterations = document.journeys[0].counts.outcomes;
    document.totals.starts = document.journeys[0].counts.starts;
    document.totals.exchanges = document.operations[0].counts.outcomes;
    document.totals.bytes = document.operations[0].counts.bytes;
    document.failures.exchanges.kinds = vec![FailureKind {
        period: Period::Measure,
        operation: Operation::BlobGet,
        class: FailureClass::Unavailable,
        status: Some(503),
        code: Some("UNAVAILABLE".into()),
        count: 6,
        example: Example {
            journey: "pull".into(),
            at_us: 47_310_000,
            time: "2026-01-02T03:04:52.310000Z".into(),
            host: Some("registry:5000".into()),
            path: Some("/v2/app/blobs/sha256:9c1f".into()),
            repository: Some("app".into()),
            request_id: Some("3f2a".into()),
            trace_id: None,
            text: "no backend".into(),
        },
    }];
    document
}

/// Returns a minute of these pulls, whose p99 follows the goroutines of the target. The target used half a core and leaks
/// 10 kB a second, was restarted after 30 s, and was not read in the fifth second.
pub(crate) fn observed() -> Document {
    let mut document = document();
    document.window_us = 60_000_000;
    document.plan.resolved = json!({"journey": {"pull": {"action": "pull"}}});
    let outcomes = json!({"ok": 100, "failed": 0, "cancelled": 0});
    let journey =
        json!({"iterations": outcomes, "service_time_sum_us": 0, "service_time_max_us": 0});
    let window = json!({
        "exchanges": outcomes, "bytes": {"sent": 0, "received": 1_000_000}, "journeys": [journey],
    });
    let series = json!({"window_s": 1, "windows": vec![window; 60]});
    document.time_series = serde_json::from_value(series).unwrap();
    let busy: Vec<u64> = (0..60).map(|it| 10 + it * 37 % 60).collect();
    let latencies = busy.iter().map(|it| {
        let values = (0..120).map(|_| Duration::from_millis(*it));
        PackedHistogram::of_values(values)
    });
    document.latency_series = vec![LatencySeries {
        metric: "pull.response_time".parse().unwrap(),
        windows: latencies.collect(),
    }];
    let known = |values: &dyn Fn(u64) -> f64| -> Vec<Option<f64>> {
        let windows = (0..60).map(|it| (it != 4).then(|| values(it)));
        windows.collect()
    };
    let real = |it: u64| f64::from(u32::try_from(it).unwrap());
    let gauge = |name: &str, unit: &str, windows: Vec<Option<f64>>| {
        let all = || windows.iter().copied().flatten();
        json!({
            "name": name, "unit": unit, "kind": "gauge", "covered_us": 59_000_000, "highest": all().reduce(f64::max),
            "first": all().next(), "last": all().last(), "windows": windows,
        })
    };
    let cpu = json!({
        "name": "cpu", "unit": "seconds", "kind": "counter", "windows": known(&|_| 0.5), "covered_us": 59_000_000,
        "increase": 29.5,
    });
    let memory = gauge("memory", "bytes", known(&|it| 1e8 + 1e4 * real(it % 30)));
    let goroutines = gauge(
        "goroutines",
        "plain",
        busy.iter().map(|it| Some(real(*it))).collect(),
    );
    let telemetry = json!({
        "window_s": 1,
        "sources": [
            {
                "name": "registry", "kind": "process", "from": "pid 4711", "restarts": 1, "restarts_us": [30_500_000],
                "readings": {"due": 61, "good": 60, "late": 2, "failed": 1, "missed": 0},
                "problems": [{"text": "connection refused", "count": 1, "first_us": 4_200_000}],
                "series": [cpu, memory],
            },
            {
                "name": "metrics", "kind": "prometheus", "from": "http://127.0.0.1:5001/metrics", "restarts": 0,
                "readings": {"due": 61, "good": 61, "late": 0, "failed": 0, "missed": 0},
                "series": [goroutines, gauge("zot_repos", "plain", vec![Some(3.0); 60])],
            },
        ],
        "cost": {"cpu_us": 120_000, "received_bytes": 600_000},
    });
    document.set_telemetry(serde_json::from_value(telemetry).unwrap());
    document
}

fn outcomes(ok: u64, failed: u64, cancelled: u64) -> Outcomes {
    Outcomes {
        ok,
        failed,
        cancelled,
        misbehaved: 0,
    }
}

fn pulls() -> JourneySection {
    JourneySection {
        name: "pull".into(),
        counts: JourneyCounts {
            starts: Starts {
                scheduled: 1_010,
                started: 1_008,
                dropped: 2,
            },
            outcomes: outcomes(1_000, 6, 2),
            failure_classes: [(FailureClass::Unavailable, 6)].into_iter().collect(),
            bytes: Bytes {
                sent: 0,
                received: 1_414_213_562,
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
        operations: vec![blobs()],
        ranges: Vec::new(),
        stages: Vec::new(),
        clients: Vec::new(),
    }
}

fn blobs() -> OperationSection {
    let phases = [
        (Phase::FirstByte, millis(1, 50)),
        (Phase::Total, millis(1, 1_000)),
    ];
    OperationSection {
        name: Operation::BlobGet,
        count: 1_008,
        counts: OperationCounts {
            outcomes: outcomes(1_000, 6, 2),
            failure_classes: [(FailureClass::Unavailable, 6)].into_iter().collect(),
            statuses: [(200, 1_000), (503, 6)].into_iter().collect(),
            bytes: Bytes {
                sent: 0,
                received: 1_414_213_562,
            },
            within_window: 998,
            ..OperationCounts::default()
        },
        requests_per_s: 49.9,
        sent_per_s: 0.0,
        received_per_s: 70_710_678.1,
        latencies: OperationLatencies {
            phases: phases.into_iter().collect(),
            ..OperationLatencies::default()
        },
        slowest: Vec::new(),
    }
}

/// Returns a threshold on the p99 of the pulls, in microseconds.
pub(crate) fn threshold(status: Status, observed_us: Option<u64>) -> ThresholdResult {
    let observed = observed_us.map(|micros| Observation {
        at_least: Figure::Micros(micros),
        at_most: Some(Figure::Micros(micros)),
    });
    ThresholdResult {
        metric: "pull.response_time".parse().unwrap(),
        expect: "p(99) < 300ms".into(),
        stage: None,
        from_us: 0,
        until_us: None,
        limit: Figure::Micros(300_000),
        observed_text: observed.map_or_else(|| "-".into(), |it| it.to_string()),
        observed,
        samples: 1_000,
        status,
        ended_run: false,
        evidence: serde_json::from_value(serde_json::json!({
            "quantity": "latency",
            "statistic": { "quantile": 99.0 },
            "operator": "<",
            "min_samples": 100,
            "span_from_us": 0,
            "span_until_us": null,
            "moment": "done",
            "counted": Observed::default(),
        }))
        .unwrap(),
    }
}

/// One threshold of each end: it holds, it is broken, nothing can be said.
pub(crate) fn thresholds() -> Vec<ThresholdResult> {
    let few = verdict::Reason::TooFewSamples { needed: 100 };
    vec![
        threshold(Status::Pass, Some(212_000)),
        threshold(Status::Fail, Some(412_000)),
        threshold(Status::Inconclusive(few), None),
    ]
}

/// The generator was the limit.
pub(crate) fn invalidate(document: &mut Document) {
    document.verdict = RunVerdict::Invalid;
    document.generator.health.reasons = vec![Reason {
        level: Level::Invalid,
        signal: Signal::WorkerCpu,
        subject: Some("worker 1".into()),
        observed: "99.8%".into(),
        bound: "at most 90%".into(),
        advice: "use more workers".into(),
    }];
}

/// A sum that does not close.
pub(crate) fn break_a_sum(document: &mut Document) {
    document.closure.sums.push(Sum {
        name: "pull: scheduled = started + dropped".into(),
        left: 10,
        right: 9,
    });
}

/// One metric: 400 ms became 450 ms, or 0.1% became 0.3%.
fn metric(
    metric: &str,
    unit: MetricUnit,
    change: f64,
    interval: [f64; 2],
    decision: Decision,
) -> MetricComparison {
    let (margin, base, candidate) = if unit == MetricUnit::Share {
        (0.001, 0.001, 0.003)
    } else {
        (0.05, 400_000.0, 450_000.0)
    };
    MetricComparison {
        metric: metric.into(),
        unit,
        better: Better::Lower,
        gated: decision != Decision::NotGated,
        margin,
        tolerance: None,
        base: Some(base),
        candidate: Some(candidate),
        change: Some(change),
        interval: Some(interval),
        p: Some(0.01),
        p_by_ranks: Some(0.02),
        detectable: Some(0.03),
        pairs_for_margin: Some(7),
        more_pairs: None,
        more_us: None,
        pairs: Vec::new(),
        decision,
        why: None,
    }
}

/// Returns a comparison with one metric of every decision: a regression, so that is the verdict.
pub(crate) fn comparison() -> Comparison {
    use Decision::{Improvement, Inconclusive, NotGated, Pass, Regression};
    use MetricUnit::{Micros, Share};
    let mut open = metric(
        "pull.response_time p(90)",
        Micros,
        0.03,
        [-0.04, 0.1],
        Inconclusive,
    );
    open.why = Some("the interval reaches over the margin; 14 pairs would decide".into());
    Comparison {
        schema: ComparisonSchema,
        regstorm: "0.1.0".into(),
        verdict: ComparisonVerdict::Regression,
        reasons: vec!["pull.response_time p(99) is 12.5% worse".into()],
        design: Design {
            method: Method::Paired,
            base_runs: 8,
            candidate_runs: 8,
            looks: vec![6, 10],
            alpha: 0.025,
            budget: None,
            order_seed: Some(1),
            slice_us: Some(20_000_000),
            settle_us: 2_000_000,
            orders: vec!["ABBAAB".into()],
        },
        differences: vec![Difference {
            aspect: Aspect::Version,
            base: "0.1.0".into(),
            candidate: "0.1.1".into(),
            allowed: true,
        }],
        metrics: vec![
            metric(
                "pull.response_time p(99)",
                Micros,
                0.125,
                [0.081, 0.169],
                Regression,
            ),
            metric(
                "pull.response_time p(50)",
                Micros,
                0.01,
                [-0.01, 0.03],
                Pass,
            ),
            metric(
                "blob-get.total p(50)",
                Micros,
                -0.2,
                [-0.25, -0.15],
                Improvement,
            ),
            open,
            metric(
                "pull.errors rate",
                Share,
                0.002,
                [0.0015, 0.0025],
                Regression,
            ),
            metric("blob-get.total p(99)", Micros, 0.3, [0.2, 0.4], NotGated),
        ],
        discarded: vec![DiscardedPair {
            number: 3,
            reason: "the generator was the limit".into(),
        }],
        notes: Vec::new(),
        base: document(),
        candidate: document(),
    }
}

/// Returns the same, of two sides that do not compare.
pub(crate) fn invalid_comparison() -> Comparison {
    let mut comparison = comparison();
    comparison.verdict = ComparisonVerdict::Invalid;
    comparison.reasons = vec!["the plans differ".into()];
    comparison.differences.push(Difference {
        aspect: Aspect::Plan,
        base: "aaaa".into(),
        candidate: "bbbb".into(),
        allowed: false,
    });
    invalidate(&mut comparison.candidate);
    comparison
}
