//! Heads as registries and proxies send them: what Go's client reads is read, and what no client reads is told apart.

use std::time::Duration;

use regstorm::exchange::Protocol;
use regstorm::oci::{Digest, MediaType, Operation};
use regstorm::registry::Kind;
use regstorm::transport::Error;

use super::image::MANIFEST;
use super::user::{User, body, content, name, run, tag};
use super::wire::{Line, Request, Wire};

/// Lines that stand between the status line and the others. Go 1.19 (skopeo 1.9.3) and curl 7.88 read each of them, and
/// find the other headers, when they come from such a peer.
const SLOPPY: [&str; 10] = [
    "X-Folded: a\r\n b\r\n\tc\r\n",
    "X-Folded:\r\n a\r\n",
    "X-Blank : a\r\n",
    "X-Tab\t: a\r\n",
    "X Two Words: a\r\n",
    ": no name\r\n",
    "X(parenthesis): a\r\n",
    "X-\u{fc}mlaut: a\r\n",
    "X-Umlaut: \u{fc}\r\n",
    "X Blank: a\r\n folded\r\n",
];

fn fields(count: usize) -> String {
    let fields: Vec<String> = (0..count).map(|it| format!("X-{it}: {it}\r\n")).collect();
    fields.concat()
}

/// A manifest with those lines in its head.
fn head(status: &str, lines: &str, length: usize) -> String {
    format!(
        "{status}\r\n{lines}Content-Type: {MANIFEST}\r\nDocker-Content-Digest: {}\r\nContent-Length: {length}\r\n\r\n",
        Digest::sha256(DOCUMENT)
    )
}

const DOCUMENT: &[u8] = br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;

fn manifest(status: &str, lines: &str) -> Vec<u8> {
    [head(status, lines, DOCUMENT.len()).as_bytes(), DOCUMENT].concat()
}

/// A HEAD, a GET and a POST with a body of a peer that answers with such heads: all are well, over one connection.
fn all_is_well(status: &'static str, lines: String) {
    let shown = lines.clone();
    let peer = Wire::answering(move |request: &Request, _| match request.method.as_str() {
        "HEAD" => head(status, &lines, DOCUMENT.len()).into_bytes(),
        "GET" => manifest(status, &lines),
        _ => format!("HTTP/1.1 201 Created\r\n{lines}Location: /x\r\nContent-Length: 0\r\n\r\n")
            .into_bytes(),
    });
    let user = User::new(&peer.url());
    run(async {
        let (client, a) = (&user.client, name("a"));
        let found = client
            .manifest_head(&a, &tag("t"))
            .await
            .expect("an answer");
        let found = found.expect("a manifest");
        assert_eq!(found.digest, Some(Digest::sha256(DOCUMENT)), "{shown:?}");
        assert_eq!(found.media_type, Some(MediaType::from(MANIFEST)));
        assert_eq!(found.size, Some(DOCUMENT.len() as u64));
        for _ in 0..2 {
            let got = client.manifest_get(&a, &tag("t")).await;
            assert_eq!(got.expect("a manifest").raw(), DOCUMENT, "{shown:?}");
        }
        let blob = content(30_000);
        let (digest, make) = (Digest::sha256(&blob), body(&blob));
        let posted = client.upload_post(&a, &digest, &make);
        posted.await.expect("it is taken");
    });
    let requests = peer.requests();
    let sent: Vec<_> = requests.iter().map(|it| it.body.len()).collect();
    assert_eq!(sent, [0, 0, 0, 30_000], "each was sent once: {shown:?}");
    assert!(requests.iter().all(|it| it.connection == 0), "{shown:?}");
    for seen in user.journal.all() {
        assert_eq!(seen.end, "ok");
        let timings = seen.ended.timings;
        assert!(
            timings.send.is_some() && timings.first_byte.is_some(),
            "{seen:?}"
        );
        let length = if seen.operation == Operation::ManifestGet {
            DOCUMENT.len()
        } else {
            0
        };
        assert_eq!(seen.ended.received, length as u64);
    }
    assert_eq!(user.totals.received(), 2 * DOCUMENT.len() as u64);
}

#[test]
fn heads_that_gos_client_reads_are_read() {
    for line in SLOPPY {
        all_is_well("HTTP/1.1 200 OK", line.to_owned());
    }
    all_is_well("HTTP/1.1 200 OK", SLOPPY.concat());
    for status in [
        "HTTP/1.1  200 OK",
        "HTTP/1.1 200",
        "HTTP/1.2 200 OK",
        "HTTP/1.1 200 \u{fc}",
    ] {
        all_is_well(status, String::new());
    }
}

/// curl takes 5,000 fields and 300 KiB; Go has a limit of 10 MiB, and none of fields.
#[test]
fn heads_of_thousands_of_fields_and_of_hundreds_of_kibibytes_are_read() {
    for count in [99, 100, 101, 150, 1_000, 4_990] {
        all_is_well("HTTP/1.1 200 OK", fields(count));
    }
    all_is_well("HTTP/1.1 200 OK", fields(500) + SLOPPY[0]);
    all_is_well(
        "HTTP/1.1 200 OK",
        format!("X-Long: {}\r\n", "y".repeat(600 << 10)),
    );
}

