//! Redirects of reads, refusal of redirects of writes, and what another host gets to see.

use regstorm::embedded::{Quirk, Settings};
use regstorm::oci::{Digest, Operation, Verify};
use regstorm::registry::{BlobSink, Kind, Wanted};

use super::user::{User, agree, basic, bearer, content, name, refusal, registry, tenant};
use super::wire::{Line, Wire, answer};
use crate::protocol::user::run;

/// Keeps what comes.
#[derive(Default)]
struct Keep(Vec<u8>);

impl BlobSink for Keep {
    fn restart(&mut self, _: regstorm::registry::Restart) -> std::io::Result<()> {
        self.0.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn wanted(bytes: &[u8], verify: Verify) -> Wanted {
    Wanted {
        digest: Digest::sha256(bytes),
        size: Some(bytes.len() as u64),
        verify,
    }
}

const BLOB: &[u8] = b"what the storage host has";

#[test]
fn the_storage_host_sees_neither_credentials_nor_headers() {
    for auth in [basic(), bearer()] {
        let registry = registry(Settings {
            auth,
            quirks: vec![Quirk::RedirectBlobs],
            ..Settings::default()
        });
        let user = User::with(&registry.url(), tenant());
        let bytes = content(30_000);
        registry.put_blob(&name("a"), bytes.clone()).unwrap();
        run(async {
            for _ in 0..2 {
                let mut sink = Keep::default();
                let wanted = wanted(&bytes, Verify::Digest);
                let received = user.client.blob_get(&name("a"), wanted, &mut sink).await;
                assert_eq!(received.unwrap().bytes, 30_000);
                assert_eq!(sink.0, bytes);
            }
            agree(&registry, &[&user]).await;
        });
        let requests = registry.requests();
        let (away, home): (Vec<_>, Vec<_>) = requests.iter().partition(|it| it.at_storage_host);
        assert_eq!(away.len(), 2);
        for request in away {
            assert_eq!(request.authorization(), None);
            assert_eq!(request.header("x-tenant"), None);
            assert!(request.header("host").is_some());
        }
        let blobs = home
            .iter()
            .filter(|it| it.operation == Some(Operation::BlobGet));
        assert!(
            blobs
                .clone()
                .all(|it| it.header("x-tenant") == Some("perf"))
        );
        assert_eq!(
            blobs.filter(|it| it.authorization().is_some()).count(),
            2,
            "one was challenged"
        );
    }
}

#[test]
fn another_port_of_the_same_host_is_another_host() {
    let other = Wire::answering(|_, _| answer("200 OK", &[], BLOB));
    let location = format!("Location: {}/x?sig=1", other.url());
    let home = Wire::answering(move |request, _| match request.header("authorization") {
        None => answer("401 No", &["WWW-Authenticate: Basic realm=\"r\""], ""),
        Some(_) => answer("307 Over There", &[&location], "moved"),
    });
    let user = User::with(&home.url(), tenant());
    run(async {
        let (wanted, a) = (wanted(BLOB, Verify::Digest), name("a"));
        let mut sink = Keep::default();
        user.client.blob_get(&a, wanted, &mut sink).await.unwrap();
        assert_eq!(sink.0, BLOB);
    });
    let asked = other.requests();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].asks("GET", "/x?sig=1"));
    assert_eq!(asked[0].header("authorization"), None);
    assert_eq!(asked[0].header("x-tenant"), None);
    assert_eq!(
        asked[0].header("host"),
        Some(other.address().to_string().as_str())
    );
}

