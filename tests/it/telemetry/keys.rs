//! What `[[telemetry]]` may say, and what is refused.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

use std::fs;
use std::time::Duration;

use super::{regstorm, scenario};

/// Checks a scenario with these sources, and returns the exit code with what was printed and said.
fn check(sources: &str) -> (i32, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("test.toml"),
        scenario(Duration::from_secs(1), "embedded", sources),
    )
    .unwrap();
    let output = regstorm(&["check", "test.toml"], &[], &dir);
    let all = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap();
    (code, String::from_utf8(all).unwrap())
}

#[test]
fn every_source_is_shown_as_it_is_written() {
    let sources = r#"
[[telemetry]]
name = "registry"
prometheus = "target:5001/metrics?comp=registry"
username = "ali"
password = "${METRICS_PASSWORD}"
headers = { X-Own = "hunter2" }
metrics = ["go_threads", { metric = "h", labels = { handler = "blob" }, quantile = 0.999 }]
[[telemetry]]
process = { command = "docker-registry", children = true }
[[telemetry]]
unit = "docker-registry.service"
[[telemetry]]
container = "4a5b6c7d8e9f"
[[telemetry]]
device = "nvme0n1"
[[telemetry]]
command = ["numbers", "--of", "registry"]
"#;
    let (code, shown) = check(sources);
    assert_eq!(code, 0, "{shown}");
    for line in [
        r#"telemetry.0.prometheus = "target:5001/metrics?"#,
        r#"telemetry.0.username = "ali""#,
        r#"telemetry.0.metrics = ["go_threads", { metric = "h", labels = { handler = "blob" }, quantile = 0.999 }]"#,
        r#"telemetry.1.process.command = "docker-registry""#,
        "telemetry.1.process.children = true",
        r#"telemetry.2.name = "unit""#,
        r#"telemetry.5.command = ["numbers", "--of", "registry"]"#,
    ] {
        let squeezed: String = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let process = "[[telemetry]]\nprocess = \"target\"\n";
    for (sources, words) in [
        ("[[telemetry]]\nname = \"x\"\n".to_owned(), "says nothing of what is read"),
        (format!("{process}device = \"vda\"\n"), "more than one thing"),
        (format!("{process}{process}"), "two sources have the name `process`"),
        (format!("{process}token = \"x\"\n"), "is for metrics endpoints"),
        (format!("{process}metrics = [\"a\"]\n"), "is for metrics endpoints"),
        ("[[telemetry]]\nprocess = \"targets\"\n".to_owned(), "\"target\""),
        ("[[telemetry]]\nprocess = { pid = 1, port = 2 }\n".to_owned(), "in one way"),
        ("[[telemetry]]\nprocess = { children = true }\n".to_owned(), "in one way"),
        ("[[telemetry]]\nprocess = { port = 0 }\n".to_owned(), "a port"),
        ("[[telemetry]]\nprometheus = \"target:metrics\"\n".to_owned(), "no path"),
        ("[[telemetry]]\nprometheus = \"target:x/metrics\"\n".to_owned(), "not a port"),
        ("[[telemetry]]\nprometheus = \"ftp://h/m\"\n".to_owned(), "no scheme"),
        ("[[telemetry]]\nprometheus = \"http://u:hunter2@h/m\"\n".to_owned(), "user or a password"),
        ("[[telemetry]]\nprometheus = \"target:/m\"\nusername = \"a\"\n".to_owned(), "without `password`"),
        (
            "[[telemetry]]\nprometheus = \"target:/m\"\nusername = \"a\"\npassword = \"b\"\ntoken = \"c\"\n".to_owned(),
            "of two kinds",
        ),
        ("[[telemetry]]\nprometheus = \"target:/m\"\nmetrics = [\"a b\"]\n".to_owned(), "not the name of a metric"),
        ("[[telemetry]]\nprometheus = \"target:/m\"\nmetrics = [\"a\", \"a\"]\n".to_owned(), "two metrics have the name `a`"),
        (
            "[[telemetry]]\nprometheus = \"target:/m\"\nmetrics = [{ metric = \"a\", kind = \"gauge\", quantile = 0.5 }]\n".to_owned(),
            "neither counter nor gauge",
        ),
        ("[[telemetry]]\nprometheus = \"target:/m\"\nmetrics = [{ metric = \"a\", quantile = 1 }]\n".to_owned(), "0.9999"),
        ("[[telemetry]]\ncontainer = \"web\"\n".to_owned(), "not the ID of a container"),
        ("[[telemetry]]\ndevice = \"../vda\"\n".to_owned(), "without a path"),
        ("[[telemetry]]\ndirectory = \"\"\n".to_owned(), "empty"),
        ("[[telemetry]]\ncommand = []\n".to_owned(), "no program"),
        ("[telemetry]\nprocess = \"target\"\n".to_owned(), "array of tables"),
        (process.repeat(33), "too many sources"),
    ] {
        let (code, said) = check(&sources);
        assert_eq!(code, 2, "{sources}: {said}");
        assert!(said.contains(words), "{sources}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
