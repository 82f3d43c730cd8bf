//! Before and after the load: what is tried again, what is not waited for, and what clean-up deletes and spares.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Point, Running, Settings, Stall, When};
use regstorm::engine::{self, Finished};
use regstorm::measure::{Period, Record};
use regstorm::oci::Operation;

use crate::gate::{Gate, Held};
use crate::support::{around, plan, registry, run, run_against, settled, wait_for};

/// Two images of three layers, of which two images share the lowest; two users do three iterations each.
fn scenario(journey: &str, prepare: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"1000B\"\nshared_base_layers = 1\n\
         [journey.j]\nimages = \"web\"\n{journey}\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 3\nmax_duration = \"1m\"\n\
         [prepare]\n{prepare}\n"
    )
}

const PULL: &str = "action = \"pull\"";

fn status(status: u16) -> FaultKind {
    FaultKind::Status {
        status: http::StatusCode::from_u16(status).expect("a status"),
        code: None,
        retry_after: None,
    }
}

fn faulty(faults: Vec<Fault>) -> Running {
    registry(Settings {
        faults,
        ..Settings::default()
    })
}

fn failed(record: &Record, period: Period) -> u64 {
    record.totals(period).exchanges.failed
}

fn notes(finished: &Finished, words: &str) -> usize {
    finished
        .notes
        .iter()
        .filter(|it| it.contains(words))
        .count()
}

#[test]
fn seeding_tries_again_what_passes_and_counts_it() {
    let site = faulty(vec![
        Fault::on(Operation::BlobHead, status(503)).window(0, Some(1)),
        Fault::on(Operation::UploadPut, status(500)).window(1, Some(2)),
        Fault::on(Operation::ManifestPut, status(429)).window(0, Some(1)),
    ]);
    let (finished, _) = run_against(&scenario(PULL, "parallel = 1"), &site);
    assert_eq!(around(&finished).seeded.images, 2);
    assert_eq!(failed(&finished.record, Period::Prepare), 4);
    let told = "seeding: 4 requests failed and were tried again";
    assert_eq!(finished.notes, [told]);
    // All of the pulls find what they need.
    assert_eq!(finished.record.totals(Period::Measure).iterations.ok, 6);
}

#[test]
fn seeding_outlives_a_connection_that_breaks() {
    let site = faulty(vec![
        Fault::on(Operation::UploadPut, FaultKind::Reset(Point::BeforeHead)).window(0, Some(1)),
    ]);
    let finished = run(&plan(&scenario(PULL, "parallel = 1"), &site.url(), 1)).unwrap();
    assert_eq!(around(&finished).seeded.images, 2);
    assert_eq!(
        notes(&finished, "seeding: 1 request failed and was tried again"),
        1
    );
}

#[test]
fn seeding_gives_up_after_a_few_tries_and_at_once_where_trying_is_in_vain() {
    for (code, tries) in [(503, 5), (403, 1), (400, 1), (501, 1)] {
        let site = faulty(vec![Fault::on(Operation::ManifestPut, status(code))]);
        let error = run(&plan(&scenario(PULL, "parallel = 1"), &site.url(), 1)).unwrap_err();
        assert!(matches!(error, engine::Error::Seed { .. }), "{error}");
        let counts = settled(&site);
        assert_eq!(
            counts.with_status(Operation::ManifestPut, code),
            tries,
            "{code}"
        );
        assert_eq!(counts.of(Operation::ManifestGet), 0);
    }
}

#[test]
fn seeding_is_bounded_by_silence_and_names_its_limit() {
    let stall = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
    let site = faulty(vec![Fault::on(Operation::UploadPut, stall)]);
    let journey = "action = \"pull\"\nrequest_timeout = \"300ms\"";
    let error = run(&plan(&scenario(journey, ""), &site.url(), 1)).unwrap_err();
    let engine::Error::Silence { limit, seeded, of } = error else {
        panic!("{error}");
    };
    assert_eq!((limit, seeded, of), (Duration::from_millis(300), 0, 2));
    let text = engine::Error::Silence { limit, seeded, of }.to_string();
    assert!(
        text.contains("for 300ms (the longest request_timeout)"),
        "{text}"
    );
}

