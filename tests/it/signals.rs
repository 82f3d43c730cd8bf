//! Requests to end, by every signal and in every period of a command.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regstorm::embedded::{Running, Settings};
use regstorm::oci::Operation;
use regstorm::result::Document;
use rustix::fs::{CWD, Mode, mkfifoat};

use crate::support::{registry, settled, wait_for};

const ALL: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// Pushes for an hour, and what was pushed is deleted at the end.
const HOUR: &str = r#"name = "test"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 1
layers = 1
layer_size = "1KiB"
[journey.push]
action = "push"
images = "web"
unique = true
[[load]]
journey = "push"
executor = "constant-vus"
vus = 1
duration = "1h"
[prepare]
clean_up = "all"
"#;

/// The tests may run where hangups are ignored (`nohup`), which processes inherit.
fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("env");
    command
        .args(["--default-signal=HUP", env!("CARGO_BIN_EXE_regstorm")])
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A directory with a scenario that pushes to a registry.
fn bench(scenario: &str) -> (tempfile::TempDir, Running) {
    let registry = registry(Settings::default());
    let dir = tempfile::tempdir().expect("a directory");
    let toml = scenario.replace("\"embedded\"", &format!("\"{}\"", registry.url()));
    fs::write(dir.path().join("test.toml"), toml).expect("a file");
    (dir, registry)
}

fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).expect("an ID of Linux");
    kill(Pid::from_raw(id), signal).expect("the process is not waited for yet");
}

fn status(id: u32, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().to_owned())
}

/// Is the signal one of the set of that name?
fn has(id: u32, set: &str, signal: Signal) -> bool {
    let mask = status(id, set).and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    mask.is_some_and(|mask| mask >> (signal as i32 - 1) & 1 == 1)
}

/// Waits until the process ends, and says how.
fn ended(child: Child) -> Output {
    child.wait_with_output().expect("it ends")
}

#[track_caller]
fn interrupted(child: Child) -> String {
    let output = ended(child);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // A process that a signal has ended has no code.
    assert_eq!(output.status.code(), Some(130), "{said}");
    said
}

#[test]
fn every_signal_ends_a_run_with_its_report_and_its_clean_up() {
    for signal in ALL {
        let (dir, registry) = bench(HOUR);
        let arguments = ["run", "test.toml", "--out", "report.json", "--quiet"];
        let child = command(dir.path(), &arguments).spawn().expect("it starts");
        wait_for(|| (registry.counts().of(Operation::ManifestPut) > 3).then_some(()));
        send(&child, signal);
        interrupted(child);
        let report = Document::load(&dir.path().join("report.json")).expect("a report");
        assert!(report.interrupted, "{signal}");
        assert!(report.totals.iterations.ok > 0, "{signal}");
        let counts = settled(&registry);
        let stored = counts.with_status(Operation::ManifestPut, 201);
        assert_eq!(
            counts.with_status(Operation::ManifestDelete, 202),
            stored,
            "{signal}: everything that was pushed is deleted"
        );
    }
}

/// Reading a pipe that nobody writes to stands for whatever comes first: nobody listens for this command yet.
#[test]
fn a_signal_that_comes_early_ends_as_a_late_one_does() {
    for arguments in [
        &["run", "pipe"][..],
        &["check", "pipe"],
        &["report", "pipe"],
        &[
            "ab",
            "pipe",
            "--base",
            "embedded",
            "--candidate",
            "embedded",
        ],
    ] {
        for signal in ALL {
            let dir = tempfile::tempdir().expect("a directory");
            let pipe = dir.path().join("pipe");
            mkfifoat(CWD, &pipe, Mode::from_raw_mode(0o600)).expect("a pipe");
            let child = command(dir.path(), arguments).spawn().expect("it starts");
            // From the first moment in which regstorm can know of signals at all.
            wait_for(|| has(child.id(), "SigCgt:", signal).then_some(()));
            wait_for(|| has(child.id(), "SigCgt:", Signal::SIGHUP).then_some(()));
            send(&child, signal);
            let said = interrupted(child);
            assert!(said.contains("interrupted"), "{said}");
        }
    }
}

