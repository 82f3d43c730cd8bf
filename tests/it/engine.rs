use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Point, Quirk, Running, Settings, Stall, When};
use regstorm::engine::{self, Finished};
use regstorm::exchange::Phase;
use regstorm::measure::{FailureClass, Live, Outcomes, Period};
use regstorm::oci::{ImageName, Operation};
use regstorm::units::{ByteSize, Ratio};

use tokio::net::TcpSocket;

use crate::support::{
    around, assert_closed, by_status, plan, registry, run, run_against, settled, transport,
    wait_for,
};

/// Two images of three layers of 10,000 bytes each; users do 5 iterations each.
fn scenario(journey: &str, load: &str) -> String {
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"10000B\"\n\
         [journey.j]\nimages = \"web\"\n{journey}\n\
         [[load]]\n{load}\n"
    )
}

const FIVE_EACH: &str = "journey = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 4\niterations = 5\nmax_duration = \"1m\"";

fn measured(finished: &Finished) -> (Outcomes, Outcomes) {
    let totals = finished.record.totals(Period::Measure);
    (totals.iterations, totals.exchanges)
}

fn ok(count: u64) -> Outcomes {
    Outcomes {
        ok: count,
        ..Outcomes::default()
    }
}

/// How many failures of each class there were in the window.
fn classes(finished: &Finished) -> BTreeMap<FailureClass, u64> {
    let mut classes = BTreeMap::new();
    for (journey, _, _) in finished.record.journeys() {
        for (_, series) in finished.record.operations(journey) {
            for (class, count) in series
                .counts
                .failure_classes
                .iter()
                .filter(|(_, count)| *count > 0)
            {
                *classes.entry(class).or_insert(0) += count;
            }
        }
    }
    classes
}

#[test]
fn a_pull_asks_for_the_manifest_and_every_blob() {
    let registry = registry(Settings::default());
    let (finished, counts) = run_against(&scenario("action = \"pull\"", FIVE_EACH), &registry);
    // 4 users, 5 iterations: a manifest, a config and 3 layers each.
    assert_eq!(measured(&finished), (ok(20), ok(100)));
    assert_eq!(counts.with_status(Operation::ManifestGet, 200), 20);
    assert_eq!(counts.with_status(Operation::BlobGet, 200), 80);
    // Seeding: 2 images of 4 blobs, each looked for, opened and put; then the manifest.
    assert_eq!(counts.with_status(Operation::BlobHead, 404), 8);
    assert_eq!(counts.with_status(Operation::UploadPut, 201), 8);
    assert_eq!(counts.with_status(Operation::ManifestPut, 201), 2);
    assert_eq!(counts.with_status(Operation::Ping, 200), 1);
    assert_eq!(around(&finished).seeded.images, 2);
    // Per-user connections: never more than blobs at once (3 by default), for each of 4 users.
    assert!(finished.connections <= 12, "{}", finished.connections);
}

#[test]
fn the_forecast_is_what_happens() {
    for (journey, prepare) in [
        ("action = \"pull\"", "seed = true"),
        (
            "action = \"push\"\nunique = true\nmethod = \"put\"",
            "seed = false",
        ),
        (
            "action = \"push\"\nunique = true\nmethod = \"post\"",
            "seed = false",
        ),
        (
            "action = \"push\"\nunique = true\nmethod = \"chunks\"\nchunk_size = \"4KiB\"\nexists_check = false",
            "seed = false",
        ),
    ] {
        let registry = registry(Settings::default());
        let toml = scenario(journey, FIVE_EACH) + "[prepare]\n" + prepare;
        let (finished, _) = run_against(&toml, &registry);
        let plan = plan(&toml, &registry.url(), 2);
        let forecast = plan.forecast();
        let per_iteration = forecast.journeys[0].requests.clone().unwrap();
        for (operation, count) in per_iteration {
            let journey = finished.record.journeys().next().unwrap().0;
            let series = finished.record.operations(journey);
            let found: u64 = series
                .filter(|(it, _)| *it == operation)
                .map(|(_, series)| series.counts.outcomes.ended())
                .sum();
            // A config may need more than one chunk of 4 KiB; the forecast counts one.
            if operation == Operation::UploadPatch {
                assert!(found >= 20 * 10, "{journey:?} {operation}: {found}");
            } else {
                let found = f64::from(u32::try_from(found).unwrap());
                assert!(
                    (count * 20.0 - found).abs() < 1e-6,
                    "{operation}: {found}, not {count} each"
                );
            }
        }
        let totals = finished.record.totals(Period::Prepare);
        // The ping is on top.
        let before = forecast.seeding.requests + forecast.seeding.looks;
        assert_eq!(totals.exchanges.ended(), before + 1);
    }
}

