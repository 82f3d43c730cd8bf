//! Pulls: what is asked for, what is checked, and what is left alone.

use std::cell::RefCell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use regstorm::client::{Discard, Error, PullOptions, Pulled, PulledImage, Store, pull};
use regstorm::embedded::{Fault, FaultKind, Point, Quirk, Running, Settings};
use regstorm::oci::{
    Algorithm, Digest, Hasher, ImageName, Manifest, MediaType, Operation, Platform, Reference,
    Verify,
};
use regstorm::profile::Profile;
use regstorm::registry::{BlobSink, Client, Kind, Restart, Wanted};
use regstorm::transport;
use regstorm::units::ByteSize;

use super::user::{User, UserSettings, agree, content, name, refusal, registry, run, tag};
use super::wire::{Wire, answer};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn options(verify: Verify) -> PullOptions {
    PullOptions {
        verify,
        platform: Platform::linux_amd64(),
    }
}

async fn pulled(client: &Client, reference: Reference) -> Result<PulledImage, Error> {
    let image = ImageName {
        repository: name("a"),
        reference,
    };
    match pull(client, &image, &options(Verify::Digest), &Discard).await? {
        Pulled::Image(image) => Ok(*image),
        Pulled::UpToDate(digest) => panic!("nothing is kept, and {digest} is said to be here"),
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> String {
    let (digest, size) = (Digest::sha256(bytes), bytes.len());
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
}

fn store(registry: &Running, reference: Reference, media_type: &MediaType, raw: &str) -> Digest {
    let image = ImageName {
        repository: name("a"),
        reference,
    };
    let raw = Bytes::copy_from_slice(raw.as_bytes());
    registry
        .put_manifest(&image, media_type, raw)
        .expect("it is stored")
}

/// An image with a repeated layer and one that lives elsewhere, in bytes that no serialiser would write.
fn odd_image(registry: &Running) -> String {
    let (config, layer) = (content(500), content(20_000));
    registry.put_blob(&name("a"), config.clone()).expect("room");
    registry.put_blob(&name("a"), layer.clone()).expect("room");
    let layer = descriptor(LAYER, &layer);
    let foreign = descriptor(
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        b"elsewhere",
    );
    format!(
        "{{ \"layers\" :\t[{layer},\n{foreign}, {layer}],\"x\":1,\r\n\"config\":{},\"schemaVersion\":2}}  ",
        descriptor(CONFIG, &config)
    )
}

#[test]
fn every_kind_of_manifest_is_accepted_in_a_line_of_its_own() {
    let registry = registry(Settings {
        quirks: vec![Quirk::StrictAccept],
        ..Settings::default()
    });
    let raw = odd_image(&registry);
    let user = User::new(&registry.url());
    let kinds = [
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ];
    run(async {
        store(&registry, tag("t"), &MediaType::OciManifest, &raw);
        user.client
            .manifest_get(&name("a"), &tag("t"))
            .await
            .unwrap();
        let head = user
            .client
            .manifest_head(&name("a"), &tag("t"))
            .await
            .unwrap();
        let head = head.unwrap();
        assert_eq!(head.digest, Some(Digest::sha256(raw.as_bytes())));
        assert_eq!(head.size, Some(raw.len() as u64));
        assert_eq!(head.media_type, Some(MediaType::OciManifest));
    });
    for request in registry.requests() {
        let mut lines = request.lines("accept");
        lines.sort_unstable();
        let mut expected = kinds;
        expected.sort_unstable();
        assert_eq!(lines, expected);
    }
}

#[test]
fn each_blob_is_fetched_once_and_the_foreign_one_never() {
    let registry = registry(Settings::default());
    let raw = odd_image(&registry);
    let digest = store(&registry, tag("t"), &MediaType::OciManifest, &raw);
    let user = User::new(&registry.url());
    run(async {
        for reference in [tag("t"), Reference::Digest(digest)] {
            let pulled = pulled(&user.client, reference).await.unwrap();
            assert_eq!((pulled.fetched, pulled.bytes), (2, 20_500));
            // Not a byte of the manifest is touched.
            assert_eq!(pulled.manifest.raw(), raw.as_bytes());
        }
        agree(&registry, &[&user]).await;
    });
    let counts = registry.counts();
    assert_eq!(counts.of(Operation::BlobGet), 4);
    assert_eq!(user.totals.received(), counts.sent);
}

#[test]
fn a_manifest_is_passed_on_byte_for_byte() {
    let registry = registry(Settings::default());
    let raw = odd_image(&registry);
    store(&registry, tag("t"), &MediaType::DockerManifest, &raw);
    let user = User::new(&registry.url());
    run(async {
        let manifest = user
            .client
            .manifest_get(&name("a"), &tag("t"))
            .await
            .unwrap();
        registry.set_faults(Vec::new()).unwrap();
        // The registry would refuse it: the foreign layer's type and the blobs are not checked, its bytes are.
        let put = user
            .client
            .manifest_put(&name("a"), &tag("again"), &manifest)
            .await;
        put.unwrap();
        let again = user
            .client
            .manifest_get(&name("a"), &tag("again"))
            .await
            .unwrap();
        assert_eq!(again.raw(), raw.as_bytes());
    });
    let requests = registry.requests();
    let put = requests
        .iter()
        .find(|it| it.operation == Some(Operation::ManifestPut))
        .unwrap();
    assert_eq!(
        put.header("content-type"),
        Some(MediaType::DockerManifest.as_str())
    );
    assert_eq!(
        put.header("content-length"),
        Some(raw.len().to_string().as_str())
    );
}

#[test]
fn an_index_leads_to_the_platform_by_digest() {
    let registry = registry(Settings {
        quirks: vec![Quirk::SparseManifests, Quirk::AnyManifest],
        ..Settings::default()
    });
    let raw = odd_image(&registry);
    let image = store(&registry, tag("image"), &MediaType::OciManifest, &raw);
    let entry = |digest: &Digest, os: &str, architecture: &str| {
        let size = raw.len();
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{size},"platform":{{"os":"{os}","architecture":"{architecture}"}}}}"#
        )
    };
    let other = Digest::sha256(b"not here");
    let index = |entries: &[String]| {
        format!(
            r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
            entries.join(",")
        )
    };
    let good = index(&[
        entry(&other, "unknown", "unknown"),
        entry(&other, "linux", "arm64"),
        entry(&image, "linux", "amd64"),
    ]);
    store(&registry, tag("t"), &MediaType::OciIndex, &good);
    let foreign = index(&[
        entry(&other, "unknown", "unknown"),
        entry(&other, "plan9", "mips"),
    ]);
    store(&registry, tag("foreign"), &MediaType::OciIndex, &foreign);
    let user = User::new(&registry.url());
    run(async {
        let done = pulled(&user.client, tag("t")).await.unwrap();
        assert_eq!(done.fetched, 2);
        let error = pulled(&user.client, tag("foreign")).await.unwrap_err();
        assert!(matches!(error, Error::Platform { .. }), "{error}");
        assert!(error.to_string().contains("plan9/mips"), "{error}");
        agree(&registry, &[&user]).await;
    });
    let requests = registry.requests();
    let targets: Vec<_> = requests.iter().map(|it| it.target.as_str()).collect();
    assert_eq!(targets[0], "/v2/a/manifests/t");
    assert_eq!(targets[1], format!("/v2/a/manifests/{image}"));
    assert!(targets.iter().all(|it| !it.contains(&other.to_string())));
}

