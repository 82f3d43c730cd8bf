//! Redirects of reads and writes, and what another host gets to see.

use bytes::Bytes;
use regstorm::embedded::{Quirk, Settings};
use regstorm::oci::{Digest, Manifest, MediaType, Operation, Verify};
use regstorm::profile::{Habits, Profile, Retry};
use regstorm::registry::{BlobSink, Kind, Redirect, Wanted};
use regstorm::transport::Body;

use super::user::{
    User, UserSettings, agree, basic, bearer, body, content, name, refusal, registry, tag, tenant,
};
use super::wire::{Line, Request, Wire, answer};
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

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The manifest of an image without layers.
pub(super) fn an_image() -> Manifest {
    let config = Digest::sha256(b"{}");
    let raw = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{OCI_MANIFEST}\",\"config\":{{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"{config}\",\"size\":2}},\"layers\":[]}}"
    );
    let raw = Bytes::from(raw);
    Manifest::parse(raw, Some(&MediaType::from(OCI_MANIFEST))).expect("a manifest")
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
fn redirects_are_followed_as_often_as_go_does_and_no_more() {
    // Go's client: "stopped after 10 redirects", which is the tenth request.
    let home = Wire::answering(|request, _| {
        let (_, left) = request.target.rsplit_once('=').unwrap_or(("", "9"));
        let left: u32 = left.parse().unwrap();
        if left == 0 {
            return answer("200 OK", &[], "");
        }
        let status = ["301 A", "302 B", "303 C", "307 D", "308 E"][left as usize % 5];
        let location = format!("Location: ?left={}", left - 1);
        answer(status, &[&location], "")
    });
    for client in Profile::ALL {
        let user = client_of(&home.url(), client.name);
        run(user.client.ping()).unwrap();
        assert_eq!(user.journal.all().len(), 10, "{}", client.name);
    }
    let home = Wire::answering(|_, _| answer("302 Found", &["Location: /v2/"], ""));
    let user = User::new(&home.url());
    let error = run(user.client.ping()).unwrap_err();
    assert!(
        matches!(error.kind(), Kind::Redirect(Redirect::TooMany(9))),
        "{error}"
    );
    assert_eq!(home.requests().len(), 10);
    let ends = user.journal.ends();
    assert_eq!(ends.len(), 10, "each leg is an exchange");
    assert_eq!(ends[0], (Operation::Ping, "ok".to_owned()));
    assert!(ends[1..].iter().all(|it| it.0 == Operation::Redirected));
    assert_ne!(ends[9].1, "ok");
}

#[test]
fn other_statuses_are_no_redirects() {
    for status in [300, 304, 305, 306] {
        let home = Wire::answering(move |_, _| {
            answer(&format!("{status} Odd"), &["Location: /there"], "")
        });
        let user = User::new(&home.url());
        let error = run(user.client.ping()).unwrap_err();
        assert_eq!(refusal(&error).unwrap().as_u16(), status);
        assert_eq!(home.requests().len(), 1);
    }
    // And one that says nowhere is the answer itself.
    let home = Wire::answering(|_, _| answer("307 Moved", &[], ""));
    let user = User::new(&home.url());
    let error = run(user.client.ping()).unwrap_err();
    assert_eq!(refusal(&error).unwrap().as_u16(), 307);
}

/// A user of a registry under `url` with the habits of a client.
fn client_of(url: &str, client: &str) -> User {
    let habits = Profile::named(client).expect("a client").habits();
    User::with(
        url,
        UserSettings {
            habits: Habits {
                retry: Retry::NEVER,
                ..habits
            },
            ..tenant()
        },
    )
}

/// Moves whatever is asked once, with that status, by `?moved` or `&moved`; then it takes everything that is pushed.
fn moving(status: u16, url: Option<String>) -> Wire {
    Wire::answering(move |request, _| {
        if !request.target.ends_with("moved") {
            let between = if request.target.contains('?') {
                "&"
            } else {
                "?"
            };
            let there = url.as_deref().unwrap_or_default();
            let location = format!("Location: {there}{}{between}moved", request.target);
            return answer(&format!("{status} Moved"), &[&location], "over there");
        }
        taking(request)
    })
}

