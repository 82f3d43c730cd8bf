//! Builds that answer as fast and use more.

use serde_json::json;

use super::*;
use crate::result::ComparisonVerdict;
use crate::scenario::Gate;

/// A run of 4,000 pulls in 40 s of which each took so many microseconds of processor time.
fn used(middle: u64, micros: f64, memory: f64) -> Document {
    let mut document = run(middle, 4_000, 0);
    document.plan.resolved = json!({"journey": {"pull": {"action": "pull"}}, "workers": 2});
    let seconds = 4_000.0 * micros / 1e6;
    let telemetry = json!({
        "window_s": 1,
        "sources": [{
            "name": "registry", "kind": "process", "from": "pid 7", "restarts": 0,
            "readings": {"due": 41, "good": 41, "late": 0, "failed": 0, "missed": 0},
            "series": [
                {
                    "name": "cpu", "unit": "seconds", "kind": "counter", "windows": [0.1], "covered_us": 40_000_000,
                    "increase": seconds,
                },
                {
                    "name": "memory", "unit": "bytes", "kind": "gauge", "windows": [memory], "covered_us": 40_000_000,
                    "highest": memory, "first": memory, "last": memory,
                },
            ],
        }],
        "cost": {"cpu_us": 0, "received_bytes": 0},
    });
    document.set_telemetry(serde_json::from_value(telemetry).unwrap());
    document
}

/// Six pairs with the same latencies: of each pair both sides a little more or less than of the others.
fn compared(factor: f64) -> Comparison {
    let pairs = [1.0, 1.02, 0.99, 1.01, 0.98, 1.0];
    let side = |factor: f64| -> Vec<Document> {
        let runs = pairs.iter().zip([1.0, 0.995, 1.004, 1.0, 0.998, 1.003]);
        let runs = runs.map(|(pair, noise)| used(10_000, 300.0 * pair * noise * factor, 5e7));
        runs.collect()
    };
    let base = side(1.0);
    let candidate = side(factor);
    let usual = Gates::of(Vec::new(), &base[0], 6);
    conclude(
        judge(usual, &base, &candidate),
        Design::Pairs,
        Method::Paired,
    )
}

#[test]
fn processor_time_gates_where_it_is_known() {
    let gates = Gates::of(Vec::new(), &used(10_000, 300.0, 5e7), 6);
    let metric = |it: &Gate| it.comparand.to_string();
    let gate = gates
        .gated
        .iter()
        .find(|it| metric(it) == "server.cpu_per_pull")
        .unwrap();
    assert!((gate.margin - 0.05).abs() < 1e-12 && (gate.tolerance - 0.08).abs() < 1e-12);
    let shown: Vec<String> = gates.informative.iter().map(ToString::to_string).collect();
    for name in ["server.cpu", "server.memory", "server.memory.max"] {
        assert!(shown.iter().any(|it| it == name), "{name}: {shown:?}");
    }
    assert!(
        !shown.iter().any(|it| it == "server.goroutines"),
        "no source gave it"
    );
    let without = Gates::of(Vec::new(), &run(10_000, 4_000, 0), 6);
    let all = without.all().map(|(it, _)| it.to_string());
    assert!(all.into_iter().all(|it| !it.starts_with("server.")));
}

#[test]
fn as_fast_and_a_third_more_processor_time_is_a_regression() {
    let worse = compared(1.3);
    assert_eq!(
        worse.verdict,
        ComparisonVerdict::Regression,
        "{:?}",
        worse.reasons
    );
    assert_eq!(
        worse.reasons,
        ["server.cpu_per_pull is worse by its margin or more"]
    );
    let metric = worse
        .metrics
        .iter()
        .find(|it| it.metric == "server.cpu_per_pull")
        .unwrap();
    assert!((metric.change.unwrap() - 0.3).abs() < 0.01, "{metric:?}");
    // 300 µs at the base.
    assert!((metric.base.unwrap() - 300.0).abs() < 3.0, "{metric:?}");
    assert_eq!(compared(1.0).verdict, ComparisonVerdict::Pass);
    assert_eq!(
        compared(0.7).verdict,
        ComparisonVerdict::Pass,
        "less is better"
    );
}

#[test]
fn a_side_that_was_not_read_decides_nothing() {
    let base: Vec<Document> = (0..6).map(|_| used(10_000, 300.0, 5e7)).collect();
    let candidate: Vec<Document> = (0..6).map(|_| run(10_000, 4_000, 0)).collect();
    let usual = Gates::of(Vec::new(), &base[0], 6);
    let found = conclude(
        judge(usual, &base, &candidate),
        Design::Pairs,
        Method::Paired,
    );
    let metric = found
        .metrics
        .iter()
        .find(|it| it.metric == "server.cpu_per_pull")
        .unwrap();
    assert_eq!(metric.decision, Stored::Inconclusive);
    assert_eq!(metric.why.as_deref(), Some("in a run no source gave it"));
}

#[test]
fn a_gate_names_a_number_without_a_statistic() {
    let read = |text: &str| load_gates(None, &[text.to_owned()], &["pull"]);
    let gates = read("server.memory.slope=50%").unwrap();
    assert_eq!(gates[0].comparand.to_string(), "server.memory.slope");
    assert!((gates[0].margin - 0.5).abs() < 1e-12);
    assert!(read("server.zot.go_goroutines").is_ok());
    for (text, wanted) in [
        ("server.memory max", "has no statistic"),
        ("server.cpu_per_pul", "did you mean `cpu_per_pull`?"),
        ("server.memory.min", "unknown number"),
        ("server.", "this is no name"),
    ] {
        let problems = read(text).unwrap_err().to_string();
        assert!(problems.contains(wanted), "{text}: {problems}");
    }
}
