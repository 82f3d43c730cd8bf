//! Answers with a `Content-Encoding`: decoded where they can be, checked as what they decode to, counted as they came.

use std::io::{self, Read as _, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use regstorm::client::Discard;
use regstorm::oci::{Digest, MediaType, Operation, Verify};
use regstorm::profile::Profile;
use regstorm::registry::{Kind, Wanted};

use super::image::{Image, Kept, MANIFEST, pulled};
use super::user::{User, UserSettings, fetch, name, run, tag};
use super::wire::{Request, Wire, answer};

/// Text that becomes shorter.
fn text(length: usize) -> Bytes {
    b"What is written twice is written once. "
        .iter()
        .copied()
        .cycle()
        .take(length)
        .collect()
}

pub(super) fn encode(encoding: &str, plain: &[u8]) -> Vec<u8> {
    match encoding {
        // Two members, as some servers send what they read in two parts.
        "gzip" | "GZIP" | "x-gzip" => {
            let member = |plain: &[u8]| {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
                gzip.write_all(plain).expect("memory takes it");
                gzip.finish().expect("memory takes it")
            };
            let (first, second) = plain.split_at(plain.len() / 2);
            [member(first), member(second)].concat()
        }
        "deflate" => {
            let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
            zlib.write_all(plain).expect("memory takes it");
            zlib.finish().expect("memory takes it")
        }
        "zstd" => zstd::encode_all(plain, 3).expect("memory takes it"),
        other => panic!("{other}"),
    }
}

/// One layer that becomes shorter, and a config.
fn image() -> Image {
    Image::of(text(2_000), vec![text(300_000)])
}

/// A peer that encodes what it gives, whoever asks.
fn encoded(encoding: &'static str) -> Wire {
    let image = image();
    Wire::answering(move |request: &Request, _| {
        let is_manifest = request.target.contains("/manifests/");
        let found = if is_manifest {
            Some(&image.manifest)
        } else {
            image.blob(&request.target)
        };
        let Some(found) = found else {
            return answer("200 OK", &[], "");
        };
        let digest = format!("Docker-Content-Digest: {}", Digest::sha256(found));
        let kind = format!("Content-Type: {MANIFEST}");
        let coding = format!("Content-Encoding: {encoding}");
        let headers = [digest.as_str(), &kind, &coding];
        if request.method == "HEAD" {
            return answer("200 OK", &headers, "");
        }
        answer("200 OK", &headers, encode(encoding, found))
    })
}

fn user(peer: &Wire, client: &str) -> User {
    let profile = Profile::named(client).expect("a profile");
    let settings = UserSettings {
        habits: profile.habits(),
        ..UserSettings::default()
    };
    User::with(&peer.url(), settings)
}

#[test]
fn what_is_encoded_is_checked_as_what_it_is_and_counted_as_it_came() {
    let image = image();
    let clients = ["docker", "containerd", "podman", "crane", "oras", "plain"];
    let many = ["containerd", "plain"];
    for (encoding, clients) in [
        ("gzip", &clients[..]),
        ("GZIP", &clients),
        ("deflate", &many),
        ("zstd", &many),
        ("x-gzip", &["plain"]),
    ] {
        for client in clients {
            let peer = encoded(encoding);
            let (user, kept) = (user(&peer, client), Kept::default());
            let done = run(pulled(&user, &kept));
            let done = done.unwrap_or_else(|error| panic!("{client}, {encoding}: {error}"));
            assert_eq!(done.manifest.raw(), &image.manifest);
            kept.assert_whole(&image);
            // On the wire they were shorter, and that is what was received.
            let wire = |plain: &Bytes| encode(encoding, plain).len() as u64;
            let sum = |operation| -> u64 {
                let all = user.journal.of(operation).into_iter();
                all.map(|it| it.ended.received).sum()
            };
            assert_eq!(sum(Operation::ManifestGet), wire(&image.manifest));
            let blobs = image.blobs().map(wire).sum::<u64>();
            assert_eq!(sum(Operation::BlobGet), blobs, "{client}, {encoding}");
            assert!(blobs < 30_000);
            assert_eq!(done.bytes, blobs, "{client}, {encoding}");
            assert_eq!(user.totals.received(), wire(&image.manifest) + blobs);
        }
    }
}

/// What clients ask for: nothing with HEAD, gzip elsewhere; containerd more where it knows what it fetches.
#[test]
fn encodings_are_asked_for_as_each_client_does() {
    const MANY: Option<&str> = Some("zstd;q=1.0, gzip;q=0.8, deflate;q=0.5");
    const GZIP: Option<&str> = Some("gzip");
    for (client, manifest, blob) in [
        ("docker", GZIP, GZIP),
        ("containerd", MANY, MANY),
        ("podman", GZIP, GZIP),
        ("crane", GZIP, GZIP),
        ("plain", None, None),
    ] {
        let peer = encoded("gzip");
        let user = user(&peer, client);
        run(pulled(&user, &Discard)).expect("a pull");
        for request in peer.requests() {
            let wanted = match request.method.as_str() {
                "HEAD" => None,
                _ if request.target.contains("/blobs/") => blob,
                _ if request.target.contains("/manifests/") => manifest,
                _ => GZIP,
            };
            let target = &request.target;
            assert_eq!(
                request.header("accept-encoding"),
                wanted,
                "{client}: {target}"
            );
        }
    }
}

/// The bytes of a blob with its digest, encoded as something else.
#[test]
fn a_wrong_digest_is_found_behind_an_encoding() {
    let wanted = text(10_000);
    let other = text(9_999);
    for (sent, is_digest) in [
        (text(10_000).slice(1..), false),
        (other, false),
        (b"x".repeat(10_000).into(), true),
    ] {
        let body = encode("gzip", &sent);
        let peer = Wire::answering(move |_: &Request, _| {
            answer("200 OK", &["Content-Encoding: gzip"], &body)
        });
        let user = user(&peer, "docker");
        let wanted = Wanted {
            digest: Digest::sha256(&wanted),
            size: Some(wanted.len() as u64),
            verify: Verify::Digest,
        };
        let error = run(async {
            let got = user.client.blob_get(&name("a"), wanted, &mut Discard).await;
            got.expect_err("it is not what was wanted")
        });
        let right = match error.kind() {
            Kind::Digest { .. } => is_digest,
            Kind::Size {
                expected: 10_000, ..
            } => !is_digest,
            _ => false,
        };
        assert!(right, "{error}");
    }
}

/// Small on the wire, and without bound behind it.
#[test]
fn a_bomb_is_refused() {
    let zeros = |length| io::repeat(0).take(length);
    // As a manifest, which may have 8 MiB, and as a blob, of which nothing is known.
    let bomb = zstd::encode_all(zeros(70 << 20), 1).expect("memory takes it");
    assert!(bomb.len() < 100_000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    io::copy(&mut zeros(70 << 20), &mut gzip).expect("memory takes it");
    let gzip = gzip.finish().expect("memory takes it");
    for (encoding, bomb) in [("zstd", bomb), ("gzip", gzip)] {
        let coding = format!("Content-Encoding: {encoding}");
        let length = bomb.len() as u64;
        let peer = Wire::answering(move |_: &Request, _| answer("200 OK", &[&coding], &bomb));
        let user = user(&peer, "plain");
        run(async {
            let (client, repository) = (&user.client, name("a"));
            let error = client.manifest_get(&repository, &tag("t")).await;
            let error = error.expect_err("no manifest is as long");
            let refused = matches!(error.kind(), Kind::TooLong(_) | Kind::Encoding(_));
            assert!(refused, "{encoding}: {error}");
            let wanted = Wanted {
                digest: Digest::sha256(b"x"),
                size: Some(1000),
                verify: Verify::Length,
            };
            let error = client.blob_get(&repository, wanted, &mut Discard).await;
            let error = error.expect_err("it is longer than it says");
            let refused = matches!(error.kind(), Kind::Size { .. } | Kind::Encoding(_));
            assert!(refused, "{encoding}: {error}");
        });
        let all = user.journal.all();
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|it| it.ended.received <= length));
    }
}

