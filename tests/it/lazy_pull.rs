//! Lazy pulls: which ranges are asked for, what the registry may make of them, and that what comes is verified.

use std::collections::BTreeMap;

use regstorm::embedded::{Fault, FaultKind, Quirk, RequestRecord, Running, Settings};
use regstorm::engine::Finished;
use regstorm::exchange::RangePurpose;
use regstorm::lazy::{ChunkFormat, ChunkedLayers, Layout};
use regstorm::measure::{FailureClass, Outcomes, Period, RangeRow};
use regstorm::oci::Operation::{self, BlobGet, BlobHead, ManifestGet, ManifestHead, Redirected};

use crate::support::{assert_closed, plan, registry, run, run_against};

const ITERATIONS: u64 = 3;
const SIZE: u64 = 1_000_000;
/// Of this many files some are read, and others between them are not.
const LARGE: u64 = 4_000_000;

/// One user pulls an image of so many layers, which are read in parts.
fn scenario(format: &str, layers: usize, keys: &str) -> String {
    let (set, journey) = keys.split_once('|').unwrap_or(("", keys));
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = {layers}\nlayer_size = \"{SIZE}B\"\n\
         lazy_format = \"{format}\"\n{set}\n\
         [journey.j]\naction = \"lazy-pull\"\nimages = \"web\"\nclient = \"plain\"\nconfig = \"first\"\n{journey}\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = {ITERATIONS}\nmax_duration = \"1m\"\n"
    )
}

fn site(quirks: Vec<Quirk>, faults: Vec<Fault>) -> Running {
    registry(Settings {
        quirks,
        faults,
        record_requests: Some(10_000),
        ..Settings::default()
    })
}

