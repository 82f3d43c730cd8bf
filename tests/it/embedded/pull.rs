//! Blobs out.

use regstorm::embedded::Quirk;
use regstorm::oci::Operation;

use super::wire::{Client, bytes, registry};

#[test]
fn ping_says_what_this_is() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    for path in ["/v2/", "/v2"] {
        let pong = client.get(path);
        assert_eq!(
            (pong.status, pong.need("docker-distribution-api-version")),
            (200, "registry/2.0")
        );
    }
    assert_eq!(
        client.send("DELETE", "/v2/", &[], b"").code(),
        "UNSUPPORTED"
    );
    let other = client.get("/somewhere");
    assert_eq!((other.status, other.code().as_str()), (404, "UNSUPPORTED"));
}

#[test]
fn head_tells_the_length_and_sends_nothing() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let content = bytes(100_000);
    let digest = client.push_blob("a/b/c", &content);
    let path = format!("/v2/a/b/c/blobs/{digest}");
    let head = client.send("HEAD", &path, &[], b"");
    assert_eq!((head.status, head.need("content-length")), (200, "100000"));
    assert_eq!(head.need("docker-content-digest"), digest.to_string());
    // Had HEAD sent a body, the next answer would not be found on this connection.
    let whole = client.get(&path.replace("sha256:", "sha256%3A"));
    assert_eq!((whole.status, whole.body), (200, content));
    assert_eq!(
        whole
            .headers
            .iter()
            .filter(|(name, _)| name == "content-length")
            .count(),
        1
    );
    let missing = client.send("HEAD", &path.replace("a/b/c", "a/b"), &[], b"");
    assert_eq!(missing.status, 404);
    assert_ne!(
        missing.need("content-length"),
        "0",
        "the length of the body that GET would have"
    );
}

#[test]
fn a_range_is_that_part_and_says_so() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let content = bytes(1_000_000);
    // Sent in pieces, so that ranges begin and end inside and at the edges of what is stored.
    let place = client.start_upload("a");
    let parts: Vec<&[u8]> = content.chunks(70_001).collect();
    let patched = client.chunked("PATCH", &place, &parts);
    let digest = regstorm::oci::Digest::sha256(&content);
    let done = client.send(
        "PUT",
        &format!("{}&digest={digest}", patched.location()),
        &[],
        b"",
    );
    let path = done.location();
    for (range, first, last) in [
        ("bytes=0-", 0, 999_999),
        ("bytes=70001-70001", 70_001, 70_001),
        ("bytes=70000-140002", 70_000, 140_002),
        ("bytes=999999-", 999_999, 999_999),
        ("bytes=-1000", 999_000, 999_999),
        ("bytes=500000-2000000", 500_000, 999_999),
    ] {
        let part = client.send("GET", &path, &[("Range", range)], b"");
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(
            part.need("content-range"),
            format!("bytes {first}-{last}/1000000")
        );
        assert!(part.body == content[first..=last], "{range}");
    }
    for range in ["bytes=1000000-", "bytes=-0", "bytes=9-2"] {
        let refused = client.send("GET", &path, &[("Range", range)], b"");
        assert_eq!(
            (refused.status, refused.need("content-range")),
            (416, "bytes */1000000"),
            "{range}"
        );
    }
    for range in ["lines=1-2", "bytes=0-999999,5-6"] {
        assert_eq!(
            client.send("GET", &path, &[("Range", range)], b"").status,
            200,
            "{range}"
        );
    }
}

#[test]
fn several_ranges_come_as_servers_in_go_send_them() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let content = bytes(100_000);
    let digest = client.push_blob("a", &content);
    let path = format!("/v2/a/blobs/{digest}");
    let ranges = [("Range", "bytes=0-1, 70000-70009,-3,200000-")];
    let several = client.send("GET", &path, &ranges, b"");
    assert_eq!(several.status, 206);
    let boundary = several.need("content-type");
    let boundary = boundary.strip_prefix("multipart/byteranges; boundary=");
    let boundary = boundary.expect("it names a boundary");
    let part = |before: &str, first: usize, last: usize| {
        let lines = format!(
            "{before}--{boundary}\r\nContent-Range: bytes {first}-{last}/100000\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        [lines.as_bytes(), &content[first..=last]].concat()
    };
    let expected = [
        part("", 0, 1),
        part("\r\n", 70_000, 70_009),
        part("\r\n", 99_997, 99_999),
        format!("\r\n--{boundary}--\r\n").into_bytes(),
    ];
    assert!(several.body == expected.concat());
    // A registry that does not send them says so in its own way; one range it sends.
    for (quirk, one, status) in [
        (Quirk::NoRanges, 200, 200),
        (Quirk::SeveralRangesWhole, 206, 200),
        (Quirk::SeveralRangesUnsatisfiable, 206, 416),
        (Quirk::SeveralRangesBad, 206, 400),
        (Quirk::SeveralRangesUnsupported, 206, 501),
    ] {
        let registry = super::wire::registry(|settings| settings.quirks = vec![quirk]);
        let mut client = Client::to(&registry);
        client.push_blob("a", &content);
        let first = client.send("GET", &path, &[("Range", "bytes=0-1")], b"");
        assert_eq!(first.status, one, "{quirk:?}");
        assert_eq!(
            client.send("GET", &path, &ranges, b"").status,
            status,
            "{quirk:?}"
        );
    }
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let digest = client.push_blob("a", b"abc");
    let path = format!("/v2/a/blobs/{digest}");
    let etag = client.get(&path).need("etag").to_owned();
    assert_eq!(etag, format!("\"{digest}\""));
    let same = client.send("GET", &path, &[("If-None-Match", &etag)], b"");
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(
        client
            .send("GET", &path, &[("If-None-Match", "\"x\"")], b"")
            .status,
        200
    );
}