#[test]
fn an_index_that_leads_to_itself_ends_and_one_that_lies_about_sizes_is_found() {
    // Only a peer that lies can do it: the digest of the next manifest is right, the size is not; or there is no end.
    let platform = r#""platform":{"os":"linux","architecture":"amd64"}"#;
    let registry = registry(Settings {
        quirks: vec![Quirk::SparseManifests],
        ..Settings::default()
    });
    let raw = odd_image(&registry);
    let image = store(&registry, tag("image"), &MediaType::OciManifest, &raw);
    let mut below = (image, raw.len() + 1, "manifest");
    let user = User::new(&registry.url());
    for depth in 0..6 {
        let (digest, size, kind) = below;
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.{kind}.v1+json","digest":"{digest}","size":{size},{platform}}}]}}"#
        );
        let reference = tag(&format!("d{depth}"));
        below = (
            store(&registry, reference, &MediaType::OciIndex, &index),
            index.len(),
            "index",
        );
    }
    run(async {
        let error = pulled(&user.client, tag("d0")).await.unwrap_err();
        assert!(matches!(error, Error::ManifestSize { .. }), "{error}");
        let before = registry.counts().requests;
        let error = pulled(&user.client, tag("d5")).await.unwrap_err();
        assert!(matches!(error, Error::Depth(_)), "{error}");
        assert!(registry.counts().requests - before <= 5);
    });
}

