//! The replay beside its trace: what the report says of both, and of shards together.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use regstorm::embedded::Settings;
use regstorm::engine::{self, Error, Finished, RunPart, Setup, Stock};
use regstorm::measure::TracedRequests;
use regstorm::oci::Operation;
use regstorm::plan::Plan;
use regstorm::result::Document;
use regstorm::schedule::Shard;

use super::round_trip::{counted, day, logged, recorded, scenario};
use crate::support::{assert_closed, plan, registry, settled};

#[test]
fn every_form_of_the_report_has_the_replay_beside_its_trace() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let log = day();
    log.write(&directory.join("a.trace"));
    let toml = scenario("a.trace".as_ref(), "", "speed = 20");
    fs::write(directory.join("test.toml"), toml).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["run", "test.toml", "--out", "report.json"])
        .args(["--html", "page.html", "--markdown", "page.md"])
        .current_dir(directory)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let document = Document::load(&directory.join("report.json")).unwrap();
    let [replay] = document.replays.as_slice() else {
        panic!("{said}");
    };
    let requests = log.requests.len() as u64;
    assert_eq!(
        (replay.recorded.count, replay.replayed.count),
        (requests, requests)
    );
    assert!((replay.speed - 20.0).abs() < 1e-9);
    assert!(!replay.is_scaled);
    // 300 + 50,000 + 700,000, 700,000 again, 65,000, and 1,000 of a blob.
    let bytes = 750_300 + 700_000 + 65_000 + 1_000;
    assert_eq!(replay.recorded.bytes, bytes);
    // Six blobs were fetched that were there, of five, and the one that is fetched most twice.
    assert_eq!((replay.recorded.blobs, replay.recorded.popular), (6, 2));
    let recorded = replay.recorded.of(Operation::BlobGet).unwrap();
    // 2xx and 4xx.
    assert_eq!(recorded.classes, [0, 0, 6, 0, 1, 0]);
    // 2 ms each.
    assert_eq!(replay.recorded.busy_us, 2_000 * requests);
    if replay.replayed.as_recorded == requests {
        assert_eq!(replay.replayed.bytes, bytes);
        let replayed = replay.replayed.of(Operation::BlobGet).unwrap();
        assert_eq!(replayed.classes, recorded.classes);
    }
    let pages = ["page.html", "page.md"].map(|it| fs::read_to_string(directory.join(it)).unwrap());
    for text in pages.iter().chain([&said]) {
        for words in [
            "faithful",
            "status as recorded",
            "404, read before stored",
            "20 times as fast as recorded",
            "top 1% of blobs",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }
}

#[test]
fn shards_together_send_the_trace() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    let log = day();
    log.write(&trace);
    let registry = registry(Settings {
        record_requests: Some(100_000),
        ..Settings::default()
    });
    let toml = scenario(&trace, "", "speed = 100");
    let mut sides = [TracedRequests::default(), TracedRequests::default()];
    // One after the other: the first pushes what the second pulls.
    let mut prepared = 0;
    for index in [0, 1] {
        let workers = 1 + index as usize;
        let plan = Arc::new(plan(&toml, &registry.url(), workers));
        let finished = load(&plan, Shard::new(index, 2).unwrap());
        assert_closed(&finished);
        if index == 0 {
            let before = finished.record.tally(regstorm::measure::Period::Prepare);
            prepared = before.operations().map(|(_, it)| it.outcomes.ended()).sum();
        }
        sides[0].merge(&finished.replays[0].recorded);
        sides[1].merge(&finished.replays[0].replayed);
    }
    settled(&registry);
    let requests = log.requests.len() as u64;
    assert_eq!(
        sides.each_ref().map(|side| side.count),
        [requests, requests]
    );
    assert_eq!(sides[1].as_recorded, requests);
    let records = registry.requests().into_iter();
    let load = records
        .filter(|record| record.sequence >= prepared)
        .map(|it| logged(&it));
    // Each shard pings before its load.
    let is_ping = |operation: Operation| operation == Operation::Ping;
    let wanted = log.requests.iter().map(recorded);
    assert_eq!(
        counted(load.filter(|it| !is_ping(it.2))),
        counted(wanted.filter(|it| !is_ping(it.2)))
    );
}

/// Does a shard of a plan, and leaves what it has stored.
pub(super) fn load(plan: &Arc<Plan>, shard: Shard) -> Finished {
    let (_stopper, stop) = engine::stop();
    let stock = Stock::prepare(plan).expect("content");
    let part = RunPart { id: 11, shard };
    let setup = Setup::new(plan, &stock, part, Vec::new()).expect("a target");
    let target = setup.prepare(Duration::ZERO, &stop, &mut |_| {});
    let mut target = target.expect("a target that responds");
    let mut gate = || Ok::<_, Error>(engine::soon());
    let finished = target.load_from((plan, 0), &mut gate, &stop, &mut |_| {});
    let mut finished = finished.expect("a load");
    target.settle(&mut finished);
    finished
}
