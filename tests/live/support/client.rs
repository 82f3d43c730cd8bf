//! The clients: regstorm as built for this test run, and skopeo.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::image::Stored;
use super::process::Program;
use super::registry::Registry;
use super::report::Report;

/// Who the registries with a password know.
pub(crate) const USER: &str = "alice";
/// Unlike any other text, so that it can be looked for in all that is printed.
pub(crate) const PASSWORD: &str = "pelican-quartz-8841";

/// The regstorm of this build, about to run. It finds [`PASSWORD`] in its environment; only `--user` makes it used.
pub(crate) fn regstorm<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Program {
    Program::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(args)
        .env("REGSTORM_PASSWORD", PASSWORD)
}

/// Runs a scenario against a target, which must end with exit code 0 and show no password, and reads its report.
#[track_caller]
pub(crate) fn run_scenario(scenario: &str, target: &str) -> Report {
    run_to(&[0], scenario, target)
}

/// The same for a run that may end with one of several codes. On a busy machine the numbers are no good, which regstorm says
/// with a code of its own; what is counted is.
#[track_caller]
pub(crate) fn run_to(codes: &[i32], scenario: &str, target: &str) -> Report {
    let dir = super::scratch();
    let file = dir.path().join("scenario.toml");
    let out = dir.path().join("report.json");
    fs::write(&file, scenario).expect("a scenario");
    let finished = regstorm(["run", "--target", target, "--out"])
        .args([&out, &file])
        .run();
    let may_be = codes.contains(&finished.code()) || finished.code() == 4;
    assert!(may_be, "exit code\n{finished}");
    assert!(!finished.said().contains(PASSWORD), "{finished}");
    Report::read(&out).unwrap_or_else(|error| panic!("{error}\n{finished}"))
}

/// skopeo, about to run; any further arguments follow.
pub(crate) fn skopeo<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Program {
    Program::new("skopeo")
        .args(["--insecure-policy"])
        .args(args)
}

/// Copies an image from anywhere to a registry without TLS.
#[track_caller]
pub(crate) fn skopeo_push(source: &str, registry: &Registry, image: &str, options: &[&str]) {
    let target = format!("docker://{}/{image}", registry.host());
    skopeo(["copy", "--dest-tls-verify=false"])
        .args(options)
        .args([source, &target])
        .run()
        .ok();
}

/// `sha256:` and the hash.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Fetches one image with skopeo and checks that it holds together. The form `dir:` keeps the bytes of the manifest.
#[track_caller]
pub(crate) fn copy_back(source: &str, options: &[&str]) -> Stored {
    let dir = super::scratch();
    let image = dir.path().join("image");
    skopeo(["copy"])
        .args(options)
        .args([source, &format!("dir:{}", image.display())])
        .run()
        .ok();
    let blob = |digest: &Value| {
        let digest = digest.as_str().expect("a digest");
        let (_, hex) = digest.split_once(':').expect("an algorithm");
        let bytes = fs::read(image.join(hex)).expect("a blob of the image");
        assert_eq!(sha256(&bytes), digest, "what skopeo stored");
        bytes
    };
    let manifest = fs::read(image.join("manifest.json")).expect("a manifest");
    let parsed: Value = serde_json::from_slice(&manifest).expect("a JSON manifest");
    let layers = parsed["layers"].as_array().expect("layers of a manifest");
    Stored {
        config: blob(&parsed["config"]["digest"]),
        layers: layers.iter().map(|layer| blob(&layer["digest"])).collect(),
        manifest,
    }
}

/// The manifest that a source has under a name, as it is.
#[track_caller]
pub(crate) fn raw_manifest(source: &str) -> Vec<u8> {
    let dir = super::scratch();
    let file = dir.path().join("manifest");
    skopeo(["inspect", "--raw"])
        .args(if source.starts_with("docker:") {
            &["--tls-verify=false"][..]
        } else {
            &[]
        })
        .args([source])
        .output_to(&file)
        .run()
        .ok();
    fs::read(file).expect("a manifest")
}