#[test]
fn what_seeding_did_not_store_is_not_deleted() {
    // Of the first image all blobs are stored, and no manifest.
    let site = faulty(vec![Fault::on(Operation::ManifestPut, status(400))]);
    let toml = scenario(PULL, "parallel = 1\nclean_up = \"all\"");
    run(&plan(&toml, &site.url(), 1)).unwrap_err();
    let counts = settled(&site);
    assert_eq!(counts.of(Operation::ManifestDelete), 0);
    // Three layers and the config.
    assert_eq!(counts.with_status(Operation::BlobDelete, 202), 4);
    assert_eq!(counts.of(Operation::BlobDelete), 4);
    assert_eq!(counts.blobs, 0);
}

/// The number of blobs that lie in the registry, and what was deleted from it so far.
fn inventory(site: &Running) -> (u64, u64, u64) {
    let counts = settled(site);
    (
        counts.blobs,
        counts.of(Operation::ManifestDelete),
        counts.of(Operation::BlobDelete),
    )
}

#[test]
fn clean_up_spares_what_lay_there_before_the_run() {
    for journey in [
        PULL,
        "action = \"push\"\nunique = false",
        "action = \"push\"\ncache = \"warm\"",
        "action = \"list-tags\"\ntags = 3",
        "action = \"referrers\"\nreferrers = 2",
        "action = \"push\"\nmount_from = \"lib/base\"\nfresh_repository = false",
    ] {
        let site = registry(Settings::default());
        run(&plan(&scenario(journey, ""), &site.url(), 2)).unwrap();
        let before = inventory(&site);
        let again = scenario(journey, "clean_up = \"all\"");
        let finished = run(&plan(&again, &site.url(), 2)).unwrap();
        assert_eq!(inventory(&site), before, "{journey}");
        assert_eq!(finished.notes, Vec::<String>::new(), "{journey}");
    }
}

#[test]
fn clean_up_spares_a_layer_that_lay_there_under_what_it_deletes() {
    let site = registry(Settings::default());
    run(&plan(&scenario(PULL, ""), &site.url(), 2)).unwrap();
    let (blobs, ..) = inventory(&site);
    // Each push has two layers and a config of its own, over the layer that both images share.
    let push = scenario("action = \"push\"\nunique = true", "clean_up = \"all\"");
    run(&plan(&push, &site.url(), 2)).unwrap();
    assert_eq!(inventory(&site), (blobs, 6, 6 * 3));
}

#[test]
fn clean_up_deletes_each_thing_once_that_the_run_has_stored() {
    let site = registry(Settings::default());
    let push = scenario("action = \"push\"\nunique = true", "clean_up = \"all\"");
    let (finished, counts) = run_against(&push, &site);
    // The shared layer lies in the repositories of both images.
    assert_eq!(counts.with_status(Operation::ManifestDelete, 202), 6);
    assert_eq!(counts.with_status(Operation::BlobDelete, 202), 6 * 3 + 2);
    assert_eq!(counts.of(Operation::BlobDelete), 6 * 3 + 2);
    assert_eq!(counts.blobs, 0);
    assert_eq!(finished.notes, Vec::<String>::new());
}

#[test]
fn what_iterations_did_not_store_is_not_deleted() {
    for executor in [
        "executor = \"per-vu-iterations\"\nvus = 2\niterations = 6\nmax_duration = \"1m\"",
        "executor = \"constant-arrival-rate\"\nrate = 60\nduration = \"200ms\"\nmax_vus = 20",
    ] {
        // A registry that takes no upload, and one that takes every third.
        for (when, share) in [(When::Always, 0), (When::Every(3), 1)] {
            let refused = Fault::on(Operation::UploadStart, status(400)).when(when);
            let site = faulty(vec![refused]);
            let toml = format!(
                "name = \"test\"\n[target]\nurl = \"embedded\"\n\
                 [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"100B\"\n\
                 [journey.j]\naction = \"push\"\nimages = \"web\"\nparallel = 1\nmethod = \"put\"\n\
                 [[load]]\njourney = \"j\"\n{executor}\n[prepare]\nclean_up = \"all\"\n"
            );
            run(&plan(&toml, &site.url(), 1)).unwrap();
            let counts = settled(&site);
            let stored = counts.with_status(Operation::ManifestPut, 201);
            assert_eq!(
                counts.of(Operation::ManifestDelete) > 0,
                share > 0,
                "{toml}"
            );
            assert!(counts.of(Operation::ManifestDelete) >= stored, "{toml}");
            assert_eq!(counts.with_status(Operation::ManifestDelete, 202), stored);
            assert_eq!(counts.of(Operation::BlobDelete) > 0, share > 0, "{toml}");
            assert_eq!(counts.blobs, 0);
        }
    }
}

