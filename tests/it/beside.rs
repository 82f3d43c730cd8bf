//! Several runs on one page: what is shown of each, how far it is from the first, and what is refused.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use regstorm::exchange::Phase;
use regstorm::health::{Level, Reason, Signal};
use regstorm::measure::LatencyHistogram;
use regstorm::result::Document;

const PULLS: &str = r#"name = "nightly"
[target]
url = "embedded"
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
executor = "per-vu-iterations"
vus = 1
iterations = 5
"#;

fn regstorm(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A value a hundred times: enough to know p99.
fn hundred(millis: u64) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    for _ in 0..100 {
        histogram.record(Duration::from_millis(millis));
    }
    histogram
}

/// A run, stored as `a.json`, of a sound generator, and what it holds.
fn a_run(dir: &Path) -> Document {
    fs::write(dir.join("test.toml"), PULLS).expect("a file");
    let arguments = ["run", "test.toml", "--quiet", "--out", "a.json"];
    let ran = regstorm(dir, &[&arguments[..], &["--label", "build=1"]].concat());
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{ran:?}");
    let mut document = Document::load(&dir.join("a.json")).expect("a report");
    document.generator.health.reasons.clear();
    let blobs = document
        .operations
        .iter_mut()
        .find(|it| it.name.name() == "blob-get")
        .expect("blobs");
    blobs.requests_per_s = 80.0;
    let phases = [(Phase::Total, hundred(100))];
    blobs.latencies.phases = phases.into_iter().collect();
    document.save(&dir.join("a.json")).expect("a report");
    document
}

/// The same, with blobs that take half as long again and come half as often, of another build.
fn another(document: &Document) -> Document {
    let mut other = document.clone();
    let blobs = other
        .operations
        .iter_mut()
        .find(|it| it.name.name() == "blob-get")
        .expect("blobs");
    blobs.requests_per_s = 40.0;
    let phases = [(Phase::Total, hundred(150))];
    blobs.latencies.phases = phases.into_iter().collect();
    let labels = &mut other.environment.labels;
    labels.insert("build".into(), "2".into());
    other
}

/// The words of the first line that begins with these.
fn line<'a>(text: &'a str, begin: &[&str]) -> Vec<&'a str> {
    let mut lines = text
        .lines()
        .map(|it| it.split_whitespace().collect::<Vec<_>>());
    let found = lines.find(|it| it.starts_with(begin));
    found.unwrap_or_else(|| panic!("no line {begin:?} in\n{text}"))
}

#[test]
fn runs_stand_beside_each_other_with_their_difference_to_the_first() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = a_run(dir.path());
    fs::create_dir(dir.path().join("branch")).expect("a directory");
    let second = another(&first);
    second
        .save(&dir.path().join("branch/b.json"))
        .expect("a report");
    let files = ["report", "a.json", "branch/b.json"];
    let outputs = ["--html", "page.html", "--markdown", "page.md"];
    let shown = regstorm(dir.path(), &[&files[..], &outputs].concat());
    let said = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    // 100 and 150 ms: buckets of three digits begin with 100.0 and 149.9, and 80 and 40 a second.
    let of_first = line(&said, &["blob-get", "a"]);
    assert_eq!(
        of_first[3..],
        ["0", "80/s", "100", "ms", "100", "ms", "100", "ms"],
        "{said}"
    );
    let rest = said.split_once("operation").expect("a table").1;
    let rows: Vec<Vec<&str>> = rest
        .lines()
        .map(|it| it.split_whitespace().collect())
        .collect();
    let at = rows.iter().position(|it| it.first() == Some(&"blob-get"));
    let row = &rows[at.expect("a row") + 1];
    assert_eq!(row[0], "b", "{said}");
    assert_eq!(row[3..5], ["40/s", "-50%"], "{said}");
    assert_eq!(row[5..8], ["150", "ms", "+50%"], "{said}");
    let page = fs::read_to_string(dir.path().join("page.html")).expect("a page");
    let markdown = fs::read_to_string(dir.path().join("page.md")).expect("a page");
    for (form, build, slower) in [
        (&said, "build=2", "+50%"),
        (
            &page,
            "build=2",
            "150 ms <span class=\"difference\">+50%</span>",
        ),
        (&markdown, "build=2", "150 ms (+50%)"),
    ] {
        for words in [build, slower, "This is no comparison", "regstorm compare"] {
            assert!(form.contains(words), "{words}\n{form}");
        }
        assert!(!form.contains("Another plan"), "{form}");
    }
    // One result on standard output: the page; and the summary beside it.
    let piped = regstorm(dir.path(), &[&files[..], &["--html", "-"]].concat());
    assert_eq!(text(&piped.stdout), page);
    assert!(text(&piped.stderr).contains("This is no comparison"));
    let quiet = regstorm(dir.path(), &[&files[..], &["--quiet"]].concat());
    assert_eq!(
        (text(&quiet.stdout), text(&quiet.stderr)),
        Default::default()
    );
}

