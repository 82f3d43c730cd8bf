use std::collections::BTreeMap;
use std::fmt::Write as _;

use regstorm::client;
use regstorm::embedded::{Counts, Quirk, Running, Settings};
use regstorm::engine::Finished;
use regstorm::measure::{Outcomes, Period};
use regstorm::oci::{ImageName, Operation};
use regstorm::profile::Profile;
use regstorm::registry::Paging;

use super::scenario;
use crate::protocol::user::{User, name, run as block_on};
use crate::support::{around, plan, registry, run, run_against};

/// The iterations of [`scenario`].
const ITERATIONS: u64 = 10;

/// Requests that seed an image of three layers: a `HEAD`, a `POST` and a `PUT` for each blob, and the manifest.
const IMAGE: u64 = 13;

/// What was measured, by operation; nothing but successes.
fn measured(finished: &Finished) -> BTreeMap<Operation, u64> {
    let totals = finished.record.totals(Period::Measure);
    let ok = |count| Outcomes {
        ok: count,
        ..Outcomes::default()
    };
    assert_eq!(totals.iterations, ok(ITERATIONS), "{:?}", finished.notes);
    let mut counts = BTreeMap::new();
    for (journey, _, _) in finished.record.journeys() {
        for (operation, series) in finished.record.operations(journey) {
            if series.counts.outcomes.ended() > 0 {
                assert_eq!(
                    series.counts.outcomes,
                    ok(series.counts.outcomes.ended()),
                    "{operation}"
                );
                *counts.entry(operation).or_insert(0) += series.counts.outcomes.ended();
            }
        }
    }
    counts
}

/// Runs a journey, and holds what it asked against `wanted`: so many requests of each kind in one iteration.
fn asks(journey: &str, registry: &Running, wanted: &[(Operation, u64)]) -> (Finished, Counts) {
    let (finished, counts) = run_against(&scenario(journey), registry);
    let all = wanted.iter().map(|(it, count)| (*it, count * ITERATIONS));
    assert_eq!(measured(&finished), all.collect(), "{journey}");
    (finished, counts)
}

fn seeded(finished: &Finished) -> u64 {
    // The ping is not a part of seeding.
    finished.record.totals(Period::Prepare).exchanges.ended() - 1
}

#[test]
fn a_poll_asks_as_its_client_resolves_or_as_it_is_told() {
    use Operation::{ManifestGet as Get, ManifestHead as Head, Ping};
    for (client, wanted) in [
        ("plain", &[(Get, 1)][..]),
        ("docker", &[(Ping, 1), (Head, 1)]),
        ("containerd", &[(Head, 1)]),
        ("podman", &[(Ping, 1), (Get, 1)]),
        ("crane", &[(Ping, 1), (Get, 1)]),
        ("buildkit", &[(Head, 1)]),
    ] {
        let site = registry(Settings::default());
        let journey = format!("action = \"poll\"\nimages = \"web\"\nclient = \"{client}\"");
        let (finished, _) = asks(&journey, &site, wanted);
        assert_eq!(seeded(&finished), 2 * IMAGE);
    }
    let head = "action = \"poll\"\nimages = \"web\"\nclient = \"crane\"\nmethod = \"head\"";
    asks(
        head,
        &registry(Settings::default()),
        &[(Ping, 1), (Head, 1)],
    );
    let get = "action = \"poll\"\nimages = \"web\"\nclient = \"docker\"\nmethod = \"get\"";
    asks(get, &registry(Settings::default()), &[(Ping, 1), (Get, 1)]);
}

#[test]
fn tags_are_read_page_after_page() {
    use Operation::{Ping, TagsList};
    let journey =
        |rest: &str| format!("action = \"list-tags\"\nimages = \"web\"\ntags = 25\n{rest}");
    // 25 tags in pages of 10.
    let site = registry(Settings::default());
    let (finished, counts) = asks(&journey("page_size = 10"), &site, &[(TagsList, 3)]);
    // Each image is pushed once; 24 more tags are a manifest each.
    assert_eq!(seeded(&finished), 2 * (IMAGE + 24));
    assert_eq!(counts.with_status(Operation::ManifestPut, 201), 50);
    // crane asks for a thousand, and the registry gives seven: the client follows.
    let short = registry(Settings {
        page_size: 7,
        ..Settings::default()
    });
    let crane = journey("client = \"crane\"");
    asks(&crane, &short, &[(Ping, 1), (TagsList, 4)]);
    // Without a size there is no `n`.
    let recording = registry(Settings {
        record_requests: Some(1000),
        ..Settings::default()
    });
    asks(
        &journey("client = \"podman\""),
        &recording,
        &[(Ping, 1), (TagsList, 1)],
    );
    let lists = recording.requests().into_iter();
    let mut lists = lists.filter(|it| it.operation == Some(TagsList));
    assert!(lists.all(|it| it.target.ends_with("/tags/list")));
}