#[test]
fn clean_up_stops_after_a_few_refusals_in_a_row() {
    let site = faulty(vec![Fault::on(Operation::ManifestDelete, status(400))]);
    let push = scenario(
        "action = \"push\"\nunique = true",
        "parallel = 1\nclean_up = \"manifests\"",
    );
    let (finished, counts) = run_against(&push, &site);
    assert_eq!(counts.of(Operation::ManifestDelete), 5);
    let told = "clean-up stopped: 5 deletions failed in a row, the last: manifest-delete";
    assert_eq!(notes(&finished, told), 1, "{:?}", finished.notes);
}

#[test]
fn refusals_between_deletions_that_succeed_stop_nothing() {
    let every_second = Fault::on(Operation::BlobDelete, status(400)).when(When::Every(2));
    let site = faulty(vec![every_second]);
    let push = scenario(
        "action = \"push\"\nunique = true",
        "parallel = 1\nclean_up = \"all\"",
    );
    let (finished, counts) = run_against(&push, &site);
    assert_eq!(counts.of(Operation::BlobDelete), 6 * 3 + 2);
    assert_eq!(finished.notes, ["clean-up: 10 deletions failed"]);
}

#[test]
fn clean_up_tries_again_what_passes_and_counts_it() {
    let site = faulty(vec![
        Fault::on(Operation::ManifestDelete, status(503)).window(0, Some(2)),
        Fault::on(Operation::BlobDelete, status(429)).window(0, Some(1)),
    ]);
    let push = scenario(
        "action = \"push\"\nunique = true",
        "parallel = 1\nclean_up = \"all\"",
    );
    let (finished, counts) = run_against(&push, &site);
    assert_eq!(counts.blobs, 0);
    assert_eq!(failed(&finished.record, Period::CleanUp), 3);
    assert_eq!(
        finished.notes,
        ["clean-up: 3 requests failed and were tried again"]
    );
}

fn existing(references: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.old]\nsource = \"existing\"\nreferences = {references}\n\
         [journey.j]\naction = \"pull\"\nimages = \"old\"\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = 1\nmax_duration = \"1m\"\n"
    )
}

#[test]
fn an_existing_image_that_is_missing_ends_the_run_before_the_load() {
    let site = registry(Settings::default());
    run(&plan(&scenario(PULL, ""), &site.url(), 1)).unwrap();
    let pulled = settled(&site).of(Operation::BlobGet);
    let there = "\"regstorm/web/0:regstorm\"";
    for (references, missing, more) in [
        (format!("[{there}, \"lab/none:1\"]"), "lab/none:1", ""),
        (
            format!("[{there}, \"regstorm/web/1:other\", \"lab/none:1\", \"lab/none:2\"]"),
            "regstorm/web/1:other",
            ", nor 2 more",
        ),
    ] {
        let error = run(&plan(&existing(&references), &site.url(), 1)).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, engine::Error::Missing { .. }), "{text}");
        let told = format!("images.old: the registry has no {missing}{more}");
        assert!(text.starts_with(&told), "{text}");
        assert_eq!(settled(&site).of(Operation::BlobGet), pulled);
    }
    assert!(run(&plan(&existing(&format!("[{there}]")), &site.url(), 1)).is_ok());
}

#[test]
fn a_registry_that_answers_no_head_has_its_images_all_the_same() {
    // One that refuses HEAD, one that denies it, and one that is overloaded: only the load says more.
    for code in [405, 404, 503] {
        let site = faulty(vec![
            Fault::on(Operation::ManifestHead, status(code)).window(0, None),
        ]);
        run(&plan(&scenario(PULL, ""), &site.url(), 1)).unwrap();
        let toml = existing("[\"regstorm/web/0:regstorm\"]");
        let finished = run(&plan(&toml, &site.url(), 1)).unwrap();
        assert_eq!(
            finished.record.totals(Period::Measure).iterations.ok,
            1,
            "{code}"
        );
    }
}

