//! Clients that misbehave on purpose: each is counted in its class, exactly once, and fails nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Point, Running, Settings};
use regstorm::engine::Finished;
use regstorm::exchange::Misbehaviour::{self, Aborted, CutOff, LeftOpen, OutOfOrder};
use regstorm::measure::{FailureClass, Outcomes, Period};
use regstorm::oci::Operation::{self, BlobGet, UploadPatch, UploadPut, UploadStart};
use regstorm::units::ByteSize;

use crate::scenario::{GOOD, load};
use crate::support::{assert_closed, plan, registry, run, settled};

mod connections;
mod storms;
mod ways;

const ITERATIONS: u64 = 10;

/// Two users do five iterations each with an image of three layers of that size, one layer after the other.
fn scenario(journey: &str, size: &str) -> String {
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"{size}\"\n\
         [journey.j]\nimages = \"web\"\nparallel = 1\n{journey}\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 5\nmax_duration = \"5m\"\n"
    )
}

fn site() -> Running {
    registry(Settings::default())
}

/// Runs it; every sum closes.
fn played(journey: &str, size: &str, target: &Running) -> Finished {
    let finished = run(&plan(&scenario(journey, size), &target.url(), 2)).expect("a run");
    assert_closed(&finished);
    finished
}

fn iterations(finished: &Finished) -> Outcomes {
    finished.record.totals(Period::Measure).iterations
}

/// What misbehaved in the window, by operation.
fn exchanges(finished: &Finished) -> BTreeMap<(Operation, Misbehaviour), u64> {
    let mut all = BTreeMap::new();
    for (journey, _, _) in finished.record.journeys() {
        for (operation, series) in finished.record.operations(journey) {
            for (how, count) in series.counts.misbehaviours.iter() {
                *all.entry((operation, how)).or_insert(0) += count;
            }
        }
    }
    all
}

fn of_iterations(finished: &Finished) -> BTreeMap<Misbehaviour, u64> {
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    series.counts.misbehaviours.iter().collect()
}

fn all_misbehaved() -> Outcomes {
    Outcomes {
        misbehaved: ITERATIONS,
        ..Outcomes::default()
    }
}

fn all_ok() -> Outcomes {
    Outcomes {
        ok: ITERATIONS,
        ..Outcomes::default()
    }
}

#[test]
fn a_pull_that_is_broken_off_ends_its_iteration_and_is_no_failure() {
    let finished = played(
        "action = \"pull\"\nabort = { after = 0.25 }",
        "4MiB",
        &site(),
    );
    assert_eq!(iterations(&finished), all_misbehaved());
    assert_eq!(
        of_iterations(&finished),
        BTreeMap::from([(Aborted, ITERATIONS)])
    );
    let broken = BTreeMap::from([((BlobGet, Aborted), ITERATIONS)]);
    assert_eq!(exchanges(&finished), broken);
    let totals = finished.record.totals(Period::Measure);
    assert_eq!(
        (totals.exchanges.failed, totals.exchanges.cancelled),
        (0, 0)
    );
    // Of each layer a quarter was read, and at most a read buffer more.
    let layer: u64 = 4 << 20;
    assert!(
        totals.bytes.received >= ITERATIONS * layer / 4,
        "{totals:?}"
    );
    assert!(totals.bytes.received < ITERATIONS * layer / 2, "{totals:?}");
}

#[test]
fn a_pull_that_resumes_fetches_the_rest_by_a_range() {
    let target = site();
    let journey = "action = \"pull\"\nabort = { after = 0.25, share = 0.5, resume = true }";
    let finished = played(journey, "4MiB", &target);
    assert_eq!(iterations(&finished), all_ok());
    let broken = exchanges(&finished);
    let count = broken[&(BlobGet, Aborted)];
    assert_eq!(broken.len(), 1);
    // Of thirty transfers half; fewer than five or more than 25 come once in ten thousand seeds, and this is one.
    assert!((5..=25).contains(&count), "{count}");
    assert_eq!(settled(&target).with_status(BlobGet, 206), count);
    // The digests were verified over both parts: otherwise the iterations had failed. Every byte came once, but for buffers.
    let totals = finished.record.totals(Period::Measure);
    assert!(totals.bytes.received >= 30 * (4 << 20));
}

#[test]
fn the_same_seed_breaks_the_same_transfers_off() {
    let journey = "action = \"pull\"\nabort = { after = 0.25, share = 0.3, resume = true }";
    let counts = [0, 1].map(|_| exchanges(&played(journey, "4MiB", &site())));
    assert_eq!(counts[0], counts[1]);
}

