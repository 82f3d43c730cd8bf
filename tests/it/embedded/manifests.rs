//! Manifests in and out.

use regstorm::embedded::Quirk;
use regstorm::oci::{Algorithm, Digest, ImageName, MediaType};
use regstorm::units::ByteSize;

use super::wire::{Client, OCI_INDEX, OCI_MANIFEST, image, registry};

#[test]
fn a_manifest_comes_back_byte_for_byte() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let config = client.push_blob("a", b"{}");
    let mut raw = image(&config, "");
    raw.extend_from_slice(b"\n\n  ");
    let digest = Digest::sha256(&raw);
    let typed = [("Content-Type", OCI_MANIFEST)];
    let put = client.send("PUT", "/v2/a/manifests/v1", &typed, &raw);
    assert_eq!(
        (put.status, put.location()),
        (201, format!("/v2/a/manifests/{digest}"))
    );
    assert_eq!(put.need("docker-content-digest"), digest.to_string());
    for version in [
        "v1".to_owned(),
        digest.to_string(),
        digest.to_string().replace(':', "%3A"),
    ] {
        let path = format!("/v2/a/manifests/{version}");
        let got = client.get(&path);
        assert_eq!(
            (got.status, got.need("content-type"), &got.body),
            (200, OCI_MANIFEST, &raw)
        );
        assert_eq!(got.need("docker-content-digest"), digest.to_string());
        let head = client.send("HEAD", &path, &[], b"");
        assert_eq!(
            (head.status, head.need("content-length")),
            (200, raw.len().to_string().as_str())
        );
        let etag = format!("\"{digest}\"");
        assert_eq!(
            client
                .send("GET", &path, &[("If-None-Match", &etag)], b"")
                .status,
            304
        );
    }
    let elsewhere = client.get(&format!("/v2/b/manifests/{digest}"));
    assert_eq!(
        (elsewhere.status, elsewhere.code().as_str()),
        (404, "MANIFEST_UNKNOWN")
    );
}

#[test]
fn a_manifest_is_checked_before_it_is_kept() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let config = client.push_blob("a", b"{}");
    let raw = image(&config, "");
    let absent = image(&Digest::sha256(b"absent"), "");
    let other = format!("/v2/a/manifests/{}", Digest::sha256(b"other"));
    let tag = "/v2/a/manifests/1";
    for (path, media_type, body, code) in [
        (tag, None, &raw[..], "MANIFEST_INVALID"),
        (tag, Some("application/json"), &raw[..], "MANIFEST_INVALID"),
        (
            tag,
            Some("application/vnd.docker.distribution.manifest.v2+json"),
            &raw[..],
            "MANIFEST_INVALID",
        ),
        (tag, Some(OCI_INDEX), &raw[..], "MANIFEST_INVALID"),
        (
            tag,
            Some("application/vnd.docker.distribution.manifest.v1+prettyjws"),
            b"{}",
            "MANIFEST_INVALID",
        ),
        (tag, Some(OCI_MANIFEST), b"{", "MANIFEST_INVALID"),
        (
            tag,
            Some(OCI_MANIFEST),
            &absent[..],
            "MANIFEST_BLOB_UNKNOWN",
        ),
        (&other, Some(OCI_MANIFEST), &raw[..], "DIGEST_INVALID"),
        (
            "/v2/a/manifests/-bad",
            Some(OCI_MANIFEST),
            &raw[..],
            "TAG_INVALID",
        ),
        (
            "/v2/A/manifests/1",
            Some(OCI_MANIFEST),
            &raw[..],
            "NAME_INVALID",
        ),
    ] {
        let headers: Vec<_> = media_type.iter().map(|it| ("Content-Type", *it)).collect();
        let refused = client.send("PUT", path, &headers, body);
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (400, code),
            "{path} {media_type:?}"
        );
    }
    assert_eq!(client.get(tag).status, 404);
    // Parameters of the type do not count.
    let typed = format!("{OCI_MANIFEST}; charset=utf-8");
    assert_eq!(
        client
            .send("PUT", tag, &[("Content-Type", &typed)], &raw)
            .status,
        201
    );
    assert_eq!(client.get(tag).need("content-type"), OCI_MANIFEST);
}

