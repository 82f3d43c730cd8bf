//! Whole pushes and pulls: the trace equals the registry's own log.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use regstorm::embedded::{Auth, Quirk, Running, Settings};
use regstorm::oci::{Digest, Operation};
use regstorm::units::Secret;
use serde_json::json;

use super::bench::{Recorded, Recording, Row};
use crate::support::{registry, settled};

const PASSWORD: &str = "marmot-basalt-3317";

fn recording_registry(settings: Settings) -> Running {
    registry(Settings {
        record_requests: Some(1000),
        ..settings
    })
}

fn regstorm(recording: &Recording, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(recording.path("."))
        .env("REGSTORM_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Pushes an image of three layers and pulls it again.
fn push_and_pull(recording: &Recording, options: &[&str]) {
    let dir = recording.path("image");
    layout(&dir);
    let url = &recording.url;
    regstorm(
        recording,
        &[&["push", "image", url, "team/app:1"], options].concat(),
    );
    regstorm(
        recording,
        &[&["pull", url, "team/app:1", "back"], options].concat(),
    );
}

/// An image layout of three layers that are no archives: a push reads no more than their digests.
fn layout(dir: &Path) {
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let store = |bytes: &[u8], media_type: &str| {
        let digest = Digest::sha256(bytes);
        fs::write(blobs.join(digest.to_hex()), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
    };
    let oci = |kind: &str| format!("application/vnd.oci.image.{kind}");
    let layers: Vec<_> = (0..3_u8)
        .map(|it| store(&vec![it; 300_000], &oci("layer.v1.tar")))
        .collect();
    let config = store(
        b"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
        &oci("config.v1+json"),
    );
    let manifest = json!({
        "schemaVersion": 2, "mediaType": oci("manifest.v1+json"), "config": config, "layers": layers
    });
    let manifest = store(manifest.to_string().as_bytes(), &oci("manifest.v1+json"));
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
    fs::write(dir.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").unwrap();
}

/// Every request that the registry saw is a row, and no row is anything else: kind, status, and bytes of both bodies, in the
/// order in which they came; of requests that came in the same moment in any.
#[track_caller]
fn assert_same(registry: &Running, recorded: &Recorded) {
    settled(registry);
    let mut seen: Vec<(String, u16, u64, u64)> = registry
        .requests()
        .into_iter()
        .filter(|it| !it.at_storage_host)
        .map(|it| {
            let operation = it
                .operation
                .map_or_else(|| "none".to_owned(), |it| it.to_string());
            let status = it.status.map_or(0, |it| it.as_u16());
            (operation, status, it.received, it.sent)
        })
        .collect();
    let row = |it: &Row| (it.operation.clone(), it.status, it.sent, it.received);
    let mut rows: Vec<_> = recorded.rows.iter().map(row).collect();
    seen.sort();
    rows.sort();
    assert!(!seen.is_empty());
    assert_eq!(seen, rows, "{}", recorded.said);
}

#[test]
fn a_push_and_a_pull_are_the_rows_that_the_registry_logged() {
    let registry = recording_registry(Settings::default());
    let recording = Recording::start(&registry.url(), &[]);
    push_and_pull(&recording, &[]);
    let recorded = recording.end().says(&["whole", "session"]);
    assert_same(&registry, &recorded);
    let rows = &recorded.rows;
    assert!(
        rows.iter()
            .all(|it| it.repository.is_empty() || it.repository == "team/app")
    );
    let tagged = rows.iter().filter(|it| it.reference == "1");
    let tagged: Vec<_> = tagged.map(|it| it.operation.as_str()).collect();
    assert!(
        tagged.contains(&"manifest-put") && tagged.contains(&"manifest-get"),
        "{tagged:?}"
    );
    // Blobs name their digests, whose letters are those of the paths.
    let digests: Vec<String> = registry
        .requests()
        .iter()
        .filter(|it| it.operation == Some(Operation::BlobGet))
        .map(|it| it.target.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(digests.len(), 4);
    for digest in digests {
        assert!(
            rows.iter()
                .any(|it| it.operation == "blob-get" && it.reference == digest)
        );
    }
}

#[test]
fn tls_on_both_sides_carries_http2_where_the_registry_speaks_it() {
    let registry = recording_registry(Settings {
        tls: true,
        ..Settings::default()
    });
    let place = tempfile::tempdir().unwrap();
    let ca = place.path().join("target.pem");
    fs::write(&ca, registry.ca().unwrap()).unwrap();
    let options = ["--tls", "--ca-out", "own.pem", "--ca", ca.to_str().unwrap()];
    let recording = Recording::start(&registry.url(), &options);
    push_and_pull(&recording, &["--ca", "own.pem", "--http", "auto"]);
    let http2 = registry.counts().http2_connections;
    assert!(http2 >= 2, "{http2} connections");
    regstorm(
        &recording,
        &[
            "pull",
            &recording.url,
            "team/app:1",
            "again",
            "--ca",
            "own.pem",
            "--http",
            "1.1",
        ],
    );
    assert_eq!(registry.counts().http2_connections, http2);
    let recorded = recording.end().says(&["whole"]);
    assert_same(&registry, &recorded);
}

#[test]
fn tls_in_front_of_a_registry_without_it_is_http1() {
    let registry = recording_registry(Settings::default());
    let recording = Recording::start(&registry.url(), &["--tls", "--ca-out", "own.pem"]);
    push_and_pull(&recording, &["--ca", "own.pem", "--http", "auto"]);
    assert_same(&registry, &recording.end().says(&["whole"]));
}

#[test]
fn tokens_are_fetched_through_the_recorder_and_no_secret_is_kept() {
    let registry = recording_registry(Settings {
        auth: Auth::Bearer {
            user: "ann".to_owned(),
            password: Secret::new(PASSWORD),
            token_lifetime: Duration::from_mins(1),
            anonymous_pull: false,
        },
        ..Settings::default()
    });
    let recording = Recording::with(&registry.url(), &[]);
    push_and_pull(&recording, &["--user", "ann"]);
    let recorded = recording.end().says(&["401"]);
    assert_same(&registry, &recorded);
    let tokens = recorded.rows.iter().filter(|it| it.operation == "token");
    assert_eq!(tokens.count(), 2);
    assert!(!recorded.said.contains(PASSWORD));
    let has = |text: &str| {
        recorded
            .bytes
            .windows(text.len())
            .any(|it| it == text.as_bytes())
    };
    assert!(!has(PASSWORD) && !has("team/app") && !has("ann"));
}

#[test]
fn redirects_to_another_host_are_left_and_told() {
    let registry = recording_registry(Settings {
        quirks: vec![Quirk::RedirectBlobs],
        ..Settings::default()
    });
    let recording = Recording::start(&registry.url(), &[]);
    push_and_pull(&recording, &[]);
    let recorded = recording
        .end()
        .says(&["led to 127.0.0.", "not recorded", "307"]);
    assert_same(&registry, &recorded);
    let at_storage = registry
        .requests()
        .iter()
        .filter(|it| it.at_storage_host)
        .count();
    assert_eq!(at_storage, 4);
}