#[test]
fn schema_1_is_pulled_top_first_and_each_layer_once() {
    let registry = registry(Settings {
        quirks: vec![Quirk::AnyManifest],
        ..Settings::default()
    });
    let (empty, layer) = (content(32), content(9_000));
    registry.put_blob(&name("a"), empty.clone()).unwrap();
    registry.put_blob(&name("a"), layer.clone()).unwrap();
    let sum = |bytes: &[u8]| format!("{{\"blobSum\":\"{}\"}}", Digest::sha256(bytes));
    let (e, l) = (sum(&empty), sum(&layer));
    let payload = format!(
        "{{\n  \"schemaVersion\": 1,\n  \"fsLayers\": [{e},{e},{l},{e}],\n  \"history\": []\n}}"
    );
    let length = payload.len() - 2;
    let protected = URL_SAFE_NO_PAD.encode(format!(
        "{{\"formatLength\":{length},\"formatTail\":\"{}\"}}",
        URL_SAFE_NO_PAD.encode("\n}")
    ));
    let signed = format!(
        "{},\n  \"signatures\": [{{\"protected\":\"{protected}\"}}]\n}}",
        &payload[..length]
    );
    let stored = store(
        &registry,
        tag("t"),
        &MediaType::DockerSchema1Signed,
        &signed,
    );
    // The name of the manifest is the digest of what was signed, not of what is sent.
    assert_eq!(stored, Digest::sha256(payload.as_bytes()));
    let user = User::new(&registry.url());
    run(async {
        for reference in [tag("t"), Reference::Digest(stored)] {
            let done = pulled(&user.client, reference).await.unwrap();
            assert_eq!((done.fetched, done.bytes), (2, 9_032));
            assert_eq!(done.manifest.digest(Algorithm::Sha256), stored);
        }
        agree(&registry, &[&user]).await;
    });
    assert_eq!(registry.counts().of(Operation::BlobGet), 4);
}

/// A manifest over a peer whose answer carries this digest header.
fn digest_header(
    header: Option<String>,
    reference: &Reference,
) -> Result<Manifest, regstorm::registry::Error> {
    let raw = r#"{"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"layers":[]}"#;
    let registry = Wire::answering(move |_, _| {
        let header = header
            .iter()
            .map(|it| format!("Docker-Content-Digest: {it}"));
        let header: Vec<_> = header.collect();
        let headers: Vec<_> = header.iter().map(String::as_str).collect();
        answer("200 OK", &headers, raw)
    });
    let user = User::new(&registry.url());
    let got = run(user.client.manifest_get(&name("a"), reference));
    assert_eq!(user.journal.last().end == "ok", got.is_ok());
    if let Ok(manifest) = &got {
        assert_eq!(manifest.raw(), raw.as_bytes());
    }
    got
}

#[test]
fn a_digest_header_may_be_missing_but_not_wrong() {
    let raw = digest_header(None, &tag("t")).unwrap();
    let right = Digest::sha256(raw.raw());
    let long = Algorithm::Sha512.digest(raw.raw());
    for header in [
        right.to_string(),
        long.to_string(),
        "md5:1234".into(),
        "junk".into(),
    ] {
        digest_header(Some(header.clone()), &tag("t")).unwrap();
        digest_header(Some(header), &Reference::Digest(right)).unwrap();
    }
    digest_header(None, &Reference::Digest(long)).unwrap();
    for wrong in [Digest::sha256(b"other"), Algorithm::Sha512.digest(b"other")] {
        for (header, reference) in [
            (Some(wrong.to_string()), tag("t")),
            (Some(right.to_string()), Reference::Digest(wrong)),
            (None, Reference::Digest(wrong)),
        ] {
            let error = digest_header(header, &reference).unwrap_err();
            assert!(matches!(error.kind(), Kind::Digest { .. }), "{error}");
        }
    }
}

#[test]
fn a_registry_without_digest_headers_can_be_pulled_from() {
    let registry = registry(Settings {
        quirks: vec![Quirk::NoDigestHeader],
        ..Settings::default()
    });
    let raw = odd_image(&registry);
    store(&registry, tag("t"), &MediaType::OciManifest, &raw);
    let user = User::new(&registry.url());
    run(async {
        pulled(&user.client, tag("t")).await.unwrap();
        let head = user
            .client
            .manifest_head(&name("a"), &tag("t"))
            .await
            .unwrap();
        assert_eq!(head.unwrap().digest, None);
    });
}

