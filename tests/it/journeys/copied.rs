//! Copies from one repository to another: what each client sends, counted by hand, and what becomes of a side that fails.

use regstorm::embedded::{Fault, FaultKind, Point, Settings};
use regstorm::measure::{FailureClass, Outcomes, Period};
use regstorm::oci::Operation::{self, BlobGet, BlobHead, ManifestGet, ManifestHead, ManifestPut};
use regstorm::oci::Operation::{Ping, UploadMount, UploadPatch, UploadPut, UploadStart};
use regstorm::units::ByteSize;

use super::cached::{ITERATIONS, LAYERS, asks, journey, received, site};
use crate::scenario::{GOOD, load};
use crate::support::{assert_closed, plan, registry, run, run_against, settled};

const TO: &str = "to = \"lab/mirror\"\n";

/// The blobs of an image: its layers and the config.
const BLOBS: u64 = LAYERS + 1;

#[test]
fn a_copy_asks_both_sides_as_its_client_does() {
    let mounts = [(BlobHead, BLOBS), (UploadMount, BLOBS), (ManifestPut, 1)];
    for (client, wanted) in [
        // The third ping comes before the first mount.
        (
            "crane",
            [
                &[(Ping, 3), (ManifestGet, 1), (ManifestHead, 1)],
                &mounts[..],
            ]
            .concat(),
        ),
        // It prints what it has stored.
        (
            "oras",
            [&[(ManifestGet, 2), (ManifestHead, 1)], &mounts[..]].concat(),
        ),
        ("plain", [&[(ManifestGet, 1)], &mounts[..]].concat()),
        // It asks for a layer twice and for a config once, and does not know that it could mount.
        (
            "podman",
            vec![
                (Ping, 2),
                (ManifestGet, 1),
                (BlobHead, 2 * LAYERS + 1),
                (BlobGet, BLOBS),
                (UploadStart, BLOBS),
                (UploadPatch, BLOBS),
                (UploadPut, BLOBS),
                (ManifestPut, 1),
            ],
        ),
    ] {
        let (_, counts) = asks(&journey("copy", client, TO), &site(), &wanted);
        // Two sources, and a target for each iteration, which has what its source has.
        assert_eq!(counts.repositories, 2 + ITERATIONS, "{client}");
        assert_eq!(
            (counts.blobs, counts.open_uploads),
            (2 * BLOBS, 0),
            "{client}"
        );
    }
}

#[test]
fn what_is_not_mounted_is_fetched_and_sent_on() {
    let wanted = [
        (Ping, 2),
        (ManifestGet, 1),
        (ManifestHead, 1),
        (BlobHead, BLOBS),
        (BlobGet, BLOBS),
        (UploadStart, BLOBS),
        (UploadPatch, BLOBS),
        (UploadPut, BLOBS),
        (ManifestPut, 1),
    ];
    let toml = journey("copy", "crane", &format!("{TO}mount = false\n"));
    let (finished, counts) = asks(&toml, &site(), &wanted);
    // Each layer has 1000 bytes, and comes before it goes.
    assert!(received(&finished) > ITERATIONS * LAYERS * 1000);
    assert_eq!(counts.blobs, 2 * BLOBS);
}

#[test]
fn a_copy_to_where_the_image_is_already_asks_for_it() {
    let rest = format!("{TO}fresh_repository = false\n");
    let (finished, counts) = run_against(&journey("copy", "crane", &rest), &site());
    let totals = finished.record.totals(Period::Measure);
    assert_eq!(totals.iterations.ok, ITERATIONS);
    // Two images, each put there once or, by two users at the same time, twice.
    let puts = counts.of(ManifestPut) - 2;
    assert!((2..=4).contains(&puts), "{puts}");
    assert_eq!(counts.repositories, 4);
}

#[test]
fn clean_up_deletes_the_copies_and_their_sources() {
    let target = site();
    let toml = journey("copy", "plain", TO) + "[prepare]\nclean_up = \"all\"\n";
    let (finished, counts) = run_against(&toml, &target);
    assert_eq!(finished.notes, Vec::<String>::new());
    let deleted = ITERATIONS + 2;
    assert_eq!(counts.with_status(Operation::ManifestDelete, 202), deleted);
    assert_eq!(
        counts.with_status(Operation::BlobDelete, 202),
        deleted * BLOBS
    );
    assert_eq!((counts.blobs, counts.open_uploads), (0, 0));
}

/// The source breaks off: its exchange has failed, what was being sent counts as cancelled, and the iteration has the class of the
/// source.
#[test]
fn a_source_that_breaks_off_is_the_failure() {
    let cut = FaultKind::Close(Point::AfterBody(ByteSize::from_bytes(400)));
    let target = registry(Settings {
        faults: vec![Fault::on(BlobGet, cut).window(1, Some(1))],
        ..Settings::default()
    });
    let toml = journey(
        "copy",
        "oras",
        &format!("{TO}mount = false\nparallel = 1\n"),
    );
    let finished = run(&plan(&toml, &target.url(), 1)).expect("a run");
    assert_closed(&finished);
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    let outcomes = Outcomes {
        ok: ITERATIONS - 1,
        failed: 1,
        ..Outcomes::default()
    };
    assert_eq!(series.counts.outcomes, outcomes);
    assert_eq!(series.counts.failure_classes.of(FailureClass::Reset), 1);
    let totals = finished.record.totals(Period::Measure);
    assert_eq!(
        (totals.exchanges.failed, totals.exchanges.cancelled),
        (1, 1)
    );
    assert_eq!(settled(&target).open_uploads, 0);
}

#[test]
fn what_cannot_be_copied_is_told_before_anything_is_sent() {
    for (journey, wanted) in [
        (
            "client = \"docker\"\nto = \"a\"",
            "error: `docker` has no command that copies",
        ),
        ("client = \"crane\"", "error: missing key `to`"),
        (
            "to = \"a\"\nconnections = \"shared\"",
            "error: users that copy cannot share connections",
        ),
        ("to = \"A\"", "error: "),
        ("to = \"a\"\nmethod = \"put\"", "error: "),
    ] {
        let toml = GOOD.replacen(
            "action = \"pull\"",
            &format!("action = \"copy\"\n{journey}"),
            1,
        );
        let problems = load(&toml).expect_err(journey).to_string();
        assert!(problems.contains(wanted), "{journey}: {problems}");
    }
}
