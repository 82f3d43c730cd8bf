//! Images with different numbers of layers: as they are asked for, shown and sent.

use std::fs;
use std::process::{Command, Output};

use regstorm::embedded::Settings;
use regstorm::measure::Period;
use regstorm::oci::Operation;

use crate::support::{plan, registry, run_against};

/// Three images, each of which is pulled or pushed once.
fn scenario(layers: &str, journey: &str) -> String {
    format!(
        "name = \"layers\"\n[target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 3\nlayers = {layers}\nlayer_size = \"1000B\"\nshared_base_layers = 1\n\
         [journey.j]\nimages = \"web\"\n{journey}\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = 3\nmax_duration = \"1m\"\n"
    )
}

fn check(toml: &str) -> Output {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("s.toml"), toml).expect("a file");
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["check", "s.toml"])
        .current_dir(dir.path())
        .output()
        .expect("the program runs")
}

/// The columns of the row of an image set in what `check` prints.
fn shape(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let row = text.lines().find(|line| line.starts_with("web  "));
    let row = row.unwrap_or_else(|| panic!("no row of web in\n{text}"));
    let columns = row.split("  ").map(str::trim);
    columns
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_image_has_the_layers_that_it_was_given() {
    let toml = scenario("[1, 4, 2]", "action = \"pull\"");
    let (finished, counts) = run_against(&toml, &registry(Settings::default()));
    let totals = finished.record.totals(Period::Measure);
    assert_eq!(totals.iterations.ok, 3);
    // Of each image a config and its layers.
    assert_eq!(counts.with_status(Operation::BlobGet, 200), 3 + 1 + 4 + 2);
    // One layer is in all of them, in repositories of their own.
    assert_eq!(counts.with_status(Operation::UploadPut, 201), 3 + 1 + 4 + 2);
    assert_eq!(finished.record.transport().received, counts.sent);
}

#[test]
fn pushes_send_what_is_new_of_each_image() {
    // The registry has half of each image's layers, rounded, and the shared one: 1 of 1, 2 of 4 and 1 of 2.
    let journey = "action = \"push\"\ncache = { share = 0.5 }";
    let toml = scenario("[1, 4, 2]", journey);
    let (finished, counts) = run_against(&toml, &registry(Settings::default()));
    assert_eq!(finished.record.totals(Period::Measure).iterations.ok, 3);
    let journey = finished.record.journeys().next().expect("a journey").0;
    let mut operations = finished.record.operations(journey);
    let puts = operations.find(|(operation, _)| *operation == Operation::UploadPut);
    let puts = puts.expect("blobs are sent").1.counts.outcomes.ok;
    // A config each, and 0, 2 and 1 layers.
    assert_eq!(puts, 3 + 2 + 1);
    assert_eq!(counts.of(Operation::ManifestPut), 3 + 3);
}

#[test]
fn check_shows_the_bounds_of_what_is_drawn() {
    let given = check(&scenario("[1, 4, 2]", "action = \"pull\""));
    assert_eq!(given.status.code(), Some(0));
    // One layer is shared by all: 1 + 3 + 1 are others.
    let wanted = ["web", "3", "1 to 4, 2.3 on average", "1 kB", "5 kB"];
    assert_eq!(shape(&given), wanted);
    let same = check(&scenario("6", "action = \"pull\""));
    assert_eq!(shape(&same)[2], "6");

    let drawn = |layers: &str, seed: u32| {
        let toml = scenario(layers, "action = \"pull\"").replace("count = 3", "count = 400");
        let output = check(&format!("seed = {seed}\n{toml}"));
        assert_eq!(output.status.code(), Some(0));
        shape(&output)[2].clone()
    };
    // 400 draws from ten numbers leave out neither end: the chance is below one in a million.
    assert!(drawn("{ min = 2, max = 6 }", 1).starts_with("2 to 6, "));
    let normal = "{ median = 8, sigma = 2, max = 20 }";
    // The shared layer is the least that an image has.
    assert!(drawn(normal, 1).starts_with("1 to 20, "));
    assert_eq!(drawn("\"stored\"", 7), drawn("\"stored\"", 7));
    assert_ne!(drawn("\"stored\"", 7), drawn("\"stored\"", 8));
}

#[test]
fn an_image_has_the_same_layers_in_every_run() {
    let toml = scenario("{ min = 2, max = 20 }", "action = \"pull\"");
    let requests = || {
        let (_, counts) = run_against(&toml, &registry(Settings::default()));
        counts.of(Operation::BlobGet)
    };
    let first = requests();
    assert_eq!(first, requests());
    // As the plan has it: its layers and a config of each image.
    let shapes = plan(&toml, "embedded", 1).shapes();
    assert_eq!(first, shapes[0].all_layers as u64 + 3);
}

#[test]
fn a_set_that_is_too_large_is_refused_before_anything_is_sent() {
    let toml = scenario("{ min = 100, max = 128 }", "action = \"pull\"");
    let toml = toml.replace("count = 3", "count = 100000");
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("s.toml"), toml).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["run", "s.toml", "--quiet"])
        .current_dir(dir.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("more than 1000000: make fewer images"),
        "{said}"
    );
}
