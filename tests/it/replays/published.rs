//! A log with the moments that are published of the traces of IBM's registry: they are those of the trace that is imported of
//! it, and of what the registry gets when that is replayed thirty times as fast.

/// Makes the log.
mod generator;

use std::fs;
use std::process::Command;

use regstorm::embedded::RequestRecord;
use regstorm::measure::Period;
use regstorm::oci::Operation;
use serde_json::Value;

use super::round_trip::{replayed, scenario};
use generator::{Generated, REPEATED};

/// Two points.
const TOLERANCE: f64 = 0.02;

/// The shares of the methods, of the 40,872,024 requests of all zones.
const METHODS: [(&str, f64); 5] = [
    ("GET", 32_272_717.0 / 40_872_024.0),
    ("HEAD", 4_512_788.0 / 40_872_024.0),
    ("PUT", 2_140_534.0 / 40_872_024.0),
    ("POST", 1_173_027.0 / 40_872_024.0),
    ("PATCH", 772_958.0 / 40_872_024.0),
];
/// The share of the requests that fetch a blob.
const BLOBS: f64 = 12_657_108.0 / 40_872_024.0;
/// Of the bytes of blobs, those of blobs of more than 64 MiB, and of more than 1 GiB.
const LARGE: [f64; 2] = [0.648, 0.077];
/// The share of the uploads that end in a mount, at least and at most.
const MOUNTED: [f64; 2] = [0.27, 0.33];
/// What the bytes of blobs are multiplied by in the replay.
const SCALE: f64 = 0.001;

#[track_caller]
fn assert_near(found: f64, wanted: f64, what: &str) {
    assert!(
        (found - wanted).abs() <= TOLERANCE,
        "{what}: {found:.4}, published {wanted:.4}"
    );
}

#[expect(clippy::cast_precision_loss, reason = "thousands of requests")]
fn share(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}

fn regstorm(arguments: &[&str], directory: &std::path::Path) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("regstorm starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    output.stdout
}

#[test]
fn the_published_moments_are_those_of_the_import_and_of_the_replay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let generated = Generated::new();
    // Several files of arrays, as they were published.
    for (place, file) in generated.files(3).iter().enumerate() {
        fs::write(path.join(format!("{place}.json")), file).unwrap();
    }
    let files = ["0.json", "1.json", "2.json"];
    let import = ["trace", "import", "--out", "day.trace", "--quiet"];
    regstorm(&[import.as_slice(), &files].concat(), path);
    let shown = regstorm(&["trace", "show", "day.trace", "--json"], path);
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    let misses = of_import(&shown, generated.requests());
    let toml = scenario(
        &path.join("day.trace"),
        &format!("scale = {SCALE}"),
        "speed = 30",
    )
    .replace("max_vus = 20", "max_vus = 300");
    let (_, finished, records) = replayed(&toml, 1);
    let side = &finished.replays[0];
    assert_eq!(side.recorded.count, generated.requests() + misses);
    assert_eq!(side.replayed.count, side.recorded.count);
    for operation in Operation::ALL {
        let [was, is] =
            [&side.recorded, &side.replayed].map(|side| side.of(operation).map(|it| it.count));
        assert_eq!(was, is, "{operation}");
    }
    let exchanges = finished.record.totals(Period::Measure).exchanges;
    assert_eq!(exchanges.ended(), records.len() as u64);
    of_replay(&records, misses);
}

/// Holds what `trace show` says of the trace. Returns the requests that the import has put back.
fn of_import(shown: &Value, requests: u64) -> u64 {
    let summary = &shown["summary"];
    let number = |value: &Value| value.as_u64().expect("a number");
    let added = number(&summary["added"]);
    assert_eq!(number(&summary["lines"]["requests"]), requests);
    let of_operation = |name: &str, field: &str| {
        let rows = shown["operations"].as_array().expect("rows").iter();
        let mut rows = rows.filter(|it| it["operation"] == name);
        rows.next().map_or(0, |it| number(&it[field]))
    };
    for (method, wanted) in METHODS {
        let put_back = if method == "HEAD" { added } else { 0 };
        let found = number(&shown["methods"][method]) - put_back;
        assert_near(share(found, requests), wanted, method);
    }
    let blobs = of_operation("blob-get", "requests");
    assert_near(share(blobs, requests), BLOBS, "blobs");
    let classes = shown["blob_sizes"].as_array().expect("rows");
    let bytes = |above: u64| -> u64 {
        let is_above = |it: &&Value| it["up_to_bytes"].as_u64().is_none_or(|most| most > above);
        let classes = classes.iter().filter(is_above);
        classes.map(|it| number(&it["bytes"])).sum()
    };
    for (above, wanted) in [64 << 20, 1 << 30].into_iter().zip(LARGE) {
        let found = share(bytes(above), bytes(0));
        assert_near(found, wanted, &format!("bytes above {above}"));
    }
    let repeated = shown["repeated_blobs"].as_f64().expect("a share");
    assert_near(repeated, REPEATED, "blobs that the client had");
    let mounts = of_operation("upload-mount", "requests");
    let starts = of_operation("upload-start", "requests");
    let mounted = share(mounts, mounts + starts);
    assert!((MOUNTED[0]..=MOUNTED[1]).contains(&mounted), "{mounted}");
    // One for each upload and each mount.
    assert_eq!(added, mounts + starts);
    added
}

/// Holds what the registry got.
fn of_replay(records: &[RequestRecord], misses: u64) {
    let all = records.len() as u64 - misses;
    let count = |is: &dyn Fn(&&RequestRecord) -> bool| records.iter().filter(is).count() as u64;
    let has_status = |it: &RequestRecord, status: u16| it.status.is_some_and(|it| it == status);
    for (method, wanted) in METHODS {
        let found = count(&|it| it.method == method && !has_status(it, 404));
        assert_near(share(found, all), wanted, method);
    }
    assert_eq!(count(&|it| has_status(it, 404)), misses);
    let fetched = records
        .iter()
        .filter(|it| it.operation == Some(Operation::BlobGet));
    let sizes: Vec<u64> = fetched.map(|it| it.sent).collect();
    assert_near(share(sizes.len() as u64, all), BLOBS, "blobs");
    let bytes = |above: f64| -> u64 {
        #[expect(clippy::cast_precision_loss, reason = "sizes are small")]
        let large = sizes.iter().filter(|size| **size as f64 > above * SCALE);
        large.sum()
    };
    for (above, wanted) in [67_108_864.0, 1_073_741_824.0].into_iter().zip(LARGE) {
        let found = share(bytes(above), bytes(0.0));
        assert_near(found, wanted, &format!("bytes above {above}"));
    }
    let mounts = count(&|it| it.operation == Some(Operation::UploadMount) && has_status(it, 201));
    let starts = count(&|it| it.operation == Some(Operation::UploadStart));
    let mounted = share(mounts, mounts + starts);
    assert!((MOUNTED[0]..=MOUNTED[1]).contains(&mounted), "{mounted}");
}