#[test]
fn every_way_of_pushing_stores_the_image() {
    for (method, patches) in [
        ("method = \"post\"", 0),
        ("method = \"put\"", 0),
        ("method = \"patch\"", 80),
        ("method = \"patch-chunked\"", 80),
    ] {
        let registry = registry(Settings::default());
        let journey = format!("action = \"push\"\nunique = true\n{method}");
        let (finished, counts) = run_against(&scenario(&journey, FIVE_EACH), &registry);
        assert_eq!(
            finished.record.totals(Period::Measure).iterations,
            ok(20),
            "{method}"
        );
        assert_eq!(
            counts.with_status(Operation::UploadPatch, 202),
            patches,
            "{method}"
        );
        assert_eq!(
            counts.with_status(Operation::ManifestPut, 201),
            20,
            "{method}"
        );
        assert_eq!(counts.open_uploads, 0, "{method}");
        // 3 layers and a config, unique to each of 20 iterations.
        assert_eq!(counts.blobs, 80, "{method}");
        assert!(
            counts.received > 20 * 30_000,
            "{method}: {}",
            counts.received
        );
    }
}

#[test]
fn a_push_that_is_the_same_finds_its_blobs() {
    let registry = registry(Settings::default());
    let one = "journey = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = 10\nmax_duration = \"1m\"";
    let (finished, counts) = run_against(
        &scenario("action = \"push\"\nunique = false", one),
        &registry,
    );
    assert_eq!(finished.record.totals(Period::Measure).iterations, ok(10));
    // Each of the two images is sent once; the other eight times it is there. The audit looks for the four blobs of both.
    assert_eq!(counts.with_status(Operation::BlobHead, 404), 8);
    assert_eq!(counts.with_status(Operation::BlobHead, 200), 32 + 8);
    assert_eq!(counts.with_status(Operation::UploadPut, 201), 8);
}

#[test]
fn the_load_is_the_same_on_any_number_of_workers() {
    let toml = "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 3\nlayers = 2\nlayer_size = \"1KiB\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\npick = \"random\"\n\
         [journey.push]\naction = \"push\"\nimages = \"web\"\nunique = true\npick = { zipf = 1.1 }\n\
         [[load]]\nmix = { pull = 3, push = 1 }\nexecutor = \"per-vu-iterations\"\nvus = 7\niterations = 6\nmax_duration = \"1m\"\n";
    let runs: Vec<_> = [1, 2, 5]
        .into_iter()
        .map(|workers| {
            let registry = registry(Settings::default());
            let finished = run(&plan(toml, &registry.url(), workers)).unwrap();
            assert_closed(&finished);
            (by_status(&finished.record), transport(&finished))
        })
        .collect();
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
    let pushes = runs[0].0[&(Operation::ManifestPut, 201)] - 3;
    // 42 iterations, a quarter of them pushes: 10.5 expected, with a standard deviation of 2.8.
    assert!((3..=19).contains(&pushes), "{pushes}");
}

#[test]
fn shared_iterations_are_started_exactly_once() {
    for workers in [1, 2, 3] {
        let registry = registry(Settings::default());
        let load = "journey = \"j\"\nexecutor = \"shared-iterations\"\nvus = 5\niterations = 23\nmax_duration = \"1m\"";
        let finished = run(&plan(
            &scenario("action = \"pull\"", load),
            &registry.url(),
            workers,
        ))
        .unwrap();
        assert_closed(&finished);
        assert_eq!(measured(&finished), (ok(23), ok(115)));
    }
}

