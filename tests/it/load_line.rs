//! `regstorm load`: a load of one line is the scenario that it prints, with the same plan, report and verdict.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use regstorm::embedded::{Auth, Running, Settings};
use regstorm::oci::Operation;
use regstorm::plan;
use regstorm::result::Document;
use regstorm::units::Secret;

use crate::scenario::load as read;
use crate::support::registry;

fn regstorm(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(dir)
        .env("REGSTORM_PASSWORD", "pelican-8841")
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(arguments: &[&str]) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let arguments = [&["load"], arguments, &["--print"]].concat();
    let output = regstorm(dir.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Small and short, for any machine.
const SMALL: [&str; 14] = [
    "--count",
    "2",
    "--layers",
    "2",
    "--layer-size",
    "4KiB",
    "--duration",
    "300ms",
    "--warmup",
    "0s",
    "--out",
    "report.json",
    "--vus",
    "2",
];

#[test]
fn what_is_printed_is_what_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = [&["load", "embedded"][..], &SMALL].concat();
    let ran = regstorm(dir.path(), &arguments);
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{}", said(&ran));
    let report = Document::load(&dir.path().join("report.json")).unwrap();
    assert!(report.totals.iterations.ok > 0);
    assert!(report.closure.holds());

    let text = printed(&[&["embedded"][..], &SMALL].concat());
    let scenario = read(&text).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let plan = plan::resolve(scenario, std::num::NonZeroUsize::MIN);
    assert_eq!(report.plan.fingerprint, plan.fingerprint());
}

#[test]
fn every_option_is_in_the_scenario() {
    let text = printed(&[
        "https://registry.example/base",
        "lab/web:1",
        "lab/db:2",
        "--rate",
        "2.5",
        "--vus",
        "7",
        "--duration",
        "1m30s",
        "--warmup",
        "1s",
        "--client",
        "containerd",
        "--user",
        "ci",
        "--server-name",
        "inner.example",
        "--insecure",
        "--http",
        "1.1",
    ]);
    let it = read(&text.replace("${REGSTORM_PASSWORD}", "x"))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let value: toml::Table = text.parse().unwrap();
    let load = &value["load"][0];
    assert_eq!(load["executor"].as_str(), Some("constant-arrival-rate"));
    assert_eq!(load["rate"].as_float(), Some(2.5));
    assert_eq!(load["max_vus"].as_integer(), Some(7));
    assert_eq!(it.loads[0].warmup.as_secs(), 1);
    assert_eq!(load["duration"].as_str(), Some("1m30s"));
    assert_eq!(
        value["journey"]["pull"]["client"].as_str(),
        Some("containerd")
    );
    assert_eq!(
        value["target"]["url"].as_str(),
        Some("https://registry.example/base")
    );
    assert_eq!(value["target"]["http"].as_str(), Some("1.1"));
    assert_eq!(value["target"]["auth"]["username"].as_str(), Some("ci"));
    assert_eq!(it.target.tls.server_name.as_deref(), Some("inner.example"));
    assert!(it.target.tls.insecure);
    let references = value["images"]["existing"]["references"]
        .as_array()
        .unwrap();
    assert_eq!(references.len(), 2);
    assert!(
        value.get("prepare").is_none(),
        "what is there already is not deleted"
    );
    assert!(!text.contains("pelican"), "the password is nowhere");
}

/// How many manifests a registry has deleted.
fn deleted(registry: &Running) -> u64 {
    let counts = registry.counts().exchanges;
    let of_deletion = |((operation, status), count): (&(Option<Operation>, u16), &u64)| {
        (*operation == Some(Operation::ManifestDelete) && *status == 202).then_some(*count)
    };
    counts.iter().filter_map(of_deletion).sum()
}

#[test]
fn images_that_are_there_are_pulled_and_stay() {
    let dir = tempfile::tempdir().unwrap();
    let registry = registry(Settings::default());
    let url = registry.url();
    // Puts images there: those of the library's scenario, not cleaned up.
    let seeded = regstorm(
        dir.path(),
        &[
            "run",
            "@first-run",
            "--target",
            &url,
            "--set",
            "load.duration=300ms",
            "--set",
            "load.warmup=0s",
            "--set",
            "prepare.clean_up=none",
            "--out",
            "seeds.json",
        ],
    );
    assert!(
        matches!(seeded.status.code(), Some(0 | 4)),
        "{}",
        said(&seeded)
    );
    let image = "regstorm/web/0:regstorm";
    let pulled = regstorm(dir.path(), &["pull", &url, image, "layout"]);
    assert_eq!(pulled.status.code(), Some(0), "{}", said(&pulled));

    let arguments = [
        "load",
        &url,
        image,
        "--duration",
        "300ms",
        "--warmup",
        "0s",
        "--vus",
        "2",
        "--out",
        "report.json",
    ];
    let ran = regstorm(dir.path(), &arguments);
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{}", said(&ran));
    let report = Document::load(&dir.path().join("report.json")).unwrap();
    assert!(report.totals.iterations.ok > 0);
    assert_eq!(deleted(&registry), 0);

    // An archive of it is pushed, and what was pushed is deleted.
    let arguments = [
        "load",
        &url,
        "./layout",
        "--push",
        "--duration",
        "300ms",
        "--warmup",
        "0s",
        "--vus",
        "2",
        "--out",
        "pushed.json",
    ];
    let ran = regstorm(dir.path(), &arguments);
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{}", said(&ran));
    let report = Document::load(&dir.path().join("pushed.json")).unwrap();
    assert!(report.totals.iterations.ok > 0);
    assert!(deleted(&registry) > 0);
}

#[test]
fn a_password_reaches_the_registry_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let registry = registry(Settings {
        auth: Auth::Basic {
            user: "ci".to_owned(),
            password: Secret::new("pelican-8841"),
        },
        ..Settings::default()
    });
    let url = registry.url();
    let arguments = [&["load", &url, "--user", "ci"][..], &SMALL].concat();
    let ran = regstorm(dir.path(), &arguments);
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{}", said(&ran));
    let report = fs::read_to_string(dir.path().join("report.json")).unwrap();
    assert!(!report.contains("pelican"));
    let arguments = [&["load", &url][..], &SMALL].concat();
    assert_eq!(regstorm(dir.path(), &arguments).status.code(), Some(5));
}

