//! What was stored is read again as what it is: a report, or a comparison; and shown by `report`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use regstorm::result::{
    Comparison, ComparisonSchema, ComparisonVerdict, Design, Document, Error, Method, Stored,
};

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

/// A report, and a comparison of it with itself.
fn stored(dir: &Path) -> (Document, Comparison) {
    fs::write(dir.join("test.toml"), PULLS).expect("a file");
    let ran = regstorm(dir, &["run", "test.toml", "--quiet", "--out", "run.json"]);
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{ran:?}");
    let document = Document::load(&dir.join("run.json")).expect("a report");
    let comparison = Comparison {
        schema: ComparisonSchema,
        regstorm: "0.1.0".into(),
        verdict: ComparisonVerdict::Inconclusive,
        reasons: vec!["one run each decides nothing".into()],
        design: Design {
            method: Method::Single,
            base_runs: 1,
            candidate_runs: 1,
            looks: vec![],
            alpha: 0.05,
            budget: None,
            order_seed: None,
            slice_us: None,
            settle_us: 0,
            orders: vec![],
        },
        differences: vec![],
        metrics: vec![],
        discarded: vec![],
        notes: vec![],
        base: document.clone(),
        candidate: document.clone(),
    };
    comparison
        .save(&dir.join("both.json"))
        .expect("a comparison");
    (document, comparison)
}

#[test]
fn a_file_says_what_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let [run, both, other] = ["run.json", "both.json", "other.json"].map(|it| dir.path().join(it));
    let (document, comparison) = stored(dir.path());
    assert_eq!(
        Stored::load(&run).expect("a report"),
        Stored::Run(Box::new(document))
    );
    assert_eq!(Comparison::load(&both).expect("a comparison"), comparison);
    let read = Stored::load(&both).expect("a comparison");
    assert_eq!(read, Stored::Comparison(Box::new(comparison)));

    // Each is refused where the other is wanted, with the schema that it has and the one that was wanted.
    let refused = Document::load(&both).expect_err("no report").to_string();
    for schema in ["regstorm.comparison/1", "regstorm.report/3"] {
        assert!(refused.contains(schema), "{refused}");
    }
    assert!(matches!(Comparison::load(&run), Err(Error::Schema { .. })));
    fs::write(&other, r#"{"schema":"regstorm.report/1"}"#).expect("a file");
    assert!(matches!(Stored::load(&other), Err(Error::Schema { .. })));
    fs::write(&other, r#"{"schema":"regstorm.comparison/1"}"#).expect("a file");
    assert!(matches!(Stored::load(&other), Err(Error::Parse { .. })));
}

#[test]
fn a_pipe_is_coloured_only_where_the_user_wants_it() {
    let dir = tempfile::tempdir().expect("a directory");
    stored(dir.path());
    for (variables, coloured) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true),
    ] {
        let shown = Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(["report", "run.json"])
            .current_dir(dir.path())
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .envs(variables.iter().copied())
            .output()
            .expect("the program runs");
        let has = shown.stdout.contains(&0x1b);
        assert_eq!(has, coloured, "{variables:?} {shown:?}");
    }
}

#[test]
fn report_shows_it_and_writes_the_page() {
    let dir = tempfile::tempdir().expect("a directory");
    stored(dir.path());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for (file, word) in [("run.json", "nightly"), ("both.json", "INCONCLUSIVE")] {
        let shown = regstorm(dir.path(), &["report", file, "--html", "page.html"]);
        assert_eq!(shown.status.code(), Some(0), "{shown:?}");
        assert!(text(&shown.stdout).contains(word), "{shown:?}");
        let page = fs::read_to_string(dir.path().join("page.html")).expect("a page");
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains(word));
        // The page has standard output for itself.
        let piped = regstorm(dir.path(), &["report", file, "--html", "-"]);
        assert_eq!(text(&piped.stdout), page);
        assert!(text(&piped.stderr).contains(word), "{piped:?}");
    }
    let missing = regstorm(dir.path(), &["report", "missing.json"]);
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    let nowhere = regstorm(
        dir.path(),
        &["report", "run.json", "--html", "missing/page.html"],
    );
    assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
}

#[test]
fn a_directory_stands_for_its_reports() {
    let dir = tempfile::tempdir().expect("a directory");
    stored(dir.path());
    let compare = |arguments: &[&str]| {
        let all = [
            &["compare", "--invalid=pass", "--inconclusive=pass"],
            arguments,
        ]
        .concat();
        let output = regstorm(dir.path(), &all);
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said)
    };
    let inside = |path: &str| dir.path().join(path);
    for side in ["base", "candidate"] {
        fs::create_dir_all(inside(side)).expect("a directory");
    }
    fs::create_dir_all(inside("both")).expect("a directory");

    let (code, said) = compare(&["both"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("both: it has no report: no file there ends"),
        "{said}"
    );

    fs::copy(inside("run.json"), inside("both/base-1.json")).expect("a copy");
    let (code, said) = compare(&["both"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("both: it has no report of the candidate"),
        "{said}"
    );

    fs::copy(inside("run.json"), inside("both/main.json")).expect("a copy");
    let (code, said) = compare(&["both"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("main.json: which side is it?"), "{said}");

    // A comparison that was stored beside them is no report.
    fs::rename(inside("both/main.json"), inside("both/candidate-1.json")).expect("a name");
    fs::copy(inside("both.json"), inside("both/comparison.json")).expect("a copy");
    fs::copy(inside("run.json"), inside("base/a.json")).expect("a copy");
    fs::copy(inside("run.json"), inside("candidate/a.json")).expect("a copy");
    for arguments in [
        &["both"][..],
        &["base", "candidate"],
        &["base", "--", "candidate"],
    ] {
        let (code, said) = compare(arguments);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("one each, not a pair"), "{said}");
    }
}
