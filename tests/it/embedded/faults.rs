//! Scripted misbehaviour, seen from the client's end.

use std::io::ErrorKind;
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Point, Running, Stall, When};
use regstorm::oci::{Digest, ErrorCode, Operation};
use regstorm::units::ByteSize;

use super::wire::{Client, bytes, registry, until};

const SIZE: usize = 1_000_000;

/// A registry with one blob, and its path.
fn with_blob() -> (Running, String, Vec<u8>) {
    let registry = registry(|_| {});
    let content = bytes(SIZE);
    let digest = registry
        .put_blob(&"a".parse().unwrap(), content.clone().into())
        .unwrap();
    (registry, format!("/v2/a/blobs/{digest}"), content)
}

fn script(registry: &Running, kind: FaultKind) {
    registry
        .set_faults(vec![Fault::on(Operation::BlobGet, kind)])
        .unwrap();
}

fn after(bytes: u64) -> Point {
    Point::AfterBody(ByteSize::from_bytes(bytes))
}

/// The body that follows a head, of which only so much may have come.
fn body_of(all: &[u8]) -> &[u8] {
    let end = all.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    &all[end + 4..]
}

fn request(client: &mut Client, path: &str) -> (Vec<u8>, std::io::Result<()>) {
    let head = client.head("GET", path, &[]);
    client.write(format!("{head}\r\n").as_bytes());
    client.rest()
}

#[test]
fn a_delay_holds_the_answer_back_and_the_record_tells() {
    let (registry, path, content) = with_blob();
    script(&registry, FaultKind::Delay(Duration::from_millis(80)));
    let mut client = Client::to(&registry);
    assert_eq!(client.get(&path).body, content);
    assert_eq!(client.get("/v2/").status, 200);
    let records = registry.requests();
    let slow = &records[0];
    assert!(
        slow.first_byte.unwrap() >= Duration::from_millis(80),
        "{slow:?}"
    );
    assert!(slow.last_byte >= slow.first_byte);
    assert_eq!(
        (slow.status.unwrap().as_u16(), slow.sent),
        (200, SIZE as u64)
    );
    assert!(records[1].arrived >= slow.arrived + slow.first_byte.unwrap());
}

#[test]
fn a_rate_is_kept() {
    let (registry, path, content) = with_blob();
    script(&registry, FaultKind::Rate(ByteSize::from_bytes(5_000_000)));
    assert_eq!(Client::to(&registry).get(&path).body, content);
    let record = &registry.requests()[0];
    // The last slice, a twentieth of a second, goes out when all before it is due.
    assert!(
        record.last_byte.unwrap() >= Duration::from_millis(150),
        "{record:?}"
    );
}

#[test]
fn a_status_comes_with_code_and_retry_after_in_its_window() {
    let (registry, path, _) = with_blob();
    let kind = FaultKind::Status {
        status: http::StatusCode::TOO_MANY_REQUESTS,
        code: Some(ErrorCode::TooManyRequests),
        retry_after: Some(Duration::from_secs(7)),
    };
    let fault = Fault::on(Operation::BlobGet, kind)
        .when(When::Every(2))
        .window(1, Some(4));
    registry.set_faults(vec![fault]).unwrap();
    let mut client = Client::to(&registry);
    let statuses: Vec<_> = (0..7)
        .map(|_| {
            let answer = client.get(&path);
            if answer.status == 429 {
                assert_eq!(
                    (answer.code().as_str(), answer.need("retry-after")),
                    ("TOOMANYREQUESTS", "7")
                );
            }
            answer.status
        })
        .collect();
    assert_eq!(statuses, [200, 200, 429, 200, 429, 200, 200]);
    assert_eq!(registry.counts().with_status(Operation::BlobGet, 429), 2);
}

#[test]
fn a_reset_is_a_reset_and_a_close_is_a_close() {
    let (registry, path, content) = with_blob();
    script(&registry, FaultKind::Reset(Point::BeforeHead));
    let (all, end) = request(&mut Client::to(&registry), &path);
    assert_eq!(
        (all.len(), end.unwrap_err().kind()),
        (0, ErrorKind::ConnectionReset)
    );
    script(&registry, FaultKind::Close(Point::BeforeHead));
    let (all, end) = request(&mut Client::to(&registry), &path);
    assert!(all.is_empty() && end.is_ok());
    assert_eq!(registry.counts().unanswered, 2);

    script(&registry, FaultKind::Reset(after(300_000)));
    let (all, end) = request(&mut Client::to(&registry), &path);
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(content.starts_with(body_of(&all)) && body_of(&all).len() <= 300_000);

    // A truncated answer promises all, and ends in order after exactly that much.
    script(&registry, FaultKind::Close(after(300_000)));
    let (all, end) = request(&mut Client::to(&registry), &path);
    assert!(end.is_ok());
    let head =
        String::from_utf8_lossy(&all[..all.len() - body_of(&all).len()]).to_ascii_lowercase();
    assert!(head.contains("content-length: 1000000"), "{head}");
    assert!(
        body_of(&all) == &content[..300_000],
        "{}",
        body_of(&all).len()
    );
}

