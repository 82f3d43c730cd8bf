//! `regstorm record` between real clients and docker-registry: the trace equals the registry's access log.
//!
//! That what arrives behind it is what clients send without it, is held in `replay::real::through`.

mod clients;
mod replayed;
mod secure;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::{
    Corpus, Flavour, Granting, PASSWORD, Program, Recording, Registry, TokenServer, TraceRow, USER,
    copy_back, skopeo,
};

/// The lines of an access log as rows of a trace: method, operation, status and bytes of the response. HEAD is written there with
/// the length that a body would have.
fn logged(registry: &Registry, mark: usize) -> Vec<(String, String, u16, u64)> {
    let lines = registry.since(mark);
    let mut rows: Vec<_> = lines
        .iter()
        .map(|it| {
            let bytes = if it.method == "HEAD" { 0 } else { it.bytes };
            (
                it.method.clone(),
                it.operation().to_owned(),
                it.status,
                bytes,
            )
        })
        .collect();
    rows.sort();
    rows
}

#[track_caller]
fn assert_logged(registry: &Registry, mark: usize, recording: Recording) -> String {
    let (rows, said) = recording.end();
    let rows: Vec<_> = rows
        .into_iter()
        .map(|it| (it.method.to_owned(), it.operation, it.status, it.received))
        .collect();
    assert!(!rows.is_empty());
    assert_eq!(rows, logged(registry, mark), "{said}");
    said
}

#[test]
fn a_push_and_a_pull_of_skopeo_are_in_the_trace_as_in_the_access_log() {
    let corpus = Corpus::new(701);
    let registry = Registry::start(Flavour::Open);
    let mark = registry.mark();
    let recording = Recording::start(&registry.url(), &[]);
    let image = format!("docker://{}/lab/img:1", recording.host());
    skopeo(["copy", "--dest-tls-verify=false", &corpus.source(), &image])
        .run()
        .ok();
    let copied = copy_back(&image, &["--src-tls-verify=false"]);
    assert_eq!(copied, corpus.layout().image("img"));
    assert_logged(&registry, mark, recording);
}

#[test]
fn clients_speak_tls_with_it_by_its_own_ca() {
    let corpus = Corpus::new(702);
    let registry = Registry::start(Flavour::Open);
    let mark = registry.mark();
    let recording = Recording::start(&registry.url(), &["--tls"]);
    let certificates = corpus.path().join("certs");
    fs::create_dir(&certificates).expect("a directory");
    fs::copy(recording.ca(), certificates.join("ca.crt")).expect("a CA");
    let image = format!("docker://{}/lab/img:1", recording.host());
    let dir = certificates.to_str().expect("a plain path");
    skopeo(["copy", "--dest-cert-dir", dir, &corpus.source(), &image])
        .run()
        .ok();
    let copied = copy_back(&image, &["--src-cert-dir", dir]);
    assert_eq!(copied, corpus.layout().image("img"));
    // openssl reads the certificate as a client does.
    let connect = [
        "s_client",
        "-connect",
        &recording.host(),
        "-verify_return_error",
        "-CAfile",
    ];
    let finished = Program::new("openssl")
        .args(connect)
        .args([recording.ca()])
        .run()
        .ok();
    assert!(
        finished.stdout.contains("Verify return code: 0 (ok)"),
        "{finished}"
    );
    assert_logged(&registry, mark, recording);
}

#[test]
fn tokens_are_fetched_from_their_service_and_no_secret_is_in_the_trace() {
    let corpus = Corpus::new(703);
    let tokens = TokenServer::start(Granting::default());
    let registry = Registry::with_tokens(&tokens);
    let mark = registry.mark();
    let recording = Recording::start(&registry.url(), &["--keep-names"]);
    let image = format!("docker://{}/lab/img:1", recording.host());
    let creds = format!("{USER}:{PASSWORD}");
    skopeo([
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        &creds,
        &corpus.source(),
        &image,
    ])
    .run()
    .ok();
    copy_back(&image, &["--src-tls-verify=false", "--src-creds", &creds]);
    assert!(!tokens.take().is_empty());
    let said = assert_logged(&registry, mark, recording);
    assert!(said.contains("led to 127.0.0.1"), "{said}");
    assert!(!said.contains(PASSWORD) && !said.contains("Bearer") && !said.contains("eyJ"));
}

