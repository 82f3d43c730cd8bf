//! Lazy pulls with the SOCI snapshotter: how the index is found, which spans are asked for, and that what comes is verified.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use regstorm::content::{Blob, Image, LayerCount, SizeSpec, SyntheticSet, SyntheticSpec};
use regstorm::embedded::{Fault, FaultKind, Quirk, Running, Settings};
use regstorm::engine::Finished;
use regstorm::exchange::RangePurpose;
use regstorm::lazy::soci::{SociLayers, SociLayout};
use regstorm::lazy::{LazyFormat, Table};
use regstorm::measure::{FailureClass, Period, RangeRow};
use regstorm::oci::Digest;
use regstorm::oci::Operation::{self, BlobGet, BlobHead, ManifestGet, ManifestHead, Referrers};
use regstorm::scenario::{self, Overrides};
use regstorm::units::ByteSize;
use serde_json::json;

use crate::support::{assert_closed, plan, registry, run, run_against, settled};

const ITERATIONS: u64 = 3;
const SIZE: u64 = 700_000;
const SPAN: u64 = 100_000;

/// One user pulls an image of so many layers, which have tables.
fn scenario(layers: &str, keys: &str) -> String {
    journey(
        &format!(
            "source = \"synthetic\"\ncount = 1\n{layers}\nlazy_format = \"soci\"\nspan_size = \"{SPAN}B\""
        ),
        keys,
    )
}

fn journey(images: &str, keys: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n[images.web]\n{images}\n\
         [journey.j]\naction = \"lazy-pull\"\nimages = \"web\"\nclient = \"plain\"\nconfig = \"first\"\n{keys}\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = {ITERATIONS}\nmax_duration = \"1m\"\n"
    )
}

fn layers(count: u64) -> String {
    format!("layers = {count}\nlayer_size = \"{SIZE}B\"\nmin_layer_size = \"{SIZE}B\"")
}

fn layout(size: u64) -> SociLayout {
    let layers = SociLayers {
        span_size: SPAN,
        least: SIZE,
    };
    SociLayout::of(layers, size)
}