#[test]
fn mistakes_have_one_message_each() {
    let dir = tempfile::tempdir().unwrap();
    let url = "http://127.0.0.1:1";
    for (arguments, words) in [
        (
            &[url, "lab/web:1", "--push"][..],
            "`lab/web:1` is in the registry already",
        ),
        (&["127.0.0.1:5000"], "write http://HOST:PORT"),
        (&[url, "Not A Name:1"], "not a repository name"),
        (&[url, "./missing.tar"], "there is no `./missing.tar`"),
        (&[url, "--rate", "-1"], "such as 50 or 0.5"),
        (&[url, "--rate", "0"], "such as 50 or 0.5"),
        (&[url, "--rate", "1e300"], "rate"),
        (&[url, "--vus", "0"], "1..=1000000"),
        (&[url, "--duration", "soon"], "--duration"),
        (&[url, "--duration", "1us"], "from 100ms"),
        (&[url, "--layers", "900"], "from 1 to 128"),
        (&[url, "--layer-size", "big"], "layer_size"),
        (&[url, "lab/web:1", "--layers", "2"], "cannot be used with"),
        (&[url, "--client", "dokcer"], "docker"),
        (&[url, "--ca", "missing.pem"], "missing.pem"),
        (&[url, "--user", "a\nb"], "username"),
    ] {
        let refused = regstorm(dir.path(), &[&["load"], arguments].concat());
        let told = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?} {told}");
        assert!(told.contains(words), "{arguments:?} {told}");
    }
    let overwritten = ["load", url, "./x.tar", "--html", "./x.tar"];
    fs::write(dir.path().join("x.tar"), "mine").unwrap();
    assert_eq!(regstorm(dir.path(), &overwritten).status.code(), Some(2));
    assert_eq!(
        fs::read_to_string(dir.path().join("x.tar")).unwrap(),
        "mine"
    );
}

#[test]
fn a_push_sends_new_content_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = [&["load", "embedded", "--push"][..], &SMALL].concat();
    let ran = regstorm(dir.path(), &arguments);
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{}", said(&ran));
    let report = Document::load(&dir.path().join("report.json")).unwrap();
    let ok = report.totals.iterations.ok;
    assert!(ok > 1);
    let puts = report
        .operations
        .iter()
        .find(|it| it.name == Operation::ManifestPut);
    assert_eq!(puts.map(|it| it.count), Some(ok));
    let uploads = report
        .operations
        .iter()
        .find(|it| it.name == Operation::UploadPut);
    assert!(
        uploads.is_some_and(|it| it.count > ok),
        "layers are sent, not found"
    );
}