#[test]
fn a_push_that_is_broken_off_leaves_its_session() {
    for method in ["put", "patch", "patch-chunked", "post"] {
        let target = site();
        let journey =
            format!("action = \"push\"\nmethod = \"{method}\"\nabort = {{ after = 0.5 }}");
        let finished = played(&journey, "4MiB", &target);
        assert_eq!(iterations(&finished), all_misbehaved(), "{method}");
        assert_eq!(of_iterations(&finished)[&Aborted], ITERATIONS, "{method}");
        let broken: u64 = exchanges(&finished).values().sum();
        assert_eq!(broken, ITERATIONS, "{method}");
        let totals = finished.record.totals(Period::Measure);
        assert_eq!(
            (totals.exchanges.failed, totals.exchanges.cancelled),
            (0, 0),
            "{method}"
        );
        let half = ITERATIONS * (2 << 20);
        assert!(
            totals.bytes.sent >= half && totals.bytes.sent < half + half / 2,
            "{method}"
        );
        // What became of the sessions is noted once for each; a POST has none.
        let notes = finished
            .notes
            .iter()
            .filter(|it| it.contains("an upload that its client"));
        let sessions: u64 = notes
            .map(|it| {
                it.split_once(" × ")
                    .map_or(0, |(count, _)| count.parse().unwrap_or(0))
            })
            .sum();
        let expected = if method == "post" { 0 } else { ITERATIONS };
        assert_eq!(sessions, expected, "{method}: {:?}", finished.notes);
    }
}

#[test]
fn a_push_that_resumes_stores_its_image() {
    for method in ["put", "patch", "post", "chunks"] {
        let chunk = if method == "chunks" {
            "chunk_size = \"1MiB\"\n"
        } else {
            ""
        };
        let journey = format!(
            "action = \"push\"\nmethod = \"{method}\"\n{chunk}abort = {{ after = 0.5, resume = true }}"
        );
        let target = site();
        let finished = played(&journey, "4MiB", &target);
        assert_eq!(
            iterations(&finished),
            all_ok(),
            "{method}: {:?}",
            finished.record.failures()
        );
        let broken: u64 = exchanges(&finished).values().sum();
        // Chunks are broken off between two of them.
        let expected = if method == "chunks" {
            0
        } else {
            3 * ITERATIONS
        };
        assert_eq!(broken, expected, "{method}");
        assert_eq!(finished.record.totals(Period::Measure).exchanges.failed, 0);
        // The first session of an upload is left by its client, and not cancelled in the middle of the load.
        let cancels = |(operation, _): &(Operation, _)| *operation == Operation::UploadCancel;
        let tally = finished.record.tally(Period::Measure);
        assert_eq!(tally.operations().filter(cancels).count(), 0, "{method}");
        if method == "put" {
            let note = "30 × an upload that its client left open is still open after the load";
            let notes = &finished.notes;
            assert!(notes.iter().any(|it| it == note), "{notes:?}");
            assert_eq!(settled(&target).open_uploads, 3 * ITERATIONS);
        }
    }
}

#[test]
fn uploads_that_are_left_open_are_found_and_cancelled() {
    let target = site();
    let journey = "action = \"push\"\nmethod = \"patch\"\nleave_uploads = 1.0";
    let toml = scenario(journey, "10000B") + "[prepare]\nclean_up = \"all\"\n";
    let finished = run(&plan(&toml, &target.url(), 2)).expect("a run");
    assert_closed(&finished);
    assert_eq!(iterations(&finished), all_misbehaved());
    assert_eq!(
        of_iterations(&finished),
        BTreeMap::from([(LeftOpen, ITERATIONS)])
    );
    // No exchange was anything but well: the client just stopped.
    assert_eq!(exchanges(&finished), BTreeMap::new());
    let note =
        "10 × an upload that its client left open was still open after the load, and was cancelled";
    assert!(
        finished.notes.iter().any(|it| it == note),
        "{:?}",
        finished.notes
    );
    let counts = settled(&target);
    assert_eq!(counts.of(UploadStart) - counts.of(UploadPut), ITERATIONS);
    assert_eq!(counts.open_uploads, 0);
}

#[test]
fn uploads_that_are_left_open_stay_without_clean_up() {
    let target = site();
    let toml = scenario(
        "action = \"push\"\nmethod = \"put\"\nleave_uploads = 1.0",
        "10000B",
    ) + "[prepare]\nclean_up = \"none\"\n";
    let finished = run(&plan(&toml, &target.url(), 2)).expect("a run");
    assert_closed(&finished);
    let note = "10 × an upload that its client left open is still open after the load";
    assert!(
        finished.notes.iter().any(|it| it == note),
        "{:?}",
        finished.notes
    );
    assert_eq!(settled(&target).open_uploads, ITERATIONS);
}