#[test]
fn connection_policies_open_what_they_say() {
    // 4 users, 20 iterations of 5 exchanges, one blob at a time.
    for (policy, least, most) in [
        ("connections = \"per-vu\"", 4, 4),
        ("connections = \"per-iteration\"", 20, 20),
        ("connections = \"per-request\"", 100, 100),
        // One connection for each of two workers.
        ("connections = \"shared\"\npool_size = 1", 2, 2),
    ] {
        let registry = registry(Settings::default());
        let journey = format!("action = \"pull\"\nparallel = 1\n{policy}");
        let (finished, counts) = run_against(&scenario(&journey, FIVE_EACH), &registry);
        assert!(
            (least..=most).contains(&finished.connections),
            "{policy}: {}",
            finished.connections
        );
        // Seeding has connections of its own.
        assert!(counts.connections > finished.connections, "{policy}");
        let journey = finished.record.journeys().next().unwrap().0;
        let new: u64 = finished
            .record
            .operations(journey)
            .map(|(_, series)| series.counts.connections.new)
            .sum();
        assert_eq!(new, finished.connections, "{policy}");
    }
}

#[test]
fn waiting_for_a_pool_is_a_phase_of_its_own() {
    let slow = Fault::on(
        Operation::BlobGet,
        FaultKind::Delay(Duration::from_millis(100)),
    );
    let registry = registry(Settings {
        faults: vec![slow],
        ..Settings::default()
    });
    let journey = "action = \"pull\"\nconnections = \"shared\"\npool_size = 1";
    let load = FIVE_EACH.replace("iterations = 5", "iterations = 1");
    let (finished, _) = run_against(&scenario(journey, &load), &registry);
    let journey = finished.record.journeys().next().unwrap().0;
    let mut operations = finished.record.operations(journey);
    let (_, blobs) = operations
        .find(|(it, _)| *it == Operation::BlobGet)
        .unwrap();
    // Two users on each worker ask for three blobs each at once; one has the connection. The last of six waits for
    // five delays. Bounds are half of what must pass, for a thread may lose its core between a write and its stamp.
    let waited = blobs.latencies.phases.of(Phase::Wait).max().unwrap();
    assert!(waited >= Duration::from_millis(250), "{waited:?}");
    let first_byte = blobs.latencies.phases.of(Phase::FirstByte).min().unwrap();
    assert!(first_byte >= Duration::from_millis(50), "{first_byte:?}");
    // The wait is no part of the phase after it, or they would be more than the whole. Means are known to a thousandth.
    let mean = |phase| blobs.latencies.phases.of(phase).mean().unwrap();
    let parts = mean(Phase::Wait) + mean(Phase::FirstByte);
    let total = mean(Phase::Total).mul_f64(1.01);
    assert!(parts <= total, "{parts:?} of {total:?}");
}

#[test]
fn warm_up_is_counted_apart() {
    let registry = registry(Settings::default());
    let load =
        "journey = \"j\"\nexecutor = \"constant-vus\"\nvus = 2\nduration = \"1s\"\nwarmup = \"1s\"";
    let (finished, _) = run_against(&scenario("action = \"pull\"", load), &registry);
    let warm = finished.record.totals(Period::WarmUp);
    let measured = finished.record.totals(Period::Measure);
    assert!(warm.iterations.ok > 0 && measured.iterations.ok > 0);
    assert_eq!(warm.exchanges.ok, 5 * warm.iterations.ok);
    assert_eq!(measured.exchanges.ok, 5 * measured.iterations.ok);
    assert_eq!(finished.record.window(), Duration::from_secs(1));
}

#[test]
fn clean_up_leaves_nothing() {
    let registry = registry(Settings::default());
    let toml =
        scenario("action = \"push\"\nunique = true", FIVE_EACH) + "[prepare]\nclean_up = \"all\"\n";
    let (finished, counts) = run_against(&toml, &registry);
    assert_eq!(finished.notes, Vec::<String>::new());
    assert_eq!(counts.with_status(Operation::ManifestDelete, 202), 20);
    assert_eq!(counts.with_status(Operation::BlobDelete, 202), 80);
    assert_eq!((counts.blobs, counts.open_uploads), (0, 0));
}