#[test]
fn iterations_that_cannot_end_in_time_are_named_where_they_fail() {
    let stall = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
    // 40 MB in 200 ms are 200 MB/s, more than the 125 of 1 Gbit/s; 20 MB are not.
    for (size, hasty) in [("40000000B", true), ("20000000B", false)] {
        let fault = |operation| Fault::on(operation, stall.clone());
        let site = faulty(vec![fault(Operation::UploadPut)]);
        let limits = "request_timeout = \"200ms\"\niteration_timeout = \"200ms\"";
        let journey = format!("action = \"push\"\nmethod = \"put\"\n{limits}");
        let toml = scenario(&journey, "")
            .replace("1000B", size)
            .replace("layers = 3", "layers = 1")
            .replace("iterations = 3", "iterations = 1");
        let plan = plan(&toml, &site.url(), 1);
        assert_eq!(plan.forecast().journeys[0].haste.is_some(), hasty, "{toml}");
        let finished = run(&plan).unwrap();
        let told = "its largest iteration moves 40 MB, which within iteration_timeout = 200ms takes 200 MB/s";
        assert_eq!(notes(&finished, told) == 1, hasty, "{:?}", finished.notes);
    }
}

#[test]
fn seeding_waits_as_long_as_the_registry_asks() {
    // It wants two seconds, far more than the first pause: whoever comes back before is refused once more.
    let throttled = FaultKind::Status {
        status: http::StatusCode::TOO_MANY_REQUESTS,
        code: None,
        retry_after: Some(Duration::from_secs(2)),
    };
    let site = faulty(vec![
        Fault::on(Operation::ManifestPut, throttled).window(0, Some(1)),
    ]);
    let finished = run(&plan(&scenario(PULL, "parallel = 1"), &site.url(), 1)).unwrap();
    assert!(
        around(&finished).prepare_time >= Duration::from_secs(2),
        "{:?}",
        around(&finished).prepare_time
    );
}

/// A run through a way on which requests that begin so stay, until clean-up has looked for what they store and has not found it. It is
/// stopped once the first of them is there, if that is wanted.
fn run_on_a_slow_way(journey: &str, held: &'static [u8], stops: bool) -> Running {
    let site = registry(Settings::default());
    let way = Gate::open(site.url().trim_start_matches("http://").to_owned());
    way.hold(Held::Requests(held));
    // A registry stores no manifest whose blobs were deleted.
    let prepare = "clean_up = \"manifests\"\nparallel = 1";
    let text = scenario(journey, prepare).replace(
        "max_duration = \"1m\"",
        "max_duration = \"300ms\"\ngraceful_stop = \"0s\"",
    );
    let plan = Arc::new(plan(&text, &format!("http://{}", way.address), 1));
    let (stopper, stop) = engine::stop();
    thread::scope(|scope| {
        let running = scope.spawn(|| engine::run(&plan, 7, &stop, &mut |_| {}));
        wait_for(|| way.is_holding().then_some(()));
        if stops {
            stopper.ask();
        }
        wait_for(|| (count(&site, Operation::ManifestDelete, 404) > 0).then_some(()));
        way.hold(Held::Nothing);
        let ended = running.join().expect("no panic");
        assert_eq!(ended.is_err(), stops);
    });
    site
}

fn count(site: &Running, operation: Operation, status: u16) -> u64 {
    let counts = site.counts();
    let count = counts.exchanges.get(&(Some(operation), status));
    count.copied().unwrap_or(0)
}

/// What the users of a proxy have given up, it may pass on all the same: after everything was deleted.
#[test]
fn what_was_cut_off_and_is_stored_later_is_deleted() {
    let push = "action = \"push\"\nrepository = \"late\"\nunique = true";
    for (journey, held, stops) in [
        (push, &b"PUT /v2/late/0/manifests/"[..], false),
        (
            "action = \"pull\"",
            b"PUT /v2/regstorm/web/0/manifests/",
            true,
        ),
    ] {
        let site = run_on_a_slow_way(journey, held, stops);
        let stored = count(&site, Operation::ManifestPut, 201);
        assert!(stored > 0, "{journey}");
        let deleted = count(&site, Operation::ManifestDelete, 202);
        assert_eq!(deleted, stored, "{journey}");
    }
}
