//! Upload sessions on docker-registry: each one is closed or given up, however the run goes.
//!
//! A session that is left open is a directory in the registry's storage, by default for a week.

use std::fs;

use crate::support::{
    Corpus, Flavour, Program, Registry, Report, regstorm, run_scenario, wait_for,
};

/// Users that push images of one large layer, new each time.
const LARGE: &str = "
name = \"large\"
[target]
url = \"http://127.0.0.1:1\"
[images.web]
source = \"synthetic\"
count = 1
layers = 2
layer_size = \"24MiB\"
[journey.send]
action = \"push\"
images = \"web\"
method = \"chunks\"
chunk_size = \"256KiB\"
[[load]]
journey = \"send\"
executor = \"constant-vus\"
vus = 4
";

/// Uploads are under way when the time is over.
#[test]
fn a_run_that_gives_up_uploads_deletes_their_sessions() {
    let registry = Registry::start(Flavour::Open);
    let scenario = format!("{LARGE}duration = \"700ms\"\ngraceful_stop = \"0s\"\n");
    let report = run_scenario(&scenario, &registry.url());
    assert!(
        report.number("/totals/iterations/cancelled") > 0,
        "nothing was under way"
    );
    let cancelled = report.exchanges().count("upload-cancel", 204);
    assert!(cancelled > 0, "{:?}", report.exchanges());
    assert!(
        registry.open_uploads().is_empty(),
        "{:?}",
        registry.open_uploads()
    );
}

/// The user interrupts: the run ends with its own code, the report is written, and nothing is left open.
#[test]
fn an_interrupted_run_writes_its_report_and_deletes_its_sessions() {
    let registry = Registry::start(Flavour::Open);
    let dir = crate::support::scratch();
    let [file, out, log] = ["scenario.toml", "report.json", "log"].map(|it| dir.path().join(it));
    fs::write(
        &file,
        format!("{LARGE}duration = \"60s\"\ngraceful_stop = \"200ms\"\n"),
    )
    .expect("a scenario");
    let mut running = regstorm(["run", "--target", &registry.url(), "--out"])
        .args([&out, &file])
        .start(&log);
    let limit = std::time::Duration::from_secs(30);
    wait_for(limit, || (registry.open_uploads().len() > 1).then_some(())).expect("uploads begin");
    Program::new("kill")
        .args(["-INT", &running.id().to_string()])
        .run()
        .ok();
    let status = running.wait(limit).expect("the run ends");
    assert_eq!(status.code(), Some(130), "{}", running.log());
    let report = Report::read(&out).expect("a report");
    assert!(
        report.text().contains("\"interrupted\": true")
            || report.text().contains("\"interrupted\":true")
    );
    report.assert_sums();
    assert!(
        registry.open_uploads().is_empty(),
        "{:?}",
        registry.open_uploads()
    );
}

/// A mount that is not possible opens a session instead, which has to be used or given up; one that is possible
/// moves no bytes.
#[test]
fn a_mount_that_misses_leaves_no_session() {
    let registry = Registry::start(Flavour::Open);
    let scenario = |repository: &str, from: &str| {
        format!(
            "
name = \"mount\"
[target]
url = \"http://127.0.0.1:1\"
[images.web]
source = \"synthetic\"
count = 1
layers = 3
layer_size = \"32KiB\"
[journey.send]
action = \"push\"
images = \"web\"
repository = \"{repository}\"
unique = false
{from}
[[load]]
journey = \"send\"
executor = \"shared-iterations\"
vus = 1
iterations = 1
"
        )
    };
    let nowhere = "mount_from = \"nobody/nothing\"";
    let report = run_scenario(&scenario("first", nowhere), &registry.url());
    report.assert_clean();
    let exchanges = report.exchanges();
    assert!(exchanges.count("upload-mount", 202) >= 3, "{exchanges:?}");
    assert!(
        registry.open_uploads().is_empty(),
        "{:?}",
        registry.open_uploads()
    );
    // Wherever the first run put them is where the second takes them from.
    let log = registry.access_log();
    let stored = log
        .iter()
        .find(|it| it.operation() == "manifest-put")
        .expect("a manifest");
    let (path, _tag) = stored
        .path
        .split_once("/manifests/")
        .expect("a manifest path");
    let there = path.trim_start_matches("/v2/");
    let from = format!("mount_from = \"{there}\"");
    let report = run_scenario(&scenario("second", &from), &registry.url());
    report.assert_clean();
    let exchanges = report.exchanges();
    assert!(exchanges.count("upload-mount", 201) >= 3, "{exchanges:?}");
    assert_eq!(exchanges.count("upload-mount", 202), 0, "{exchanges:?}");
    assert_eq!(exchanges.count("upload-patch", 202), 0, "{exchanges:?}");
    assert!(
        registry.open_uploads().is_empty(),
        "{:?}",
        registry.open_uploads()
    );
}

/// A one-shot push that breaks off gives its sessions up as well.
#[test]
fn a_push_of_damaged_content_leaves_no_session() {
    let corpus = Corpus::new(401);
    let registry = Registry::start(Flavour::Open);
    let layout = corpus.layout();
    // The last byte of the last layer: the digest does not hold, and that shows at the very end.
    let digest = layout.image("img").layer_digests().pop().expect("a layer");
    let file = layout.dir().join("blobs").join(digest.replace(':', "/"));
    let mut bytes = fs::read(&file).expect("a blob");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(&file, bytes).expect("a damaged blob");
    let refused = regstorm(["push"])
        .args([
            layout.dir().as_os_str(),
            registry.url().as_ref(),
            "lab/img:1".as_ref(),
        ])
        .run();
    assert!(matches!(refused.code(), 1 | 2), "{refused}");
    assert!(refused.stderr.contains(&digest), "{refused}");
    assert!(
        registry.open_uploads().is_empty(),
        "{:?}",
        registry.open_uploads()
    );
    let log = registry.access_log();
    assert!(
        log.iter().all(|it| it.operation() != "manifest-put"),
        "{log:#?}"
    );
}