#[test]
fn a_registry_that_deletes_nothing_is_told_once() {
    let registry = registry(Settings {
        quirks: vec![Quirk::NoDelete],
        ..Settings::default()
    });
    let toml = scenario("action = \"push\"\nunique = true", FIVE_EACH)
        + "[prepare]\nclean_up = \"manifests\"\nparallel = 1\n";
    let (finished, counts) = run_against(&toml, &registry);
    assert_eq!(counts.with_status(Operation::ManifestDelete, 405), 1);
    assert!(
        finished.notes[0].contains("clean-up stopped"),
        "{:?}",
        finished.notes
    );
}

/// What goes wrong, and the class that it must be counted under.
fn troubles() -> Vec<(Operation, FaultKind, FailureClass)> {
    let after = |bytes| Point::AfterBody(ByteSize::from_bytes(bytes));
    let status = |code: u16| FaultKind::Status {
        status: code.try_into().expect("what the test needs"),
        code: None,
        retry_after: None,
    };
    vec![
        (Operation::BlobGet, status(503), FailureClass::Unavailable),
        (Operation::ManifestGet, status(429), FailureClass::Throttled),
        (
            Operation::BlobGet,
            FaultKind::Reset(after(5_000)),
            FailureClass::Reset,
        ),
        (
            Operation::BlobGet,
            FaultKind::Reset(Point::BeforeHead),
            FailureClass::Reset,
        ),
        (
            Operation::ManifestGet,
            FaultKind::Close(Point::BeforeHead),
            FailureClass::Reset,
        ),
        (
            Operation::BlobGet,
            FaultKind::Close(after(5_000)),
            FailureClass::Reset,
        ),
        (
            Operation::BlobGet,
            FaultKind::Corrupt(77),
            FailureClass::DigestMismatch,
        ),
        (
            Operation::BlobGet,
            FaultKind::Stall(after(100), Stall::Forever),
            FailureClass::Timeout,
        ),
        (
            Operation::ManifestGet,
            FaultKind::Stall(Point::BeforeHead, Stall::Forever),
            FailureClass::Timeout,
        ),
        (Operation::UploadPatch, status(500), FailureClass::Status),
        (
            Operation::UploadPatch,
            FaultKind::Stall(Point::BeforeHead, Stall::Forever),
            FailureClass::Timeout,
        ),
        (
            Operation::UploadPatch,
            FaultKind::Reset(after(5_000)),
            FailureClass::Reset,
        ),
        (Operation::UploadPut, status(400), FailureClass::Status),
        (Operation::UploadStart, status(404), FailureClass::Status),
        (
            Operation::ManifestPut,
            FaultKind::Close(Point::BeforeHead),
            FailureClass::Reset,
        ),
    ]
}

#[test]
fn every_fault_is_counted_and_every_sum_closes() {
    for (operation, kind, class) in troubles() {
        let what = format!("{operation} {kind:?}");
        trouble(operation, &kind, class, &what);
    }
}