#[test]
fn a_catalogue_needs_no_images() {
    use Operation::Catalog;
    let site = registry(Settings::default());
    for repository in ["a", "b", "c"] {
        let content = bytes::Bytes::from_static(b"x");
        site.put_blob(&name(repository), content).unwrap();
    }
    let bare = "action = \"catalog\"\npage_size = 2";
    let (finished, _) = asks(bare, &site, &[(Catalog, 2)]);
    assert_eq!((seeded(&finished), around(&finished).seeded.images), (0, 0));
    // With images there are two repositories, and a page for each.
    let with = "action = \"catalog\"\nimages = \"web\"\npage_size = 1";
    let (finished, _) = asks(with, &registry(Settings::default()), &[(Catalog, 2)]);
    assert_eq!(around(&finished).seeded.images, 2);
}

#[test]
fn referrers_are_seeded_and_found() {
    use Operation::Referrers;
    let site = registry(Settings::default());
    let journey = "action = \"referrers\"\nimages = \"web\"\nreferrers = 3\nartifact_type = \"application/spdx+json\"";
    let (finished, counts) = asks(journey, &site, &[(Referrers, 1)]);
    // Each artifact: two blobs, of which the config is new once, and a manifest.
    assert_eq!(seeded(&finished), 2 * (IMAGE + 7 + 5 + 5));
    // No index: an image and three artifacts, twice.
    assert_eq!(counts.with_status(Operation::ManifestPut, 201), 8);
    for (artifact_type, wanted) in [
        (None, 3),
        (Some("application/spdx+json"), 3),
        (Some("application/other"), 0),
    ] {
        assert_eq!(found(&site, artifact_type), wanted, "{artifact_type:?}");
    }
}

/// The referrers of the first image, as a client finds them.
fn found(site: &Running, artifact_type: Option<&str>) -> usize {
    let user = User::new(&site.url());
    let reference: ImageName = "regstorm/web/0:regstorm".parse().expect("a reference");
    block_on(client::referrers(&user.client, &reference, artifact_type)).expect("a list")
}

#[test]
fn without_a_list_of_referrers_the_tag_is_kept_and_asked() {
    use Operation::{ManifestGet, ManifestPut, Referrers};
    let site = registry(Settings {
        quirks: vec![Quirk::NoReferrers],
        ..Settings::default()
    });
    let journey = "action = \"referrers\"\nimages = \"web\"\nreferrers = 3";
    let toml = scenario(journey) + "[prepare]\nclean_up = \"all\"\n";
    let (finished, counts) = run_against(&toml, &site);
    let wanted = [(ManifestGet, ITERATIONS), (Referrers, ITERATIONS)];
    assert_eq!(measured(&finished), wanted.into());
    assert_eq!(counts.with_status(Referrers, 404), ITERATIONS);
    // The index is looked for once for each image, and stored once.
    // Clean-up spares what lay there, so each of the four manifests is looked for before.
    assert_eq!(seeded(&finished), 2 * (IMAGE + 7 + 5 + 5 + 2 + 4));
    assert_eq!(counts.with_status(ManifestGet, 404), 2);
    assert_eq!(counts.with_status(ManifestPut, 201), 2 * (1 + 3 + 1));
    // Clean-up takes image, artifacts and index away, and every blob: 4, a config and 3 layers.
    assert_eq!(counts.with_status(Operation::ManifestDelete, 202), 10);
    assert_eq!(counts.with_status(Operation::BlobDelete, 202), 16);
    assert_eq!(counts.blobs, 0);

    let kept = registry(Settings {
        quirks: vec![Quirk::NoReferrers],
        ..Settings::default()
    });
    let plan = plan(&scenario(journey), &kept.url(), 2);
    // Seeding once more adds nothing to the index.
    for _ in 0..2 {
        run(&plan).unwrap();
        assert_eq!(found(&kept, None), 3);
        assert_eq!(found(&kept, Some("application/other")), 0);
    }
}

#[test]
fn neither_list_nor_tag_means_none() {
    use Operation::{ManifestGet, Referrers};
    let site = registry(Settings {
        quirks: vec![Quirk::NoReferrers],
        ..Settings::default()
    });
    let toml = scenario("action = \"referrers\"\nimages = \"web\"")
        .replace("\"embedded\"", &format!("\"{}\"", site.url()))
        + "[prepare]\nseed = false\n";
    let (finished, counts) = run_against(&toml, &site);
    let wanted = [(ManifestGet, ITERATIONS), (Referrers, ITERATIONS)];
    assert_eq!(measured(&finished), wanted.into());
    assert_eq!(counts.with_status(ManifestGet, 404), ITERATIONS);
}