#[test]
fn foreign_layers_and_subjects_need_not_be_there() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let absent = Digest::sha256(b"absent");
    let config = client.push_blob("a", b"{}");
    let typed = [("Content-Type", OCI_MANIFEST)];
    let layer = |media_type: &str| {
        let raw = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"x/y","digest":"{config}","size":2}},"layers":[{{"mediaType":"{media_type}","digest":"{absent}","size":6}}]}}"#
        );
        raw.into_bytes()
    };
    let foreign = layer("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    assert_eq!(
        client
            .send("PUT", "/v2/a/manifests/f", &typed, &foreign)
            .status,
        201
    );
    let plain = layer("application/vnd.oci.image.layer.v1.tar+gzip");
    assert_eq!(
        client
            .send("PUT", "/v2/a/manifests/p", &typed, &plain)
            .code(),
        "MANIFEST_BLOB_UNKNOWN"
    );
    let subject =
        format!(r#","subject":{{"mediaType":"{OCI_MANIFEST}","digest":"{absent}","size":6}}"#);
    let with = client.send(
        "PUT",
        "/v2/a/manifests/s",
        &typed,
        &image(&config, &subject),
    );
    assert_eq!(
        (with.status, with.need("oci-subject")),
        (201, absent.to_string().as_str())
    );
}

#[test]
fn an_index_needs_its_children() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let (child, raw) = client.push_image("a", "child", "");
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{{"mediaType":"{OCI_MANIFEST}","digest":"{child}","size":{}}}]}}"#,
        raw.len()
    );
    let typed = [("Content-Type", OCI_INDEX)];
    assert_eq!(
        client
            .send("PUT", "/v2/a/manifests/i", &typed, index.as_bytes())
            .status,
        201
    );
    let elsewhere = client.send("PUT", "/v2/b/manifests/i", &typed, index.as_bytes());
    assert_eq!(
        (elsewhere.status, elsewhere.code().as_str()),
        (400, "MANIFEST_BLOB_UNKNOWN")
    );
}

#[test]
fn a_manifest_may_not_be_too_large() {
    let registry = registry(|settings| settings.max_manifest_size = ByteSize::from_bytes(400));
    let mut client = Client::to(&registry);
    let config = client.push_blob("a", b"{}");
    let typed = [("Content-Type", OCI_MANIFEST)];
    let fits = image(&config, "");
    assert!(fits.len() <= 400);
    assert_eq!(
        client
            .send("PUT", "/v2/a/manifests/1", &typed, &fits)
            .status,
        201
    );
    let mut large = fits;
    large.resize(401, b' ');
    assert_eq!(
        client
            .send("PUT", "/v2/a/manifests/2", &typed, &large)
            .status,
        413
    );
    // Without a length it shows only while reading; the connection is still good afterwards.
    assert_eq!(
        client
            .chunked("PUT", "/v2/a/manifests/2", &[&large[..200], &large[200..]])
            .status,
        413
    );
}