/// Half of the exchanges of one operation go wrong: all are counted, under that class, and nothing is left behind.
fn trouble(operation: Operation, kind: &FaultKind, class: FailureClass, what: &str) {
    let half = When::Probability(Ratio::try_new(0.5).expect("a share"), 3);
    let registry = registry(Settings::default());
    let push = matches!(
        operation,
        Operation::UploadPatch
            | Operation::UploadPut
            | Operation::UploadStart
            | Operation::ManifestPut
    );
    let action = if push {
        "action = \"push\"\nunique = true"
    } else {
        "action = \"pull\""
    };
    // What never comes is waited for as long as it takes to see that. Everything else has time.
    let timeout = match kind {
        FaultKind::Stall(_, Stall::Forever) => "250ms",
        _ => "1m",
    };
    let toml = scenario(
        &format!("{action}\nrequest_timeout = \"{timeout}\""),
        FIVE_EACH,
    );
    let plan = plan(&toml, &registry.url(), 2);
    let (_stopper, stop) = engine::stop();
    let finished = engine::run(&Arc::new(plan), 7, &stop, &mut |at| {
        // Seeding goes well; then the trouble begins.
        if matches!(at, engine::Progress::Seeding(seeded) if seeded.images == seeded.of)
            || push && matches!(at, engine::Progress::Ready { .. })
        {
            let fault = Fault::on(operation, kind.clone()).when(half);
            registry
                .set_faults(vec![fault])
                .expect("what the test needs");
        }
    })
    .expect("what the test needs");
    assert_closed(&finished);
    let (iterations, exchanges) = measured(&finished);
    assert_eq!(iterations.ended(), 20, "{what}");
    assert!(iterations.failed > 0, "{what}: {iterations:?}");
    assert!(
        iterations.ok > 0 || exchanges.ok > 0,
        "{what}: {iterations:?}"
    );
    let classes = classes(&finished);
    assert!(
        classes.get(&class).is_some_and(|count| *count > 0),
        "{what}: {classes:?}"
    );
    assert_eq!(classes.len(), 1, "{what}: {classes:?}");
    let kinds = finished.record.failures();
    assert!(!kinds.kinds.is_empty(), "{what}");
    registry
        .set_faults(Vec::new())
        .expect("what the test needs");
    let counts = settled(&registry);
    assert_eq!(
        counts.open_uploads,
        0,
        "{what}: a session was left behind: {:#?} {:#?}",
        by_status(&finished.record),
        counts.exchanges,
    );
}

#[test]
fn asking_once_drains_and_asking_twice_drops() {
    let slow = |kind| Fault::on(Operation::BlobGet, kind);
    let delay = FaultKind::Delay(Duration::from_millis(300));
    let stall = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
    let load = "journey = \"j\"\nexecutor = \"constant-vus\"\nvus = 3\nduration = \"1m\"\ngraceful_stop = \"20s\"";
    for (times, kind, dropped) in [(1, delay, false), (2, stall, true)] {
        let registry = registry(Settings {
            faults: vec![slow(kind)],
            ..Settings::default()
        });
        let plan = plan(&scenario("action = \"pull\"", load), &registry.url(), 2);
        let (stopper, stop) = engine::stop();
        let mut asked = 0;
        let finished = engine::run(&Arc::new(plan), 7, &stop, &mut |at| {
            if let engine::Progress::Load { live, .. } = at
                && live.active() == 3
                && asked < times
            {
                asked += 1;
                stopper.ask();
            }
        })
        .unwrap();
        assert!(finished.interrupted);
        assert_closed(&finished);
        let (iterations, exchanges) = measured(&finished);
        if dropped {
            assert_eq!(iterations.cancelled, 3, "{iterations:?}");
            assert!(exchanges.cancelled >= 3, "{exchanges:?}");
        } else {
            assert_eq!(iterations.cancelled, 0, "{iterations:?}");
            assert!(iterations.ok >= 3, "{iterations:?}");
        }
        assert!(finished.record.window() < Duration::from_secs(50));
    }
}

/// Asks to stop as soon as `when` says so of a period's counts.
fn stopped(toml: &str, registry: &Running, when: impl Fn(Period, &Live) -> bool) -> Finished {
    let (stopper, stop) = engine::stop();
    let plan = plan(toml, &registry.url(), 2);
    let finished = engine::run(&Arc::new(plan), 7, &stop, &mut |at| {
        if let engine::Progress::Load { period, live, .. } = at
            && stop.asked().is_none()
            && when(period, live)
        {
            stopper.ask();
        }
    })
    .expect("a run that measures");
    assert!(finished.interrupted);
    assert_closed(&finished);
    finished
}

/// A registry that never answers one operation.
fn silent_on(operation: Operation) -> Settings {
    let stall = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
    Settings {
        faults: vec![Fault::on(operation, stall)],
        ..Settings::default()
    }
}