#[test]
fn a_deletion_stores_resolves_and_deletes() {
    use Operation::{
        ManifestDelete as Delete, ManifestGet as Get, ManifestHead as Head, ManifestPut as Put,
        Ping,
    };
    for (client, wanted) in [
        ("plain", &[(Put, 1), (Get, 1), (Delete, 1)][..]),
        ("docker", &[(Put, 1), (Ping, 1), (Head, 1), (Delete, 1)]),
        ("containerd", &[(Put, 1), (Head, 1), (Delete, 1)]),
        ("podman", &[(Put, 1), (Ping, 1), (Get, 1), (Delete, 1)]),
        ("crane", &[(Put, 1), (Ping, 1), (Delete, 1)]),
    ] {
        let site = registry(Settings::default());
        let journey = format!("action = \"delete\"\nimages = \"web\"\nclient = \"{client}\"");
        let (_, counts) = asks(&journey, &site, wanted);
        assert_eq!(counts.with_status(Delete, 202), ITERATIONS, "{client}");
        // The images that were seeded are untouched.
        assert_eq!(counts.blobs, 8);
        let user = User::new(&site.url());
        let first = name("regstorm/web/0");
        let tags = user.client.tags(&first, Paging::First(None));
        assert_eq!(block_on(tags).unwrap().entries, ["regstorm"]);
    }
    let site = registry(Settings {
        record_requests: Some(1000),
        ..Settings::default()
    });
    let by_tag = "action = \"delete\"\nimages = \"web\"\nby = \"tag\"";
    asks(by_tag, &site, &[(Put, 1), (Delete, 1)]);
    let deleted = site.requests().into_iter();
    let mut deleted = deleted.filter(|it| it.operation == Some(Delete));
    assert!(deleted.all(|it| !it.target.contains("sha256")));
}

/// Five journeys at once, each at places of its own.
fn together(client: &str) -> String {
    let mut toml = "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"1000B\"\n"
        .to_owned();
    for (name, keys) in [
        ("poll", "images = \"web\""),
        ("list-tags", "images = \"web\"\ntags = 5\npage_size = 2"),
        ("referrers", "images = \"web\"\nreferrers = 2"),
        ("delete", "images = \"web\""),
        ("catalog", ""),
    ] {
        let place = if keys.is_empty() {
            String::new()
        } else {
            format!("repository = \"lab/{name}\"")
        };
        let _ = write!(
            toml,
            "[journey.{name}]\naction = \"{name}\"\nclient = \"{client}\"\n{keys}\n{place}\n\
             [[load]]\njourney = \"{name}\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 5\nmax_duration = \"1m\"\n"
        );
    }
    toml
}

/// Where the registry decides nothing, the forecast is what happens: for every journey, as every client.
#[test]
fn the_forecast_is_what_happens() {
    for profile in Profile::ALL {
        let toml = together(profile.name);
        let site = registry(Settings::default());
        let (finished, _) = run_against(&toml, &site);
        let forecast = plan(&toml, &site.url(), 2).forecast();
        for (index, (journey, _, _)) in finished.record.journeys().enumerate() {
            let operations = finished.record.operations(journey);
            let found: BTreeMap<Operation, f64> = operations
                .map(|(it, series)| (it, series.counts.outcomes.ok))
                .filter(|(_, count)| *count > 0)
                .map(|(it, count)| (it, f64::from(u32::try_from(count).unwrap()) / 10.0))
                .collect();
            let wanted = forecast.journeys[index].requests.clone().unwrap();
            let wanted: BTreeMap<Operation, f64> = wanted.into_iter().collect();
            assert_eq!(
                found, wanted,
                "{} as {}",
                forecast.journeys[index].name, profile.name
            );
        }
        let totals = finished.record.totals(Period::Measure).iterations;
        assert_eq!((totals.ok, totals.ended()), (50, 50), "{}", profile.name);
        assert_eq!(seeded(&finished), forecast.seeding.requests);
    }
}

/// Journeys that find their images at one place need all of what each of them needs.
#[test]
fn what_several_journeys_need_is_put_in_place_once() {
    use Operation::{ManifestPut, Referrers, TagsList};
    let toml = scenario("action = \"list-tags\"\nimages = \"web\"\ntags = 4\npage_size = 2")
        .replace("journey = \"j\"", "mix = { j = 1, pull = 1, refer = 1 }")
        + "[journey.pull]\naction = \"pull\"\nimages = \"web\"\n\
           [journey.refer]\naction = \"referrers\"\nimages = \"web\"\nreferrers = 2\n";
    let site = registry(Settings::default());
    let (finished, counts) = run_against(&toml, &site);
    assert_eq!(around(&finished).seeded.images, 2);
    // An image, three more tags and two artifacts, twice.
    assert_eq!(counts.with_status(ManifestPut, 201), 12);
    assert_eq!(counts.of(TagsList) % 2, 0);
    assert!(counts.of(TagsList) > 0 && counts.of(Referrers) > 0);
    let forecast = plan(&toml, &site.url(), 2).forecast();
    assert_eq!(seeded(&finished), forecast.seeding.requests);
}
