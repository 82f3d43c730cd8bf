//! The JSON schema of reports, held against reports of real runs: nothing is in them that it does not know.

use std::path::Path;
use std::process::{Command, Stdio};

use http::StatusCode;
use jsonschema::Validator;
use regstorm::embedded::{Fault, FaultKind, Settings};
use regstorm::oci::Operation;
use regstorm::result::{
    Better, Comparison, ComparisonSchema, ComparisonVerdict, Decision, Design, Document, Method,
    MetricComparison, MetricUnit, PairPoint, PairSection, Side,
};
use serde_json::{Value, json};

use crate::support::registry;

const HEAD: &str = "name = \"test\"\n[target]\nurl = \"embedded\"\n\
    [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"100B\"\n\
    [journey.pull]\naction = \"pull\"\nimages = \"web\"\nparallel = 1\n";

/// A run in stages with a probe and every kind of threshold: decided, open, without a sample.
const STAGES: &str = r#"
[probe]
every = "50ms"
[[load]]
journey = "pull"
executor = "ramping-arrival-rate"
start_rate = 10
stages = [{ name = "up", target = 40, duration = "500ms" }, { name = "hold", target = 40, duration = "1s" }]
max_vus = 4
graceful_stop = "5s"
[[threshold]]
metric = "pull.response_time"
expect = "p(90) < 30s"
stage = "hold"
[[threshold]]
metric = "pull.response_time"
expect = "p(99.9) < 30s"
[[threshold]]
metric = "errors"
expect = "rate < 1%"
[[threshold]]
metric = "pull.bytes_received"
expect = "rate > 1B/s"
from = "100ms"
until = "1s"
[[threshold]]
metric = "pull.iterations"
expect = "count > 1000000"
"#;

/// A run that ends before its time and whose pulls fail.
const FAILING: &str = r#"
[[load]]
journey = "pull"
executor = "constant-vus"
vus = 2
duration = "20s"
graceful_stop = "5s"
[[threshold]]
metric = "pull.errors"
expect = "rate < 1%"
min_samples = 5
abort_on_fail = true
"#;

const SEARCH: &str = r#"
[[load]]
journey = "pull"
executor = "capacity-search"
start_rate = 4
max_rate = 8
max_vus = 2
precision = 0.5
settle = "100ms"
hold = "500ms"
confirm = "500ms"
graceful_stop = "5s"
"#;