/// What a registry answers that takes everything.
fn taking(request: &Request) -> Vec<u8> {
    match request.method.as_str() {
        "POST" | "PATCH" => answer("202 Accepted", &["Location: /up/1"], ""),
        "PUT" => answer("201 Created", &["Location: /stored"], ""),
        "DELETE" => answer("204 No Content", &[], ""),
        _ => answer("404 Not Found", &[], ""),
    }
}

fn asked(wire: &Wire) -> Vec<(String, usize)> {
    let requests = wire.requests().into_iter();
    requests.map(|it| (it.method, it.body.len())).collect()
}

fn twice(method: &str, length: usize) -> [(String, usize); 2] {
    [(method.to_owned(), length), (method.to_owned(), length)]
}

#[test]
fn writes_are_sent_again_with_their_bodies_where_307_and_308_lead() {
    for status in [307, 308] {
        let home = moving(status, None);
        let user = client_of(&home.url(), "plain");
        let (blob, manifest) = (content(25_000), an_image());
        let digest = Digest::sha256(&blob);
        run(async {
            let (a, client) = (name("a"), &user.client);
            let session = client.upload_start(&a).await.unwrap();
            let session = session.patch(&body(&blob), None).await.unwrap();
            session.put(&digest, &Body::empty).await.unwrap();
            client.upload_post(&a, &digest, &body(&blob)).await.unwrap();
            client.manifest_put(&a, &tag("t"), &manifest).await.unwrap();
        });
        let length = manifest.raw().len();
        let wanted = [
            twice("POST", 0),
            twice("PATCH", 25_000),
            twice("PUT", 0),
            twice("POST", 25_000),
            twice("PUT", length),
        ];
        assert_eq!(asked(&home)[..10], wanted.concat(), "{status}");
        let requests = home.requests();
        assert_eq!(requests[2].body, requests[3].body);
        assert_eq!(requests[3].body, blob);
        assert_eq!(requests[8].body, *manifest.raw());
        assert_eq!(requests[9].body, *manifest.raw());
        // It is the same registry: it sees who asks, and what the body is.
        for request in &requests {
            assert_eq!(request.header("x-tenant"), Some("perf"));
        }
        for (place, media_type) in [(3, "application/octet-stream"), (9, OCI_MANIFEST)] {
            assert_eq!(requests[place].header("content-type"), Some(media_type));
        }
        // Every leg is an exchange of its own, and its bytes are counted.
        let all = user.journal.all();
        assert_eq!(all.len(), requests.len());
        let sent: u64 = all.iter().map(|it| it.ended.sent).sum();
        assert_eq!(sent, user.totals.sent());
        assert_eq!(sent, (4 * 25_000 + 2 * length) as u64);
        assert!(all.iter().all(|it| it.end == "ok"));
    }
}

#[test]
fn older_redirects_make_a_get_without_a_body_of_a_write() {
    // As Go's client does it, and with it every client that is emulated.
    for status in [301, 302, 303] {
        for client in Profile::ALL {
            let home = moving(status, None);
            let user = client_of(&home.url(), client.name);
            let error = run(user.client.manifest_put(&name("a"), &tag("t"), &an_image()));
            let error = error.unwrap_err();
            assert_eq!(refusal(&error).unwrap().as_u16(), 404);
            assert!(
                error.is_turned() && error.to_string().contains("GET"),
                "{error}"
            );
            let requests = home.requests();
            assert!(requests[1].asks("GET", "/v2/a/manifests/t?moved"));
            assert_eq!(requests[1].body.len(), 0);
            assert_eq!(requests[1].header("content-type"), None);
            assert_eq!(requests[1].header("content-length"), None);
        }
        // A method that is turned stays turned, and `HEAD` stays what it is.
        let home = Wire::answering(move |request, place| match place {
            0 => answer(&format!("{status} Moved"), &["Location: /one"], ""),
            1 => answer("307 Moved", &["Location: /two"], ""),
            _ => taking(request),
        });
        let user = client_of(&home.url(), "plain");
        run(user.client.upload_start(&name("a"))).unwrap_err();
        let methods: Vec<_> = asked(&home).into_iter().map(|it| it.0).collect();
        assert_eq!(methods, ["POST", "GET", "GET"]);
    }
}