#[test]
fn chunks_twice_and_out_of_order_are_refused_and_the_upload_goes_on() {
    let chunks = "action = \"push\"\nmethod = \"chunks\"\nchunk_size = \"4KiB\"\n";
    // Three layers of ten thousand bytes are three chunks each: two have one before them, two have one after them.
    for key in ["repeat_chunks", "skip_chunks"] {
        let target = site();
        let finished = played(&format!("{chunks}{key} = 1.0"), "10000B", &target);
        assert_eq!(iterations(&finished), all_ok(), "{key}");
        let refused = ITERATIONS * 3 * 2;
        let expected = BTreeMap::from([((UploadPatch, OutOfOrder), refused)]);
        assert_eq!(exchanges(&finished), expected, "{key}");
        assert_eq!(
            settled(&target).with_status(UploadPatch, 416),
            refused,
            "{key}"
        );
    }
}

/// A lower bound is no bet on a quick machine.
#[test]
fn slow_clients_take_their_time() {
    let rate = |key: &str, action: &str| format!("action = \"{action}\"\n{key} = \"1MiB\"");
    let stall = |action: &str| {
        format!("action = \"{action}\"\nstall = {{ after = 0.5, time = \"250ms\" }}")
    };
    for (journey, least) in [
        // Three layers of 128 KiB at 1 MiB a second.
        (rate("read_rate", "pull"), 375),
        (rate("write_rate", "push"), 375),
        (stall("pull"), 750),
        (stall("push"), 750),
    ] {
        let finished = played(&journey, "128KiB", &site());
        assert_eq!(iterations(&finished), all_ok(), "{journey}");
        let (_, _, series) = finished.record.journeys().next().expect("a journey");
        let shortest = series.latencies.service_time.min().expect("ten of them");
        // Histograms are exact to a thousandth.
        assert!(
            shortest >= Duration::from_millis(least - 1),
            "{journey}: {shortest:?}"
        );
        assert_eq!(exchanges(&finished), BTreeMap::new(), "{journey}");
    }
}

#[test]
fn a_slow_reader_that_is_cut_off_is_no_failure_and_a_quick_one_is() {
    let cut = FaultKind::Close(Point::AfterBody(ByteSize::from_kib(64)));
    for (rate, is_slow) in [("read_rate = \"64MiB\"", true), ("", false)] {
        // A config is shorter, and comes whole.
        let target = registry(Settings {
            faults: vec![Fault::on(BlobGet, cut.clone())],
            ..Settings::default()
        });
        let finished = played(&format!("action = \"pull\"\n{rate}"), "128KiB", &target);
        let (_, _, series) = finished.record.journeys().next().expect("a journey");
        let counts = &series.counts;
        assert_eq!(counts.outcomes.ok, 0, "{rate}");
        let (slow, quick) = if is_slow {
            (ITERATIONS, 0)
        } else {
            (0, ITERATIONS)
        };
        assert_eq!(counts.misbehaviours.of(CutOff), slow, "{rate}");
        assert_eq!(
            counts.failure_classes.of(FailureClass::Reset),
            quick,
            "{rate}"
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    for (keys, wanted) in [
        ("abort = {}", "missing key `after`"),
        ("abort = { after = 1.0 }", "error: "),
        ("abort = { after = 0.5, share = 0 }", "error: "),
        ("abort = 0.5", "error: "),
        ("stall = { after = 0.5 }", "missing key `time`"),
        (
            "stall = { after = 0.5, time = \"1m\" }",
            "a stall lasts longer than a request may be silent",
        ),
        ("read_rate = \"0B\"", "error: "),
        ("leave_uploads = 0.5", "error: "),
        (
            "part_size = \"1MiB\"\nabort = { after = 0.5 }",
            "`abort` is for layers that are fetched whole",
        ),
        (
            "leave_connections = { after = \"request\" }",
            "unknown point `request`",
        ),
        ("leave_connections = { count = 0 }", "error: "),
        ("leave_connections = { share = 0 }", "error: "),
        ("leave_connections = { time = \"0s\" }", "error: "),
        ("leave_connections = true", "error: "),
    ] {
        let toml = GOOD.replacen(
            "action = \"pull\"",
            &format!("action = \"pull\"\n{keys}"),
            1,
        );
        let problems = load(&toml).expect_err(keys).to_string();
        assert!(problems.contains(wanted), "{keys}: {problems}");
    }
    let toml = scenario("action = \"push\"\nrepeat_chunks = 0.1", "1KiB");
    let problems = load(&toml).expect_err("no chunks").to_string();
    assert!(
        problems.contains("`repeat_chunks` needs chunks"),
        "{problems}"
    );
}