#[test]
fn a_target_that_is_silent_is_not_waited_for_longer_than_an_exchange_may_take() {
    let registry = registry(silent_on(Operation::Ping));
    let toml = scenario("action = \"pull\"\nrequest_timeout = \"200ms\"", FIVE_EACH);
    let error = run(&plan(&toml, &registry.url(), 1)).unwrap_err();
    assert!(matches!(error, engine::Error::Target(_)), "{error}");
    assert!(error.to_string().contains("timed out"), "{error}");
}

#[test]
fn clean_up_of_a_silent_target_ends_and_says_so() {
    let registry = registry(silent_on(Operation::ManifestDelete));
    let toml = scenario(
        "action = \"push\"\nunique = true\nrequest_timeout = \"1s\"",
        FIVE_EACH,
    ) + "[prepare]\nclean_up = \"all\"\nparallel = 1\n";
    let finished = run(&plan(&toml, &registry.url(), 2)).unwrap();
    assert_closed(&finished);
    let clean_up = finished.record.totals(Period::CleanUp).exchanges;
    assert_eq!((clean_up.ended(), clean_up.failed), (1, 1));
    assert!(
        finished.notes[0].contains("clean-up stopped"),
        "{:?}",
        finished.notes
    );
}

#[test]
fn clean_up_that_is_cut_short_is_told() {
    let registry = registry(silent_on(Operation::ManifestDelete));
    let toml = scenario("action = \"push\"\nunique = true", FIVE_EACH)
        + "[prepare]\nclean_up = \"manifests\"\n";
    let (stopper, stop) = engine::stop();
    let plan = Arc::new(plan(&toml, &registry.url(), 2));
    let finished = engine::run(&plan, 7, &stop, &mut |at| {
        if matches!(at, engine::Progress::CleaningUp) {
            stopper.ask();
            stopper.ask();
        }
    })
    .unwrap();
    assert_closed(&finished);
    assert!(finished.interrupted);
    assert_eq!(measured(&finished).0, ok(20));
    assert!(
        finished.notes[0].contains("cut short"),
        "{:?}",
        finished.notes
    );
}

#[test]
fn what_seeding_left_half_done_is_cleaned_up() {
    let broken = FaultKind::Status {
        status: http::StatusCode::INTERNAL_SERVER_ERROR,
        code: None,
        retry_after: None,
    };
    let registry = registry(Settings {
        // The second manifest is refused as often as it is sent.
        faults: vec![Fault::on(Operation::ManifestPut, broken).window(1, None)],
        ..Settings::default()
    });
    let toml = scenario("action = \"pull\"", FIVE_EACH) + "[prepare]\nclean_up = \"all\"\n";
    let error = run(&plan(&toml, &registry.url(), 1)).unwrap_err();
    assert!(matches!(error, engine::Error::Seed { .. }), "{error}");
    let counts = settled(&registry);
    assert_eq!((counts.blobs, counts.open_uploads), (0, 0));
}

#[test]
fn the_end_of_a_load_does_not_wait_for_an_upload_to_be_cancelled() {
    let mut settings = silent_on(Operation::UploadCancel);
    settings.faults.push(Fault::on(
        Operation::UploadPatch,
        FaultKind::Close(Point::BeforeHead),
    ));
    let registry = registry(settings);
    let journey = "action = \"push\"\nmethod = \"patch\"\nunique = true\nrequest_timeout = \"1h\"\niteration_timeout = \"1h\"";
    let load = "journey = \"j\"\nexecutor = \"constant-vus\"\nvus = 2\nduration = \"1s\"\ngraceful_stop = \"0s\"";
    let finished = run(&plan(&scenario(journey, load), &registry.url(), 2)).unwrap();
    assert_closed(&finished);
    let (iterations, _) = measured(&finished);
    assert_eq!((iterations.failed, iterations.ended()), (2, 2));
}

#[test]
fn the_window_of_a_run_that_was_stopped_ends_there_on_every_worker() {
    let registry = registry(Settings::default());
    // One user on two workers: the other worker is done before it starts.
    let load = "journey = \"j\"\nexecutor = \"constant-vus\"\nvus = 1\nduration = \"1h\"";
    let toml = scenario("action = \"pull\"", load);
    let finished = stopped(&toml, &registry, |_, live| {
        live.totals(Period::Measure).iterations.ok > 0
    });
    assert!(finished.record.window() < Duration::from_mins(30));
}