#[test]
fn what_makes_runs_unlike_is_said_before_their_numbers() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = a_run(dir.path());
    let set = ["--set", "load.iterations=7"];
    let run = ["run", "test.toml", "--quiet", "--out", "b.json"];
    let ran = regstorm(dir.path(), &[&run[..], &set].concat());
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{ran:?}");
    let mut second = Document::load(&dir.path().join("b.json")).expect("a report");
    second.generator.health.reasons.clear();
    second.save(&dir.path().join("b.json")).expect("a report");
    let mut third = another(&first);
    third.regstorm = "9.9.9".into();
    third.generator.health.reasons = vec![Reason {
        level: Level::Invalid,
        signal: Signal::WorkerCpu,
        subject: None,
        observed: "99.8%".into(),
        bound: "at most 90%".into(),
        advice: "use more workers".into(),
    }];
    third.save(&dir.path().join("c.json")).expect("a report");
    let shown = regstorm(
        dir.path(),
        &[
            "report",
            "a.json",
            "b.json",
            "c.json",
            "--html",
            "page.html",
        ],
    );
    let said = text(&shown.stdout);
    let page = fs::read_to_string(dir.path().join("page.html")).expect("a page");
    for words in [
        "Another plan than a: b",
        "Another version of regstorm than a: c",
        "INVALID, as the generator was the limit",
        "plan: load.0.iterations",
    ] {
        for form in [&said, &page] {
            let place = form.find(words);
            let numbers = form.find("blob-get").expect("numbers");
            assert!(place.is_some_and(|it| it < numbers), "{words}\n{form}");
        }
    }
    // 150 ms are no difference to anything: the generator was the limit.
    assert!(!said.contains("+50%") && !page.contains("+50%"), "{said}");
}

#[test]
fn what_is_no_run_and_what_is_too_much_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    a_run(dir.path());
    let compared = regstorm(
        dir.path(),
        &[
            "compare",
            "a.json",
            "a.json",
            "--quiet",
            "--out",
            "both.json",
        ],
    );
    assert!(dir.path().join("both.json").exists(), "{compared:?}");
    let refused = |arguments: &[&str]| {
        let output = regstorm(dir.path(), &[&["report"], arguments].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(!dir.path().join("page").exists(), "{said}");
        said
    };
    let said = refused(&["a.json", "both.json", "--html", "page"]);
    assert!(said.contains("both.json is a comparison"), "{said}");
    for option in ["--junit", "--csv", "--hlog", "--hgrm", "--bencher"] {
        let said = refused(&["a.json", "a.json", option, "page"]);
        assert!(said.contains(&format!("{option} is of one file")), "{said}");
    }
    let said = refused(&["a.json", "a.json", "--html", "a.json"]);
    assert!(said.contains("a.json"), "{said}");
    let most = [&["a.json"; 8][..], &["--html", "most.html"]].concat();
    let shown = regstorm(dir.path(), &[&["report"], &most[..]].concat());
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    let said = refused(&[&["a.json"; 9][..], &["--html", "page"]].concat());
    assert!(said.contains("9 files, and at most 8 runs"), "{said}");
}