#[test]
fn an_upload_is_cut_where_the_script_says_and_can_go_on() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let place = client.start_upload("a");
    let fault =
        Fault::on(Operation::UploadPatch, FaultKind::Reset(after(100_000))).window(0, Some(1));
    registry.set_faults(vec![fault]).unwrap();
    let content = bytes(400_000);
    let head = client.head("PATCH", &place, &[("Content-Length", "400000")]);
    client.write(format!("{head}\r\n").as_bytes());
    client.write(&content);
    assert!(client.try_answer("PATCH").is_err());
    let mut client = Client::to(&registry);
    until(|| registry.counts().unanswered == 1);
    let status = client.get(&place);
    let received: usize = status.need("range")[2..].parse::<usize>().unwrap() + 1;
    assert!((100_000..=400_000).contains(&received), "{received}");
    assert_ne!(
        status.location(),
        place,
        "bytes came, so the state is another one"
    );
    let rest = client.send("PATCH", &status.location(), &[], &content[received..]);
    let digest = Digest::sha256(&content);
    let done = client.send(
        "PUT",
        &format!("{}&digest={digest}", rest.location()),
        &[],
        b"",
    );
    assert_eq!(done.status, 201);
}

#[test]
fn a_stall_stops_the_body_and_lets_it_go_on() {
    let (registry, path, content) = with_blob();
    let stall = Stall::For(Duration::from_millis(100));
    script(&registry, FaultKind::Stall(after(10), stall));
    assert_eq!(Client::to(&registry).get(&path).body, content);
    let record = &registry.requests()[0];
    assert!(
        record.last_byte.unwrap() >= Duration::from_millis(100),
        "{record:?}"
    );

    // The silence is as long as the test cares to listen.
    script(&registry, FaultKind::Stall(after(10), Stall::Forever));
    let mut client = Client::to(&registry);
    let head = client.head("GET", &path, &[]);
    client.write(format!("{head}\r\n").as_bytes());
    until(|| registry.counts().sent == SIZE as u64 + 10);
    let all = client.hear_nothing_more();
    assert_eq!(body_of(&all), &content[..10]);

    script(
        &registry,
        FaultKind::Stall(Point::BeforeHead, Stall::Forever),
    );
    let mut client = Client::to(&registry);
    client.write(format!("{head}\r\n").as_bytes());
    until(|| registry.counts().in_progress == 1);
    assert_eq!(client.hear_nothing_more(), b"");
    drop(client);
    // Who waits for ever is let go with its client.
    until(|| registry.counts().unanswered == 1);
}

#[test]
fn one_wrong_byte_is_one_wrong_byte() {
    let (registry, path, content) = with_blob();
    script(&registry, FaultKind::Corrupt(500_000));
    let got = Client::to(&registry).get(&path).body;
    let wrong: Vec<_> = (0..SIZE).filter(|&at| got[at] != content[at]).collect();
    assert_eq!(wrong, [500_000]);
    registry.set_faults(Vec::new()).unwrap();
    assert!(
        Client::to(&registry).get(&path).body == content,
        "what is stored is not touched"
    );
}

#[test]
fn a_freeze_stops_every_client_until_one_instant() {
    let (registry, path, _) = with_blob();
    let mut clients: Vec<_> = (0..3).map(|_| Client::to(&registry)).collect();
    for client in &mut clients {
        assert_eq!(client.get("/v2/").status, 200);
    }
    let freeze = registry.freeze(Duration::from_millis(150)).unwrap();
    assert_eq!(freeze.began + Duration::from_millis(150), freeze.until);
    let begun = registry.counts().requests;
    for client in &mut clients {
        let head = client.head("GET", &path, &[]);
        client.write(format!("{head}\r\n").as_bytes());
    }
    until(|| registry.counts().requests == begun + 3);
    for client in &mut clients {
        assert_eq!(client.answer("GET").status, 200);
    }
    let records = registry.requests();
    let (before, frozen) = records.split_at(3);
    for record in before {
        let last = record.arrived + record.last_byte.unwrap();
        assert!(last <= freeze.began, "{record:?} {freeze:?}");
    }
    for record in frozen {
        let first = record.arrived + record.first_byte.unwrap();
        assert!(first >= freeze.until, "{record:?} {freeze:?}");
    }
    assert_eq!(registry.freezes(), [freeze]);
}
