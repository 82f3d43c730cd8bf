//! Pulls in parts: as many requests as there are parts, and a blob that they do not make up.

use std::collections::BTreeMap;

use regstorm::embedded::{Fault, FaultKind, RequestRecord, Running, Settings};
use regstorm::engine::Finished;
use regstorm::measure::{FailureClass, Outcomes, Period};
use regstorm::oci::Operation::{self, BlobGet, ManifestGet, ManifestHead};

use crate::support::{assert_closed, plan, registry, run, settled};

const ITERATIONS: u64 = 4;

/// One user pulls an image of three layers of this size.
fn scenario(layer_size: u64, part_size: &str) -> String {
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 3\nlayer_size = \"{layer_size}B\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\nclient = \"containerd\"\npart_size = \"{part_size}\"\n\
         [[load]]\njourney = \"pull\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = {ITERATIONS}\nmax_duration = \"1m\"\n"
    )
}

fn site(faults: Vec<Fault>) -> Running {
    registry(Settings {
        faults,
        record_requests: Some(10_000),
        ..Settings::default()
    })
}

fn ok(finished: &Finished) -> BTreeMap<Operation, u64> {
    let (journey, _, _) = finished.record.journeys().next().expect("a journey");
    let operations = finished.record.operations(journey);
    operations
        .map(|(it, series)| (it, series.counts.outcomes.ok))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Where the parts of each blob begin, those of all iterations.
fn starts(asked: &[RequestRecord]) -> BTreeMap<String, Vec<u64>> {
    let mut starts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for request in asked.iter().filter(|it| it.operation == Some(BlobGet)) {
        let range = request.header("range").expect("each asks for a part");
        let start = range
            .strip_prefix("bytes=")
            .and_then(|it| it.strip_suffix('-'));
        let start = start.and_then(|it| it.parse().ok());
        let of_blob = starts.entry(request.target.clone()).or_default();
        of_blob.push(start.expect("an open range"));
    }
    for of_blob in starts.values_mut() {
        of_blob.sort_unstable();
    }
    starts
}

#[test]
fn a_pull_asks_once_for_each_part_as_was_forecast() {
    const PART: u64 = 64 << 10;
    for (size, parts) in [
        (PART - 1, 1),
        (PART, 1),
        (PART + 1, 2),
        (3 * PART, 3),
        (10 * PART + 1, 11),
    ] {
        let site = site(Vec::new());
        let toml = scenario(size, "64KiB");
        // What the registry has sent of a part and the client has dropped is for nobody to know: bytes are not compared.
        let finished = run(&plan(&toml, &site.url(), 2)).expect("a run");
        assert_closed(&finished);
        let wanted = [
            (ManifestHead, 1),
            (ManifestGet, 1),
            (BlobGet, 3 * parts + 1),
        ];
        let all = wanted.map(|(it, count)| (it, count * ITERATIONS));
        assert_eq!(ok(&finished), BTreeMap::from(all), "{size}");
        let counts = settled(&site);
        assert_eq!(
            counts.with_status(BlobGet, 206),
            (3 * parts + 1) * ITERATIONS
        );
        assert_eq!(counts.of(BlobGet), (3 * parts + 1) * ITERATIONS);

        let each = |count: u64| (0..count).flat_map(|it| [it * PART; 4]).collect::<Vec<_>>();
        let mut by_blob: Vec<Vec<u64>> = starts(&site.requests()).into_values().collect();
        by_blob.sort();
        let mut expected = vec![each(1), each(parts), each(parts), each(parts)];
        expected.sort();
        assert_eq!(by_blob, expected, "{size}");

        let forecast = plan(&toml, &site.url(), 2).forecast();
        let told = forecast.journeys[0].requests.clone().expect("known sizes");
        let told: BTreeMap<Operation, f64> = told.into_iter().collect();
        let hand = wanted.map(|(it, n)| (it, f64::from(u32::try_from(n).expect("a few"))));
        assert_eq!(told, BTreeMap::from(hand), "{size}");
        let (_, _, series) = finished.record.journeys().next().expect("a journey");
        assert!(
            series.counts.bytes.received >= 3 * size * ITERATIONS,
            "{size}"
        );
    }
}

/// Every part came well; that they are the wrong ones is the iteration's failure and no exchange's.
#[test]
fn parts_that_do_not_make_up_a_blob_are_a_digest_mismatch() {
    // The fourth request for a part of a layer: the config comes first, alone.
    let wrong = Fault::on(BlobGet, FaultKind::Corrupt(100)).window(4, Some(1));
    let site = site(vec![wrong]);
    let toml = scenario(300_000, "64KiB");
    let finished = run(&plan(&toml, &site.url(), 2)).expect("a run");
    assert_closed(&finished);
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    let outcomes = Outcomes {
        ok: ITERATIONS - 1,
        failed: 1,
        cancelled: 0,
        misbehaved: 0,
    };
    assert_eq!(series.counts.outcomes, outcomes);
    let mut classes = series
        .counts
        .failure_classes
        .iter()
        .filter(|(_, count)| *count > 0);
    assert_eq!(classes.next(), Some((FailureClass::DigestMismatch, 1)));
    assert_eq!(classes.next(), None);
    let totals = finished.record.totals(Period::Measure);
    assert_eq!(totals.exchanges.failed, 0);
    // What no exchange tells is a note.
    assert!(
        finished
            .notes
            .iter()
            .any(|it| it.contains("digest mismatch")),
        "{:?}",
        finished.notes
    );
}
