//! What the registry says about itself: counts, records, limits, life and death.

use std::net::TcpListener;
use std::time::Duration;

use regstorm::embedded::{EmbeddedError, Registry, Settings};
use regstorm::oci::{Digest, Operation};
use regstorm::units::ByteSize;

use super::wire::{Client, bytes, registry, until};

#[test]
fn the_counts_add_up() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let digest = client.push_blob("a", &bytes(1000));
    client.get(&format!("/v2/a/blobs/{digest}"));
    client.get(&format!("/v2/b/blobs/{digest}"));
    client.send("HEAD", &format!("/v2/a/blobs/{digest}"), &[], b"");
    client.get("/nowhere");
    client.start_upload("a");
    Client::to(&registry).get("/v2/");
    until(|| registry.counts().open_connections == 1);
    let counts = registry.counts();
    assert_eq!(
        (
            counts.requests,
            counts.answered(),
            counts.unanswered,
            counts.in_progress
        ),
        (7, 7, 0, 0)
    );
    assert_eq!(counts.of(Operation::BlobGet), 2);
    assert_eq!(counts.with_status(Operation::BlobGet, 404), 1);
    assert_eq!(counts.with_status(Operation::UploadPost, 201), 1);
    assert_eq!(counts.exchanges[&(None, 404)], 1);
    assert_eq!(counts.received, 1000);
    assert_eq!(
        (
            counts.connections,
            counts.open_uploads,
            counts.blobs,
            counts.repositories
        ),
        (2, 1, 1, 1)
    );
    let records = registry.requests();
    let sent: u64 = records.iter().map(|record| record.sent).sum();
    let received: u64 = records.iter().map(|record| record.received).sum();
    assert_eq!((sent, received), (counts.sent, counts.received));
    assert_eq!(records[1].sent, 1000);
    let places: Vec<_> = records
        .iter()
        .map(|record| (record.sequence, record.connection))
        .collect();
    assert_eq!(
        places,
        [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 1)]
    );
}

#[test]
fn records_keep_what_a_test_wants_to_know() {
    let registry = registry(|settings| settings.record_requests = Some(2));
    let mut client = Client::to(&registry);
    client.get("/v2/");
    let place = client.start_upload("a");
    client.chunked("PATCH", &place, &[b"abc"]);
    let records = registry.requests();
    assert_eq!(records.len(), 2, "the oldest went");
    let patch = &records[1];
    assert_eq!(
        (patch.method.as_str(), patch.target.as_str()),
        ("PATCH", place.as_str())
    );
    assert_eq!(patch.operation, Some(Operation::UploadPatch));
    assert_eq!(
        (
            patch.header("transfer-encoding"),
            patch.header("content-length")
        ),
        (Some("chunked"), None)
    );
    assert_eq!((patch.received, patch.status.unwrap().as_u16()), (3, 202));
    assert!(patch.last_byte.unwrap() >= patch.first_byte.unwrap());
    assert_eq!(patch.closed, None);
    drop(client);
    until(|| registry.counts().open_connections == 0);
    let records = registry.requests();
    let patch = &records[1];
    assert!(patch.closed.unwrap() >= patch.arrived + patch.last_byte.unwrap());
    // Another request came after it on the same connection.
    assert_eq!(records[0].closed, None);
}

#[test]
fn memory_is_bounded() {
    let registry = registry(|settings| settings.max_bytes = ByteSize::from_kib(100));
    let mut client = Client::to(&registry);
    let content = bytes(60_000);
    let digest = client.push_blob("a", &content);
    let place = client.start_upload("a");
    let refused = client.send("PATCH", &place, &[], &content);
    assert_eq!((refused.status, refused.code().as_str()), (413, "DENIED"));
    // Where the client must stop reading a refusal, it may have to come back on a new connection.
    let mut client = Client::to(&registry);
    assert!(registry.counts().held <= 100 * 1024);
    assert_eq!(client.get(&format!("/v2/a/blobs/{digest}")).body, content);
    // An upload that is given up, and a blob that is deleted, make room again.
    assert_eq!(client.send("DELETE", &place, &[], b"").status, 204);
    client.send("DELETE", &format!("/v2/a/blobs/{digest}"), &[], b"");
    assert_eq!(registry.counts().held, 0);
    client.push_blob("a", &bytes(90_000));
}

