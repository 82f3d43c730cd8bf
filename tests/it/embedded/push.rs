//! Blobs in.

use regstorm::embedded::{Quirk, Storage};
use regstorm::oci::{Algorithm, Digest};
use regstorm::units::ByteSize;

use super::wire::{Client, bytes, registry};

fn blob_status(client: &mut Client, name: &str, digest: &Digest) -> u16 {
    client
        .send("HEAD", &format!("/v2/{name}/blobs/{digest}"), &[], b"")
        .status
}

#[test]
fn a_blob_goes_up_in_two_requests() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let started = client.send("POST", "/v2/lab/img/blobs/uploads/", &[], b"");
    assert_eq!(started.status, 202);
    assert_eq!(started.need("range"), "0-0");
    let uuid = started.need("docker-upload-uuid").to_owned();
    assert!(started.need("location").starts_with(&format!(
        "{}/v2/lab/img/blobs/uploads/{uuid}?_state=",
        registry.url()
    )));
    let content = bytes(300_000);
    let digest = Digest::sha256(&content);
    let put = format!(
        "{}&digest={}",
        started.location(),
        digest.to_string().replace(':', "%3A")
    );
    let done = client.send("PUT", &put, &[], &content);
    assert_eq!(done.status, 201);
    assert_eq!(done.need("docker-content-digest"), digest.to_string());
    assert_eq!(done.location(), format!("/v2/lab/img/blobs/{digest}"));
    assert_eq!(client.get(&done.location()).body, content);
    // The session ended with its PUT.
    let again = client.send("PUT", &put, &[], b"");
    assert_eq!(
        (again.status, again.code().as_str()),
        (404, "BLOB_UPLOAD_UNKNOWN")
    );
    let status = client.get(&started.location());
    assert_eq!(
        (status.status, status.code().as_str()),
        (404, "BLOB_UPLOAD_UNKNOWN")
    );
}

#[test]
fn a_streamed_patch_needs_no_length_and_each_one_changes_the_state() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let first = client.start_upload("a");
    let patched = client.chunked("PATCH", &first, &[b"hello ", b"world"]);
    assert_eq!((patched.status, patched.need("range")), (202, "0-10"));
    let second = patched.location();
    assert_ne!(first, second);
    // The old state is dead, for PATCH and for PUT; the session survives and tells its offset.
    for (method, query) in [("PATCH", ""), ("PUT", "&digest=sha256:x")] {
        let digest = Digest::sha256(b"hello world").to_string();
        let query = query.replace("sha256:x", &digest);
        let stale = client.send(method, &format!("{first}{query}"), &[], b"");
        assert_eq!(
            (stale.status, stale.code().as_str()),
            (404, "BLOB_UPLOAD_INVALID"),
            "{method}"
        );
    }
    let without_state = second.split('?').next().unwrap().to_owned();
    let bare = client.send("PATCH", &without_state, &[], b"x");
    assert_eq!(
        (bare.status, bare.code().as_str()),
        (404, "BLOB_UPLOAD_INVALID")
    );
    let status = client.get(&first);
    assert_eq!((status.status, status.need("range")), (204, "0-10"));
    assert_eq!(status.location(), second);
    let digest = Digest::sha256(b"hello world");
    let done = client.send("PUT", &format!("{second}&digest={digest}"), &[], b"");
    assert_eq!(done.status, 201);
    assert_eq!(blob_status(&mut client, "a", &digest), 200);
}

#[test]
fn ranged_chunks_must_come_in_order_and_have_their_size() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let place = client.start_upload("a");
    let patch = |client: &mut Client, place: &str, range: &str, body: &[u8]| {
        client.send("PATCH", place, &[("Content-Range", range)], body)
    };
    let early = patch(&mut client, &place, "5-9", b"56789");
    assert_eq!(
        (early.status, early.code().as_str()),
        (416, "RANGE_INVALID")
    );
    assert_eq!(
        (early.need("range"), early.location()),
        ("0-0", place.clone())
    );
    for wrong in ["bytes 0-4/5", "bytes=0-4", "0-", "4-0"] {
        assert_eq!(
            patch(&mut client, &place, wrong, b"01234").status,
            416,
            "{wrong}"
        );
    }
    let long = patch(&mut client, &place, "0-9", b"01234");
    assert_eq!((long.status, long.code().as_str()), (400, "SIZE_INVALID"));
    let first = patch(&mut client, &place, "0-4", b"01234");
    assert_eq!((first.status, first.need("range")), (202, "0-4"));
    let repeated = patch(&mut client, &first.location(), "0-4", b"01234");
    assert_eq!((repeated.status, repeated.need("range")), (416, "0-4"));
    // The last chunk may come with the PUT, and its place is checked too.
    let digest = Digest::sha256(b"0123456789");
    let put = format!("{}&digest={digest}", repeated.location());
    let late = client.send("PUT", &put, &[("Content-Range", "6-10")], b"56789");
    assert_eq!(late.status, 416);
    let done = client.send("PUT", &put, &[("Content-Range", "5-9")], b"56789");
    assert_eq!(done.status, 201);
}

