//! What the registry logs of a replay, held against the trace.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use regstorm::embedded::{RequestRecord, Settings};
use regstorm::engine::Finished;
use regstorm::measure::Period;
use regstorm::oci::Operation;
use regstorm::plan::{Executor, Plan};
use regstorm::trace::Request;

use super::log::{Log, NONE, digest, method, name, tag};
use super::refused::pings;
use crate::support::{around, assert_closed, plan, registry, run, run_against, settled};

/// A scenario that replays a trace.
pub(super) fn scenario(trace: &Path, journey: &str, load: &str) -> String {
    let trace = trace.display();
    format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [journey.day]\naction = \"replay\"\ntrace = \"{trace}\"\n{journey}\n\
         [[load]]\njourney = \"day\"\nexecutor = \"replay\"\nmax_vus = 20\n{load}\n\
         [prepare]\nclean_up = \"none\"\n[audit]\nsample = \"none\"\n"
    )
}

/// Sessions that pull, push, look for what is not there, and list.
pub(super) fn day() -> Log {
    let mut log = Log::default();
    let layers = [(11, 300), (12, 50_000), (13, 700_000)];
    log.session(1, 1, 0).pull(5, 6, &layers);
    // Another client has the base: it fetches the rest.
    log.session(2, 1, 40).pull(5, 6, &layers[2..]);
    // A push: one blob in two parts, one by a mount, one that is there; then by another client a pull of it.
    let mut push = log.session(3, 2, 1_000);
    push.upload(21, &[40_000, 25_000]);
    let mount = push.add(Operation::UploadMount, digest(12), 201);
    (mount.from, mount.sent) = (Some(name(1)), Some(0));
    push.add(Operation::BlobHead, digest(22), 200);
    let post = push.add(Operation::UploadPost, digest(23), 201);
    post.sent = Some(500);
    let put = push.add(Operation::ManifestPut, tag(5), 201);
    put.sent = Some(3_000);
    let mut pull = log.session(4, 2, 20_000);
    pull.add(Operation::ManifestGet, tag(5), 200).received = Some(3_000);
    pull.add(Operation::BlobGet, digest(21), 200).received = Some(65_000);
    let part = pull.add(Operation::BlobGet, digest(12), 206);
    part.received = Some(1_000);
    pull.add(Operation::TagsList, NONE, 200);
    // What is not there.
    let mut lost = log.session(5, 3, 100);
    for operation in [
        Operation::ManifestHead,
        Operation::ManifestGet,
        Operation::BlobHead,
        Operation::BlobGet,
    ] {
        lost.add(operation, digest(99), 404);
    }
    lost.add(Operation::ManifestGet, tag(98), 404);
    lost.add(Operation::TagsList, NONE, 404);
    lost.add(Operation::Ping, NONE, 200);
    lost.add(Operation::Catalog, NONE, 200);
    log
}

/// What the trace says of a request: repository, method, endpoint, status, and bytes where a replay has the same.
pub(super) type Line = (Option<u64>, String, Operation, u16, Option<(u64, u64)>);

/// Bytes of content, which are the same; of lists and errors they are not.
fn is_content(operation: Operation, status: u16) -> bool {
    let moves = matches!(
        operation,
        Operation::BlobGet
            | Operation::ManifestGet
            | Operation::UploadPatch
            | Operation::UploadPut
            | Operation::UploadPost
            | Operation::ManifestPut
    );
    moves && status < 400
}

pub(super) fn recorded(request: &Request) -> Line {
    let operation = request.operation.expect("an endpoint");
    let status = request.status.expect("a status").get();
    let bytes = (request.sent.unwrap_or(0), request.received.unwrap_or(0));
    let is_list = operation == Operation::TagsList && status == 404;
    let repository = request.repository.filter(|_| !is_list);
    (
        repository.map(|it| it.get() - 1), // in the order in which they come
        method(operation).to_string(),
        operation,
        status,
        is_content(operation, status).then_some(bytes),
    )
}

pub(super) fn logged(record: &RequestRecord) -> Line {
    let operation = record.operation.expect("an endpoint");
    let status = record.status.expect("a response").as_u16();
    let path = record.target.strip_prefix("/v2/regstorm/replay/");
    let repository = path.and_then(|path| path.split('/').next()?.parse().ok());
    // The body of a response to a PUT is the registry's.
    let received = if matches!(operation, Operation::BlobGet | Operation::ManifestGet) {
        record.sent
    } else {
        0
    };
    (
        repository,
        record.method.to_string(),
        operation,
        status,
        is_content(operation, status).then_some((record.received, received)),
    )
}

pub(super) fn counted(lines: impl Iterator<Item = Line>) -> BTreeMap<Line, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

/// Runs a plan against a registry, and returns what the registry has logged of its load.
pub(super) fn replayed(toml: &str, workers: usize) -> (Plan, Finished, Vec<RequestRecord>) {
    let registry = registry(Settings {
        record_requests: Some(100_000),
        ..Settings::default()
    });
    let plan = plan(toml, &registry.url(), workers);
    let finished = run(&plan).expect("a run that measures");
    assert_closed(&finished);
    settled(&registry);
    let prepared = finished.record.tally(Period::Prepare).operations();
    let prepared: u64 = prepared.map(|(_, tally)| tally.outcomes.ended()).sum();
    let records = registry.requests().into_iter();
    let records = records.filter(|record| record.sequence >= prepared);
    (plan, finished, records.collect())
}

