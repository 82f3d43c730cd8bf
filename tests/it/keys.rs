//! The references and the schemas of scenarios, gate files and fault files: they are written from the definitions of its keys.

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use regstorm::{embedded, scenario};
use serde_json::Value;

use crate::scenario::{GOOD, load};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn validator() -> Validator {
    Validator::new(&scenario::json_schema()).expect("the schema is one")
}

/// A TOML document as JSON.
fn json(text: &str) -> Value {
    let table: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    serde_json::to_value(table).expect("TOML without dates is JSON")
}

#[test]
fn the_stored_references_are_those_of_the_keys() {
    for (page, wanted) in [
        ("scenario.md", scenario::reference()),
        ("gates.md", scenario::gates_reference()),
        ("faults.md", embedded::faults_reference()),
    ] {
        let path = repository().join("docs/reference").join(page);
        if std::env::var_os("REGSTORM_UPDATE_DOCS").is_some() {
            fs::write(&path, &wanted).expect("docs/reference can be written");
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == wanted,
            "docs/reference/{page} is stale; update it with\n  \
             REGSTORM_UPDATE_DOCS=1 cargo test --test it keys"
        );
    }
}

/// A file and a mistake in it that a schema can express, each as its reader and as its schema sees it.
#[test]
fn the_schemas_of_gates_and_faults_accept_and_refuse_what_their_readers_do() {
    let gates = Validator::new(&scenario::gates_schema()).expect("the schema is one");
    let faults = Validator::new(&embedded::faults_schema()).expect("the schema is one");
    for (text, is_good) in [
        ("[[gate]]\nmetric = \"errors rate\"\nmargin = \"1%\"", true),
        ("[[gate]]\nmargin = \"1%\"", false),
        ("[[gate]]\nmetric = \"errors rate\"\nmargni = \"1%\"", false),
        ("[[gate]]\nmetric = 5", false),
        ("seed = 1", false),
    ] {
        let read = scenario::load_gates(Some(("gates.toml", text)), &[], &["pull"]);
        assert_eq!(read.is_ok(), is_good, "{text}");
        assert_eq!(gates.is_valid(&json(text)), is_good, "{text}");
    }
    for (text, is_good) in [
        (
            "seed = 7\n[[fault]]\noperation = \"*\"\nstatus = 429\nfor = 3",
            true,
        ),
        (
            "[[fault]]\noperation = \"*\"\nstall = \"forever\"\nat = \"head\"",
            true,
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = { mean = \"1s\", max = \"2s\" }",
            true,
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = { mean = \"1s\" }",
            false,
        ),
        ("[[fault]]\noperation = \"*\"\nreset = 5", false),
        ("[[fault]]\noperation = \"blob-got\"\ndelay = \"1s\"", false),
        ("[[fault]]\ndelay = \"1s\"", false),
        ("[[fault]]\noperation = \"*\"\nstatus = 99", false),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"1s\"\nevery = 0",
            false,
        ),
        ("[[fautl]]", false),
    ] {
        let read = embedded::load_faults(text, "faults.toml");
        assert_eq!(read.is_ok(), is_good, "{text}");
        assert_eq!(faults.is_valid(&json(text)), is_good, "{text}");
    }
}

#[test]
fn the_schema_accepts_every_scenario_of_the_library() {
    let validator = validator();
    let scenarios = repository().join("scenarios");
    let directories = [scenarios.clone(), scenarios.join("regressions")];
    let files = directories.iter().flat_map(|it| fs::read_dir(it).unwrap());
    let mut read = 0;
    for path in files.map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|it| it != "toml") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        if !text.contains("[target]") {
            continue; // a file of gates or of faults
        }
        let errors: Vec<String> = validator
            .iter_errors(&json(&text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        read += 1;
    }
    assert!(read > 10, "{read} scenarios");
}

/// One mistake of each kind that a schema can express: a line of [`GOOD`], and what stands in its place.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "an unknown key",
        "name = \"good\"",
        "name = \"good\"\nnmae = \"x\"",
    ),
    ("a missing key", "name = \"good\"", ""),
    ("another type", "vus = 4", "vus = \"4\""),
    ("a number out of range", "vus = 4", "vus = 0"),
    ("a number above the range", "vus = 4", "vus = 1000001"),
    (
        "an unknown word",
        "executor = \"constant-vus\"",
        "executor = \"constant-users\"",
    ),
    (
        "a time without its unit",
        "duration = \"10s\"",
        "duration = \"10\"",
    ),
    ("a key of another executor", "vus = 4", "vus = 4\nrate = 5"),
    ("a missing key of the executor", "vus = 4", ""),
    (
        "a key of another action",
        "action = \"pull\"",
        "action = \"pull\"\nmount_from = \"a/b\"",
    ),
    (
        "a habit of another action",
        "action = \"pull\"",
        "action = \"pull\"\ncommit_check = true",
    ),
    (
        "an unknown word of a habit",
        "action = \"pull\"",
        "action = \"pull\"\nscope_order = \"any\"",
    ),
    (
        "a key of another source",
        "count = 2",
        "count = 2\nreferences = [\"a:1\"]",
    ),
    ("a missing key of the source", "count = 2", ""),
];

#[test]
fn the_schema_refuses_what_check_refuses() {
    let validator = validator();
    assert!(load(GOOD).is_ok());
    assert!(
        validator.is_valid(&json(GOOD)),
        "{:?}",
        validator.iter_errors(&json(GOOD)).next()
    );
    for (what, line, instead) in MISTAKES {
        assert!(GOOD.contains(line), "{line}");
        let text = GOOD.replacen(line, instead, 1);
        assert!(load(&text).is_err(), "{what}: check accepts\n{text}");
        assert!(
            !validator.is_valid(&json(&text)),
            "{what}: the schema accepts\n{text}"
        );
    }
}

#[test]
fn a_variable_of_the_environment_stands_for_any_text() {
    let text = GOOD.replacen("duration = \"10s\"", "duration = \"${LENGTH:-10s}\"", 1);
    assert!(load(&text).is_ok());
    assert!(validator().is_valid(&json(&text)));
}

/// The words under which the reference tells of the keys.
fn headings() -> Vec<String> {
    let reference = scenario::reference();
    let lines = reference.lines();
    let headings = lines.filter_map(|line| line.strip_prefix("## "));
    headings.map(str::to_owned).collect()
}

#[test]
fn the_reference_has_a_section_for_each_table_and_executor() {
    let headings = headings();
    for wanted in [
        "scenario",
        "target",
        "target.tls",
        "target.auth",
        "target.embedded",
        "images",
        "journey",
        "habits",
        "load",
        "constant-vus",
        "ramping-vus",
        "per-vu-iterations",
        "shared-iterations",
        "constant-arrival-rate",
        "ramping-arrival-rate",
        "at-once",
        "capacity-search",
        "probe",
        "prepare",
        "threshold",
    ] {
        assert!(
            headings.iter().any(|it| it == wanted),
            "{wanted}: {headings:?}"
        );
    }
}