fn counts(finished: &Finished) -> BTreeMap<Operation, u64> {
    let (journey, _, _) = finished.record.journeys().next().expect("a journey");
    let operations = finished.record.operations(journey);
    operations
        .map(|(it, series)| (it, series.counts.outcomes.ended()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn rows(finished: &Finished) -> Vec<RangeRow> {
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    series.ranges.rows()
}

fn ok(finished: &Finished) -> u64 {
    let totals = finished.record.totals(Period::Measure);
    assert_eq!(
        totals.iterations.ended(),
        ITERATIONS,
        "{:?}",
        finished.notes
    );
    totals.iterations.ok
}

/// What was asked of blobs in the last iteration: method, range, and whether it was at the storage host.
fn last(registry: &Running) -> Vec<(String, Option<String>, bool)> {
    let blobs = registry.requests().into_iter().filter(|it| {
        let is_blob = matches!(it.operation, Some(BlobGet | BlobHead | Redirected));
        // Seeding asks whether a blob is there, and gets 404.
        is_blob && it.status.is_some_and(|it| it.as_u16() != 404)
    });
    let asked = |it: RequestRecord| {
        let range = it.header("range").map(str::to_owned);
        (it.method.to_string(), range, it.at_storage_host)
    };
    let blobs: Vec<_> = blobs.map(asked).collect();
    blobs[blobs.len() / usize::try_from(ITERATIONS).expect("a small number") * 2..].to_vec()
}

fn get(range: &str) -> (String, Option<String>, bool) {
    ("GET".to_owned(), Some(format!("bytes={range}")), false)
}

fn layout(format: ChunkFormat, prefetch: f64, size: u64) -> Layout {
    Layout::of(ChunkedLayers { format, prefetch }, size)
}

fn large(scenario: &str) -> String {
    scenario.replace(&format!("{SIZE}B"), &format!("{LARGE}B"))
}

/// By hand: requests are aligned to 50,000 bytes, and what is here is not asked for again.
#[test]
fn a_mounted_layer_is_read_block_by_block() {
    let registry = site(Vec::new(), Vec::new());
    let toml = scenario("estargz", 1, "prefetch = 0.2|read_fraction = 1");
    let (finished, _) = run_against(&toml, &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    let layout = layout(ChunkFormat::Estargz, 0.2, SIZE);
    let (chunks, toc) = layout.chunks();
    // The footer is in the last of twenty blocks, and so is the whole table of contents.
    assert!((950_000..999_949).contains(&toc), "{toc}");
    let config = ("GET".to_owned(), None, false);
    let head = ("HEAD".to_owned(), None, false);
    let mut expected = vec![config, get("0-1"), head, get("950000-999999")];
    let marked = layout.landmark_at().div_ceil(50_000) * 50_000;
    expected.push(get(&format!("0-{}", marked - 1)));
    let mut here = marked;
    for chunk in chunks {
        // The last block is here; a chunk ends in the block in which the next one begins.
        let end = chunk.end.div_ceil(50_000) * 50_000;
        let end = end.min(950_000);
        if end > here {
            expected.push(get(&format!("{here}-{}", end - 1)));
            here = end;
        }
    }
    assert_eq!(last(&registry), expected);
    let purposes: Vec<_> = rows(&finished)
        .iter()
        .map(|it| (it.purpose, it.requests))
        .collect();
    let content = expected.len() as u64 - 5;
    assert_eq!(
        purposes,
        [
            (RangePurpose::Locate, ITERATIONS),
            (RangePurpose::Footer, ITERATIONS),
            (RangePurpose::Prefetch, ITERATIONS),
            (RangePurpose::Content, content * ITERATIONS),
        ]
    );
    for row in rows(&finished) {
        assert_eq!((row.range, row.several), (row.requests, false));
        assert_eq!(row.asked_bytes, row.received_bytes);
    }
}

#[test]
fn a_chunked_layer_takes_two_requests_of_many_ranges() {
    let registry = site(Vec::new(), Vec::new());
    let toml = large(&scenario("zstd-chunked", 1, "read_fraction = 0.3"));
    let (finished, _) = run_against(&toml, &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    let places = layout(ChunkFormat::ZstdChunked, 0.0, LARGE).places();
    let span = |(at, length, _): (u64, u64, u64)| format!("{at}-{}", at + length - 1);
    let tables = format!("{},{}", span(places.manifest), span(places.tar_split));
    let asked = last(&registry);
    assert_eq!(asked[1], get(&tables));
    assert_eq!(asked.len(), 3, "{asked:?}");
    let ranges = asked[2]
        .1
        .as_deref()
        .unwrap()
        .strip_prefix("bytes=")
        .unwrap();
    let (chunks, _) = layout(ChunkFormat::ZstdChunked, 0.0, LARGE).chunks();
    let mut bytes = 0;
    for range in ranges.split(',') {
        let (first, last) = range.split_once('-').unwrap();
        let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
        assert!(chunks.iter().any(|it| it.start == first), "{range}");
        assert!(chunks.iter().any(|it| it.end == last + 1), "{range}");
        bytes += last + 1 - first;
    }
    let several = &rows(&finished)[1];
    assert_eq!(
        (several.purpose, several.several),
        (RangePurpose::Content, true)
    );
    assert_eq!(
        (several.multipart, several.requests),
        (ITERATIONS, ITERATIONS)
    );
    assert_eq!(several.asked_bytes, bytes * ITERATIONS);
    assert!(
        several.received_bytes > several.asked_bytes,
        "lines between the parts"
    );
}

/// `check` says what is sent, to the request and to the byte.
#[test]
fn the_forecast_is_what_is_asked_for() {
    for (format, keys) in [
        ("estargz", "read_fraction = 0.2"),
        (
            "estargz",
            "prefetch = 0.1|read_fraction = 0.064\nbackground_fetch = true",
        ),
        ("estargz", "read_fraction = 0"),
        ("zstd-chunked", "read_fraction = 0.2"),
        ("zstd-chunked", "read_fraction = 0"),
    ] {
        let registry = site(Vec::new(), Vec::new());
        let toml = scenario(format, 3, keys);
        let (finished, _) = run_against(&toml, &registry);
        assert_eq!(ok(&finished), ITERATIONS, "{keys}");
        let plan = plan(&toml, "embedded", 1);
        let forecast = &plan.forecast().journeys[0];
        let counted = counts(&finished);
        for (operation, each) in forecast.requests.as_ref().expect("known sizes") {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let measured = counted.get(operation).copied().unwrap_or(0) as f64;
            let expected = each * 3.0;
            assert!(
                (measured - expected).abs() < 0.5,
                "{format} {keys} {operation}: {measured}, not {expected}"
            );
        }
        let asked: u64 = rows(&finished).iter().map(|it| it.asked_bytes).sum();
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let asked = asked as f64;
        let expected = forecast.bytes_down.expect("known sizes") * 3.0;
        assert!(
            (asked - expected).abs() < 0.5,
            "{format} {keys}: {asked}, not {expected}"
        );
    }
}

/// Everything is fetched once, in the end.
#[test]
fn the_background_fetches_the_rest() {
    let registry = site(Vec::new(), Vec::new());
    let toml = scenario("estargz", 2, "read_fraction = 0.1\nbackground_fetch = true");
    let (finished, _) = run_against(&toml, &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    let received: u64 = rows(&finished)
        .iter()
        .filter(|it| it.purpose != RangePurpose::Locate)
        .map(|it| it.received_bytes)
        .sum();
    assert_eq!(received, 2 * SIZE * ITERATIONS);
}

#[test]
fn after_a_redirect_the_storage_is_asked() {
    let registry = site(vec![Quirk::RedirectBlobs], Vec::new());
    let toml = scenario("estargz", 1, "read_fraction = 0.1");
    let finished = run(&plan(&toml, &registry.url(), 1)).expect("a run");
    assert_closed(&finished);
    assert_eq!(ok(&finished), ITERATIONS);
    // The config, which is followed there, and the layer's first bytes, which are not.
    let asked = last(&registry);
    let at_home: Vec<_> = asked
        .iter()
        .filter(|(_, _, elsewhere)| !elsewhere)
        .collect();
    assert_eq!(at_home.len(), 2, "{asked:?}");
    assert_eq!(rows(&finished)[0].redirected, ITERATIONS);
    let rest = &rows(&finished)[1..];
    assert!(rest.iter().all(|it| it.range == it.requests), "{rest:?}");
}

/// A registry that sends whole blobs: the snapshotter takes the first as all it needs, podman reads two of them.
#[test]
fn whole_blobs_in_place_of_ranges_are_counted_with_their_bytes() {
    let run_with = |format: &str, quirk| {
        let registry = site(vec![quirk], Vec::new());
        let toml = large(&scenario(format, 1, "read_fraction = 0.3"));
        let finished = run(&plan(&toml, &registry.url(), 1)).expect("a run");
        assert_closed(&finished);
        assert_eq!(ok(&finished), ITERATIONS, "{format} {quirk:?}");
        rows(&finished)
    };
    let mounted = run_with("estargz", Quirk::NoRanges);
    let whole: Vec<_> = mounted
        .iter()
        .map(|it| (it.purpose, it.whole, it.received_bytes))
        .collect();
    let all = LARGE * ITERATIONS;
    let expected = [
        (RangePurpose::Locate, ITERATIONS, all),
        (RangePurpose::Footer, ITERATIONS, all),
    ];
    assert_eq!(whole, expected);
    let chunked = run_with("zstd-chunked", Quirk::SeveralRangesWhole);
    let whole: Vec<_> = chunked.iter().map(|it| (it.purpose, it.whole)).collect();
    assert_eq!(
        whole,
        [
            (RangePurpose::Toc, ITERATIONS),
            (RangePurpose::Content, ITERATIONS)
        ]
    );
    // The tables are at the end of the layer.
    assert!(chunked[0].received_bytes > 9 * all / 10, "{chunked:?}");
}

#[test]
fn what_refuses_several_ranges_has_the_layer_pulled_or_the_pull_failed() {
    let toml = scenario("zstd-chunked", 2, "read_fraction = 0.3");
    let registry = site(vec![Quirk::SeveralRangesBad], Vec::new());
    let (finished, _) = run_against(&toml, &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    let row = &rows(&finished)[0];
    assert_eq!((row.other, row.requests), (2 * ITERATIONS, 2 * ITERATIONS));
    assert_eq!(rows(&finished).len(), 1);
    // The config, and each layer twice: refused, then whole.
    assert_eq!(counts(&finished)[&BlobGet], 5 * ITERATIONS);
    for quirk in [
        Quirk::SeveralRangesUnsatisfiable,
        Quirk::SeveralRangesUnsupported,
    ] {
        let registry = site(vec![quirk], Vec::new());
        let finished = run(&plan(&toml, &registry.url(), 1)).expect("a run");
        assert_closed(&finished);
        assert_eq!(ok(&finished), 0, "{quirk:?}");
        let (_, _, series) = finished.record.journeys().next().unwrap();
        assert_eq!(
            series.counts.failure_classes.of(FailureClass::Status),
            ITERATIONS
        );
        let row = &rows(&finished)[0];
        let refused = row.unsatisfiable + row.other;
        assert_eq!(
            (refused, row.requests),
            (refused, refused + row.none),
            "{row:?}"
        );
    }
}

/// The first byte of a body that is wrong is found, wherever it is: in a table or in a chunk.
#[test]
fn content_that_is_not_that_of_the_table_fails() {
    for (format, after) in [
        ("estargz", 2),      // behind the config and the first bytes: footer and table
        ("estargz", 3),      // content
        ("zstd-chunked", 1), // both tables
        ("zstd-chunked", 2), // content
    ] {
        let fault = Fault::on(BlobGet, FaultKind::Corrupt(5_000)).window(after, Some(1));
        let registry = site(Vec::new(), vec![fault]);
        let toml = scenario(format, 1, "read_fraction = 1");
        let finished = run(&plan(&toml, &registry.url(), 1)).expect("a run");
        assert_closed(&finished);
        assert_eq!(ok(&finished), ITERATIONS - 1, "{format} {after}");
        let (_, _, series) = finished.record.journeys().next().unwrap();
        let classes = &series.counts.failure_classes;
        let found = classes.of(FailureClass::DigestMismatch) + classes.of(FailureClass::Protocol);
        assert_eq!(found, 1, "{format} {after}: {classes:?}");
        // Who does not look does not find.
        let registry = site(
            Vec::new(),
            vec![Fault::on(BlobGet, FaultKind::Corrupt(5_000)).window(3, Some(1))],
        );
        let toml = scenario("estargz", 1, "read_fraction = 1\nverify = \"length\"");
        let finished = run(&plan(&toml, &registry.url(), 1)).expect("a run");
        assert_eq!(ok(&finished), ITERATIONS, "{format} {after}");
    }
}

#[test]
fn all_workers_ask_for_the_same() {
    let toml = scenario("estargz", 2, "read_fraction = 0.3").replace("vus = 1", "vus = 4");
    let asked = |workers| {
        let registry = site(Vec::new(), Vec::new());
        let finished = run(&plan(&toml, &registry.url(), workers)).expect("a run");
        let all = Outcomes {
            ok: 4 * ITERATIONS,
            ..Outcomes::default()
        };
        assert_eq!(finished.record.totals(Period::Measure).iterations, all);
        (rows(&finished), counts(&finished))
    };
    let (alone, counted) = asked(1);
    assert_eq!(asked(2), (alone, counted.clone()));
    // Resolved as the client does it.
    assert!(counted.contains_key(&ManifestGet) && !counted.contains_key(&ManifestHead));
}