#[test]
fn a_warm_up_that_was_stopped_is_as_long_as_it_was() {
    let registry = registry(Settings::default());
    let load =
        "journey = \"j\"\nexecutor = \"constant-vus\"\nvus = 2\nduration = \"1h\"\nwarmup = \"1h\"";
    let toml = scenario("action = \"pull\"", load);
    let finished = stopped(&toml, &registry, |period, live| {
        period == Period::WarmUp && live.totals(Period::WarmUp).iterations.ok > 0
    });
    assert!(finished.warm_up_time < Duration::from_mins(30));
    assert_eq!(finished.record.window(), Duration::ZERO);
    assert_eq!(measured(&finished), (ok(0), ok(0)));
}

#[test]
fn a_load_whose_time_was_too_short_says_so() {
    let registry = registry(Settings::default());
    let load = "journey = \"j\"\nexecutor = \"shared-iterations\"\nvus = 2\niterations = 1000000\nmax_duration = \"100ms\"";
    let finished = run(&plan(
        &scenario("action = \"pull\"", load),
        &registry.url(),
        2,
    ))
    .unwrap();
    assert_closed(&finished);
    let began = finished.record.totals(Period::Measure).starts.started;
    let note = format!("load-0 reached its max_duration: {began} of 1000000 iterations began");
    assert_eq!(finished.notes, [note]);
}

#[test]
fn an_iteration_that_takes_too_long_is_a_timeout() {
    let slow = Fault::on(
        Operation::BlobGet,
        FaultKind::Delay(Duration::from_millis(400)),
    );
    let registry = registry(Settings {
        faults: vec![slow],
        ..Settings::default()
    });
    // One blob after the other: four delays are more than the iteration may take, one is not.
    let journey =
        "action = \"pull\"\nparallel = 1\nrequest_timeout = \"1s\"\niteration_timeout = \"1s\"";
    let load = "journey = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 1\nmax_duration = \"1m\"";
    let finished = run(&plan(&scenario(journey, load), &registry.url(), 1)).unwrap();
    assert_closed(&finished);
    let (iterations, exchanges) = measured(&finished);
    assert_eq!((iterations.failed, iterations.ended()), (2, 2));
    // Each user has one exchange under way when its time is over, and it is nobody's failure.
    assert_eq!((exchanges.cancelled, exchanges.failed), (2, 0));
}

#[test]
fn the_end_of_the_window_cuts_what_outlives_its_grace() {
    let slow = Fault::on(
        Operation::BlobGet,
        FaultKind::Stall(Point::BeforeHead, Stall::Forever),
    );
    let registry = registry(Settings {
        faults: vec![slow],
        ..Settings::default()
    });
    let load = "journey = \"j\"\nexecutor = \"constant-vus\"\nvus = 2\nduration = \"1s\"\ngraceful_stop = \"100ms\"";
    let finished = run(&plan(
        &scenario("action = \"pull\"", load),
        &registry.url(),
        2,
    ))
    .unwrap();
    assert_closed(&finished);
    let (iterations, _) = measured(&finished);
    assert_eq!((iterations.cancelled, iterations.ended()), (2, 2));
    assert!(!finished.interrupted);
}

#[test]
fn a_registry_that_dies_in_the_middle_is_measured_to_the_end() {
    let registry = registry(Settings::default());
    let load = "journey = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 4\niterations = 200\nmax_duration = \"1m\"";
    let toml = scenario("action = \"pull\"\nthink_time = \"10ms\"", load);
    let plan = plan(&toml, &registry.url(), 2);
    let (_stopper, stop) = engine::stop();
    let mut alive = Some(registry);
    let mut port = None;
    let finished = engine::run(&Arc::new(plan), 7, &stop, &mut |at| {
        if let engine::Progress::Load { live, .. } = at
            && live.totals(Period::Measure).iterations.ok > 0
        {
            // The port stays taken, so that no registry of another test comes to sit behind it.
            port = port.take().or_else(|| alive.take().map(hold_port));
        }
    })
    .unwrap();
    assert_closed(&finished);
    let (iterations, _) = measured(&finished);
    assert_eq!(iterations.ended(), 800);
    assert!(iterations.ok > 0 && iterations.failed > 0, "{iterations:?}");
    assert!(
        classes(&finished).contains_key(&FailureClass::Connect),
        "{:?}",
        classes(&finished)
    );
}