/// Fetches one blob of 50,000 bytes whose descriptor says `size`, under a fault.
fn fetch(
    fault: Option<FaultKind>,
    size: u64,
    verify: Verify,
) -> (Result<u64, regstorm::registry::Error>, u64) {
    let registry = registry(Settings::default());
    let bytes = content(50_000);
    let digest = registry.put_blob(&name("a"), bytes).expect("room");
    let faults = fault.map(|fault| Fault::on(Operation::BlobGet, fault));
    registry
        .set_faults(faults.into_iter().collect())
        .expect("it runs");
    let user = User::new(&registry.url());
    let got = run(async {
        let wanted = Wanted {
            digest,
            size: Some(size),
            verify,
        };
        let got = user.client.blob_get(&name("a"), wanted, &mut Discard).await;
        settled_with(&registry, &user).await;
        got
    });
    let seen = user.journal.last();
    assert_eq!(seen.status, Some(200));
    assert_eq!(seen.end == "ok", got.is_ok());
    (got.map(|it| it.bytes), seen.ended.received)
}

async fn settled_with(registry: &Running, user: &User) {
    agree(registry, &[user]).await;
}

#[test]
fn a_blob_is_the_wanted_one_or_none() {
    for verify in [Verify::Digest, Verify::Length, Verify::None] {
        assert_eq!(fetch(None, 50_000, verify).0.unwrap(), 50_000);
        let short = fetch(None, 50_001, verify).0;
        let long = fetch(None, 49_999, verify).0;
        let spoilt = fetch(Some(FaultKind::Corrupt(49_999)), 50_000, verify).0;
        let half = Point::AfterBody(ByteSize::from_bytes(20_000));
        let (cut, received) = fetch(Some(FaultKind::Close(half)), 50_000, verify);
        let cut = cut.unwrap_err();
        assert!(
            matches!(cut.kind(), Kind::Transport(transport::Error::Reset { .. })),
            "{cut}"
        );
        assert!(cut.to_string().contains("after 20000 bytes"), "{cut}");
        assert_eq!(received, 20_000);
        if verify == Verify::None {
            assert!(short.is_ok() && long.is_ok() && spoilt.is_ok());
            continue;
        }
        for wrong in [short.unwrap_err(), long.unwrap_err()] {
            assert!(matches!(wrong.kind(), Kind::Size { .. }), "{wrong}");
        }
        match verify {
            Verify::Digest => {
                let error = spoilt.unwrap_err();
                assert!(matches!(error.kind(), Kind::Digest { .. }), "{error}");
            }
            _ => assert!(spoilt.is_ok()),
        }
    }
}

#[test]
fn a_blob_of_another_algorithm_is_checked_by_it() {
    let bytes = content(1_000);
    let registry = Wire::answering({
        let bytes = bytes.clone();
        move |_, _| answer("200 OK", &[], &bytes)
    });
    let user = User::new(&registry.url());
    let get = |digest| {
        let wanted = Wanted {
            digest,
            size: None,
            verify: Verify::Digest,
        };
        run(user.client.blob_get(&name("a"), wanted, &mut Discard))
    };
    assert!(get(Algorithm::Sha512.digest(&bytes)).is_ok());
    let error = get(Algorithm::Sha512.digest(b"x")).unwrap_err();
    assert!(matches!(error.kind(), Kind::Digest { .. }), "{error}");
}

#[test]
fn a_missing_image_is_the_registrys_refusal() {
    let registry = registry(Settings::default());
    let user = User::new(&registry.url());
    run(async {
        let Error::Registry(error) = pulled(&user.client, tag("t")).await.unwrap_err() else {
            panic!("not the registry's");
        };
        assert_eq!(refusal(&error).unwrap().as_u16(), 404);
        assert!(error.to_string().contains("MANIFEST_UNKNOWN"), "{error}");
        assert_eq!(
            user.client
                .manifest_head(&name("a"), &tag("t"))
                .await
                .unwrap(),
            None
        );
        let digest = Digest::sha256(b"x");
        assert_eq!(
            user.client.blob_head(&name("a"), &digest).await.unwrap(),
            None
        );
        // A HEAD has no body, though it tells the length of the one that a GET would have; the connection lives on.
        agree(&registry, &[&user]).await;
        assert_eq!(registry.counts().connections, 1);
    });
}

/// A place for one blob that has some of it already.
struct Partial {
    had: Vec<u8>,
    restarted: Option<Restart>,
}

