//! The logs of docker-registry, imported: a trace has the requests that the run's own report counts.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{
    Flavour, Formatter, PASSWORD, Registry, Release, Tally, USER, regstorm, run_to,
};

/// The user agent of the tests' own requests.
const PROBE: &str = "regstorm-live-probe";

/// Pulls, and pushes by mounts and in parts, of two images.
const SCENARIO: &str = r#"
name = "trace"
[target]
url = "http://127.0.0.1:1"
AUTH
[images.web]
source = "synthetic"
count = 2
layers = 3
layer_size = "48KiB"

[journey.fetch]
action = "pull"
images = "web"

[journey.send]
action = "push"
images = "web"

[[load]]
journey = "fetch"
executor = "per-vu-iterations"
vus = 2
iterations = 3

[[load]]
journey = "send"
executor = "per-vu-iterations"
vus = 1
iterations = 3

[prepare]
clean_up = "manifests"
"#;

/// What a trace of a log has, and how many of its lines are something else.
fn imported(dir: &Path, log: &str, format: &str) -> (Tally, u64) {
    let (file, trace) = (dir.join("log"), dir.join("trace"));
    fs::write(&file, log).expect("a log");
    let import = regstorm(["trace", "import", "--quiet", "--out"]);
    import.args([&trace, &file]).run().ok();
    let shown = regstorm(["trace", "show", "--json"]);
    let shown = shown.args([&trace]).run().ok().stdout;
    let overview: Value = serde_json::from_str(&shown).expect("JSON");
    let summary = &overview["summary"];
    assert_eq!(summary["source"]["formats"][0], format);
    let count = |what: &str| summary["lines"][what].as_u64().expect("a number");
    assert_eq!(count("unreadable") + count("outside"), 0, "{summary}");
    let mut tally = Tally::default();
    for row in overview["operations"].as_array().expect("rows") {
        let name = row["operation"].as_str().expect("a name");
        for (status, count) in row["statuses"].as_object().expect("statuses") {
            let status = status.parse().expect("a status");
            tally.add(name, status, count.as_u64().expect("a number"));
        }
        tally.add_bytes(name, row["received_bytes"].as_u64().expect("bytes"));
    }
    (tally, count("other"))
}

/// Runs the scenario, and holds each log of the registry, and both in one file, against the report.
fn check(flavour: Flavour, application: &str) {
    let registry = Registry::start(flavour);
    let auth = match flavour {
        Flavour::Htpasswd => {
            format!("[target.auth]\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"")
        }
        _ => String::new(),
    };
    let scenario = SCENARIO.replace("AUTH", &auth);
    let report = run_to(&[0], &scenario, &registry.url());
    // Everything is in the log.
    registry.mark();
    let log = registry.log();
    let lines = log.lines().filter(|it| !it.contains(PROBE));
    let is_access = |it: &&str| it.contains("\" \"regstorm/");
    let (access, others): (Vec<_>, Vec<_>) = lines.clone().partition(is_access);
    let reported = report.exchanges();
    let dir = tempfile::TempDir::new().expect("a directory");
    let (tally, other) = imported(dir.path(), &access.join("\n"), "combined");
    assert_eq!((&tally, other), (&reported, 0), "the access log");
    // The application log does not tell how large the response with 401 is.
    let sized = |tally: Tally| match flavour {
        Flavour::Htpasswd => tally.without_bytes(),
        _ => tally,
    };
    let reported = sized(reported);
    let (tally, _) = imported(dir.path(), &others.join("\n"), application);
    assert_eq!(sized(tally), reported, "the application log");
    let both: Vec<&str> = lines.collect();
    let (tally, other) = imported(dir.path(), &both.join("\n"), application);
    assert_eq!(sized(tally), reported, "both in one file");
    assert!(
        other >= access.len() as u64,
        "each of its lines is another message"
    );
}

#[test]
fn the_text_of_distribution_is_what_the_report_counts() {
    check(Flavour::Open, "distribution-text");
}

#[test]
fn the_json_of_distribution_is_what_the_report_counts() {
    check(
        Flavour::Logs(Release::Two, Formatter::Json),
        "distribution-json",
    );
}

#[test]
fn what_was_refused_without_credentials_is_counted_too() {
    check(Flavour::Htpasswd, "distribution-text");
}
