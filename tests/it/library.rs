//! What is inside the program: the scenario library, the file to start from; and the wait for a target that starts.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use regstorm::embedded::{Auth, Settings};
use regstorm::result::Document;
use regstorm::scenario::library;
use regstorm::units::Secret;
use rustix::fs::{CWD, Mode, mkfifoat};

use crate::support::registry;

/// Makes any scenario of the library short.
const SHORT: [&str; 6] = [
    "--set",
    "load.warmup=0s",
    "--set",
    "load.duration=300ms",
    "--set",
    "load.graceful_stop=2s",
];

fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
    command
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null());
    command
}

fn regstorm(dir: &Path, arguments: &[&str]) -> Output {
    command(dir, arguments).output().expect("the program runs")
}

fn empty() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_list_has_a_line_for_each_scenario() {
    let dir = empty();
    let listed = out(&regstorm(dir.path(), &["scenarios"]));
    for entry in library::SCENARIOS {
        let lines = listed.lines();
        let of_it: Vec<&str> = lines
            .filter(|line| line.split(' ').next() == Some(&format!("@{}", entry.name)))
            .collect();
        let description = entry.scenario().unwrap().description;
        assert!(
            matches!(of_it.as_slice(), [line] if line.ends_with(&description)),
            "{}: {of_it:?}",
            entry.name
        );
    }
    let line = |name: &str| listed.lines().find(|it| it.starts_with(name)).unwrap();
    assert!(line("@first-run ").contains(" 23s "), "3 s + 20 s");
    assert!(
        line("@rollout ").contains("at most"),
        "ends with its iterations"
    );
    assert!(line("@capacity ").contains("a search"));
}

#[test]
fn what_is_shown_is_the_file() {
    let dir = empty();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, file) in [
        ("steady", "scenarios/steady.toml"),
        ("@steady", "scenarios/steady.toml"),
        ("pull-request", "scenarios/gates/pull-request.toml"),
    ] {
        let shown = regstorm(dir.path(), &["scenarios", "show", name]);
        assert_eq!(out(&shown), fs::read_to_string(root.join(file)).unwrap());
    }
}

#[test]
fn a_scenario_of_the_library_runs_and_is_compared_in_an_empty_directory() {
    let dir = empty();
    let mut arguments = vec!["run", "@first-run", "--out", "report.json"];
    arguments.extend(SHORT);
    let ran = regstorm(dir.path(), &arguments);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    let report = Document::load(&dir.path().join("report.json")).unwrap();
    assert_eq!(report.plan.name, "first-run");
    assert!(report.totals.iterations.ok > 0);

    // The gates are read, and name what the scenario has not.
    let mut arguments = vec!["check", "@steady"];
    arguments.extend(SHORT);
    assert_eq!(regstorm(dir.path(), &arguments).status.code(), Some(0));
    let report = ["report.json", "report.json"];
    let compared = regstorm(
        dir.path(),
        &["compare", report[0], report[1], "--gates", "@pull-request"],
    );
    let told = said(&compared) + &out(&compared);
    assert!(!told.contains("cannot read"), "{told}");
}

