//! `regstorm record` between real clients and docker-registry: the trace equals the registry's access log.
//!
//! That what arrives behind it is what clients send without it, is held in `replay::real::through`.

mod clients;
mod replayed;

use std::fs;

use crate::support::{
    Corpus, Flavour, Granting, PASSWORD, Program, Recording, Registry, TokenServer, USER,
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
    let dir = crate::support::scratch();
    let file = dir.path().join("blob");
    fs::File::create(&file)
        .expect("a file")
        .set_len(BLOB)
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
    let url = format!("{}/v2/lab/large/blobs/{digest}", recording.url());
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