/// However it comes in pieces, and behind informational answers that are as sloppy.
#[test]
fn a_sloppy_head_may_come_in_pieces_and_behind_others() {
    let hints = "HTTP/1.1 103 Early Hints\r\nX Blank: a\r\n\r\n";
    let whole = [hints.as_bytes(), &manifest("HTTP/1.1 200 OK", SLOPPY[4])].concat();
    let lengths = (1..whole.len()).step_by(7);
    for cut in lengths {
        let whole = whole.clone();
        let peer = Wire::start(move |line: &mut Line| {
            line.request();
            line.send(&whole[..cut]);
            // Long enough for most cuts to arrive apart; it is right either way.
            Line::pause(Duration::from_millis(1));
            line.send(&whole[cut..]);
            line.wait();
        });
        let user = User::new(&peer.url());
        let got = run(user.client.manifest_get(&name("a"), &tag("t")));
        assert_eq!(got.expect("a manifest").raw(), DOCUMENT, "cut at {cut}");
        assert_eq!(user.journal.last().ended.received, DOCUMENT.len() as u64);
    }
}

/// A body that nobody looks at is dropped where its end is known, which a head that was read twice does not tell.
#[test]
fn a_body_behind_a_sloppy_head_ends_where_it_ends() {
    let blob = content(2_000_000);
    let whole = blob.clone();
    let peer = Wire::answering(move |_, _| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nX Blank: a\r\nContent-Length: {}\r\n\r\n",
            whole.len()
        );
        [head.as_bytes(), &whole].concat()
    });
    let user = User::new(&peer.url());
    run(async {
        for verify in [regstorm::oci::Verify::Length, regstorm::oci::Verify::Digest] {
            let wanted = regstorm::registry::Wanted {
                digest: Digest::sha256(&blob),
                size: Some(blob.len() as u64),
                verify,
            };
            let (a, mut nowhere) = (name("a"), regstorm::client::Discard);
            let got = user.client.blob_get(&a, wanted, &mut nowhere);
            assert_eq!(got.await.expect("the blob").bytes, 2_000_000);
        }
    });
    assert!(peer.requests().iter().all(|it| it.connection == 0));
}

/// What Go's client refuses, too: the words name the fault, and TLS is not among them.
#[test]
fn heads_that_no_client_reads_break_the_protocol() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded: first\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
    ] {
        let (error, ended) = refused(bytes.as_bytes());
        assert!(
            matches!(error, Error::Malformed(Protocol::Http1, _)),
            "{bytes:?}: {error:?}"
        );
        assert!(
            ended.contains("breaks HTTP/1.1") && !ended.contains("TLS"),
            "{ended}"
        );
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", fields(5_001));
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(2 << 20));
    for bytes in [many, long] {
        let (error, ended) = refused(bytes.as_bytes());
        assert!(matches!(error, Error::LongHead), "{error:?}");
        assert!(
            ended.contains("5,000") && ended.contains("1 MiB"),
            "{ended}"
        );
    }
}

/// How the one exchange with a peer fails that sends these bytes and closes.
fn refused(bytes: &[u8]) -> (Error, String) {
    let bytes = bytes.to_vec();
    let peer = Wire::start(move |line: &mut Line| {
        line.request();
        line.send(&bytes);
    });
    failed(&peer)
}

fn failed(peer: &Wire) -> (Error, String) {
    let user = User::new(&peer.url());
    let error = run(user.client.ping()).expect_err("it cannot be read");
    let all = user.journal.all();
    assert_eq!(all.len(), 1, "one exchange has one end");
    let shown = error.to_string();
    let Kind::Transport(error) = error.kind() else {
        panic!("{error}");
    };
    // The error of an exchange is told by reference only.
    let again = match error {
        Error::Malformed(protocol, what) => Error::Malformed(*protocol, what.clone()),
        Error::NotHttp(beginning) => Error::NotHttp(*beginning),
        Error::LongHead => Error::LongHead,
        other => panic!("{other:?}"),
    };
    (again, shown)
}

#[test]
fn a_body_with_broken_frames_breaks_the_protocol() {
    for chunks in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}XX0\r\n\r\n",
        "fffffffffffffffff\r\n{}",
        "-2\r\n{}\r\n0\r\n\r\n",
        "\r\n{}\r\n0\r\n\r\n",
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        let (error, ended) = refused(bytes.as_bytes());
        assert!(
            matches!(error, Error::Malformed(Protocol::Http1, _)),
            "{chunks:?}: {error:?}"
        );
        assert!(ended.contains("breaks HTTP/1.1"), "{ended}");
    }
}

/// The first bytes are evidence: TLS is named when they are those of TLS, and anything else is quoted.
#[test]
fn what_is_no_http_is_named_by_its_first_bytes() {
    for (bytes, words) in [
        (&b"\x15\x03\x01\x00\x02\x02\x16"[..], "not HTTP but TLS"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "not HTTP but TLS"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "`SSH-2.0-OpenSSH_`"),
        (b"\0\0\0\0", r"`\x00\x00\x00\x00`"),
        (b"220 smtp.example ESMTP\r\n", "`220 smtp.example`"),
        (b"<html>", "`<html>`"),
    ] {
        // Some speak before they are asked.
        for first in [false, true] {
            let bytes = bytes.to_vec();
            let peer = Wire::start(move |line: &mut Line| {
                if first {
                    line.send(&bytes);
                    line.wait();
                } else {
                    line.request();
                    line.send(&bytes);
                }
            });
            let (error, ended) = failed(&peer);
            assert!(matches!(error, Error::NotHttp(_)), "{words}: {error:?}");
            assert!(ended.contains(words), "{ended}");
            assert_eq!(ended.contains("TLS"), words.contains("TLS"), "{ended}");
        }
    }
}
