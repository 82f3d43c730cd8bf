//! Clients that hold on to what they have: half a preface, half a head, nothing at all, every descriptor there is.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind};

use super::wire::{Client, registry, until};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The shortest time after which a sweep ends something.
const SOON: Duration = Duration::from_millis(40);
const LATE: Duration = Duration::from_hours(1);

/// However much of the preface came: the connection is gone when the client is.
#[test]
fn a_part_of_the_preface_and_a_close_leave_nothing_open() {
    let registry = registry(|_| {});
    for length in 0..PREFACE.len() {
        let mut client = Client::to(&registry);
        client.write(&PREFACE[..length]);
    }
    until(|| {
        let counts = registry.counts();
        counts.connections == PREFACE.len() as u64 && counts.open_connections == 0
    });
}

/// What looks like the preface at first is an HTTP/1.1 request all the same, byte for byte.
#[test]
fn a_request_that_begins_like_the_preface_is_served() {
    let registry = registry(|_| {});
    for (first, rest) in [("P", "OST"), ("PR", "OPFIND"), ("PRI", "NT")] {
        let mut client = Client::to(&registry);
        client.write(first.as_bytes());
        // The registry has read it, and waits.
        until(|| registry.counts().open_connections == 1);
        let line = client.head(rest, "/v2/a/blobs/uploads/", &[("Content-Length", "0")]);
        client.write(format!("{line}\r\n").as_bytes());
        let wanted = if rest == "OST" { 202 } else { 405 };
        assert_eq!(client.answer("POST").status, wanted, "{first}{rest}");
        drop(client);
        until(|| registry.counts().open_connections == 0);
    }
    let methods: Vec<_> = registry
        .requests()
        .into_iter()
        .map(|it| it.method)
        .collect();
    assert_eq!(methods, ["POST", "PROPFIND", "PRINT"]);
}

#[test]
fn a_head_that_does_not_end_ends_the_connection() {
    for begun in [
        &b""[..],
        b"GET /v2/ HTTP/1.1\r\nHost: a\r\n",
        b"PRI * HTTP/2",
        PREFACE,
    ] {
        for tls in [false, true] {
            let registry = registry(|it| {
                it.head_timeout = SOON;
                it.idle_timeout = LATE;
                it.tls = tls;
            });
            let mut client = Client::to(&registry);
            client.write(begun);
            let (_, end) = client.rest();
            // Bytes that were not read are told by a reset.
            let is_gone =
                end.is_ok() || end.is_err_and(|it| it.kind() != std::io::ErrorKind::WouldBlock);
            assert!(is_gone, "{begun:?}, tls: {tls}");
            until(|| registry.counts().open_connections == 0);
            assert_eq!(registry.counts().requests, 0);
        }
    }
}

/// One that is being served has all the time it needs.
#[test]
fn what_is_served_is_not_waited_for() {
    let registry = registry(|it| {
        it.head_timeout = LATE;
        it.idle_timeout = SOON;
        it.faults = vec![Fault::everywhere(FaultKind::Delay(10 * SOON))];
    });
    let mut client = Client::to(&registry);
    assert_eq!(client.get("/v2/").status, 200);
    let (rest, end) = client.rest();
    assert!(
        rest.is_empty() && end.is_ok(),
        "and then it is closed: {end:?}"
    );
}

/// Half of the second head is no idle connection.
#[test]
fn each_head_has_its_time() {
    let closed_in_time = |head_timeout: Duration| {
        let registry = registry(|it| {
            it.head_timeout = head_timeout;
            it.idle_timeout = LATE;
        });
        let mut client = Client::to(&registry);
        let head = client.head("GET", "/v2/", &[]);
        client.write(format!("{head}\r\n").as_bytes());
        if client.try_answer("GET").is_err() && registry.counts().requests == 0 {
            return false; // this machine took longer to send the first head
        }
        client.write(b"GET /v2/ HT");
        let (rest, end) = client.rest();
        assert!(rest.is_empty(), "{rest:?}");
        assert!(end.is_ok(), "{end:?}");
        true
    };
    let mut times = [SOON, 10 * SOON, 100 * SOON].into_iter();
    assert!(times.any(closed_in_time), "no head came in time");
}

/// RFC 9113, 6.8: a GOAWAY without error before an idle connection is closed.
#[test]
fn an_idle_connection_of_http2_is_told() {
    let registry = registry(|it| {
        it.head_timeout = LATE;
        it.idle_timeout = SOON;
    });
    let mut client = Client::to(&registry);
    client.write(PREFACE);
    client.write(&[0, 0, 0, 4, 0, 0, 0, 0, 0]); // SETTINGS
    // HEADERS of stream 1, with the end of both: GET, http, / (RFC 7541, appendix A).
    client.write(&[0, 0, 3, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84]);
    let (all, _) = client.rest();
    let mut frames = Vec::new();
    let mut rest = &all[..];
    while let [a, b, c, kind, ..] = *rest {
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        frames.push((kind, rest[9..9 + length].to_vec()));
        rest = &rest[9 + length..];
    }
    let (_, goaway) = frames
        .iter()
        .rfind(|(kind, _)| *kind == 7)
        .expect("a GOAWAY");
    assert_eq!(goaway[4..8], [0; 4], "NO_ERROR");
    assert_eq!(registry.counts().answered(), 1);
}