#[test]
fn one_blob_in_ever_more_repositories_is_bounded() {
    let registry = registry(|settings| settings.max_bytes = ByteSize::from_kib(10));
    let mut client = Client::to(&registry);
    let digest = client.push_blob("a", b"abc");
    let mut mount = |name: usize| {
        let path = format!("/v2/b/{name}/blobs/uploads/?mount={digest}&from=a");
        client.send("POST", &path, &[], b"").status
    };
    let statuses: Vec<_> = (0..100).map(&mut mount).collect();
    assert_eq!((statuses[0], statuses[99]), (201, 413));
    assert!(registry.counts().repositories <= 20);
}

#[test]
fn upload_sessions_are_bounded_and_forgotten() {
    let bounded = registry(|settings| settings.max_uploads = 2);
    let mut client = Client::to(&bounded);
    let first = client.start_upload("a");
    client.start_upload("a");
    let refused = client.send("POST", "/v2/a/blobs/uploads/", &[], b"");
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (429, "TOOMANYREQUESTS")
    );
    client.send("DELETE", &first, &[], b"");
    client.start_upload("a");

    let forgetful = registry(|settings| settings.upload_idle = Duration::from_millis(1));
    Client::to(&forgetful).start_upload("a");
    until(|| forgetful.counts().open_uploads == 0);
    assert_eq!(forgetful.counts().held, 0);
}

#[test]
fn a_client_that_leaves_in_the_middle_leaves_nothing_behind_but_its_bytes() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let place = client.start_upload("a");
    let head = client.head("PATCH", &place, &[("Content-Length", "1000")]);
    client.write(format!("{head}\r\n0123456789").as_bytes());
    until(|| registry.counts().received == 10);
    drop(client);
    until(|| registry.counts().unanswered == 1);
    let status = Client::to(&registry).get(&place);
    assert_eq!((status.status, status.need("range")), (204, "0-9"));
    assert_eq!(registry.counts().in_progress, 0);
}

#[test]
fn a_taken_port_and_a_bad_base_path_are_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let error = Registry::start(Settings {
        listen,
        ..Settings::default()
    })
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot listen on {listen}: ")),
        "{error}"
    );
    for bad in ["a", "/a/", "/", "/a b", "/a?b"] {
        let base_path = bad.to_owned();
        let error = Registry::start(Settings {
            base_path,
            ..Settings::default()
        })
        .unwrap_err();
        assert!(
            matches!(error, EmbeddedError::BasePath(_)),
            "{bad}: {error}"
        );
    }
}

#[test]
fn a_stopped_registry_lets_go_of_everything() {
    let registry = registry(|_| {});
    let address = registry.addr();
    let mut client = Client::to(&registry);
    assert_eq!(client.get("/v2/").status, 200);
    registry.stop();
    let (rest, _) = client.rest();
    assert!(rest.is_empty());
    let again = Registry::start(Settings {
        listen: address,
        ..Settings::default()
    })
    .unwrap();
    assert_eq!(again.addr(), address, "the port is free at once");
}

#[test]
fn many_connections_are_served_at_once() {
    let registry = registry(|_| {});
    let digest = registry
        .put_blob(&"a".parse().unwrap(), bytes(1000).into())
        .unwrap();
    let path = format!("/v2/a/blobs/{digest}");
    let mut clients: Vec<_> = (0..200).map(|_| Client::to(&registry)).collect();
    for client in &mut clients {
        let head = client.head("GET", &path, &[]);
        client.write(format!("{head}\r\n").as_bytes());
    }
    for client in &mut clients {
        assert_eq!(Digest::sha256(&client.answer("GET").body), digest);
    }
    assert_eq!(registry.counts().open_connections, 200);
}