#[test]
fn what_a_client_streams_it_does_not_send_again() {
    // `GetBody` of Go's requests: dockerd, skopeo, podman and oras give a reader for a blob; containerd and crane can begin anew.
    // skopeo 1.9.3 was seen to send `PATCH` once where it is answered 307, to take that for a success, and to go on with a `PUT`;
    // `POST`, `PUT` and manifests it sends twice.
    enum Does {
        Again,
        Fails,
        GoesOn,
    }
    for (client, does) in [
        ("plain", Does::Again),
        ("docker", Does::Fails),
        ("docker-29", Does::Fails),
        ("containerd", Does::Again),
        ("containerd-1.6", Does::Again),
        ("buildkit", Does::Again),
        ("podman", Does::GoesOn),
        ("podman-storage", Does::GoesOn),
        ("crane", Does::Again),
        ("oras", Does::Fails),
    ] {
        let home = moving(307, None);
        let user = client_of(&home.url(), client);
        let blob = content(5_000);
        run(async {
            let session = user.client.upload_start(&name("a")).await.unwrap();
            let patched = session.patch(&body(&blob), None).await;
            match (&does, &patched) {
                (Does::Again | Does::GoesOn, Ok(_)) => {}
                (Does::Fails, Err(error)) => {
                    assert_eq!(refusal(error).unwrap().as_u16(), 307);
                    assert!(error.to_string().contains("stream"), "{error}");
                }
                _ => panic!("{client}: {patched:?}"),
            }
            drop(patched);
            let manifest = an_image();
            user.client
                .manifest_put(&name("a"), &tag("t"), &manifest)
                .await
                .unwrap();
        });
        let patches = asked(&home).into_iter().filter(|it| it.1 == 5_000);
        let wanted = if matches!(does, Does::Again) { 2 } else { 1 };
        assert_eq!(patches.count(), wanted, "{client}");
    }
}

#[test]
fn a_write_that_is_sent_elsewhere_goes_without_credentials_and_headers() {
    let other = Wire::answering(|request, _| taking(request));
    let there = other.url();
    let home = Wire::answering(move |request, _| {
        if request.header("authorization").is_none() {
            return answer("401 No", &["WWW-Authenticate: Basic realm=\"r\""], "");
        }
        let location = format!("Location: {there}{}", request.target);
        answer("307 Over There", &[&location], "")
    });
    let user = User::with(&home.url(), tenant());
    let manifest = an_image();
    run(async {
        let (a, client) = (name("a"), &user.client);
        drop(client.upload_start(&a).await.unwrap());
        client.manifest_put(&a, &tag("t"), &manifest).await.unwrap();
    });
    assert_eq!(
        asked(&other),
        [
            ("POST".to_owned(), 0),
            ("PUT".to_owned(), manifest.raw().len())
        ]
    );
    for request in other.requests() {
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("x-tenant"), None);
    }
}

#[test]
fn a_refusal_elsewhere_says_who_sent_us_there_and_what_was_kept_back() {
    let other = Wire::answering(|_, _| answer("401 No", &[], ""));
    let location = format!("Location: {}/x?sig=hunter2", other.url());
    let home = Wire::answering(move |request, _| match request.header("authorization") {
        None => answer("401 No", &["WWW-Authenticate: Basic realm=\"r\""], ""),
        Some(_) => answer("307 Over There", &[&location], ""),
    });
    let user = User::with(&home.url(), tenant());
    let error = run(user.client.upload_start(&name("a"))).unwrap_err();
    let text = error.to_string();
    assert!(error.is_elsewhere(), "{text}");
    for words in [
        &format!("{}/x", other.url()),
        home.url().as_str(),
        "credentials never go to another host",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
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
