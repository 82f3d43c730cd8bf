use std::path::Path;

use regstorm::scenario::{Comparand, Gate, load_gates};

fn read(file: &str, arguments: &[&str]) -> Result<Vec<Gate>, String> {
    let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
    let file = (!file.is_empty()).then_some(("gates.toml", file));
    load_gates(file, &arguments, &["pull", "push"]).map_err(|it| it.render(false))
}

fn one(argument: &str) -> Gate {
    let mut gates = read("", &[argument]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(gates.len(), 1);
    gates.remove(0)
}

#[test]
fn a_gate_is_a_metric_its_statistic_and_a_margin() {
    for (written, name, margin) in [
        (
            "pull.response_time p(99)=12%",
            "pull.response_time p(99)",
            0.12,
        ),
        (" response_time  med = 0.02 ", "response_time p(50)", 0.02),
        (
            "blob-get.first-byte p(95)=5%",
            "blob-get.first-byte p(95)",
            0.05,
        ),
        (
            "push.upload-put.total p(99.9)=20%",
            "push.upload-put.total p(99.9)",
            0.2,
        ),
        ("pull.iterations rate=3%", "pull.iterations rate", 0.03),
        ("errors rate=0.5%", "errors rate", 0.005),
        ("capacity=4%", "capacity", 0.04),
    ] {
        let gate = one(written);
        assert_eq!(gate.comparand.to_string(), name, "{written}");
        assert!(
            (gate.margin - margin).abs() < 1e-12,
            "{written}: {}",
            gate.margin
        );
    }
}

#[test]
fn a_margin_that_is_not_told_is_the_usual_one() {
    for (written, margin) in [
        ("response_time p(50)", 0.03),
        ("response_time avg", 0.03),
        ("response_time p(90)", 0.05),
        ("response_time p(95)", 0.05),
        ("response_time p(99)", 0.1),
        ("bytes_received rate", 0.03),
        ("dropped rate", 0.001),
        ("capacity", 0.03),
    ] {
        let gate = one(written);
        assert!(
            (gate.margin - margin).abs() < 1e-12,
            "{written}: {}",
            gate.margin
        );
    }
}

/// Who names no margin gets a tolerance; who names one means it, unless a tolerance stands beside it.
#[test]
fn a_tolerance_is_told_or_the_usual_one_or_the_margin() {
    for (written, tolerance) in [
        ("response_time p(50)", 0.05),
        ("response_time p(95)", 0.08),
        ("response_time p(99)", 0.15),
        ("iterations rate", 0.05),
        ("errors rate", 0.005),
        ("capacity", 0.05),
        ("response_time p(50)=4%", 0.04),
        ("errors rate=0.2%", 0.002),
    ] {
        let gate = one(written);
        assert!(
            (gate.tolerance - tolerance).abs() < 1e-12,
            "{written}: {}",
            gate.tolerance
        );
    }
    let file = |more: &str| format!("[[gate]]\nmetric = \"response_time p(50)\"\n{more}");
    let told = |more: &str| read(&file(more), &[]).map(|it| (it[0].margin, it[0].tolerance));
    assert_eq!(
        told("margin = \"4%\"\ntolerance = \"6%\""),
        Ok((0.04, 0.06))
    );
    assert_eq!(told("margin = \"4%\""), Ok((0.04, 0.04)));
    assert_eq!(told("tolerance = \"3%\""), Ok((0.03, 0.03)));
    let problem = told("margin = \"4%\"\ntolerance = \"2%\"").expect_err("a mistake");
    assert!(
        problem.contains("the tolerance is below the margin"),
        "{problem}"
    );
}

#[test]
fn mistakes_are_told_all_at_once_at_their_places() {
    let file = "title = 1\n[[gate]]\nmetric = \"pul.response_time p(99)\"\n[[gate]]\nmargin = \"3%\"\n[[gate]]\nmetric = \"pull.response_time p(50)\"\nmargin = 3\n";
    let arguments = [
        "response_time",
        "response_time max",
        "iterations count",
        "errors p(99)",
        "capacity=0%",
        "errors rate=150%",
        "errors rate",
        "errors rate=1%",
    ];
    let problems = read(file, &arguments).expect_err("mistakes");
    for said in [
        "unknown key `title`",
        "did you mean `pull`?",
        "missing key `metric`",
        "expected a string, found a whole number",
        "the statistic is missing",
        "one request of a run says nothing of a build",
        "write `rate`",
        "a margin is more than nothing",
        "this is more than all of them",
        "this metric is gated already",
    ] {
        assert!(problems.contains(said), "{said}: {problems}");
    }
    // The caret stands under the word, also on the command line.
    let problems = read("", &["pull.response_time p99"]).expect_err("a mistake");
    let lines: Vec<&str> = problems.lines().collect();
    let shown = lines
        .iter()
        .position(|it| it.contains("--gate pull"))
        .expect("the argument");
    let column = lines[shown].find("p99").expect("the word");
    assert_eq!(lines[shown + 1].find("^^^"), Some(column), "{problems}");
}

#[test]
fn too_many_gates_are_refused() {
    let gates: Vec<String> = (1..=65)
        .map(|it| format!("response_time p({})", f64::from(it) / 2.0))
        .collect();
    let gates: Vec<&str> = gates.iter().map(String::as_str).collect();
    assert_eq!(read("", &gates[..64]).map(|it| it.len()), Ok(64));
    let problems = read("", &gates).expect_err("one too many");
    assert!(problems.contains("too many gates"), "{problems}");
}

#[test]
fn nothing_written_is_no_gate_and_a_file_needs_one() {
    assert_eq!(read("", &[]), Ok(Vec::new()));
    let problems = read("# nothing\n", &[]).expect_err("no gate");
    assert!(problems.contains("missing key `gate`"), "{problems}");
    let problems = read("gate = [[", &[]).expect_err("no TOML");
    assert!(problems.contains("this is not TOML"), "{problems}");
}

#[test]
fn every_file_of_the_library_holds_gates() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/gates");
    let mut seen = 0;
    for file in std::fs::read_dir(directory).expect("the gates") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("its text");
        assert!(
            text.starts_with("# "),
            "{path:?} does not say what it is for"
        );
        let gates = load_gates(Some(("gates", &text)), &[], &["pull"]);
        let gates = gates.unwrap_or_else(|problems| panic!("{path:?}: {}", problems.render(false)));
        assert!(gates.iter().all(|it| it.comparand != Comparand::Capacity));
        seen += 1;
    }
    assert!(seen >= 1);
}