#[test]
fn a_wrong_digest_is_refused_and_ends_the_session() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let place = client.start_upload("a");
    let patched = client.send("PATCH", &place, &[], b"abc");
    let place = patched.location();
    for digest in [
        "",
        "&digest=",
        "&digest=sha256:12",
        "&digest=md5:900150983cd24fb0d6963f7d28e17f72",
    ] {
        let refused = client.send("PUT", &format!("{place}{digest}"), &[], b"");
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (400, "DIGEST_INVALID"),
            "{digest}"
        );
    }
    // The whole content again with the PUT is appended, as on every registry.
    let digest = Digest::sha256(b"abc");
    let doubled = client.send("PUT", &format!("{place}&digest={digest}"), &[], b"abc");
    assert_eq!(
        (doubled.status, doubled.code().as_str()),
        (400, "DIGEST_INVALID")
    );
    assert_eq!(client.get(&place).status, 404);
    assert_eq!(blob_status(&mut client, "a", &digest), 404);
    assert_eq!(
        (registry.counts().open_uploads, registry.counts().held),
        (0, 0)
    );
}

#[test]
fn one_post_is_enough_unless_the_registry_says_otherwise() {
    let faithful = registry(|_| {});
    let mut client = Client::to(&faithful);
    let digest = client.push_blob("a", b"abc");
    let wrong = client.send(
        "POST",
        &format!("/v2/a/blobs/uploads/?digest={digest}"),
        &[],
        b"abd",
    );
    assert_eq!(
        (wrong.status, wrong.code().as_str()),
        (400, "DIGEST_INVALID")
    );

    let old = registry(|settings| settings.quirks = vec![Quirk::NoSinglePost]);
    let mut client = Client::to(&old);
    let answer = client.send(
        "POST",
        &format!("/v2/a/blobs/uploads/?digest={digest}"),
        &[],
        b"abc",
    );
    assert_eq!((answer.status, answer.need("range")), (202, "0-0"));
    assert_eq!(blob_status(&mut client, "a", &digest), 404);
    let put = client.send(
        "PUT",
        &format!("{}&digest={digest}", answer.location()),
        &[],
        b"abc",
    );
    assert_eq!(put.status, 201);
}

#[test]
fn a_mount_links_what_another_repository_has() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let digest = client.push_blob("source", b"abc");
    assert_eq!(blob_status(&mut client, "target", &digest), 404);
    let mount = |client: &mut Client, name: &str, query: &str| {
        client.send(
            "POST",
            &format!("/v2/{name}/blobs/uploads/?{query}"),
            &[],
            b"",
        )
    };
    let missed = mount(
        &mut client,
        "target",
        &format!("mount={digest}&from=elsewhere"),
    );
    assert_eq!(missed.status, 202);
    let put = client.send(
        "PUT",
        &format!("{}&digest={digest}", missed.location()),
        &[],
        b"abc",
    );
    assert_eq!(put.status, 201, "the session of a missed mount can be used");
    let found = mount(&mut client, "third", &format!("mount={digest}&from=source"));
    assert_eq!(
        (found.status, found.location()),
        (201, format!("/v2/third/blobs/{digest}"))
    );
    let anonymous = mount(&mut client, "fourth", &format!("mount={digest}"));
    assert_eq!(anonymous.status, 201);
    for name in ["target", "third", "fourth"] {
        assert_eq!(blob_status(&mut client, name, &digest), 200, "{name}");
    }
    assert_eq!(
        mount(&mut client, "a", "mount=x&from=b").code(),
        "DIGEST_INVALID"
    );
    assert_eq!(registry.counts().blobs, 1, "stored once");
}