impl BlobSink for Partial {
    fn resume(&mut self) -> Option<(u64, Hasher)> {
        let mut hasher = Algorithm::Sha256.hasher();
        hasher.update(&self.had);
        Some((self.had.len() as u64, hasher))
    }

    fn restart(&mut self, why: Restart) -> std::io::Result<()> {
        self.had.clear();
        assert_eq!(self.restarted.replace(why), None, "once is enough");
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.had.extend_from_slice(bytes);
        Ok(())
    }
}

/// A blob of 30,000 bytes.
fn whole_blob() -> (Bytes, Wanted) {
    let bytes = content(30_000);
    let wanted = Wanted {
        digest: Digest::sha256(&bytes),
        size: Some(30_000),
        verify: Verify::Digest,
    };
    (bytes, wanted)
}

/// Its first third, which is here.
fn a_third_of(bytes: &[u8]) -> Partial {
    Partial {
        had: bytes[..10_000].to_vec(),
        restarted: None,
    }
}

#[test]
fn a_blob_is_fetched_from_where_it_was_left() {
    let (bytes, wanted) = whole_blob();
    for quirks in [vec![], vec![Quirk::RedirectBlobs]] {
        let registry = registry(Settings {
            quirks,
            ..Settings::default()
        });
        registry.put_blob(&name("a"), bytes.clone()).unwrap();
        let user = User::new(&registry.url());
        let mut sink = a_third_of(&bytes);
        let got = run(user.client.blob_get(&name("a"), wanted, &mut sink)).unwrap();
        assert_eq!((got.bytes, got.size), (20_000, 30_000));
        assert_eq!(sink.had, bytes);
        assert!(
            registry
                .requests()
                .iter()
                .all(|it| it.header("range") == Some("bytes=10000-"))
        );
    }
}

/// However a registry takes a request for the rest, the blob comes. What it sent in vain is counted as what it is.
#[test]
fn a_blob_comes_however_a_registry_takes_a_request_for_its_rest() {
    let (bytes, wanted) = whole_blob();
    for (status, header, from, why) in [
        ("200 OK", "X: y", 0, Some(Restart::Whole)),
        (
            "206 Partial",
            "Content-Range: bytes 10000-29999/30000",
            10_000,
            None,
        ),
        (
            "206 Partial",
            "Content-Range: bytes 9999-29999/30000",
            9_999,
            Some(Restart::Elsewhere),
        ),
        (
            "206 Partial",
            "Content-Range: bytes 0-29999/30000",
            0,
            Some(Restart::Elsewhere),
        ),
        (
            "206 Partial",
            "Content-Type: multipart/byteranges; boundary=x",
            10_000,
            Some(Restart::Elsewhere),
        ),
        ("206 Partial", "X: y", 10_000, Some(Restart::Elsewhere)),
        (
            "416 No",
            "Content-Range: bytes */30000",
            29_990,
            Some(Restart::Refused),
        ),
        ("416 No", "X: y", 29_990, Some(Restart::Refused)),
    ] {
        let whole = bytes.clone();
        let registry = Wire::answering(move |request, _| match request.header("range") {
            Some("bytes=10000-") => answer(status, &[header], whole.slice(from..)),
            Some(other) => panic!("{other}"),
            None => answer("200 OK", &[], &whole),
        });
        let user = User::new(&registry.url());
        let mut sink = a_third_of(&bytes);
        let got = run(user.client.blob_get(&name("a"), wanted, &mut sink)).unwrap();
        assert_eq!((got.size, &sink.had[..]), (30_000, &bytes[..]), "{header}");
        assert_eq!(sink.restarted, why, "{header}");
        let ends: Vec<_> = user.journal.all().iter().map(|it| it.end == "ok").collect();
        let wanted: &[bool] = match why {
            Some(Restart::Elsewhere) => &[false, true],
            Some(Restart::Refused) => &[true, true],
            _ => &[true],
        };
        assert_eq!(ends, wanted, "{header}");
    }
}