#[test]
fn a_blob_larger_than_the_memory_of_the_recorder_passes() {
    const BLOB: u64 = 512 << 20;
    let registry = Registry::start(Flavour::Open);
    let recording = Recording::start(&registry.url(), &[]);
    let dir = crate::support::scratch();
    let url = stored(&recording, dir.path(), BLOB);
    let back = dir.path().join("back");
    Program::new("curl")
        .args(["-sf", "-o"])
        .args([&back])
        .args([url])
        .run()
        .ok();
    assert_eq!(fs::metadata(&back).expect("a file").len(), BLOB);
    let peak = recording.peak_memory();
    assert!(peak < 200 << 20, "{peak} bytes");
    let (rows, said) = recording.end();
    let sizes: Vec<_> = rows
        .iter()
        .map(|it| (it.operation.as_str(), it.sent, it.received))
        .collect();
    assert!(
        sizes.contains(&("upload-put", BLOB, 0)) && sizes.contains(&("blob-get", 0, BLOB)),
        "{sizes:?} {said}"
    );
}

/// Pushes a blob of zeros through a recorder, and gives its URL.
fn stored(recording: &Recording, dir: &Path, bytes: u64) -> String {
    let started = Program::new("curl")
        .args(["-sfi", "-X", "POST"])
        .args([format!("{}/v2/lab/large/blobs/uploads/", recording.url())])
        .run()
        .ok();
    let location = started
        .stdout
        .lines()
        .find_map(|it| it.strip_prefix("Location: "));
    let location = location.expect("an upload").trim().to_owned();
    let file = dir.join("blob");
    fs::File::create(&file)
        .expect("a file")
        .set_len(bytes)
        .expect("a hole");
    let sum = Program::new("sha256sum").args([&file]).run().ok().stdout;
    let digest = format!("sha256:{}", sum.split(' ').next().expect("a sum"));
    let put = format!("{location}&digest={digest}");
    Program::new("curl")
        .args(["-sf", "-T"])
        .args([&file])
        .args([put])
        .run()
        .ok();
    format!("{}/v2/lab/large/blobs/{digest}", recording.url())
}

#[test]
fn a_registry_that_is_killed_is_told_to_clients_and_in_the_trace() {
    const BLOB: u64 = 64 << 20;
    let mut registry = Registry::start(Flavour::Open);
    let recording = Recording::start(&registry.url(), &[]);
    let dir = crate::support::scratch();
    let url = stored(&recording, dir.path(), BLOB);
    let back = dir.path().join("back");
    let mut slow = Program::new("curl")
        .args(["-s", "--limit-rate", "1M", "-o"])
        .args([&back])
        .args([&url])
        .start(&dir.path().join("said"));
    assert!(slow.ready(|| fs::metadata(&back).is_ok_and(|it| it.len() > 0)));
    registry.kill();
    let status = slow.wait(Duration::from_mins(5));
    let partial = 18; // as curl has it
    assert_eq!(status.and_then(|it| it.code()), Some(partial));
    let told = Program::new("curl").args(["-si", &url]).run().ok();
    for words in [
        "HTTP/1.1 502 Bad Gateway",
        "regstorm record: ",
        &registry.host(),
    ] {
        assert!(told.stdout.contains(words), "{words}: {told}");
    }
    let image = format!("docker://{}/lab/img:1", recording.host());
    let failed = skopeo(["inspect", "--tls-verify=false", &image]).run();
    assert!(
        failed.code() != 0 && failed.stderr.contains("502"),
        "{failed}"
    );
    let (rows, said) = recording.end();
    for words in [
        "1 broken off by the registry",
        "(502)",
        "first 502",
        &registry.host(),
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let cut = |it: &&TraceRow| it.operation == "blob-get" && it.status == 200;
    let cut: Vec<_> = rows.iter().filter(cut).map(|it| it.received).collect();
    assert!(matches!(cut[..], [received] if received < BLOB), "{rows:?}");
    let unreached = rows.iter().filter(|it| it.status == 502).count();
    assert!(unreached >= 2, "{rows:?}");
}
