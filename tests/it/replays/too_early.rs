//! Reads of what the replay itself stores: those that come before it are told apart from what the target has lost.

use std::sync::Arc;

use http::StatusCode;
use regstorm::embedded::{Fault, FaultKind, Running, Settings};
use regstorm::measure::Period;
use regstorm::oci::Operation;
use regstorm::schedule::Shard;

use super::closed::closed;
use super::fidelity::load;
use super::log::{Log, digest, tag};
use super::round_trip::scenario;
use crate::support::{assert_closed, plan, registry, run};

/// One session pushes, and the next one reads a manifest, a blob and a part of it.
fn push_and_pull() -> Log {
    let mut log = Log::default();
    let mut push = log.session(1, 1, 0);
    push.upload(21, &[40_000]);
    push.add(Operation::ManifestPut, tag(5), 201).sent = Some(600);
    let mut pull = log.session(2, 1, 1_000);
    pull.add(Operation::ManifestHead, tag(5), 200);
    pull.add(Operation::ManifestGet, tag(5), 200).received = Some(600);
    pull.add(Operation::BlobGet, digest(21), 200).received = Some(40_000);
    pull.add(Operation::BlobGet, digest(21), 206).received = Some(1_000);
    log
}

#[test]
fn a_404_for_what_is_not_stored_yet_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    push_and_pull().write(&trace);
    let registry = registry(Settings::default());
    let plan = Arc::new(plan(
        &scenario(&trace, "", "speed = 100"),
        &registry.url(),
        1,
    ));
    // The shard that pushes has not run.
    let finished = load(&plan, Shard::new(1, 2).unwrap());
    assert_closed(&finished);
    let sent = &finished.replays[0].replayed;
    assert_eq!((sent.count, sent.too_early, sent.as_recorded), (4, 4, 0));
    // Then it does: what is read is there.
    let finished = load(&plan, Shard::new(0, 2).unwrap());
    assert_eq!(finished.replays[0].replayed.too_early, 0);
    let finished = load(&plan, Shard::new(1, 2).unwrap());
    let sent = &finished.replays[0].replayed;
    assert_eq!((sent.count, sent.too_early, sent.as_recorded), (4, 0, 4));
}

#[test]
fn what_the_target_has_lost_is_not_too_early() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    push_and_pull().write(&trace);
    let loses = refusing(404, &[Operation::ManifestGet, Operation::BlobGet]);
    let toml = closed(&trace, "vus = 1\nspeed = 1000");
    let finished = run(&plan(&toml, &loses.url(), 1)).unwrap();
    let sent = &finished.replays[0].replayed;
    // The HEAD finds the tag.
    assert_eq!((sent.count, sent.as_recorded), (9, 6));
    assert_eq!(sent.too_early, 0);
    assert_eq!(finished.record.totals(Period::Measure).exchanges.failed, 3);
    // One that is refused when it is to be stored is not there by the replay's doing.
    let refused = refusing(403, &[Operation::ManifestPut]);
    let finished = run(&plan(&toml, &refused.url(), 1)).unwrap();
    let sent = &finished.replays[0].replayed;
    assert_eq!((sent.count, sent.too_early), (9, 2));
}

/// A registry that refuses these with that status.
fn refusing(status: u16, operations: &[Operation]) -> Running {
    let kind = FaultKind::Status {
        status: StatusCode::from_u16(status).unwrap(),
        code: None,
        retry_after: None,
    };
    let faults = operations.iter().map(|it| Fault::on(*it, kind.clone()));
    registry(Settings {
        faults: faults.collect(),
        ..Settings::default()
    })
}