fn regstorm(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(dir)
        .env("XDG_STATE_HOME", dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(!said.contains("error"), "{said}");
    String::from_utf8(output.stdout).expect("text")
}

fn report(toml: &str, arguments: &[&str]) -> Value {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("test.toml"), [HEAD, toml].concat()).expect("a file");
    let run = [
        "run",
        "test.toml",
        "--out",
        "-",
        "--quiet",
        "--label",
        "build=1.4",
    ];
    let printed = regstorm(dir.path(), &[&run, arguments].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// Of a registry that gives no blobs.
fn failing() -> Value {
    let broken = FaultKind::Status {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: None,
        retry_after: None,
    };
    let registry = registry(Settings {
        faults: vec![Fault::on(Operation::BlobGet, broken)],
        ..Settings::default()
    });
    report(FAILING, &["--target", &registry.url()])
}

/// The schema that the program prints, with whatever it does not name refused.
fn strict(name: &str) -> Validator {
    let printed = regstorm(Path::new("."), &["schema", name]);
    let mut schema: Value = serde_json::from_str(&printed).expect("JSON");
    refuse_others(&mut schema, true);
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Parts of one object, of which each names some of its properties, are closed by what joins them.
fn refuse_others(schema: &mut Value, whole: bool) {
    match schema {
        Value::Array(schemas) => {
            for schema in schemas {
                refuse_others(schema, true);
            }
        }
        Value::Object(keys) => {
            let joins = ["oneOf", "anyOf", "allOf"]
                .iter()
                .any(|key| keys.contains_key(*key));
            let named = keys.get("properties").is_some_and(Value::is_object);
            for (key, value) in keys.iter_mut() {
                let parts = named && matches!(key.as_str(), "oneOf" | "anyOf" | "allOf");
                match value {
                    Value::Array(parts_of) if parts => {
                        for part in parts_of {
                            refuse_others(part, false);
                        }
                    }
                    // The names of properties are no keywords.
                    Value::Object(properties) if matches!(key.as_str(), "properties" | "$defs") => {
                        properties
                            .values_mut()
                            .for_each(|it| refuse_others(it, true));
                    }
                    other => refuse_others(other, true),
                }
            }
            if named && whole {
                let word = if joins {
                    "unevaluatedProperties"
                } else {
                    "additionalProperties"
                };
                keys.entry(word).or_insert(Value::Bool(false));
            }
        }
        _ => {}
    }
}

#[track_caller]
fn assert_valid(schema: &Validator, document: &Value) {
    let problems = schema.iter_errors(document);
    let problems: Vec<String> = problems
        .map(|it| format!("{}: {it:.300}", it.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_report_is_what_the_schema_says() {
    let schema = strict("report");
    let stages = report(STAGES, &[]);
    assert_valid(&schema, &stages);
    // That the run had what the schema is to be held against.
    assert!(
        stages["probe"].is_object() && !stages["latency_series"].as_array().unwrap().is_empty()
    );
    assert_eq!(stages["journeys"][0]["stages"].as_array().unwrap().len(), 2);
    let statuses = stages["thresholds"].as_array().unwrap().iter();
    let statuses: Vec<_> = statuses.map(|it| it["status"].as_str().unwrap()).collect();
    for status in ["pass", "fail", "inconclusive"] {
        assert!(statuses.contains(&status), "{statuses:?}");
    }

    let failing = failing();
    assert_valid(&schema, &failing);
    assert_eq!(failing["thresholds"][0]["ended_run"], true);
    assert!(!failing["failures"]["kinds"].as_array().unwrap().is_empty());

    let search = report(SEARCH, &[]);
    assert_valid(&schema, &search);
    assert!(search["search"]["trials"].is_array());
}

#[test]
fn what_is_unknown_or_missing_is_found() {
    let schema = strict("report");
    let good = failing();
    // Where, and what is put there; null takes it away.
    let changes = [
        ("/schema", json!("regstorm.report/1")),
        ("/new", json!(1)),
        ("/thresholds/0/new", json!(1)),
        ("/journeys/0/service_time/p42_us", json!(1)),
        ("/verdict", Value::Null),
        ("/verdict", json!("perfect")),
    ];
    assert_valid(&schema, &good);
    for (path, value) in changes {
        let mut bad = good.clone();
        let (parent, key) = path.rsplit_once('/').unwrap();
        let parent = bad.pointer_mut(parent).and_then(Value::as_object_mut);
        let parent = parent.expect("an object");
        if value.is_null() {
            parent.remove(key);
        } else {
            parent.insert(key.to_owned(), value);
        }
        assert!(!schema.is_valid(&bad), "{path}");
    }
}

#[test]
fn a_comparison_is_what_its_schema_says() {
    let side = |side| -> Document {
        let mut document: Document = serde_json::from_value(failing()).expect("a report");
        document.pair = Some(PairSection {
            set: "set".into(),
            number: 1,
            side,
            order: "ABBA".into(),
        });
        document
    };
    let comparison = Comparison {
        schema: ComparisonSchema,
        regstorm: "0.1.0".into(),
        verdict: ComparisonVerdict::Inconclusive,
        reasons: vec!["too few pairs".into()],
        design: Design {
            method: Method::Paired,
            base_runs: 6,
            candidate_runs: 6,
            looks: vec![6, 10, 16],
            alpha: 0.0221,
            budget: None,
            order_seed: Some(u64::MAX),
            slice_us: None,
            settle_us: 0,
            orders: vec!["ABBA".into()],
        },
        differences: Vec::new(),
        metrics: vec![MetricComparison {
            metric: "pull.response_time p(99)".into(),
            unit: MetricUnit::Micros,
            better: Better::Lower,
            gated: true,
            margin: 0.1,
            tolerance: None,
            base: Some(1.0),
            candidate: None,
            change: None,
            interval: Some([-0.1, 0.1]),
            p: None,
            p_by_ranks: None,
            detectable: None,
            pairs_for_margin: Some(12),
            more_pairs: None,
            more_us: None,
            pairs: vec![PairPoint {
                number: 1,
                base: 1.0,
                candidate: 1.1,
                change: 0.1,
            }],
            decision: Decision::Inconclusive,
            why: None,
        }],
        discarded: Vec::new(),
        notes: Vec::new(),
        base: side(Side::Base),
        candidate: side(Side::Candidate),
    };
    let value = serde_json::to_value(&comparison).expect("JSON");
    let schema = strict("comparison");
    assert_valid(&schema, &value);
    let mut bad = value;
    bad["metrics"][0]["interval"] = json!([1]);
    assert!(!schema.is_valid(&bad));
}