#[test]
fn what_cannot_be_undone_is_the_registrys_fault() {
    for (client, coding, body) in [
        ("docker", "gzip", b"this is no gzip".to_vec()),
        ("plain", "zstd", b"this is no zstd".to_vec()),
        ("plain", "deflate", b"\xffthis is no zlib".to_vec()),
    ] {
        let header = format!("Content-Encoding: {coding}");
        let peer = Wire::answering(move |_: &Request, _| answer("200 OK", &[&header], &body));
        let user = user(&peer, client);
        let error = run(async {
            let got = user.client.manifest_get(&name("a"), &tag("t")).await;
            got.expect_err("it cannot be read")
        });
        assert!(
            matches!(error.kind(), Kind::Encoding(_)),
            "{coding}: {error}"
        );
        assert!(error.to_string().contains("Content-Encoding"), "{error}");
        let all = user.journal.all();
        assert_eq!((all.len(), all[0].status), (1, Some(200)));
        assert_ne!(all[0].end, "ok");
    }
}

/// Labels that object stores and web servers put on what is not encoded: skopeo 1.9.3, which is Go's transport, takes each
/// of them as it comes.
#[test]
fn what_is_labelled_and_not_encoded_is_taken_as_it_comes() {
    let blob = encode("gzip", &text(10_000));
    for label in [
        "aws-chunked",
        "UTF-8",
        "binary",
        "none",
        "br",
        "x-gzip",
        "zstd",
        "Identity",
        "identity, identity",
        "",
    ] {
        let (header, sent) = (format!("Content-Encoding: {label}"), blob.clone());
        let peer = Wire::answering(move |_: &Request, _| answer("200 OK", &[&header], &sent));
        for client in ["docker", "podman", "crane", "oras", "plain"] {
            // By the specification these two name codings, whoever asked for them.
            if client == "plain" && ["x-gzip", "zstd"].contains(&label) {
                continue;
            }
            let user = user(&peer, client);
            let fetched = run(fetch(&user, &Bytes::from(blob.clone())));
            assert!(fetched.is_ok(), "{client}, {label}: {fetched:?}");
        }
    }
}