/// Ends a registry and holds its port without listening on it.
fn hold_port(registry: Running) -> TcpSocket {
    let address = registry.addr();
    registry.stop();
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option of sockets");
    socket.bind(address).expect("the port is free again");
    socket
}

#[test]
fn nothing_is_measured_of_a_target_that_does_not_answer() {
    // Nobody listens on port 1; a port that was free a moment ago may be another test's.
    let gone = "http://127.0.0.1:1";
    let error = run(&plan(&scenario("action = \"pull\"", FIVE_EACH), gone, 1)).unwrap_err();
    assert!(matches!(error, engine::Error::Target(_)), "{error}");
    assert!(error.to_string().contains("cannot connect"), "{error}");
}

#[test]
fn images_that_are_there_already_are_pulled_where_they_are() {
    let registry = registry(Settings::default());
    let seed = scenario("action = \"pull\"", FIVE_EACH);
    run_against(&seed, &registry);
    let reference: ImageName = "regstorm/web/0:regstorm".parse().unwrap();
    let toml = format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.old]\nsource = \"existing\"\nreferences = [\"{reference}\"]\n\
         [journey.j]\naction = \"pull\"\nimages = \"old\"\n[[load]]\n{FIVE_EACH}\n"
    );
    let finished = run(&plan(&toml, &registry.url(), 2)).unwrap();
    assert_eq!(measured(&finished), (ok(20), ok(100)));
    // A ping, and whether the image is there.
    assert_eq!(finished.record.totals(Period::Prepare).exchanges, ok(2));
    wait_for(|| (registry.counts().in_progress == 0).then_some(()));
}

#[test]
fn loads_of_different_lengths_are_noted() {
    let load = |duration: &str| {
        format!("journey = \"j\"\nexecutor = \"constant-vus\"\nvus = 1\nduration = \"{duration}\"")
    };
    for (second, noted) in [("100ms", false), ("200ms", true)] {
        let registry = registry(Settings::default());
        let both = format!("{}\n[[load]]\n{}", load("100ms"), load(second));
        let (finished, _) = run_against(&scenario("action = \"pull\"", &both), &registry);
        let says = |note: &String| note.contains("begin or end at different times");
        assert_eq!(
            finished.notes.iter().any(says),
            noted,
            "{:?}",
            finished.notes
        );
    }
}

#[test]
fn seeding_has_as_many_connections_as_it_is_allowed() {
    let registry = registry(Settings::default());
    let toml = scenario("action = \"pull\"", FIVE_EACH) + "[prepare]\nparallel = 2\n";
    let (finished, counts) = run_against(&toml, &registry);
    let seeding = counts.connections - finished.connections;
    assert!((1..=2).contains(&seeding), "{seeding}");
}

#[test]
fn clean_up_deletes_only_what_the_run_has_put_there() {
    let registry = registry(Settings::default());
    // Somebody has pushed the same images before.
    run_against(
        &scenario("action = \"push\"\nunique = false", FIVE_EACH),
        &registry,
    );
    let before = settled(&registry).blobs;
    // A journey that no load uses would push them, too; the one that runs pulls from another place.
    let toml = scenario("action = \"pull\"\nrepository = \"other\"", FIVE_EACH)
        + "[journey.unused]\naction = \"push\"\nimages = \"web\"\nunique = false\n\
           [prepare]\nclean_up = \"manifests\"\n";
    let finished = run(&plan(&toml, &registry.url(), 2)).unwrap();
    assert_eq!(finished.notes, Vec::<String>::new());
    let counts = settled(&registry);
    // The two images that were seeded.
    assert_eq!(counts.of(Operation::ManifestDelete), 2);
    assert_eq!(counts.blobs, before);
}
