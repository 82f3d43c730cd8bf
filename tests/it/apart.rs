//! Results that would be one file are refused before anything is sent, and nothing that is read is written over.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

/// A scenario that ends at once, against a port where nobody is: what is refused must not depend on that.
const TOML: &str = "name = \"test\"\n[target]\nurl = \"http://127.0.0.1:9\"\n\
    [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"100B\"\n\
    [journey.j]\naction = \"pull\"\nimages = \"web\"\n\
    [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = 1\n";

fn regstorm(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .current_dir(directory)
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// The exit code, and what was said.
fn ran(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let output = regstorm(directory, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().expect("no signal ended it");
    (code, said)
}

#[test]
fn two_results_in_one_file_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    fs::write(at.join("s.toml"), TOML).unwrap();
    fs::write(at.join("there"), "kept").unwrap();
    fs::hard_link(at.join("there"), at.join("hard")).unwrap();
    symlink("there", at.join("soft")).unwrap();
    symlink("to-come", at.join("dangling")).unwrap();
    fs::create_dir(at.join("sub")).unwrap();
    let absolute = at.join("x").display().to_string();
    for (one, two) in [
        (["--out", "x"], ["--html", "x"]),
        (["--out", "x"], ["--junit", "./x"]),
        (["--out", "x"], ["--csv", "sub/../x"]),
        (["--out", "x"], ["--markdown", &absolute]),
        (["--html", "x"], ["--csv-wide", "x"]),
        (["--hlog", "x"], ["--openmetrics", "x"]),
        (["--benchmark-smaller", "x"], ["--benchmark-larger", "x"]),
        (["--hgrm", "x"], ["--bencher", "x"]),
        (["--out", "there"], ["--html", "hard"]),
        (["--out", "there"], ["--html", "soft"]),
        (["--out", "dangling"], ["--html", "to-come"]),
    ] {
        let (code, said) = ran(at, &["run", "s.toml", one[0], one[1], two[0], two[1]]);
        assert_eq!(code, 2, "{one:?} {two:?}: {said}");
        let told = format!("{} and {} would be one file", one[0], two[0]);
        assert!(said.contains(&told), "{said}");
    }
    assert_eq!(fs::read_to_string(at.join("there")).unwrap(), "kept");
    assert!(!at.join("x").exists());
    // Apart, and where nothing is kept: it goes on to the target, which is not there.
    for outputs in [
        ["--out", "x", "--html", "y"],
        ["--out", "sub/x", "--html", "x"],
        ["--out", "/dev/null", "--html", "/dev/null"],
    ] {
        let (code, said) = ran(at, &[&["run", "s.toml"], &outputs[..]].concat());
        assert_eq!(code, 5, "{outputs:?}: {said}");
    }
}

#[test]
fn what_is_read_is_not_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let embedded = TOML.replace("http://127.0.0.1:9", "embedded");
    fs::write(at.join("s.toml"), embedded).unwrap();
    for name in ["a.json", "b.json"] {
        let (code, said) = ran(at, &["run", "s.toml", "--out", name]);
        assert!([0, 4].contains(&code), "{said}");
    }
    let before = fs::read(at.join("a.json")).unwrap();
    for arguments in [
        &["report", "a.json", "--html", "a.json"][..],
        &["merge", "a.json", "b.json", "--out", "./a.json"],
        &["compare", "b.json", "a.json", "--html", "a.json"],
    ] {
        let (code, said) = ran(at, arguments);
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains("which is read"), "{said}");
        assert_eq!(
            fs::read(at.join("a.json")).unwrap(),
            before,
            "{arguments:?}"
        );
    }
}

#[test]
fn a_run_with_clean_up_says_nothing_false_of_what_the_registry_answered() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let embedded = TOML.replace("http://127.0.0.1:9", "embedded");
    for clean_up in ["none", "manifests", "all"] {
        let toml = format!("{embedded}[prepare]\nclean_up = \"{clean_up}\"\n");
        fs::write(at.join("s.toml"), toml).unwrap();
        let (code, said) = ran(at, &["run", "s.toml", "--out", "report.json", "--quiet"]);
        assert!([0, 4].contains(&code), "{said}");
        let report: serde_json::Value =
            serde_json::from_slice(&fs::read(at.join("report.json")).unwrap()).unwrap();
        assert_eq!(report["notes"], serde_json::json!([]), "{clean_up}");
    }
}

#[test]
fn a_registry_that_takes_no_pushes_is_told_to_have_its_own_images_named() {
    use regstorm::embedded::{Fault, FaultKind, Settings};
    use regstorm::oci::Operation;
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    fs::write(at.join("s.toml"), TOML).unwrap();
    for (operation, code, advised) in [
        (Operation::UploadStart, 405, true),
        (Operation::UploadPut, 405, true),
        (Operation::ManifestPut, 405, true),
        (Operation::UploadStart, 501, true),
        (Operation::UploadStart, 403, true),
        (Operation::BlobHead, 405, false),
    ] {
        let site = crate::support::registry(Settings {
            faults: vec![Fault::on(
                operation,
                FaultKind::Status {
                    status: http::StatusCode::from_u16(code).unwrap(),
                    code: None,
                    retry_after: None,
                },
            )],
            ..Settings::default()
        });
        let (exit, said) = ran(at, &["run", "s.toml", "--target", &site.url(), "--quiet"]);
        assert_eq!(exit, 5, "{said}");
        assert_eq!(said.contains("source = \"existing\""), advised, "{said}");
    }
}