/// Ended by the third signal at the latest, whichever period each of them falls into.
#[test]
fn a_report_to_a_pipe_that_nobody_reads_does_not_keep_the_process() {
    let once = HOUR
        .replace("\"constant-vus\"", "\"per-vu-iterations\"")
        .replace("duration = \"1h\"", "iterations = 1");
    for option in ["--out", "--html", "--junit"] {
        let (dir, registry) = bench(&once);
        let pipe = dir.path().join("pipe");
        mkfifoat(CWD, &pipe, Mode::from_raw_mode(0o600)).expect("a pipe");
        let arguments = ["run", "test.toml", option, "pipe"];
        let mut child = command(dir.path(), &arguments).spawn().expect("it starts");
        // The last thing that is asked of the registry.
        wait_for(|| (registry.counts().of(Operation::ManifestDelete) > 0).then_some(()));
        let mut sent = 0;
        let status = wait_for(|| {
            if sent < 3 && is_waiting(child.id()) {
                send(&child, ALL[sent]);
                sent += 1;
            }
            child.try_wait().expect("it is ours")
        });
        assert_eq!(status.code(), Some(130), "{option}");
    }
}

/// Does the main thread sleep in the opening of a pipe, or in whatever else keeps it?
fn is_waiting(id: u32) -> bool {
    status(id, "State:").is_some_and(|state| state.starts_with('S'))
}

/// Is the process there, and not only its entry that nobody has taken yet?
fn is_alive(id: u32) -> bool {
    status(id, "State:").is_some_and(|state| !state.starts_with('Z'))
}

/// The number that a script has written into a file.
fn written(path: &Path) -> u32 {
    wait_for(|| fs::read_to_string(path).ok()?.trim().parse().ok())
}

#[test]
fn a_hook_ends_with_all_that_it_has_started() {
    for signal in ALL {
        let (dir, registry) = bench(HOUR);
        let url = registry.url();
        let hook = "sleep 600 & echo $! > made; mv made child; wait";
        let arguments = [
            "ab",
            "test.toml",
            "--base",
            &url,
            "--candidate",
            &url,
            "--before-pair",
            hook,
        ];
        let child = command(dir.path(), &arguments).spawn().expect("it starts");
        let started = written(&dir.path().join("child"));
        assert!(is_alive(started));
        send(&child, signal);
        interrupted(child);
        wait_for(|| (!is_alive(started)).then_some(()));
    }
}

/// The third signal ends the process wherever it is, and what it has started with it.
#[test]
fn a_command_that_is_read_ends_with_all_that_it_has_started() {
    let reading = "command = [\"sh\", \"-c\", \"sleep 600 & echo $! > made; mv made child; wait\"]";
    let (dir, _registry) = bench(&format!("{HOUR}[[telemetry]]\nname = \"own\"\n{reading}\n"));
    let arguments = ["run", "test.toml", "--allow-hooks"];
    let child = command(dir.path(), &arguments).spawn().expect("it starts");
    let started = written(&dir.path().join("child"));
    assert!(is_alive(started));
    for signal in &ALL[..3] {
        send(&child, *signal);
        // Signals that come at once are one.
        wait_for(|| (!has(child.id(), "ShdPnd:", *signal)).then_some(()));
    }
    assert_eq!(ended(child).status.code(), Some(130));
    wait_for(|| (!is_alive(started)).then_some(()));
}

#[test]
fn the_embedded_registry_ends_well_by_every_signal() {
    for signal in ALL {
        let dir = tempfile::tempdir().expect("a directory");
        let arguments = ["serve", "--listen", "127.0.0.1:0"];
        let mut child = command(dir.path(), &arguments).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        lines.next().expect("a line").expect("the address");
        send(&child, signal);
        let summary = lines.next().expect("a line").expect("the summary");
        assert!(summary.contains("0 requests"), "{summary}");
        assert_eq!(ended(child).status.code(), Some(0), "{signal}");
    }
}

/// `nohup` starts programs so: what a person wants to outlive the session does.
#[test]
fn a_hangup_that_is_ignored_from_the_start_stays_ignored() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = "trap '' HUP; exec \"$0\" serve --listen 127.0.0.1:0";
    let mut shell = Command::new("sh");
    let mut child = shell
        .args(["-c", script, env!("CARGO_BIN_EXE_regstorm")])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    lines.next().expect("a line").expect("the address");
    assert!(has(child.id(), "SigIgn:", Signal::SIGHUP));
    assert!(!has(child.id(), "SigCgt:", Signal::SIGHUP));
    send(&child, Signal::SIGHUP);
    send(&child, Signal::SIGTERM);
    assert!(
        lines
            .next()
            .expect("a line")
            .expect("the summary")
            .contains("requests")
    );
    assert_eq!(ended(child).status.code(), Some(0));
}