#[test]
fn deletion_is_per_repository_and_can_be_off() {
    let on = registry(|_| {});
    let mut client = Client::to(&on);
    let digest = client.push_blob("a", b"abc");
    client.push_blob("b", b"abc");
    let path = format!("/v2/a/blobs/{digest}");
    assert_eq!(client.send("DELETE", &path, &[], b"").status, 202);
    assert_eq!(
        client.send("DELETE", &path, &[], b"").code(),
        "BLOB_UNKNOWN"
    );
    assert_eq!(client.get(&path).status, 404);
    assert_eq!(client.get(&format!("/v2/b/blobs/{digest}")).body, b"abc");

    let off = registry(|settings| settings.quirks = vec![Quirk::NoDelete, Quirk::NoDigestHeader]);
    let mut client = Client::to(&off);
    client.push_blob("a", b"abc");
    let refused = client.send("DELETE", &path, &[], b"");
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (405, "UNSUPPORTED")
    );
    let kept = client.get(&path);
    assert_eq!(
        (kept.status, kept.header("docker-content-digest")),
        (200, None)
    );
}

#[test]
fn a_redirect_leads_to_a_host_that_wants_no_credentials() {
    let registry = registry(|settings| settings.quirks = vec![Quirk::RedirectBlobs]);
    let mut client = Client::to(&registry);
    let content = bytes(5000);
    let digest = client.push_blob("a", &content);
    let moved = client.get(&format!("/v2/a/blobs/{digest}"));
    assert_eq!((moved.status, moved.body.len()), (307, 0));
    let storage = registry.storage_addr().unwrap();
    assert!(
        moved
            .need("location")
            .starts_with(&format!("http://{storage}/"))
    );
    let mut there = Client::at(storage);
    assert_eq!(there.get(&moved.location()).body, content);
    let part = there.send("GET", &moved.location(), &[("Range", "bytes=10-19")], b"");
    assert_eq!((part.status, &part.body[..]), (206, &content[10..20]));
    let leaked = there.send(
        "GET",
        &moved.location(),
        &[("Authorization", "Bearer x")],
        b"",
    );
    assert_eq!(leaked.status, 400);
    assert_eq!(there.get(&format!("/{digest}?signature=0")).status, 403);
    let records = registry.requests();
    let seen: Vec<_> = records
        .iter()
        .filter(|record| record.at_storage_host)
        .map(|record| (record.operation, record.authorization()))
        .collect();
    let plain = (Some(Operation::Redirected), None);
    assert_eq!(
        seen,
        [
            plain,
            plain,
            (Some(Operation::Redirected), Some("Bearer")),
            plain
        ]
    );
}

/// Go's client lets credentials follow a redirect to another port of the same name (`shouldCopyHeaderOnRedirect`).
#[test]
fn the_storage_host_has_another_name_whatever_the_registry_is_called() {
    let registry = registry(|settings| settings.quirks = vec![Quirk::RedirectBlobs]);
    let mut client = Client::to(&registry);
    let digest = client.push_blob("a", b"abc");
    let path = format!("/v2/a/blobs/{digest}");
    let port = registry.addr().port();
    for called in ["127.0.0.1", "localhost", "registry.example"] {
        client.write(format!("GET {path} HTTP/1.1\r\nHost: {called}:{port}\r\n\r\n").as_bytes());
        let moved = client.answer("GET");
        assert_eq!(moved.status, 307);
        let url: http::Uri = moved.need("location").parse().unwrap();
        let storage = url.host().unwrap();
        assert_ne!(storage, called);
        let at = format!("{storage}:{}", url.port_u16().unwrap());
        let found = Client::at(at.parse().unwrap()).get(url.path_and_query().unwrap().as_str());
        assert_eq!((found.status, &found.body[..]), (200, &b"abc"[..]));
        assert_eq!(found.need("docker-content-digest"), digest.to_string());
    }
}

#[test]
fn an_empty_body_has_its_length_over_both_versions() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let digest = client.push_blob("a", b"");
    let path = format!("/v2/a/blobs/{digest}");
    let over_1 = client.get(&path);
    assert_eq!((over_1.status, over_1.need("content-length")), (200, "0"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let address = registry.addr();
    let answers = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let executor = hyper_util::rt::TokioExecutor::new();
        let shaken = hyper::client::conn::http2::handshake(executor, io).await;
        let (mut sender, connection) = shaken.unwrap();
        tokio::spawn(connection);
        let mut answers = Vec::new();
        for (method, target) in [
            ("GET", path.as_str()),
            ("POST", "/v2/a/blobs/uploads/"),
            ("HEAD", &path),
        ] {
            let request = http::Request::builder()
                .method(method)
                .uri(format!("http://{address}{target}"))
                .body(http_body_util::Empty::<bytes::Bytes>::new())
                .unwrap();
            let answer = sender.send_request(request).await.unwrap();
            let length = answer.headers().get("content-length").cloned();
            answers.push((answer.status().as_u16(), length));
        }
        answers
    });
    let zero = || Some(http::HeaderValue::from_static("0"));
    assert_eq!(answers, [(200, zero()), (202, zero()), (200, zero())]);
}