#[test]
fn tags_move_and_go_and_a_digest_takes_its_tags_along() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let (first, _) = client.push_image("a", "v", r#","annotations":{"n":"1"}"#);
    let (second, _) = client.push_image("a", "v", r#","annotations":{"n":"2"}"#);
    let digest = |client: &mut Client, version: &str| {
        let got = client.get(&format!("/v2/a/manifests/{version}"));
        got.header("docker-content-digest").map(ToOwned::to_owned)
    };
    assert_eq!(digest(&mut client, "v"), Some(second.to_string()));
    assert_eq!(
        digest(&mut client, &first.to_string()),
        Some(first.to_string())
    );
    let delete = |client: &mut Client, version: &str| {
        client
            .send("DELETE", &format!("/v2/a/manifests/{version}"), &[], b"")
            .status
    };
    assert_eq!(delete(&mut client, "v"), 202);
    assert_eq!(delete(&mut client, "v"), 404);
    assert_eq!(
        digest(&mut client, &second.to_string()),
        Some(second.to_string())
    );
    client.push_image("a", "x", r#","annotations":{"n":"2"}"#);
    assert_eq!(delete(&mut client, &second.to_string()), 202);
    assert_eq!(digest(&mut client, "x"), None);
}

#[test]
fn a_put_by_digest_can_name_tags() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let config = client.push_blob("a", b"{}");
    let raw = image(&config, "");
    let digest = Algorithm::Sha512.digest(&raw);
    let path = format!("/v2/a/manifests/{digest}?tag=one&tag=two");
    let put = client.send("PUT", &path, &[("Content-Type", OCI_MANIFEST)], &raw);
    assert_eq!(
        (put.status, put.need("docker-content-digest")),
        (201, digest.to_string().as_str())
    );
    let tags: Vec<_> = put
        .headers
        .iter()
        .filter(|(name, _)| name == "oci-tag")
        .collect();
    assert_eq!(tags.len(), 2);
    for tag in ["one", "two"] {
        let got = client.get(&format!("/v2/a/manifests/{tag}"));
        assert_eq!(got.need("docker-content-digest"), digest.to_string());
    }
    let path = format!("/v2/a/manifests/{digest}?tag=-bad");
    assert_eq!(
        client
            .send("PUT", &path, &[("Content-Type", OCI_MANIFEST)], &raw)
            .code(),
        "TAG_INVALID"
    );
}

#[test]
fn a_strict_registry_hides_what_was_not_asked_for() {
    let registry = registry(|settings| settings.quirks = vec![Quirk::StrictAccept]);
    let mut client = Client::to(&registry);
    client.push_image("a", "v", "");
    let with = |client: &mut Client, accept: &[&str]| {
        let headers: Vec<_> = accept.iter().map(|it| ("Accept", *it)).collect();
        client
            .send("GET", "/v2/a/manifests/v", &headers, b"")
            .status
    };
    assert_eq!(with(&mut client, &[]), 404);
    assert_eq!(with(&mut client, &["*/*"]), 404);
    assert_eq!(with(&mut client, &["application/json", OCI_MANIFEST]), 200);
    assert_eq!(
        with(&mut client, &[&format!("text/html,{OCI_MANIFEST};q=0.5")]),
        200
    );
}

#[test]
fn quirks_take_manifests_that_the_specification_does_not() {
    let any = registry(|settings| settings.quirks = vec![Quirk::AnyManifest]);
    let mut client = Client::to(&any);
    let put = client.send(
        "PUT",
        "/v2/a/manifests/1",
        &[("Content-Type", "text/plain")],
        b"hello",
    );
    assert_eq!(put.status, 201);
    assert_eq!(
        client.get("/v2/a/manifests/1").need("content-type"),
        "text/plain"
    );
    let sparse = registry(|settings| settings.quirks = vec![Quirk::SparseManifests]);
    let mut client = Client::to(&sparse);
    let raw = image(&Digest::sha256(b"absent"), "");
    assert_eq!(
        client
            .send(
                "PUT",
                "/v2/a/manifests/1",
                &[("Content-Type", OCI_MANIFEST)],
                &raw
            )
            .status,
        201
    );
}

#[test]
fn a_test_can_plant_what_no_client_may_push() {
    let registry = registry(|_| {});
    // The signatures stand before the last brace; the digest is over what was signed. The protected header says
    // {"formatLength":39,"formatTail":"Cn0"}, and Cn0 is "\n}".
    let head = "{\"schemaVersion\":1,\"fsLayers\":[] ,\"n\":1";
    assert_eq!(head.len(), 39);
    let protected = "eyJmb3JtYXRMZW5ndGgiOjM5LCJmb3JtYXRUYWlsIjoiQ24wIn0";
    let signed = format!("{head},\"signatures\":[{{\"protected\":\"{protected}\"}}]\n}}");
    let reference: ImageName = "old/img:1".parse().unwrap();
    let planted = registry
        .put_manifest(
            &reference,
            &MediaType::DockerSchema1Signed,
            signed.clone().into(),
        )
        .unwrap();
    assert_eq!(planted, Digest::sha256(format!("{head}\n}}").as_bytes()));
    let got = Client::to(&registry).get("/v2/old/img/manifests/1");
    assert_eq!(
        got.need("content-type"),
        "application/vnd.docker.distribution.manifest.v1+prettyjws"
    );
    assert_eq!(
        (got.need("docker-content-digest"), &got.body[..]),
        (planted.to_string().as_str(), signed.as_bytes())
    );
    let blob = registry
        .put_blob(&reference.repository, "abc".into())
        .unwrap();
    assert_eq!(
        Client::to(&registry)
            .get(&format!("/v2/old/img/blobs/{blob}"))
            .body,
        b"abc"
    );
}