#[test]
fn the_replay_of_the_library_sends_the_trace_inside_the_program() {
    let dir = empty();
    let fast = ["--set", "load.speed=20", "--out", "report.json"];
    let ran = regstorm(dir.path(), &[&["run", "@replay"][..], &fast].concat());
    // A busy machine may be found too slow for it.
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{}", said(&ran));
    let report = Document::load(&dir.path().join("report.json")).unwrap();
    let [replay] = report.replays.as_slice() else {
        panic!("{}", out(&ran));
    };
    let shown = regstorm(dir.path(), &["trace", "show", "@sample", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["summary"]["requests"], replay.recorded.count);
    let iterations = report.totals.iterations;
    assert_eq!(shown["summary"]["sessions"], iterations.ended());
    assert_eq!(replay.replayed.count, replay.recorded.count);
    // Of five requests four are small ones, as in production.
    let moved = ["blob-get", "upload-patch"].map(|name| {
        let rows = shown["operations"].as_array().unwrap().iter();
        let row = { rows }.find(|it| it["operation"] == name).unwrap();
        row["requests"].as_u64().unwrap()
    });
    let small = replay.recorded.count - moved.iter().sum::<u64>();
    assert!(
        (76..=82).contains(&(small * 100 / replay.recorded.count)),
        "{small}"
    );
}

#[test]
fn a_name_that_the_library_does_not_have_is_told_with_the_nearest() {
    let dir = empty();
    for arguments in [
        &["run", "@stedy"][..],
        &["check", "@stedy"],
        &["scenarios", "show", "stedy"],
        &["init", "stedy"],
        &[
            "ab",
            "@stedy",
            "--base",
            "embedded",
            "--candidate",
            "embedded",
        ],
    ] {
        let refused = regstorm(dir.path(), arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        let told = said(&refused);
        assert!(told.contains("did you mean `@steady`"), "{told}");
    }
    let far = said(&regstorm(dir.path(), &["run", "@nothing-like-it"]));
    assert!(far.contains("@first-run, "), "{far}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_file_whose_name_begins_with_the_mark_of_the_library_is_read_as_a_file() {
    let dir = empty();
    let text = library::find(library::SCENARIOS, "steady").unwrap().text;
    fs::write(dir.path().join("@stedy"), text).unwrap();
    let checked = regstorm(dir.path(), &["check", "./@stedy"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

#[test]
fn a_mistake_in_an_override_names_the_scenario_of_the_library() {
    let dir = empty();
    let refused = regstorm(dir.path(), &["check", "@steady", "--set", "load.rat=3"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("load.rat"), "{}", said(&refused));
}

#[test]
fn the_file_to_start_from_is_new_and_runs() {
    let dir = empty();
    assert_eq!(regstorm(dir.path(), &["init"]).status.code(), Some(0));
    let file = dir.path().join("scenario.toml");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        library::find(library::SCENARIOS, "start").unwrap().text
    );
    let mut arguments = vec!["run", "scenario.toml"];
    arguments.extend(SHORT);
    let ran = regstorm(dir.path(), &arguments);
    // So short a run may be undecided: it has not enough samples for its thresholds.
    assert!(matches!(ran.status.code(), Some(0 | 3)), "{}", said(&ran));

    fs::write(&file, "mine").unwrap();
    let refused = regstorm(dir.path(), &["init"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("--out"), "{}", said(&refused));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");

    let nowhere = regstorm(dir.path(), &["init", "--out", "missing/scenario.toml"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(said(&nowhere).contains("missing/scenario.toml"));
    let printed = regstorm(dir.path(), &["init", "@pull", "--out", "-"]);
    assert_eq!(
        out(&printed),
        library::find(library::SCENARIOS, "pull").unwrap().text
    );
}

#[test]
fn the_summary_of_a_ci_job_exists_whatever_happened() {
    let dir = empty();
    fs::write(dir.path().join("bad.toml"), "name = 1\n").unwrap();
    let unreachable = ["--target", "http://127.0.0.1:1"];
    let sides = [
        "--base",
        "http://127.0.0.1:1",
        "--candidate",
        "http://127.0.0.1:1",
    ];
    let cases = [
        (
            [&["run", "@first-run"][..], &unreachable].concat(),
            5,
            "127.0.0.1:1",
        ),
        ([&["ab", "@steady"][..], &sides].concat(), 5, "127.0.0.1:1"),
        (vec!["run", "bad.toml"], 2, "standard error"),
        (vec!["run", "missing.toml"], 2, "missing.toml"),
        (vec!["compare", "a.json", "b.json"], 2, "a.json"),
        (vec!["merge", "a.json", "b.json"], 2, "a.json"),
    ];
    for (arguments, code, reason) in cases {
        // What is left of an older job must not be read as the result of this one.
        let (markdown, junit) = (dir.path().join("s.md"), dir.path().join("s.xml"));
        fs::write(&markdown, "PASS, of yesterday").unwrap();
        let files = ["--markdown", "s.md", "--junit", "s.xml"];
        let ended = regstorm(dir.path(), &[&arguments[..], &files].concat());
        assert_eq!(
            ended.status.code(),
            Some(code),
            "{arguments:?} {}",
            said(&ended)
        );
        let text = fs::read_to_string(&markdown).unwrap();
        assert!(
            text.contains("NO RESULT") && text.contains(reason),
            "{text}"
        );
        let xml = fs::read_to_string(&junit).unwrap();
        let xml = roxmltree::Document::parse(&xml).unwrap();
        let errors = xml.descendants().filter(|it| it.has_tag_name("error"));
        assert_eq!(errors.count(), 1, "{arguments:?}");
    }
}

#[test]
fn a_pipe_gets_one_text_and_is_not_waited_for() {
    let dir = empty();
    let pipe = dir.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::from_raw_mode(0o600)).expect("a pipe");
    let unreachable = [
        "run",
        "@first-run",
        "--target",
        "http://127.0.0.1:1",
        "--markdown",
        "pipe",
    ];
    assert_eq!(regstorm(dir.path(), &unreachable).status.code(), Some(5));
}

#[test]
fn a_summary_never_takes_the_place_of_what_is_read() {
    let dir = empty();
    regstorm(dir.path(), &["init"]);
    let before = fs::read_to_string(dir.path().join("scenario.toml")).unwrap();
    let refused = regstorm(
        dir.path(),
        &["run", "scenario.toml", "--markdown", "scenario.toml"],
    );
    assert_eq!(refused.status.code(), Some(2));
    let after = fs::read_to_string(dir.path().join("scenario.toml")).unwrap();
    assert_eq!(before, after);
}

/// Reads what a command says until a line has these words.
fn until_it_says(child: &mut Child, words: &str) {
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains(words) {
        let read = lines.read_line(&mut said).expect("what it says");
        assert!(read > 0, "it ended, and said\n{said}");
    }
    child.stderr = Some(lines.into_inner());
}

#[test]
fn a_run_waits_for_a_target_that_starts_later() {
    let dir = empty();
    // A port where nobody listens until later.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let target = format!("http://{port}");
    let mut arguments = vec!["run", "@first-run", "--target", &target, "--wait", "2m"];
    arguments.extend(SHORT);
    let mut child = command(dir.path(), &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    until_it_says(&mut child, "waiting");
    let settings = Settings {
        listen: port,
        ..Settings::default()
    };
    let _late = registry(settings);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
}

#[test]
fn refused_credentials_are_not_waited_for() {
    let dir = empty();
    let settings = Settings {
        auth: Auth::Basic {
            user: "user".to_owned(),
            password: Secret::new("secret"),
        },
        ..Settings::default()
    };
    let registry = registry(settings);
    let arguments = [
        "run",
        "@first-run",
        "--target",
        &registry.url(),
        "--wait",
        "24h",
    ];
    let refused = regstorm(dir.path(), &arguments);
    assert_eq!(refused.status.code(), Some(5), "{}", said(&refused));
    assert!(!said(&refused).contains("waiting"), "{}", said(&refused));
}

#[test]
fn a_wait_is_bounded() {
    let dir = empty();
    let url = "http://127.0.0.1:1";
    let ended = regstorm(
        dir.path(),
        &["run", "@first-run", "--target", url, "--wait", "300ms"],
    );
    assert_eq!(ended.status.code(), Some(5));
    for wrong in ["25h", "soon", "-1s", ""] {
        let refused = regstorm(dir.path(), &["run", "@first-run", "--wait", wrong]);
        assert_eq!(
            refused.status.code(),
            Some(2),
            "{wrong}: {}",
            said(&refused)
        );
    }
}
