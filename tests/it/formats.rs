use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use regstorm::result::Document;
use serde_json::Value;

/// Two users pull five times each: a manifest, a config and two layers.
const PULLS: &str = r#"name = "nightly"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 1
layers = 2
layer_size = "1KiB"
[journey.pull]
action = "pull"
images = "web"
[[load]]
journey = "pull"
executor = "per-vu-iterations"
vus = 2
iterations = 5
[[threshold]]
metric = "pull.iterations"
expect = "count == 10"
"#;

fn regstorm(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

/// A run and its report, in a directory.
fn a_run() -> (tempfile::TempDir, Document) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("test.toml"), PULLS).expect("a file");
    let ran = regstorm(
        dir.path(),
        &["run", "test.toml", "--quiet", "--out", "report.json"],
    );
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    // A run so short may be all the generator's: that is no matter of formats.
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{said}");
    let report = Document::load(&dir.path().join("report.json")).expect("a report");
    (dir, report)
}

const FORMATS: [&str; 10] = [
    "markdown",
    "junit",
    "csv",
    "csv-wide",
    "hlog",
    "hgrm",
    "openmetrics",
    "benchmark-smaller",
    "benchmark-larger",
    "bencher",
];

/// The report in every format, by the name of its option.
fn all_formats(dir: &Path) -> BTreeMap<&'static str, String> {
    let mut arguments = vec!["report".to_owned(), "report.json".into(), "--quiet".into()];
    for format in FORMATS {
        arguments.extend([format!("--{format}"), format!("out.{format}")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = regstorm(dir, &arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(output.stdout, b"");
    let read = |format| std::fs::read_to_string(dir.join(format!("out.{format}"))).expect(format);
    FORMATS.into_iter().map(|it| (it, read(it))).collect()
}

#[test]
fn every_format_tells_what_the_report_knows() {
    let (dir, report) = a_run();
    let text = all_formats(dir.path());
    let verdict = report.verdict.name();

    let heading = format!("## regstorm: {}, nightly\n", verdict.to_uppercase());
    let markdown = &text["markdown"];
    assert!(markdown.starts_with(&heading), "{markdown}");
    assert!(
        markdown.contains("| pull | 10 | 10 | 0 | 0 | 0 |"),
        "{markdown}"
    );

    let junit = roxmltree::Document::parse(&text["junit"]).expect("XML");
    let cases = junit.descendants().filter(|it| it.has_tag_name("testcase"));
    let names: Vec<_> = cases.filter_map(|it| it.attribute("name")).collect();
    let cases = [
        "pull.iterations count == 10",
        "the run counts",
        "integrity",
        "generator",
        "sums",
    ];
    assert_eq!(names, cases);

    let long = rows(&text["csv"]);
    let is_of_all_blobs = |it: &&BTreeMap<String, String>| {
        ["journey", "operation", "latency"].map(|name| it[name].as_str())
            == ["", "blob-get", "total"]
    };
    let blobs = long
        .iter()
        .find(is_of_all_blobs)
        .expect("blobs of all journeys");
    // A config and two layers, ten times.
    assert_eq!(
        ["ok", "samples"].map(|name| blobs[name].as_str()),
        ["30", "30"]
    );
    assert_eq!(blobs["verdict"], verdict);
    assert_eq!(rows(&text["csv-wide"]).len(), 1);

    // All of it is in the log, by window: its values are read back by a live test.
    let hlog = &text["hlog"];
    assert!(
        hlog.starts_with("#[Histogram log format version 1.3]\n"),
        "{hlog}"
    );
    assert!(hlog.contains("\nTag=pull.response_time,0.000,"), "{hlog}");
    assert!(text["hgrm"].starts_with("#[pull.response_time, values in milliseconds]\n"));
    assert!(text["hgrm"].contains("Total count    =           10]"));
    let count = "\nregstorm_iterations{journey=\"pull\",outcome=\"ok\"} 10\n";
    assert!(text["openmetrics"].contains(count));
    assert!(text["openmetrics"].ends_with("\n# EOF\n"));

    let counts = verdict != "invalid";
    let benchmarks: Value = serde_json::from_str(&text["bencher"]).expect("JSON");
    assert_eq!(benchmarks["pull"]["throughput"].is_object(), counts);
    for (format, name) in [
        ("benchmark-smaller", "pull.service_time p(50)"),
        ("benchmark-larger", "pull rate"),
    ] {
        let all: Vec<Value> = serde_json::from_str(&text[format]).expect("JSON");
        let told = all.iter().any(|it| it["name"] == name);
        assert_eq!(told, counts, "{}", text[format]);
    }
}

/// The rows of the long form by column, each with as many fields as the heading.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heading = reader.headers().expect("a heading").clone();
    let row = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.expect("a row of as many fields");
        let cells = heading.iter().zip(&row);
        cells
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    reader.records().map(row).collect()
}

#[test]
fn a_dash_is_standard_output_and_other_metrics_can_be_asked_for() {
    let (dir, _) = a_run();
    let arguments = [
        "report",
        "report.json",
        "--quiet",
        "--hgrm",
        "-",
        "--hgrm-of",
    ];
    let ask = |metric| regstorm(dir.path(), &[&arguments[..], &[metric]].concat());
    let output = ask("blob-get.total");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        shown.starts_with("#[blob-get.total, values in milliseconds]\n"),
        "{shown}"
    );
    assert!(shown.contains("Total count    =           30]"), "{shown}");
    let output = ask("blob-got.total");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    // What there is, is told.
    assert!(
        said.contains("blob-got.total") && said.contains("blob-get.total"),
        "{said}"
    );
}

/// Nothing is left half done: what cannot be made is known before the first file is written.
#[test]
fn a_format_that_cannot_be_made_leaves_no_file() {
    let (dir, _) = a_run();
    let arguments = [
        "report",
        "report.json",
        "--markdown",
        "out.md",
        "--hgrm",
        "out.hgrm",
        "--hgrm-of",
        "x",
    ];
    let output = regstorm(dir.path(), &arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(!dir.path().join("out.md").exists());
}