#[test]
fn the_second_log_is_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    let log = day();
    log.write(&trace);
    for workers in [1, 3] {
        // Slowly enough that the push is over when its image is pulled.
        let mut speeds = ["speed = 20", "speed = 1"].into_iter();
        let (finished, records) = loop {
            let toml = scenario(
                &trace,
                "",
                speeds.next().expect("one of them is slow enough"),
            );
            let (_, finished, records) = replayed(&toml, workers);
            if finished.record.totals(Period::Measure).exchanges.failed == 0 {
                break (finished, records);
            }
        };
        let iterations = finished.record.totals(Period::Measure).iterations;
        assert_eq!((iterations.ok, iterations.ended()), (5, 5));
        let wanted = counted(log.requests.iter().map(recorded));
        assert_eq!(counted(records.iter().map(logged)), wanted);
    }
}

#[test]
fn a_part_of_a_blob_may_be_large() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    let mut log = Log::default();
    let mut pull = log.session(1, 1, 0);
    pull.pull(5, 6, &[(11, 300_000)]);
    pull.add(Operation::BlobGet, digest(11), 206).received = Some(200_000);
    log.write(&trace);
    let (_, finished, records) = replayed(&scenario(&trace, "", ""), 1);
    let exchanges = finished.record.totals(Period::Measure).exchanges;
    assert_eq!((exchanges.ok, exchanges.ended()), (4, 4));
    let fetched = records
        .iter()
        .filter(|it| it.operation == Some(Operation::BlobGet));
    let fetched: Vec<_> = fetched
        .map(|it| (it.status.map(|it| it.as_u16()), it.sent))
        .collect();
    assert_eq!(fetched, [(Some(200), 300_000), (Some(206), 200_000)]);
}

#[test]
fn what_is_seeded_is_what_the_plan_says() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    day().write(&trace);
    let toml = scenario(&trace, "scale = 0.1\nmax_blob = \"20KB\"", "speed = 100");
    let (plan, finished, _) = replayed(&toml, 1);
    let forecast = plan.forecast();
    let seeding = &forecast.seeding;
    let seeded = around(&finished).seeded;
    // The image of the first repository, and one that keeps a blob of the second.
    assert_eq!((seeded.images, seeding.images), (2, 2));
    // 64 is the least, 20,000 the most of a blob; the size of the one that was only found is not in the trace: it has the
    // median of the others, 50,000 before it is scaled.
    let bytes = (64 + 5_000 + 20_000) + 5_000;
    assert_eq!((seeded.bytes, seeding.bytes), (bytes, bytes));
    let prepared = finished.record.tally(Period::Prepare).operations();
    let prepared: u64 = prepared.map(|(_, tally)| tally.outcomes.ended()).sum();
    // And a ping.
    assert_eq!(prepared, seeding.requests + 1);
    let journey = &forecast.journeys[0];
    let each = |(operation, of_all): (Operation, f64)| {
        let asked = journey.requests.as_ref().unwrap().iter();
        let found = asked
            .filter(|(it, _)| *it == operation)
            .map(|(_, each)| *each);
        assert!(
            (found.sum::<f64>() - of_all / 5.0).abs() < 1e-9,
            "{operation}"
        );
    };
    let wanted = [
        (Operation::BlobGet, 7.0),
        (Operation::ManifestGet, 5.0),
        (Operation::Ping, 1.0),
        (Operation::UploadPatch, 2.0),
    ];
    wanted.into_iter().for_each(each);
}

#[test]
fn clean_up_deletes_what_was_seeded_and_what_was_pushed() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    day().write(&trace);
    let toml = scenario(&trace, "", "speed = 20").replace("\"none\"", "\"all\"");
    let (_, counts) = run_against(&toml, &registry(Settings::default()));
    assert_eq!(counts.blobs, 0);
    // The image, the blob that was kept, and the image that was pushed.
    assert_eq!(counts.with_status(Operation::ManifestDelete, 202), 3);
}

#[test]
fn sessions_are_due_as_they_were_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    pings().write(&trace);
    let due = |journey: &str, load: &str| {
        let plan = plan(&scenario(&trace, journey, load), "embedded", 1);
        let Executor::ReplaySchedule(it) = &plan.loads[0].executor else {
            panic!("a replay");
        };
        let due = it.timetable.due_ns.iter().map(|ns| ns / 1_000_000);
        (due.collect::<Vec<_>>(), plan.window())
    };
    let ms = Duration::from_millis;
    assert_eq!(due("", ""), (vec![0, 1_000, 3_000], ms(3_001)));
    assert_eq!(due("", "speed = 10"), (vec![0, 100, 300], ms(301)));
    // 3 requests in 3 s are 1 a second as recorded.
    assert_eq!(due("", "rate = 10"), (vec![0, 100, 300], ms(301)));
    assert_eq!(
        due("from = \"500ms\"", "speed = 10"),
        (vec![50, 250], ms(251))
    );
    assert_eq!(
        due("until = \"3s\"", "speed = 0.5"),
        (vec![0, 2_000], ms(2_001))
    );
}

#[test]
fn sessions_without_a_free_user_are_dropped_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    // Each of them waits 2 s between its two requests; all begin within 300 ms.
    let log = Log::of_three(600);
    log.write(&trace);
    let toml = scenario(&trace, "", "").replace("max_vus = 20", "max_vus = 2");
    let (_, finished, records) = replayed(&toml, 1);
    let totals = finished.record.totals(Period::Measure);
    assert_eq!((totals.iterations.ok, records.len()), (2, 4));
    let (_, _, sessions) = finished.record.journeys().next().unwrap();
    let starts = &sessions.counts.starts;
    assert_eq!((starts.scheduled, starts.dropped), (3, 1));
}
