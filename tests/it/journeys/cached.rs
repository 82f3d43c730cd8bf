//! Pulls and pushes of what is there already, in part or as a whole, and pushes that mount: counted by hand, forecast,
//! and sent.

use std::collections::BTreeMap;

use regstorm::embedded::{Counts, Running, Settings};
use regstorm::engine::Finished;
use regstorm::measure::{Outcomes, Period};
use regstorm::oci::Operation::{self, BlobGet, BlobHead, ManifestGet, ManifestHead, ManifestPut};
use regstorm::oci::Operation::{Ping, UploadMount, UploadPatch, UploadPut, UploadStart};

use super::scenario;
use crate::support::{plan, registry, run_against};

/// The iterations of [`scenario`].
pub(super) const ITERATIONS: u64 = 10;

/// The layers of each of its two images.
pub(super) const LAYERS: u64 = 3;

/// Requests that seed an image of three layers: a `HEAD`, a `POST` and a `PUT` for each blob, and the manifest.
const IMAGE: u64 = 13;

type Requests = BTreeMap<Operation, u64>;

fn requests(counts: &[(Operation, u64)]) -> Requests {
    counts
        .iter()
        .copied()
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Runs it; every iteration asks `wanted`, and that was forecast.
pub(super) fn asks(toml: &str, site: &Running, wanted: &[(Operation, u64)]) -> (Finished, Counts) {
    let (finished, counts) = run_against(toml, site);
    let totals = finished.record.totals(Period::Measure);
    let well = Outcomes {
        ok: ITERATIONS,
        ..Outcomes::default()
    };
    assert_eq!(totals.iterations, well, "{toml}\n{:?}", finished.notes);
    assert_eq!(totals.exchanges.failed + totals.exchanges.cancelled, 0);
    let (journey, _, _) = finished.record.journeys().next().expect("a journey");
    let sent: Requests = finished
        .record
        .operations(journey)
        .map(|(it, series)| (it, series.counts.outcomes.ok))
        .filter(|(_, count)| *count > 0)
        .collect();
    let wanted = requests(wanted);
    let all = wanted.iter().map(|(it, count)| (*it, count * ITERATIONS));
    assert_eq!(sent, all.collect(), "{toml}");

    let forecast = plan(toml, &site.url(), 2).forecast();
    let told = forecast.journeys[0]
        .requests
        .clone()
        .expect("a synthetic set");
    let told: BTreeMap<Operation, f64> = told.into_iter().collect();
    let hand = |count: &u64| f64::from(u32::try_from(*count).expect("a few"));
    let wanted: BTreeMap<Operation, f64> = wanted.iter().map(|(it, n)| (*it, hand(n))).collect();
    assert_eq!(told, wanted, "{toml}");
    let before = forecast.seeding.requests + forecast.seeding.looks;
    assert_eq!(seeded(&finished), before, "{toml}");
    (finished, counts)
}

fn seeded(finished: &Finished) -> u64 {
    // The ping is not a part of seeding.
    finished.record.totals(Period::Prepare).exchanges.ended() - 1
}

/// Bytes of bodies that came while it was measured.
pub(super) fn received(finished: &Finished) -> u64 {
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    series.counts.bytes.received
}

pub(super) fn journey(action: &str, client: &str, rest: &str) -> String {
    scenario(&format!(
        "action = \"{action}\"\nimages = \"web\"\nclient = \"{client}\"\n{rest}"
    ))
}

pub(super) fn site() -> Running {
    registry(Settings::default())
}

#[test]
fn a_pull_of_what_is_here_asks_as_little_as_its_client_does() {
    for (client, wanted) in [
        ("docker", &[(Ping, 1), (ManifestHead, 1)][..]),
        ("containerd", &[(ManifestHead, 1)]),
        // The config is read each time.
        ("podman", &[(Ping, 1), (ManifestGet, 1), (BlobGet, 1)]),
        // It has no store.
        (
            "crane",
            &[(Ping, 1), (ManifestGet, 1), (BlobGet, LAYERS + 1)],
        ),
        ("plain", &[(ManifestGet, 1)]),
    ] {
        let toml = journey("pull", client, "cache = \"warm\"");
        let (finished, counts) = asks(&toml, &site(), wanted);
        assert_eq!(seeded(&finished), 2 * IMAGE, "{client}");
        assert_eq!(counts.repositories, 2);
    }
}

#[test]
fn a_pull_of_half_of_an_image_fetches_the_rest() {
    // Of three layers two are here: half of three is rounded up.
    for (client, wanted) in [
        (
            "docker",
            &[(Ping, 1), (ManifestHead, 1), (ManifestGet, 1), (BlobGet, 2)][..],
        ),
        (
            "containerd",
            &[(ManifestHead, 1), (ManifestGet, 1), (BlobGet, 2)],
        ),
        ("podman", &[(Ping, 1), (ManifestGet, 1), (BlobGet, 2)]),
        (
            "crane",
            &[(Ping, 1), (ManifestGet, 1), (BlobGet, LAYERS + 1)],
        ),
        ("plain", &[(ManifestGet, 1), (BlobGet, 2)]),
    ] {
        let toml = journey("pull", client, "cache = { share = 0.5 }");
        let half = received(&asks(&toml, &site(), wanted).0);
        let (cold, _) = run_against(&journey("pull", client, ""), &site());
        // Two layers of 1,000 bytes do not come, but to crane, which has no store.
        let less = if client == "crane" { 0 } else { 2 * 1000 };
        assert_eq!(half, received(&cold) - ITERATIONS * less, "{client}");
    }
}

#[test]
fn a_push_of_what_is_there_sends_no_blob() {
    for (client, wanted) in [
        (
            "docker",
            &[(Ping, 1), (BlobHead, LAYERS + 1), (ManifestPut, 1)][..],
        ),
        // It finds the manifest, too.
        ("containerd", &[(BlobHead, LAYERS + 1), (ManifestHead, 1)]),
        (
            "podman",
            &[(Ping, 1), (BlobHead, LAYERS + 1), (ManifestPut, 1)],
        ),
        // It asks for the manifest, and for nothing else then.
        ("crane", &[(Ping, 1), (ManifestHead, 1)]),
        ("plain", &[(BlobHead, LAYERS + 1), (ManifestPut, 1)]),
    ] {
        let toml = journey("push", client, "cache = \"warm\"");
        let (finished, counts) = asks(&toml, &site(), wanted);
        assert_eq!(seeded(&finished), 2 * IMAGE, "{client}");
        // Two images of a config and three layers, and nothing beside them.
        assert_eq!(counts.blobs, 2 * (LAYERS + 1), "{client}");
        let (_, _, series) = finished.record.journeys().next().expect("a journey");
        assert!(series.counts.bytes.sent < ITERATIONS * 3000);
    }
}

#[test]
fn a_push_of_which_half_is_there_sends_the_rest() {
    // Two of three layers are there; the third and the config are new each time.
    let new = 2;
    for (client, wanted) in [
        (
            "docker",
            // HEAD of the two layers it remembers and of the config, and after each upload.
            &[
                (Ping, 1),
                (BlobHead, 2 + 1 + new),
                (UploadStart, new),
                (UploadPatch, new),
                (UploadPut, new),
                (ManifestPut, 1),
            ][..],
        ),
        (
            "containerd",
            &[
                (BlobHead, LAYERS + 1),
                (UploadStart, new),
                (UploadPut, new),
                (ManifestHead, 1),
                (ManifestPut, 1),
            ],
        ),
        (
            "podman",
            // It asks twice for a layer that is not there.
            &[
                (Ping, 1),
                (BlobHead, LAYERS + 1 + 1),
                (UploadStart, new),
                (UploadPatch, new),
                (UploadPut, new),
                (ManifestPut, 1),
            ],
        ),
        (
            "crane",
            &[
                (Ping, 1),
                (ManifestHead, 1),
                (BlobHead, LAYERS + 1),
                (UploadStart, new),
                (UploadPatch, new),
                (UploadPut, new),
                (ManifestPut, 1),
            ],
        ),
        (
            "plain",
            &[
                (BlobHead, LAYERS + 1),
                (UploadStart, new),
                (UploadPatch, new),
                (UploadPut, new),
                (ManifestPut, 1),
            ],
        ),
    ] {
        let toml = journey("push", client, "cache = { share = 0.5 }");
        let (finished, counts) = asks(&toml, &site(), wanted);
        assert_eq!(seeded(&finished), 2 * IMAGE, "{client}");
        assert_eq!(counts.with_status(BlobHead, 404), {
            // Seeding asked for eight blobs; then for what is new, once, twice, or not at all.
            let asked = match client {
                "docker" => 1,
                "podman" => 2 + 1,
                _ => new,
            };
            2 * (LAYERS + 1) + asked * ITERATIONS
        });
        // What is new is new each time.
        assert_eq!(
            counts.blobs,
            2 * (LAYERS + 1) + new * ITERATIONS,
            "{client}"
        );
    }
}

#[test]
fn a_push_into_a_repository_of_its_own_mounts_each_time() {
    for (client, wanted, config_mounted) in [
        (
            "docker",
            // 3L + 7: each layer is asked for, mounted and asked for again; the config is sent.
            &[
                (Ping, 1),
                (BlobHead, 2 * LAYERS + 2),
                (UploadMount, LAYERS),
                (UploadStart, 1),
                (UploadPatch, 1),
                (UploadPut, 1),
                (ManifestPut, 1),
            ][..],
            false,
        ),
        (
            "containerd",
            // 2L + 4.
            &[
                (BlobHead, LAYERS + 1),
                (UploadMount, LAYERS + 1),
                (ManifestHead, 1),
                (ManifestPut, 1),
            ],
            true,
        ),
        (
            "podman",
            // 3L + 6: each layer is asked for here and there, and mounted; the config is sent.
            &[
                (Ping, 1),
                (BlobHead, 2 * LAYERS + 1),
                (UploadMount, LAYERS),
                (UploadStart, 1),
                (UploadPatch, 1),
                (UploadPut, 1),
                (ManifestPut, 1),
            ],
            false,
        ),
        (
            "crane",
            // It pings again before it mounts.
            &[
                (Ping, 2),
                (ManifestHead, 1),
                (BlobHead, LAYERS + 1),
                (UploadMount, LAYERS + 1),
                (ManifestPut, 1),
            ],
            true,
        ),
        (
            "plain",
            &[
                (BlobHead, LAYERS + 1),
                (UploadMount, LAYERS + 1),
                (ManifestPut, 1),
            ],
            true,
        ),
    ] {
        let site = site();
        let rest = "mount_from = \"lib/base\"\nfresh_repository = true";
        let toml = journey("push", client, rest) + "[prepare]\nclean_up = \"manifests\"\n";
        let (finished, counts) = asks(&toml, &site, wanted);
        let mounts = LAYERS + u64::from(config_mounted);
        assert_eq!(
            counts.with_status(UploadMount, 201),
            mounts * ITERATIONS,
            "{client}"
        );
        assert_eq!(counts.of(UploadMount), mounts * ITERATIONS, "{client}");
        // Both images lie in the one repository that is mounted from; each iteration had one of its own.
        assert_eq!(counts.repositories, 1 + ITERATIONS, "{client}");
        assert_eq!(counts.blobs, 2 * (LAYERS + 1), "{client}");
        let deleted = Operation::ManifestDelete;
        assert_eq!(counts.with_status(deleted, 202), 2 + ITERATIONS, "{client}");
        assert_eq!(counts.of(deleted), 2 + ITERATIONS, "{client}");
        assert!(finished.notes.is_empty(), "{:?}", finished.notes);
    }
}