#[test]
fn an_upload_can_be_given_up() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let place = client.start_upload("a");
    assert_eq!(client.send("DELETE", &place, &[], b"").status, 204);
    assert_eq!(
        client.send("DELETE", &place, &[], b"").code(),
        "BLOB_UPLOAD_UNKNOWN"
    );
    let place = client.start_upload("a");
    let elsewhere = place.replace("/v2/a/", "/v2/b/");
    assert_eq!(
        client.get(&elsewhere).code(),
        "BLOB_UPLOAD_UNKNOWN",
        "sessions belong to a repository"
    );
}

#[test]
fn sha512_is_accepted_with_and_without_notice() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let digest = Algorithm::Sha512.digest(b"abc");
    let started = client.send(
        "POST",
        "/v2/a/blobs/uploads/?digest-algorithm=sha512",
        &[],
        b"",
    );
    let patched = client.send("PATCH", &started.location(), &[], b"abc");
    let done = client.send(
        "PUT",
        &format!("{}&digest={digest}", patched.location()),
        &[],
        b"",
    );
    assert_eq!(done.status, 201);
    let place = client.start_upload("b");
    let patched = client.send("PATCH", &place, &[], b"abc");
    let done = client.send(
        "PUT",
        &format!("{}&digest={digest}", patched.location()),
        &[],
        b"",
    );
    assert_eq!(
        (done.status, done.need("docker-content-digest")),
        (201, digest.to_string().as_str())
    );
    let unknown = client.send(
        "POST",
        "/v2/a/blobs/uploads/?digest-algorithm=md5",
        &[],
        b"",
    );
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (400, "DIGEST_INVALID")
    );
}

#[test]
fn a_minimum_chunk_is_announced_and_enforced() {
    let registry = registry(|settings| settings.chunk_min_length = Some(ByteSize::from_bytes(4)));
    let mut client = Client::to(&registry);
    let started = client.send("POST", "/v2/a/blobs/uploads/", &[], b"");
    assert_eq!(started.need("oci-chunk-min-length"), "4");
    let first = client.send("PATCH", &started.location(), &[], b"0123");
    let short = client.send("PATCH", &first.location(), &[], b"45");
    assert_eq!(short.status, 202, "it may be the last");
    let after = client.send("PATCH", &short.location(), &[], b"6789");
    assert_eq!((after.status, after.code().as_str()), (400, "SIZE_INVALID"));
    let digest = Digest::sha256(b"012345");
    let done = client.send(
        "PUT",
        &format!("{}&digest={digest}", short.location()),
        &[],
        b"",
    );
    assert_eq!(done.status, 201);
}

#[test]
fn a_sink_keeps_digests_and_admits_it() {
    let registry = registry(|settings| settings.storage = Storage::Sink);
    let mut client = Client::to(&registry);
    let content = bytes(200_000);
    let digest = client.push_blob("a", &content);
    let small = client.push_blob("a", b"{}");
    let head = client.send("HEAD", &format!("/v2/a/blobs/{digest}"), &[], b"");
    assert_eq!((head.status, head.need("content-length")), (200, "200000"));
    let get = client.get(&format!("/v2/a/blobs/{digest}"));
    assert_eq!((get.status, get.code().as_str()), (404, "BLOB_UNKNOWN"));
    assert!(String::from_utf8_lossy(&get.body).contains("sink"));
    assert_eq!(client.get(&format!("/v2/a/blobs/{small}")).body, b"{}");
    assert!(registry.counts().held < 10_000);
    let wrong = client.send(
        "POST",
        &format!("/v2/a/blobs/uploads/?digest={small}"),
        &[],
        &content,
    );
    assert_eq!(
        wrong.code(),
        "DIGEST_INVALID",
        "a sink checks digests all the same"
    );
}

#[test]
fn locations_are_what_the_registry_wants_them_to_be() {
    let relative = registry(|settings| {
        settings.base_path = "/link/to/registry".into();
        settings.quirks = vec![Quirk::RelativeLocations, Quirk::PatchCreated];
    });
    let mut client = Client::to(&relative);
    assert_eq!(client.get("/v2/").status, 404);
    assert_eq!(client.get("/link/to/registry/v2/").status, 200);
    let started = client.send("POST", "/link/to/registry/v2/a/blobs/uploads/", &[], b"");
    assert!(
        started
            .need("location")
            .starts_with("/link/to/registry/v2/a/blobs/uploads/")
    );
    let patched = client.send("PATCH", started.need("location"), &[], b"abc");
    assert_eq!(patched.status, 201);
}