fn site(quirks: Vec<Quirk>, faults: Vec<Fault>) -> Running {
    registry(Settings {
        quirks,
        faults,
        record_requests: Some(10_000),
        ..Settings::default()
    })
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

fn failures(finished: &Finished, class: FailureClass) -> u64 {
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    series.counts.failure_classes.of(class)
}

fn counts(finished: &Finished) -> BTreeMap<Operation, u64> {
    let (journey, _, _) = finished.record.journeys().next().expect("a journey");
    let operations = finished.record.operations(journey);
    operations
        .map(|(it, series)| (it, series.counts.outcomes.ended()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Method, the end of the path, and the range of each request of the last iteration.
fn last(registry: &Running) -> Vec<String> {
    let requests = registry.requests();
    let is_first = |path: &str| path.ends_with("/manifests/regstorm");
    let first = requests
        .iter()
        .rposition(|it| is_first(&it.target))
        .expect("a tag");
    // Clean-up comes behind it.
    let shown = requests[first..].iter().filter(|it| it.method != "DELETE");
    let shown = shown.map(|it| {
        let path = it.target.split('?').next().unwrap_or_default();
        let end = path.rsplit('/').nth(1).unwrap_or_default();
        let range = it.header("range").map(|it| format!(" {it}"));
        format!("{} {end}{}", it.method, range.unwrap_or_default())
    });
    shown.collect()
}

fn get(what: &str) -> String {
    format!("GET {what}")
}

fn span(layout: &SociLayout, number: u64) -> String {
    let range = layout.span(number);
    get(&format!("blobs bytes={}-{}", range.start, range.end - 1))
}

#[test]
fn a_layer_is_found_by_its_index_and_read_span_by_span() {
    let registry = site(Vec::new(), Vec::new());
    let toml = scenario(&layers(1), "read_fraction = 1");
    let (finished, _) = run_against(&toml, &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    // Resolved by the client; config; the manifest once more, what refers to it, the index, its table; then the layer.
    let found = ["manifests", "blobs", "manifests", "referrers", "manifests"];
    let mut expected: Vec<String> = found.map(get).into();
    expected.push(get("blobs"));
    expected.extend([get("blobs bytes=0-1"), get("blobs bytes=0-9")]);
    let layout = layout(SIZE);
    // Eleven blocks, of which two are more than a span.
    assert_eq!(layout.spans(), 6);
    expected.extend((0..6).map(|it| span(&layout, it)));
    assert_eq!(last(&registry), expected);
    let rows = rows(&finished);
    let purposes: Vec<_> = rows.iter().map(|it| (it.purpose, it.requests)).collect();
    let expected = [
        (RangePurpose::Locate, ITERATIONS),
        (RangePurpose::Toc, ITERATIONS),
        (RangePurpose::Content, 6 * ITERATIONS),
    ];
    assert_eq!(purposes, expected);
    for row in &rows {
        assert_eq!((row.range, row.several), (row.requests, false));
        assert_eq!(row.asked_bytes, row.received_bytes);
    }
    assert_eq!(rows[2].received_bytes, (SIZE - 10) * ITERATIONS);
}

/// `check` says what is sent, to the request and to the byte, also of layers that have no table, and of images without any.
#[test]
fn the_forecast_is_what_is_asked_for() {
    let some = format!("layers = 3\nlayer_size = [\"{SIZE}B\", \"90000B\", \"800000B\"]");
    let some = format!("{some}\nmin_layer_size = \"{SIZE}B\"");
    for (layers, keys, tables) in [
        (layers(3), "read_fraction = 0.3", vec![SIZE; 3]),
        (layers(2), "read_fraction = 0", vec![SIZE; 2]),
        (
            some,
            "background_fetch = true\nbackground_period = \"0s\"",
            vec![SIZE, 800_000],
        ),
    ] {
        let registry = site(Vec::new(), Vec::new());
        let toml = scenario(&layers, keys) + "[prepare]\nclean_up = \"none\"\n";
        let (finished, _) = run_against(&toml, &registry);
        assert_eq!(ok(&finished), ITERATIONS, "{keys}");
        let forecast = plan(&toml, "embedded", 1).forecast();
        let journey = &forecast.journeys[0];
        let mut counted = counts(&finished);
        for (operation, each) in journey.requests.as_ref().expect("known sizes") {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let measured = counted.remove(operation).unwrap_or(0) as f64;
            assert!(
                (measured - each * 3.0).abs() < 0.5,
                "{keys} {operation}: {measured}"
            );
        }
        assert_eq!(counted, BTreeMap::new(), "{keys}");
        let asked: u64 = rows(&finished).iter().map(|it| it.asked_bytes).sum();
        let whole = if tables.contains(&800_000) { 90_000 } else { 0 };
        let tables: u64 = tables.iter().map(|it| layout(*it).table_length()).sum();
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let asked = (asked + (whole + tables) * ITERATIONS) as f64;
        let expected = journey.bytes_down.expect("known sizes") * 3.0;
        assert!(
            (asked - expected).abs() < 0.5,
            "{keys}: {asked}, not {expected}"
        );
        // What is pushed before, and a ping.
        let prepared = finished.record.tally(Period::Prepare).operations();
        let prepared: u64 = prepared.map(|(_, tally)| tally.outcomes.ended()).sum();
        assert_eq!(prepared, 1 + forecast.seeding.requests, "{keys}");
    }
}

/// One span of each layer in turn, those that are here left out, and in the end all are here.
#[test]
fn the_background_fetches_the_rest_in_turns() {
    let registry = site(Vec::new(), Vec::new());
    let keys = "read_fraction = 0.1\nbackground_fetch = true\nbackground_period = \"1ms\"";
    let (finished, _) = run_against(&scenario(&layers(2), keys), &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    let spans =
        |it: &&RangeRow| matches!(it.purpose, RangePurpose::Content | RangePurpose::Background);
    let received: u64 = rows(&finished)
        .iter()
        .filter(spans)
        .map(|it| it.received_bytes)
        .sum();
    assert_eq!(received, 2 * (SIZE - 10) * ITERATIONS);
    let asked = last(&registry);
    let layout = layout(SIZE);
    let at = |it: &String| (0..layout.spans()).find(|number| span(&layout, *number) == *it);
    let order: Vec<u64> = asked.iter().filter_map(at).collect();
    // One of each layer is read, then come the others.
    let (read, background) = order.split_at(2);
    let all: Vec<u64> = (0..layout.spans())
        .flat_map(|it| [(0, it), (1, it)])
        .filter(|(layer, it)| read[*layer] != *it)
        .map(|(_, it)| it)
        .collect();
    assert_eq!(background, all);
}

#[test]
fn layers_without_a_table_are_pulled() {
    let registry = site(Vec::new(), Vec::new());
    let sizes =
        format!("layers = 2\nlayer_size = [\"90000B\", \"{SIZE}B\"]\nmin_layer_size = \"{SIZE}B\"");
    let (finished, _) = run_against(&scenario(&sizes, "read_fraction = 0"), &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    // The config, the table, the small layer, and of the other its first bytes and its header.
    assert_eq!(counts(&finished)[&BlobGet], 5 * ITERATIONS);
}

/// A registry without the list has the index under the tag that stands for it.
#[test]
fn without_the_list_of_referrers_the_tag_is_read() {
    let registry = site(vec![Quirk::NoReferrers], Vec::new());
    let toml = scenario(&layers(1), "read_fraction = 0.1") + "[prepare]\nclean_up = \"all\"\n";
    let (finished, _) = run_against(&toml, &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    let counted = counts(&finished);
    assert_eq!(counted[&Referrers], ITERATIONS);
    // Its own, the one of the snapshotter, the tag, and the SOCI index.
    assert_eq!(counted[&ManifestGet], 4 * ITERATIONS);
    // Index, tables, and the tag's index are gone, too.
    assert_eq!(settled(&registry).blobs, 0);
    assert_eq!(settled(&registry).held, 0);
}

#[test]
fn after_a_redirect_the_storage_is_asked() {
    let registry = site(vec![Quirk::RedirectBlobs], Vec::new());
    let toml = scenario(&layers(1), "read_fraction = 0.1") + "[prepare]\nclean_up = \"all\"\n";
    let finished = run(&plan(&toml, &registry.url(), 1)).expect("a run");
    assert_closed(&finished);
    assert_eq!(ok(&finished), ITERATIONS);
    let rows = rows(&finished);
    // The first bytes are asked for at both.
    assert_eq!(
        (rows[0].redirected, rows[0].range),
        (ITERATIONS, ITERATIONS)
    );
    assert!(
        rows[1..].iter().all(|it| it.range == it.requests),
        "{rows:?}"
    );
    assert_eq!(settled(&registry).held, 0);
}

/// The first bytes of a whole layer would be taken for a span.
#[test]
fn whole_layers_in_place_of_spans_fail() {
    let registry = site(vec![Quirk::NoRanges], Vec::new());
    let toml = scenario(&layers(1), "read_fraction = 0.1");
    let finished = run(&plan(&toml, &registry.url(), 1)).expect("a run");
    assert_closed(&finished);
    assert_eq!(ok(&finished), 0);
    assert_eq!(failures(&finished, FailureClass::Protocol), ITERATIONS);
    let whole: Vec<_> = rows(&finished)
        .iter()
        .map(|it| (it.purpose, it.whole))
        .collect();
    let expected = [
        RangePurpose::Locate,
        RangePurpose::Toc,
        RangePurpose::Content,
    ];
    assert_eq!(whole, expected.map(|it| (it, ITERATIONS)));
}

/// A wrong byte is found, in a table and in a span.
#[test]
fn content_that_is_not_that_of_the_table_fails() {
    // Config, table, first bytes, header, span: the fault is in the first iteration.
    for (after, keys, expected) in [
        (1, "", ITERATIONS - 1),
        (4, "", ITERATIONS - 1),
        // Who does not look does not find, but what is read in any case is verified.
        (1, "\nverify = \"length\"", ITERATIONS - 1),
        (4, "\nverify = \"length\"", ITERATIONS),
    ] {
        let fault = Fault::on(BlobGet, FaultKind::Corrupt(5_000)).window(after, Some(1));
        let registry = site(Vec::new(), vec![fault]);
        let toml = scenario(&layers(1), &format!("read_fraction = 0.1{keys}"));
        let finished = run(&plan(&toml, &registry.url(), 1)).expect("a run");
        assert_closed(&finished);
        assert_eq!(ok(&finished), expected, "{after} {keys}");
        let found = failures(&finished, FailureClass::DigestMismatch);
        assert_eq!(found, ITERATIONS - expected, "{after} {keys}");
    }
}

fn bytes(blob: &Blob) -> Vec<u8> {
    let mut bytes = Vec::new();
    blob.reader()
        .read_to_end(&mut bytes)
        .expect("bytes in memory");
    bytes
}

/// An image with a layer, its table, and what is changed of them, as an OCI layout: the image names its index.
fn layout_of(root: &Path, change: impl FnOnce(&mut Made)) -> String {
    let spec = SyntheticSpec {
        layers: LayerCount::Fixed(1),
        layer_size: SizeSpec::Fixed(ByteSize::from_bytes(SIZE)),
        lazy_format: Some(LazyFormat::Soci),
        span_size: Some(ByteSize::from_bytes(SPAN)),
        min_layer_size: Some(ByteSize::from_bytes(0)),
        ..SyntheticSpec::default()
    };
    let set = SyntheticSet::new(spec, 3).expect("a set");
    let (image, index): (Image, Image) = (set.image(0), set.soci_index(0).expect("an index"));
    let mut made = Made {
        table: bytes(&index.layers()[0]),
        kind: "application/vnd.amazon.soci.index.v2+json",
        name: None,
    };
    change(&mut made);
    fs::create_dir_all(root.join("blobs/sha256")).expect("a directory");
    let put = |media_type: &str, bytes: &[u8]| {
        let digest = Digest::sha256(bytes);
        fs::write(root.join("blobs/sha256").join(digest.to_hex()), bytes).expect("a file");
        json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
    };
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let layer = &image.layers()[0];
    let mut table = put("application/octet-stream", &made.table);
    table["annotations"] = json!({
        "com.amazon.soci.image-layer-digest": layer.descriptor().digest.to_string()
    });
    let soci = json!({
        "schemaVersion": 2, "mediaType": manifest_type,
        "config": put(made.kind, b"{}"), "layers": [table],
    });
    let mut soci = put(manifest_type, soci.to_string().as_bytes());
    let name = made
        .name
        .unwrap_or_else(|| soci["digest"].as_str().expect("a text").to_owned());
    let platform = json!({"os": "linux", "architecture": "amd64"});
    soci["platform"] = platform.clone();
    let config = bytes(image.config().expect("a config"));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": manifest_type,
        "config": put("application/vnd.oci.image.config.v1+json", &config),
        "layers": [put("application/vnd.oci.image.layer.v1.tar+gzip", &bytes(layer))],
        "annotations": {"com.amazon.soci.index-digest": name},
    });
    let mut manifest = put(manifest_type, manifest.to_string().as_bytes());
    manifest["platform"] = platform;
    let index_type = "application/vnd.oci.image.index.v1+json";
    let both = json!({"schemaVersion": 2, "mediaType": index_type, "manifests": [manifest, soci]});
    let both = put(index_type, both.to_string().as_bytes());
    let top = json!({"schemaVersion": 2, "manifests": [both]});
    fs::write(root.join("index.json"), top.to_string()).expect("a file");
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("a file");
    format!(
        "source = \"archive\"\npath = {:?}",
        root.to_str().expect("a path in UTF-8")
    )
}

type Change = Box<dyn FnOnce(&mut Made)>;

/// What of an image can be wrong.
struct Made {
    table: Vec<u8>,
    kind: &'static str,
    name: Option<String>,
}

#[test]
fn an_image_that_names_its_index_is_read_by_that() {
    let root = tempfile::tempdir().expect("a directory");
    let images = layout_of(root.path(), |_| {});
    let registry = site(Vec::new(), Vec::new());
    let (finished, _) = run_against(&journey(&images, "read_fraction = 0.1"), &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    let counted = counts(&finished);
    // The SOCI index, whose size nobody says.
    assert_eq!(counted[&ManifestHead], ITERATIONS);
    // The index of images, the image twice, the SOCI index.
    assert_eq!(counted[&ManifestGet], 4 * ITERATIONS);
    // Config, table, first bytes, header, span.
    assert_eq!(counted[&BlobGet], 5 * ITERATIONS);
    assert!(!counted.contains_key(&Referrers) && !counted.contains_key(&BlobHead));
}

#[test]
fn an_index_that_is_not_as_it_should_be_fails_the_pull() {
    let gone = Digest::sha256(b"nothing").to_string();
    let cases: [(&str, Change); 6] = [
        ("noise", Box::new(|it| it.table = vec![0xa5; 5_000])),
        ("nothing", Box::new(|it| it.table.clear())),
        ("half", Box::new(|it| it.table.truncate(40_000))),
        (
            "another type",
            Box::new(|it| it.kind = "application/vnd.oci.empty.v1+json"),
        ),
        ("no such index", Box::new(move |it| it.name = Some(gone))),
        (
            "no digest",
            Box::new(|it| it.name = Some("latest".to_owned())),
        ),
    ];
    for (what, change) in cases {
        let root = tempfile::tempdir().expect("a directory");
        let images = layout_of(root.path(), change);
        let registry = site(Vec::new(), Vec::new());
        let toml = journey(&images, "read_fraction = 0.1");
        let finished = run(&plan(&toml, &registry.url(), 1)).expect("a run");
        assert_closed(&finished);
        assert_eq!(ok(&finished), 0, "{what}");
        assert_eq!(
            failures(&finished, FailureClass::Protocol),
            ITERATIONS,
            "{what}"
        );
    }
    assert_eq!(Table::MOST, 64 << 20);
}

#[test]
fn what_does_not_go_together_is_said() {
    let set = |keys: &str| format!("source = \"synthetic\"\ncount = 1\nlayers = 1\n{keys}");
    let large = "layer_size = \"12MiB\"\n";
    let estargz = format!("{large}lazy_format = \"estargz\"");
    for (images, keys, expected) in [
        (
            format!("{large}span_size = \"1MiB\""),
            "",
            "only SOCI cuts layers into spans",
        ),
        (
            format!("{estargz}\nmin_layer_size = \"1MiB\""),
            "",
            "only SOCI leaves out small layers",
        ),
        (
            "layer_size = \"4MiB\"\nlazy_format = \"soci\"".to_owned(),
            "",
            "no layer is large enough to have a table",
        ),
        (
            format!("{large}lazy_format = \"soci\"\nprefetch = 0.1"),
            "",
            "only eStargz marks what is to be fetched",
        ),
        (
            estargz.clone(),
            "soci = true",
            "the images of this set have no SOCI index",
        ),
        (
            estargz,
            "background_period = \"1s\"",
            "only spans of SOCI are fetched with a period",
        ),
    ] {
        let toml = journey(&set(&images), keys);
        let loaded = scenario::load(
            &toml,
            "test.toml",
            Path::new(""),
            &Overrides::default(),
            &|_| None,
        );
        let problems = loaded.expect_err(expected).render(false);
        assert!(problems.contains(expected), "{problems}");
        assert_eq!(problems.matches("error: ").count(), 1, "{problems}");
    }
}

/// Where the journey says that nodes have the snapshotter, an image without an index is looked for in vain, and pulled.
#[test]
fn an_image_without_an_index_is_pulled_after_the_search() {
    let images = "source = \"synthetic\"\ncount = 1\nlayers = 2\nlayer_size = \"90000B\"";
    let registry = site(Vec::new(), Vec::new());
    let push = journey(images, "").replace("lazy-pull", "pull");
    let toml = push + "[prepare]\nclean_up = \"none\"\n";
    let (finished, _) = run_against(&toml, &registry);
    assert_eq!(ok(&finished), ITERATIONS);
    let images = "source = \"existing\"\nreferences = [\"regstorm/web/0:regstorm\"]";
    let finished = run(&plan(&journey(images, "soci = true"), &registry.url(), 1)).expect("a run");
    assert_closed(&finished);
    assert_eq!(ok(&finished), ITERATIONS);
    let counted = counts(&finished);
    assert_eq!(counted[&Referrers], ITERATIONS);
    assert_eq!(counted[&ManifestGet], 2 * ITERATIONS);
    assert_eq!(counted[&BlobGet], 3 * ITERATIONS);
}
