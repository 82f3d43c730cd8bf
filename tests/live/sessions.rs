//! Upload sessions on docker-registry: each one is closed or given up, however the run goes.
//!
//! A session that is left open is a directory in the registry's storage, by default for a week.

use std::fs;
use std::time::Duration;

use crate::support::{
    AccessLine, Corpus, Flavour, Registry, Report, Tally, regstorm, run_scenario, run_to, scratch,
    wait_for,
};

/// Users that push images in many small parts, new each time.
const LARGE: &str = "
name = \"large\"
[target]
url = \"http://127.0.0.1:1\"
[images.web]
source = \"synthetic\"
count = 1
layers = 2
layer_size = \"64MiB\"
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
fn a_run_that_gives_up_uploads_asks_to_delete_their_sessions() {
    let registry = Registry::start(Flavour::Open);
    let scenario = format!("{LARGE}duration = \"1s\"\ngraceful_stop = \"0s\"\n");
    // Not one iteration is over by then: there is nothing to conclude, which has a code of its own.
    let report = run_to(&[3], &scenario, &registry.url());
    let cancelled = report.number("/totals/iterations/cancelled");
    assert!(cancelled > 0, "nothing was under way");
    report.assert_sums();
    assert_given_up(&registry, &report);
}

/// The user interrupts: the run ends with its own code, the report is written, and no session is forgotten.
#[test]
fn an_interrupted_run_writes_its_report_and_gives_up_its_sessions() {
    let registry = Registry::start(Flavour::Open);
    let dir = scratch();
    let [file, out, log] = ["scenario.toml", "report.json", "log"].map(|it| dir.path().join(it));
    let scenario = format!("{LARGE}duration = \"10m\"\ngraceful_stop = \"0s\"\n");
    fs::write(&file, scenario).expect("a scenario");
    let mut running = regstorm(["run", "--target", &registry.url(), "--out"])
        .args([&out, &file])
        .start(&log);
    let limit = Duration::from_mins(2);
    let patches = || Tally::of(&registry.access_log()).count("upload-patch", 202);
    wait_for(limit, || (patches() > 40).then_some(())).expect("uploads are under way");
    running.interrupt();
    let status = running.wait(limit).expect("the run ends");
    assert_eq!(status.code(), Some(130), "{}", running.log());
    let report = Report::read(&out).expect("a report");
    assert!(report.is_interrupted());
    report.assert_sums();
    assert_given_up(&registry, &report);
}

/// For every session that was not put there was a request to delete it, and the report counts these requests.
///
/// Where the run cut off a request in the middle, this registry may keep the directory all the same: it refuses the
/// state in the session's address as out of date and tells nobody the new one, or the end of the cut request writes
/// the directory anew. Then whoever asked has done what can be done.
#[track_caller]
fn assert_given_up(registry: &Registry, report: &Report) {
    let log = registry.since(0);
    let asked: Vec<&AccessLine> = log
        .iter()
        .filter(|it| it.operation() == "upload-cancel")
        .collect();
    assert!(!asked.is_empty(), "no session was given up");
    for session in registry.open_uploads() {
        let id = session.file_name().expect("a name").to_string_lossy();
        let deleted = asked.iter().any(|it| it.path.contains(&*id));
        assert!(deleted, "nobody asked to delete {id}");
    }
    // How many, and not with which status: where a cut request and the deletion meet, this registry answers one
    // status and writes another into its log.
    let counted: u64 = report
        .exchanges()
        .of_operation("upload-cancel")
        .iter()
        .map(|(_, count)| count)
        .sum();
    assert_eq!(usize::try_from(counted), Ok(asked.len()));
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
[prepare]
seed = false
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
