//! Commands beside a load: when they run, what they get, how they end, and what the report says of them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regstorm::hooks::HookEnd;
use regstorm::result::{Document, HookSection};

use crate::support::wait_for;

/// Pulls for a second and a half beside hooks.
fn scenario(hooks: &str) -> String {
    format!(
        r#"name = "hooked"
[target]
url = "embedded"
headers = {{ X-Key = "hunter2" }}
[images.web]
source = "synthetic"
count = 1
layers = 1
layer_size = "1KiB"
[journey.pull]
action = "pull"
images = "web"
[[load]]
journey = "pull"
executor = "constant-vus"
vus = 1
pacing = "10ms"
duration = "1500ms"
{hooks}"#
    )
}

fn dir(hooks: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("test.toml"), scenario(hooks)).expect("a file");
    fs::write(dir.path().join("secret"), "hunter2").expect("a file");
    dir
}

fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
    command
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null());
    command
}

const RUN: [&str; 5] = ["run", "test.toml", "--allow-hooks", "--out", "report.json"];

fn ran(dir: &Path, more: &[&str]) -> (Output, Document) {
    let output = command(dir, &[&RUN[..], more].concat())
        .output()
        .expect("it runs");
    let report = Document::load(&dir.join("report.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    assert!(report.closure.holds(), "{:?}", report.closure);
    (output, report)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn hook<'a>(report: &'a Document, name: &str) -> &'a HookSection {
    let mut hooks = report.hooks.iter();
    hooks.find(|it| it.record.name == name).expect("the hook")
}

fn is_alive(id: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let state = status.lines().find_map(|it| it.strip_prefix("State:"));
    state.is_some_and(|it| !it.trim().starts_with('Z'))
}

#[test]
fn hooks_need_an_option_that_the_refusal_names() {
    let dir = dir("[[hook]]\nname = \"gc\"\ncommand = [\"touch\", \"done\"]\nat = \"0s\"\n");
    let ab = [
        "ab",
        "test.toml",
        "--base",
        "embedded",
        "--candidate",
        "embedded",
    ];
    for arguments in [&["run", "test.toml"][..], &ab] {
        let refused = command(dir.path(), arguments).output().expect("it runs");
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        let told = said(&refused);
        assert!(told.contains("--allow-hooks"), "{told}");
        assert!(told.contains(r#"gc = ["touch", "done"]"#), "{told}");
    }
    assert!(!dir.path().join("done").exists());
    // To say what would be done is no reason to refuse.
    let checked = command(dir.path(), &["check", "test.toml"])
        .output()
        .expect("it runs");
    assert_eq!(checked.status.code(), Some(0));
    let told = String::from_utf8_lossy(&checked.stdout);
    assert!(
        told.contains("--allow-hooks") && told.contains("touch"),
        "{told}"
    );
}

/// A hook of every end.
const EVERY_END: &str = r#"
[[hook]]
name = "well"
command = ["sh", "-c", 'echo "$REGSTORM_HOOK $REGSTORM_HOOK_RUN $REGSTORM_TARGET $(cat secret)" >&2; env > "well-$REGSTORM_HOOK_RUN"']
at = ["300ms", "100ms"]
[[hook]]
name = "fails"
command = ["sh", "-c", "echo no space left; exit 3"]
at = "200ms"
[[hook]]
name = "hangs"
command = ["sh", "-c", "sleep 600 & echo $! > child; wait"]
at = ["200ms", "250ms"]
timeout = "400ms"
[[hook]]
name = "killed"
command = ["sh", "-c", "kill -9 $$"]
at = "200ms"
[[hook]]
name = "absent"
command = ["no-such-program"]
at = "200ms"
[[hook]]
name = "late"
command = ["true"]
at = "1h"
[[hook]]
name = "outlasts"
command = ["sh", "-c", "sleep 1; exit 0"]
at = "1200ms"
[[hook]]
name = "floods"
command = ["sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x; echo end"]
at = "0s"
"#;

/// One run with a hook of every end.
#[test]
fn every_end_of_a_hook_is_counted_and_the_run_goes_on() {
    let dir = dir(EVERY_END);
    let (output, report) = ran(
        dir.path(),
        &[
            "--markdown",
            "r.md",
            "--html",
            "r.html",
            "--csv-wide",
            "r.csv",
        ],
    );
    assert!(
        matches!(output.status.code(), Some(0 | 4)),
        "{}",
        said(&output)
    );
    assert!(report.totals.iterations.ok > 10);

    let well = &hook(&report, "well").record;
    assert_eq!((well.counts.due, well.counts.ok), (2, 2));
    assert!(well.runs[0].due_us == 100_000 && well.runs[0].started_us >= 100_000);
    assert!(
        well.runs[0].output.starts_with("well 1 http://127.0.0.1:"),
        "{:?}",
        well.runs
    );
    assert!(
        well.runs[1].output.ends_with(" <redacted>"),
        "{:?}",
        well.runs
    );
    let given = fs::read_to_string(dir.path().join("well-2")).expect("its environment");
    let given: Vec<&str> = given
        .lines()
        .filter(|it| it.starts_with("REGSTORM_") && !it.contains("_UPDATE_"))
        .collect();
    assert_eq!(given.len(), 3, "{given:?}");

    check_ends(dir.path(), &report);
    let told = said(&output);
    assert_eq!(
        told.matches("fails: run 1: exit code 3").count(),
        1,
        "{told}"
    );
    check_outputs(dir.path(), &output);
}

fn check_ends(dir: &Path, report: &Document) {
    let fails = &hook(report, "fails").record;
    assert_eq!(
        (fails.counts.failed, &fails.runs[0].end),
        (1, &HookEnd::Exit(3))
    );
    assert_eq!(fails.runs[0].output, "no space left");

    // The second time was when the first run had not ended.
    let hangs = &hook(report, "hangs").record;
    assert_eq!(
        (
            hangs.counts.timed_out,
            hangs.counts.missed,
            hangs.counts.due
        ),
        (1, 1, 2)
    );
    assert!(hangs.runs[0].ended_us - hangs.runs[0].started_us >= 400_000);
    let child = fs::read_to_string(dir.join("child")).expect("the process that it started");
    let child = child.trim().parse().expect("its id");
    wait_for(|| (!is_alive(child)).then_some(()));

    assert_eq!(
        hook(report, "killed").record.runs[0].end,
        HookEnd::Signal(9)
    );
    let absent = &hook(report, "absent").record;
    assert_eq!(absent.counts.not_started, 1);
    assert!(
        matches!(&absent.runs[0].end, HookEnd::NotStarted(why) if why.contains("No such file"))
    );
    let late = &hook(report, "late").record.counts;
    assert_eq!((late.due, late.unreached), (0, 1));

    let outlasts = &hook(report, "outlasts").record;
    assert!(
        outlasts.counts.ok == 1 && outlasts.runs[0].outlasted_load,
        "{outlasts:?}"
    );
    assert!(outlasts.runs[0].ended_us > report.window_us);

    let floods = &hook(report, "floods").record.runs[0].output;
    assert!(
        floods.len() <= 2048 && floods.ends_with("xxend"),
        "{}",
        floods.len()
    );
}

/// Every format for people says what is missing and why, and none has the secret.
fn check_outputs(dir: &Path, output: &Output) {
    let read = |name: &str| fs::read_to_string(dir.join(name)).expect("a file");
    let (markdown, html, csv) = (read("r.md"), read("r.html"), read("r.csv"));
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    for text in [&markdown, &html, &summary] {
        assert!(
            text.contains("no space left") && text.contains("the load ended before"),
            "{text}"
        );
        assert!(!text.contains("hunter2"));
    }
    assert!(csv.contains("hook.fails.pull.during.failed"), "{csv}");
    assert!(!read("report.json").contains("hunter2"));
}

#[test]
fn a_load_that_is_stopped_at_once_ends_its_hooks() {
    let hang = "[[hook]]\nname = \"hang\"\nat = \"0s\"\ncommand = [\"sh\", \"-c\", \"sleep 600 & echo $! > made; mv made child; wait\"]\n";
    let dir = dir(hang);
    let mut hour = command(
        dir.path(),
        &[&RUN[..], &["--set", "load.duration=1h"]].concat(),
    );
    let run = hour.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut run = run.expect("it starts");
    let child = wait_for(|| {
        let text = fs::read_to_string(dir.path().join("child")).ok()?;
        text.trim().parse().ok()
    });
    let id = Pid::from_raw(i32::try_from(run.id()).expect("an id"));
    kill(id, Signal::SIGINT).expect("a signal");
    let mut lines = BufReader::new(run.stderr.take().expect("a pipe"));
    let mut told = String::new();
    while !told.contains("hang still runs") {
        assert!(lines.read_line(&mut told).expect("a line") > 0, "{told}");
    }
    kill(id, Signal::SIGINT).expect("a signal");
    assert_eq!(run.wait().expect("it ends").code(), Some(130), "{told}");
    wait_for(|| (!is_alive(child)).then_some(()));
    let report = Document::load(&dir.path().join("report.json")).expect("a report");
    assert_eq!(hook(&report, "hang").record.counts.stopped, 1);
}

/// Each side of a pair has its hooks, in its own slice.
#[test]
fn each_side_of_a_pair_has_its_hooks() {
    let dir = dir(r#"
[[hook]]
name = "gc"
command = ["sh", "-c", 'echo "$REGSTORM_PAIR $REGSTORM_SIDE $REGSTORM_TARGET" >> runs']
at = "100ms"
"#);
    let arguments = [
        "ab",
        "test.toml",
        "--allow-hooks",
        "--base",
        "embedded",
        "--candidate",
        "embedded",
        "--pairs",
        "5",
        "--set",
        "load.duration=200ms",
        "--out",
        "c.json",
        "--reports",
        "all",
    ];
    let output = command(dir.path(), &arguments).output().expect("it runs");
    assert!(
        !matches!(output.status.code(), Some(2 | 5 | 70)),
        "{}",
        said(&output)
    );
    let runs = fs::read_to_string(dir.path().join("runs")).expect("what they wrote");
    for side in ["base", "candidate"] {
        for pair in 1..=5 {
            let begin = format!("{pair} {side} http://127.0.0.1:");
            assert!(runs.lines().any(|it| it.starts_with(&begin)), "{runs}");
        }
        let report = Document::load(&dir.path().join(format!("all/pair-001-{side}.json")));
        assert_eq!(hook(&report.expect("a report"), "gc").record.counts.ok, 1);
    }
}

#[test]
fn mistakes_of_hooks_are_told_at_their_place() {
    for (hooks, wanted) in [
        ("command = [\"x\"]\nat = \"1s\"", "missing key `name`"),
        ("name = \"a\"\nat = \"1s\"", "missing key `command`"),
        (
            "name = \"a\"\ncommand = []\nat = \"1s\"",
            "a hook has no program",
        ),
        ("name = \"a\"\ncommand = [\"x\"]", "a hook has no time"),
        (
            "name = \"a\"\ncommand = [\"x\"]\nat = \"1s\"\nevery = \"1s\"",
            "two kinds of times",
        ),
        (
            "name = \"a\"\ncommand = [\"x\"]\nat = \"1s\"\nuntil = \"1s\"",
            "needs `every`",
        ),
        (
            "name = \"a\"\ncommand = [\"x\"]\nevery = \"5s\"\nuntil = \"5s\"",
            "never runs",
        ),
        (
            "name = \"a\"\ncommand = [\"x\"]\nat = \"1s\"\n[[hook]]\nname = \"a\"\ncommand = [\"x\"]\nat = \"2s\"",
            "two hooks are called `a`",
        ),
        (
            "name = \"a\"\ncommand = \"rm -rf x\"\nat = \"1s\"",
            "an array of texts",
        ),
    ] {
        let dir = dir(&format!("[[hook]]\n{hooks}\n"));
        let refused = command(dir.path(), &["check", "test.toml"])
            .output()
            .expect("it runs");
        assert_eq!(refused.status.code(), Some(2), "{hooks}");
        assert!(
            said(&refused).contains(wanted),
            "{hooks}\n{}",
            said(&refused)
        );
    }
}

/// A run without hooks is the run that it was before there were any.
#[test]
fn a_plan_without_hooks_says_nothing_of_them() {
    let plan = |dir: &tempfile::TempDir| {
        let checked = command(dir.path(), &["check", "test.toml"])
            .output()
            .expect("it runs");
        String::from_utf8_lossy(&checked.stdout).into_owned()
    };
    let without = plan(&dir(""));
    assert!(
        !without.contains("hook.") && !without.contains("--allow"),
        "{without}"
    );
    let with = plan(&dir(
        "[[hook]]\nname = \"a\"\ncommand = [\"x\"]\nevery = \"5s\"\n",
    ));
    let fingerprint = |text: &str| text.lines().nth(1).map(str::to_owned);
    assert_ne!(fingerprint(&without), fingerprint(&with));
}
