//! Thresholds on what the target uses, through the program.

use std::fs;
use std::process::Output;
use std::time::Duration;

use regstorm::verdict::{Reason, Status};

use super::{regstorm, scenario};

const SOURCE: &str = "[[telemetry]]\nname = \"registry\"\nprocess = \"target\"\n";

fn threshold(lines: &[&str]) -> String {
    format!("[[threshold]]\n{}\n", lines.join("\n"))
}

fn on(metric: &str, expect: &str) -> String {
    let (metric, expect) = (
        format!("metric = \"{metric}\""),
        format!("expect = \"{expect}\""),
    );
    threshold(&[&metric, &expect])
}

fn check(toml: &str) -> Output {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("test.toml"), toml).expect("a file");
    regstorm(&["check", "test.toml"], &[], &dir)
}

/// The thread of the embedded registry has processor time and no memory of its own.
#[test]
fn the_program_judges_what_the_target_used() {
    let thresholds = [
        on("server.cpu_per_pull", "< 10s"),
        on("server.registry.cpu_per_pull", "< 1ns"),
        on("server.memory.slope", "< 1MiB/min"),
    ];
    let toml = scenario(
        Duration::from_secs(2),
        "embedded",
        &format!("{SOURCE}{}", thresholds.concat()),
    );
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("test.toml"), toml).expect("a file");
    let output = regstorm(&["run", "test.toml", "--out", "report.json"], &[], &dir);
    let report = regstorm::result::Document::load(&dir.path().join("report.json"));
    let report = report.expect("a report");
    let found: Vec<Status> = report.thresholds.iter().map(|it| it.status).collect();
    let open = Status::Inconclusive(Reason::NotRead);
    assert_eq!(found, [Status::Pass, Status::Fail, open]);
    // A machine that stands still may make a run invalid.
    assert!(matches!(output.status.code(), Some(1 | 4)), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("inconclusive: no source gave it"), "{said}");
    assert!(said.contains("a pull"), "{said}");
}

#[test]
fn what_could_never_be_judged_is_refused() {
    for (sources, threshold, wanted) in [
        (
            "",
            on("server.cpu", "< 1"),
            "nothing reads the target's side",
        ),
        (
            SOURCE,
            on("server.fetches_per_blob", "< 2"),
            "nothing counts fetches",
        ),
        (SOURCE, on("server.cpus", "< 1"), "did you mean `cpu`?"),
        (
            SOURCE,
            on("server.zot.cpu", "< 1"),
            "unknown number of the target's side",
        ),
        (
            SOURCE,
            on("server.memory", "max < 1GiB"),
            "has no aggregation",
        ),
        (SOURCE, on("server.memory", "< 1s"), "such as 500MiB"),
        (
            SOURCE,
            on("server.memory.slope", "< 1MiB"),
            "such as 1MiB/min",
        ),
        (SOURCE, on("server.cpu_per_pull", "< 2"), "such as 2ms"),
        (
            SOURCE,
            on("server.registry.cpu_per_push", "< 2ms"),
            "use server.cpu_per_iteration",
        ),
        (
            SOURCE,
            on("server.cpu_per_pull", "2ms"),
            "nothing is compared here",
        ),
        (
            SOURCE,
            on("pull.response_time", "< 2ms"),
            "there is no aggregation",
        ),
        (
            SOURCE,
            threshold(&[
                "metric = \"server.cpu\"",
                "expect = \"< 1\"",
                "abort_on_fail = true",
            ]),
            "`abort_on_fail` does not apply",
        ),
        (
            SOURCE,
            threshold(&[
                "metric = \"server.cpu\"",
                "expect = \"< 1\"",
                "from = \"1s\"",
            ]),
            "`from` does not apply",
        ),
    ] {
        let toml = scenario(
            Duration::from_secs(1),
            "embedded",
            &format!("{sources}{threshold}"),
        );
        let output = check(&toml);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{threshold}: {said}");
        assert!(said.contains(wanted), "{threshold}: {said}");
    }
}

#[test]
fn every_unit_has_its_limit() {
    for (metric, expect) in [
        ("server.memory.slope", "< 1MiB/min"),
        ("server.registry.go_goroutines", "value < 1000"),
        ("server.gc_pause", "<= 5%"),
        ("server.restarts", "== 0"),
    ] {
        let toml = scenario(
            Duration::from_secs(1),
            "embedded",
            &format!("{SOURCE}{}", on(metric, expect)),
        );
        let output = check(&toml);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{metric} {expect}: {output:?}"
        );
    }
}