#[test]
fn every_redirect_of_a_read_is_followed_and_stays_at_home_with_its_headers() {
    for status in [301, 302, 303, 307, 308] {
        for location in ["/deep/x?a=b%2Bc==&d", "../../../deep/x?a=b%2Bc==&d"] {
            let home = Wire::answering(move |request, _| {
                if request.target.starts_with("/deep") {
                    assert_eq!(request.header("x-tenant"), Some("perf"));
                    answer(
                        "200 OK",
                        &[],
                        if request.method == "HEAD" {
                            &b""[..]
                        } else {
                            BLOB
                        },
                    )
                } else {
                    let location = format!("Location: {location}");
                    answer(&format!("{status} Moved"), &[&location], "")
                }
            });
            let user = User::with(&home.url(), tenant());
            run(async {
                let wanted = wanted(BLOB, Verify::Digest);
                let (a, client) = (name("a"), &user.client);
                client
                    .blob_get(&a, wanted, &mut Keep::default())
                    .await
                    .unwrap();
                assert!(
                    client
                        .blob_head(&a, &wanted.digest)
                        .await
                        .unwrap()
                        .is_some()
                );
            });
            let requests = home.requests();
            let targets: Vec<_> = requests.iter().map(|it| it.method.as_str()).collect();
            assert_eq!(
                targets,
                ["GET", "GET", "HEAD", "HEAD"],
                "{status} {location}"
            );
            assert!(requests[1].asks("GET", "/deep/x?a=b%2Bc==&d"));
            assert!(requests[3].asks("HEAD", "/deep/x?a=b%2Bc==&d"));
        }
    }
}

#[test]
fn a_loop_of_redirects_ends() {
    let home = Wire::answering(|_, _| answer("302 Found", &["Location: /v2/"], ""));
    let user = User::new(&home.url());
    let error = run(user.client.ping()).unwrap_err();
    assert!(matches!(error.kind(), Kind::Protocol(_)), "{error}");
    assert_eq!(home.requests().len(), 6);
    assert_eq!(user.journal.all().len(), 6);
}

#[test]
fn a_write_is_not_redirected() {
    let other = Wire::answering(|_, _| answer("201 Created", &[], ""));
    let location = format!("Location: {}/x", other.url());
    for status in [301, 302, 307, 308] {
        let location = location.clone();
        let home =
            Wire::answering(move |_, _| answer(&format!("{status} Moved"), &[&location], ""));
        let user = User::new(&home.url());
        let error = run(user.client.upload_start(&name("a"))).unwrap_err();
        assert_eq!(refusal(&error).unwrap().as_u16(), status);
        assert_eq!(home.requests().len(), 1);
    }
    assert!(other.requests().is_empty());
}

#[test]
fn what_is_missing_behind_a_redirect_is_no_blob() {
    let home = Wire::answering(|request, _| {
        if request.target == "/gone" {
            answer(
                "404 Not Found",
                &[],
                "<Error><Code>NoSuchKey</Code></Error>",
            )
        } else {
            answer("307 Moved", &["Location: /gone"], "")
        }
    });
    for verify in [Verify::Digest, Verify::Length, Verify::None] {
        let user = User::new(&home.url());
        let mut sink = Keep::default();
        let got = run(user
            .client
            .blob_get(&name("a"), wanted(BLOB, verify), &mut sink));
        assert_eq!(refusal(&got.unwrap_err()).unwrap().as_u16(), 404);
        assert!(sink.0.is_empty(), "the words of the refusal were kept");
        assert_eq!(user.journal.last().status, Some(404));
        // Asked whether there is a blob, the same answer is a no.
        let head = run(user.client.blob_head(&name("a"), &Digest::sha256(b"")));
        assert_eq!(head.unwrap(), None);
    }
}

#[test]
fn the_words_beside_a_redirect_are_not_waited_for() {
    let home = Wire::start(|line: &mut Line| {
        while let Some(request) = line.request() {
            if request.target == "/there" {
                line.send(answer("200 OK", &[], BLOB));
            } else {
                line.send("HTTP/1.1 307 Moved\r\nLocation: /there\r\nContent-Length: 99\r\n\r\n");
                line.wait();
            }
        }
    });
    let user = User::new(&home.url());
    let wanted = wanted(BLOB, Verify::Digest);
    run(user
        .client
        .blob_get(&name("a"), wanted, &mut Keep::default()))
    .unwrap();
    assert_eq!(home.requests().len(), 2);
}

#[test]
fn a_redirect_to_nowhere_is_a_failure() {
    for location in [
        "Location: http://",
        "Location: http://[",
        "Location: https://127.0.0.1/x",
    ] {
        let home = Wire::answering(move |_, _| answer("307 Moved", &[location], ""));
        let user = User::new(&home.url());
        assert!(run(user.client.ping()).is_err());
        assert_eq!(home.requests().len(), 1);
    }
}
