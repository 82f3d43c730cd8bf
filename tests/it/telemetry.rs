//! Sources of telemetry: what is read of good ones, and what is told of those that are slow, broken, too large or not there.

/// Endpoints that answer as few should.
mod endpoint;
/// What `[[telemetry]]` may say, and what is refused.
mod keys;
/// Processes, directories and groups of this machine.
mod machine;
/// Limits on what the target uses.
mod thresholds;

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use regstorm::result::Document;
use regstorm::telemetry::{Series, SourceRecord, Telemetry};

/// A scenario of one slow user, with these sources.
fn scenario(duration: Duration, target: &str, sources: &str) -> String {
    let duration = humantime::format_duration(duration);
    format!(
        "name = \"test\"\n[target]\nurl = \"{target}\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"1KiB\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\n\
         [[load]]\njourney = \"pull\"\nexecutor = \"constant-vus\"\nvus = 1\nduration = \"{duration}\"\npacing = \"100ms\"\n\
         {sources}"
    )
}

/// Runs a scenario, and returns its report and what was said.
fn run(toml: &str, arguments: &[&str]) -> (Document, String) {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("test.toml"), toml).expect("a file");
    let output = regstorm(
        &["run", "test.toml", "--out", "report.json"],
        arguments,
        &dir,
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // A machine that stands still may make a run invalid.
    assert!(matches!(output.status.code(), Some(0 | 4)), "{said}");
    let report = Document::load(&dir.path().join("report.json")).expect("a report");
    (report, said)
}

fn regstorm(command: &[&str], arguments: &[&str], dir: &tempfile::TempDir) -> Output {
    let regstorm = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(command)
        .args(arguments)
        .current_dir(dir.path())
        .env("METRICS_PASSWORD", "hunter2")
        .output();
    regstorm.expect("the program starts")
}

fn telemetry(report: &Document) -> &Telemetry {
    report.telemetry.as_ref().expect("the plan has sources")
}

fn source<'r>(report: &'r Document, name: &str) -> &'r SourceRecord {
    let mut sources = telemetry(report).sources.iter();
    sources
        .find(|it| it.name == name)
        .expect("a source of that name")
}

fn series<'r>(source: &'r SourceRecord, name: &str) -> &'r Series {
    let mut series = source.series.iter();
    let found = series.find(|it| it.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {source:?}"))
}

/// Every reading that was due is good, failed or missed.
fn adds_up(source: &SourceRecord) {
    let it = source.readings;
    assert_eq!(it.due, it.good + it.failed + it.missed, "{source:?}");
    assert!(it.late <= it.good, "{source:?}");
}