/// A layer is gzip by itself. Labelled so, it is decoded by every client, and has another digest then.
#[test]
fn a_wrong_label_is_named_and_counted_as_what_it_comes_to() {
    let blob = encode("gzip", &text(10_000));
    let sent = blob.clone();
    let peer =
        Wire::answering(move |_: &Request, _| answer("200 OK", &["Content-Encoding: gzip"], &sent));
    for client in ["docker", "plain"] {
        let user = user(&peer, client);
        let error = run(fetch(&user, &Bytes::from(blob.clone()))).expect_err("it is decoded");
        assert!(matches!(error.kind(), Kind::Size { .. }), "{error}");
        assert!(
            error.to_string().contains("`Content-Encoding: gzip`"),
            "{error}"
        );
        assert!(user.journal.last().end.contains("`Content-Encoding: gzip`"));
    }
}

/// A `Content-Encoding` on an answer without a body says what the body would be.
#[test]
fn a_head_tells_of_an_encoding_and_has_nothing_to_undo() {
    let peer = Wire::answering(|_: &Request, _| {
        let digest = format!("Docker-Content-Digest: {}", Digest::sha256(b"{}"));
        let kind = format!("Content-Type: {MANIFEST}");
        answer("200 OK", &["Content-Encoding: br", &digest, &kind], "")
    });
    let user = user(&peer, "docker");
    let head = run(async {
        let found = user.client.manifest_head(&name("a"), &tag("t")).await;
        found.expect("an answer").expect("a manifest")
    });
    assert_eq!(head.digest, Some(Digest::sha256(b"{}")));
    assert_eq!(head.media_type, Some(MediaType::from(MANIFEST)));
}

/// What was encoded and is cut short lacks its end, which is found though all that came could be decoded.
#[test]
fn an_encoded_answer_that_ends_too_early_is_found() {
    for (client, encoding) in [("docker", "gzip"), ("plain", "deflate"), ("plain", "zstd")] {
        let manifest = image().manifest;
        let mut body = encode(encoding, &manifest);
        body.truncate(body.len() / 2);
        let header = format!("Content-Encoding: {encoding}");
        let peer = Wire::answering(move |_: &Request, _| answer("200 OK", &[&header], &body));
        let user = user(&peer, client);
        run(async {
            let got = user.client.manifest_get(&name("a"), &tag("t")).await;
            got.expect_err("half of it is missing");
        });
        assert_ne!(user.journal.last().end, "ok");
    }
}
