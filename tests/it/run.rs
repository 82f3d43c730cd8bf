use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use regstorm::embedded::Settings;
use regstorm::result::Document;

use crate::support::registry;

const PULL: &str = r#"name = "test"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 2
layers = 2
layer_size = "1KiB"
[journey.pull]
action = "pull"
images = "web"
[[load]]
journey = "pull"
executor = "per-vu-iterations"
vus = 2
iterations = 3
"#;

/// A scenario in a file, and room for a report beside it.
fn scenario(toml: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("test.toml"), toml).expect("a file");
    dir
}

fn regstorm(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
    command
        .args(["run", "test.toml"])
        .current_dir(dir)
        .stdin(Stdio::null());
    command
}

fn run(toml: &str, arguments: &[&str]) -> (tempfile::TempDir, Output) {
    let dir = scenario(toml);
    let output = regstorm(dir.path()).args(arguments).output();
    (dir, output.expect("the program runs"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn report(dir: &tempfile::TempDir) -> Document {
    Document::load(&dir.path().join("report.json")).expect("a report")
}

#[test]
fn a_run_ends_with_a_summary_and_a_report() {
    let (dir, output) = run(PULL, &["--out", "report.json"]);
    let shown = text(&output.stdout);
    // A machine that stands still may make a run invalid, which is no matter of its form.
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 4)), "{}", text(&output.stderr));
    for said in [
        "pull",
        "manifest-get",
        "blob-get",
        "sums",
        "close",
        "report.json",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let report = report(&dir);
    // Two users, three pulls each: a manifest, a config and two layers.
    assert_eq!(report.totals.iterations.ok, 6);
    assert_eq!(report.totals.exchanges.ok, 24);
    assert!(report.closure.holds());
}

#[test]
fn quiet_is_quiet_and_a_dash_is_standard_output() {
    let (_dir, output) = run(PULL, &["--quiet"]);
    assert!(matches!(output.status.code(), Some(0 | 4)));
    assert_eq!(text(&output.stdout) + &text(&output.stderr), "");
    let (_dir, output) = run(PULL, &["--out", "-"]);
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("nothing but JSON on standard output");
    assert_eq!(report["totals"]["iterations"]["ok"], 6);
    assert!(text(&output.stderr).contains("sums"));
}

#[test]
fn a_run_without_a_success_concludes_nothing() {
    let registry = registry(Settings::default());
    let toml = format!("{PULL}[prepare]\nseed = false\n");
    let arguments = ["--target", &registry.url(), "--out", "report.json"];
    let (dir, output) = run(&toml, &arguments);
    assert_eq!(output.status.code(), Some(3));
    let report = report(&dir);
    assert_eq!(report.totals.iterations.failed, 6);
    let shown = text(&output.stdout);
    // The failure is shown with its status, and a person is told what the exit code means.
    for said in ["manifest-get", "404", "no iteration succeeded"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[test]
fn nothing_is_sent_when_the_report_has_no_place_or_the_plan_does_not_fit() {
    let registry = registry(Settings::default());
    let url = registry.url();
    let missing = ["--target", &url, "--out", "does/not/exist.json"];
    let too_many = ["--target", &url, "--set", "load.vus=1000000"];
    for arguments in [&missing[..], &too_many] {
        let (_dir, output) = run(PULL, arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    }
    assert_eq!(registry.counts().requests, 0);
}

#[test]
fn a_target_that_does_not_answer_is_told() {
    let (_dir, output) = run(
        PULL,
        &["--target", "http://127.0.0.1:1", "--out", "report.json"],
    );
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("127.0.0.1:1"), "{said}");
}

#[test]
fn an_interrupted_run_still_writes_its_report() {
    let toml = PULL.replace(
        "executor = \"per-vu-iterations\"\nvus = 2\niterations = 3\n",
        "executor = \"constant-vus\"\nvus = 2\nduration = \"10m\"\n",
    );
    let dir = scenario(&toml);
    let mut child = regstorm(dir.path())
        .args(["--out", "report.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    // What it says of seeding is said before the load begins.
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    lines
        .find(|line| line.as_ref().is_ok_and(|line| line.starts_with("measure")))
        .expect("a line of the load")
        .expect("text");
    let signal = format!("kill -INT {}", child.id());
    let sent = Command::new("sh").args(["-c", &signal]).status();
    assert!(sent.expect("a shell").success());
    // Its words are read to the end, or it would wait for somebody to read them.
    let _rest: Vec<_> = lines.collect();
    let status = child.wait().expect("its end");
    assert_eq!(status.code(), Some(130));
    let report = report(&dir);
    assert!(report.interrupted);
    assert!(report.totals.iterations.ok > 0);
    assert_eq!(report.totals.iterations.cancelled, 0);
    assert!(report.closure.holds());
    // The window is what was measured, not what was planned.
    assert!(report.window().as_secs() < 600, "{:?}", report.window());
}

/// Repositories get a name of their own per push: that it does not fit is known before anything is sent.
#[test]
fn a_repository_name_that_has_no_room_for_its_pushes_is_refused() {
    let registry = registry(Settings::default());
    let push = PULL
        .replace("journey.pull", "journey.push")
        .replace("\"pull\"", "\"push\"")
        .replace(
            "images = \"web\"\n",
            "images = \"web\"\nfresh_repository = true\n",
        );
    for (length, fits) in [(100, true), (200, false)] {
        let name = "a".repeat(length);
        let named = format!("fresh_repository = true\nrepository = \"{name}\"");
        let toml = push.replace("fresh_repository = true", &named);
        let before = registry.counts().requests;
        let (_dir, output) = run(&toml, &["--target", &registry.url()]);
        let said = text(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(if fits { 0 } else { 2 }),
            "{said}"
        );
        assert_eq!(registry.counts().requests > before, fits);
        let refused = "journey.push: the repository name is too long";
        assert_eq!(said.contains(refused), !fits, "{said}");
    }
}