#[test]
fn a_part_of_another_blob_is_thrown_away_once() {
    let (bytes, wanted) = whole_blob();
    // What was here is of another blob: the registry has done nothing wrong.
    let registry = registry(Settings::default());
    registry.put_blob(&name("a"), bytes.clone()).unwrap();
    let user = User::new(&registry.url());
    let mut sink = a_third_of(&bytes);
    sink.had[77] ^= 1;
    let got = run(user.client.blob_get(&name("a"), wanted, &mut sink)).unwrap();
    assert_eq!((got.bytes, got.size), (50_000, 30_000));
    assert_eq!(
        (&sink.had[..], sink.restarted),
        (&bytes[..], Some(Restart::OtherContent))
    );
    assert!(user.journal.all().iter().all(|it| it.end == "ok"));
    // Here it is the registry's: after one more request that is known.
    let registry = Wire::answering(|request, _| match request.header("range") {
        Some(_) => answer(
            "206 Partial",
            &["Content-Range: bytes 10000-29999/30000"],
            content(20_000),
        ),
        None => answer("200 OK", &[], vec![0; 30_000]),
    });
    let user = User::new(&registry.url());
    let error = run(user
        .client
        .blob_get(&name("a"), wanted, &mut a_third_of(&bytes)))
    .unwrap_err();
    assert!(matches!(error.kind(), Kind::Digest { .. }), "{error}");
    assert_eq!(user.journal.all().len(), 2);
}

#[test]
fn a_part_that_nobody_asked_for_is_not_the_blob() {
    let (_, wanted) = whole_blob();
    let registry =
        Wire::answering(|_, _| answer("206 Partial", &["Content-Range: bytes 0-1/2"], "xx"));
    let user = User::new(&registry.url());
    let error = run(user.client.blob_get(&name("a"), wanted, &mut Discard)).unwrap_err();
    assert!(matches!(error.kind(), Kind::Protocol(_)), "{error}");
}

/// Part of a manifest is no manifest, however well it reads; only a client that asks with a range is told 206.
#[test]
fn a_manifest_in_part_is_for_who_asks_in_parts() {
    let config = descriptor(CONFIG, b"{}");
    let manifest = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]}}"#);
    let kind = "Content-Type: application/vnd.oci.image.manifest.v1+json";
    let range = format!(
        "Content-Range: bytes 0-{0}/{1}",
        manifest.len() - 1,
        manifest.len()
    );
    let registry =
        Wire::answering(move |_, _| answer("206 Partial Content", &[kind, &range], &manifest));
    let mut in_parts = Profile::named("containerd").expect("a profile").habits();
    in_parts.pull.part_size = Some(ByteSize::from_bytes(1024));
    for (habits, good) in [(Profile::PLAIN.habits(), false), (in_parts, true)] {
        let settings = UserSettings {
            habits,
            ..UserSettings::default()
        };
        let user = User::with(&registry.url(), settings);
        let got = run(user.client.manifest_get(&name("a"), &tag("1")));
        assert_eq!(got.is_ok(), good, "{got:?}");
        let asked = registry.requests();
        let last = asked.last().expect("a request");
        assert_eq!(last.header("range").is_some(), good);
    }
}

/// Counts what it is asked to keep, and refuses it.
#[derive(Default)]
struct Full(RefCell<BTreeMap<Digest, u64>>);

impl Store for Full {
    fn slot(
        &self,
        wanted: &Wanted,
    ) -> std::io::Result<Option<Box<dyn regstorm::client::BlobSlot>>> {
        self.0.borrow_mut().insert(wanted.digest, 1);
        Ok(Some(Box::new(NoRoom)))
    }
}

struct NoRoom;

impl BlobSink for NoRoom {
    fn restart(&mut self, _: Restart) -> std::io::Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &[u8]) -> std::io::Result<()> {
        Err(std::io::Error::other("the disk is full"))
    }
}

impl regstorm::client::BlobSlot for NoRoom {
    fn commit(self: Box<Self>) -> std::io::Result<()> {
        panic!("there is nothing to commit");
    }
}

#[test]
fn a_full_disk_is_no_fault_of_the_registry_and_ends_the_pull() {
    let registry = registry(Settings::default());
    let raw = odd_image(&registry);
    store(&registry, tag("t"), &MediaType::OciManifest, &raw);
    let user = User::with(&registry.url(), UserSettings::default());
    let image = ImageName {
        repository: name("a"),
        reference: tag("t"),
    };
    run(async {
        let options = options(Verify::Digest);
        let pulled = pull(&user.client, &image, &options, &Full::default()).await;
        assert!(pulled.unwrap_err().to_string().contains("the disk is full"));
    });
    let ends: Vec<_> = user
        .journal
        .of(Operation::BlobGet)
        .into_iter()
        .map(|it| it.end)
        .collect();
    assert_eq!(
        ends.len(),
        2,
        "one failed, and the other one was dropped: {ends:?}"
    );
}