/// `serve` with so few descriptors that they run out.
struct Short {
    child: Child,
    address: SocketAddr,
}

impl Short {
    fn of_descriptors(faults: &str) -> (Self, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("faults.toml");
        std::fs::write(&file, faults).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
            .args([env!("CARGO_BIN_EXE_regstorm"), "serve"])
            .args(["--listen", "127.0.0.1:0", "--faults"])
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line
            .trim()
            .strip_prefix("http://")
            .unwrap()
            .parse()
            .unwrap();
        (Self { child, address }, dir)
    }
}

impl Drop for Short {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two hundred who ask for nothing do not keep out the one who does: the longest idle goes for whoever comes.
#[test]
fn idle_connections_give_way_when_descriptors_run_out() {
    let (short, _dir) = Short::of_descriptors("seed = 1");
    let mut idle: Vec<Client> = (0..200).map(|_| Client::at(short.address)).collect();
    for _ in 0..3 {
        let mut client = Client::at(short.address);
        assert_eq!(client.get("/v2/").status, 200);
        idle.push(client);
    }
    // The first of them was closed, without a word.
    let (rest, end) = idle[0].rest();
    assert!(rest.is_empty() && end.is_ok(), "{end:?}");
}

/// Where every one is being served, the last descriptor says so to whoever else comes, and nobody is cut.
#[test]
fn who_comes_when_all_are_served_is_told_that_there_is_no_room() {
    let stall = "[[fault]]\noperation = \"blob-get\"\nstall = \"forever\"\nat = \"1B\"\n";
    let (short, _dir) = Short::of_descriptors(stall);
    let digest = Client::at(short.address).push_blob("a", b"a blob that never comes to its end");
    let mut served: Vec<Client> = Vec::new();
    loop {
        let mut client = Client::at(short.address);
        let head = client.head("GET", &format!("/v2/a/blobs/{digest}"), &[]);
        client.write(format!("{head}\r\n").as_bytes());
        // Its head alone: who has that is being served.
        match client.try_answer("HEAD") {
            Ok(answer) if answer.status == 200 => served.push(client),
            Ok(answer) => break assert_eq!(answer.status, 503),
            // What it had sent was not read, and the reset came first.
            Err(_) => break,
        }
        assert!(served.len() < 64, "more than there are descriptors");
    }
    assert!(served.len() > 20, "{}", served.len());
    let refused = Client::at(short.address).answer("GET");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.need("connection"), "close");
    // Room again, as soon as some of them leave.
    served.truncate(10);
    until(|| {
        let mut client = Client::at(short.address);
        let head = client.head("GET", "/v2/", &[]);
        client.write(format!("{head}\r\n").as_bytes());
        client.try_answer("GET").is_ok_and(|it| it.status == 200)
    });
    for client in &mut served {
        client.hear_nothing_more();
    }
}

/// What was in a repository is gone, and so is the repository: from the catalog, and from memory.
#[test]
fn a_repository_without_content_is_none() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let empty = registry.counts().held;
    let (digest, _) = client.push_image("team/a", "t", "");
    client.push_blob("team/b", b"only this");
    let catalog = |client: &mut Client| client.get("/v2/_catalog").json()["repositories"].clone();
    assert_eq!(
        catalog(&mut client),
        serde_json::json!(["team/a", "team/b"])
    );
    let config = regstorm::oci::Digest::sha256(b"{}");
    let other = regstorm::oci::Digest::sha256(b"only this");
    let mut delete = |path: String| assert_eq!(client.send("DELETE", &path, &[], b"").status, 202);
    delete(format!("/v2/team/b/blobs/{other}"));
    delete("/v2/team/a/manifests/t".to_owned());
    delete(format!("/v2/team/a/manifests/{digest}"));
    assert_eq!(registry.counts().repositories, 1, "its config is there");
    delete(format!("/v2/team/a/blobs/{config}"));
    assert_eq!(catalog(&mut client), serde_json::json!([]));
    assert_eq!(client.get("/v2/team/a/tags/list").status, 404);
    let counts = registry.counts();
    assert_eq!(
        (counts.repositories, counts.blobs, counts.held),
        (0, 0, empty)
    );
    // And it comes again with content.
    client.push_blob("team/a", b"again");
    assert_eq!(catalog(&mut client), serde_json::json!(["team/a"]));
}

/// An upload that is under way keeps no repository in the catalog, and does not mind that there is none.
#[test]
fn an_upload_into_a_repository_that_went_meanwhile_ends_well() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let first = client.push_blob("team/a", b"first");
    let upload = client.start_upload("team/a");
    let path = format!("/v2/team/a/blobs/{first}");
    assert_eq!(client.send("DELETE", &path, &[], b"").status, 202);
    assert_eq!(registry.counts().repositories, 0);
    let digest = regstorm::oci::Digest::sha256(b"second");
    let between = if upload.contains('?') { '&' } else { '?' };
    let path = format!("{upload}{between}digest={digest}");
    assert_eq!(client.send("PUT", &path, &[], b"second").status, 201);
    assert_eq!(registry.counts().repositories, 1);
}
