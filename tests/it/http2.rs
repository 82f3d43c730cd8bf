#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

use std::io::{Read as _, Write as _};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use regstorm::embedded::{Fault, FaultKind, Point, Running, Settings};
use regstorm::exchange::{ConnectionUse, HttpVersion, Protocol};
use regstorm::oci::{Digest, Operation};
use regstorm::profile::{Habits, Profile, Retry};
use regstorm::registry::{Kind, Posted};
use regstorm::transport::{
    Address, Body, Error, Outgoing, RequestParts, Route, Tls, TlsSettings, Waiting,
};

use crate::protocol::user::{
    User, UserSettings, agree, around, body, content, dropped_when, fetch, name, registry, run,
    settled,
};
use crate::support::patiently;

fn secure() -> Settings {
    Settings {
        tls: true,
        ..Settings::default()
    }
}

fn user(registry: &Running, http: HttpVersion) -> User {
    User::with(&registry.url(), profile(registry, http))
}

fn profile(registry: &Running, http: HttpVersion) -> UserSettings {
    let settings = TlsSettings {
        ca: registry.ca().map(|pem| pem.as_bytes().to_vec()),
        ..TlsSettings::default()
    };
    UserSettings {
        http,
        route: Route {
            tls: Arc::new(Tls::new(&settings).unwrap()),
            ..Route::default()
        },
        ..UserSettings::default()
    }
}

fn slow(length: u64) -> Vec<Fault> {
    vec![Fault::everywhere(FaultKind::Delay(Duration::from_millis(
        length,
    )))]
}

#[test]
fn the_version_is_the_one_that_was_asked_for_or_agreed_on() {
    let (plain, tls) = (registry(Settings::default()), registry(secure()));
    for (registry, http, spoken) in [
        (&plain, HttpVersion::Http1, Protocol::Http1),
        (&plain, HttpVersion::Auto, Protocol::Http1),
        (&plain, HttpVersion::Http2, Protocol::Http2),
        (&tls, HttpVersion::Http1, Protocol::Http1),
        (&tls, HttpVersion::Auto, Protocol::Http2),
        (&tls, HttpVersion::Http2, Protocol::Http2),
    ] {
        let before = registry.counts().http2_connections;
        let user = user(registry, http);
        run(async { user.client.ping().await.unwrap() });
        assert_eq!(user.journal.last().ended.protocol, Some(spoken), "{http:?}");
        let more = registry.counts().http2_connections - before;
        assert_eq!(more, u64::from(spoken == Protocol::Http2));
    }
}

#[test]
fn one_connection_carries_everything_and_bodies_cross_whole() {
    for settings in [Settings::default(), secure()] {
        let registry = registry(settings);
        let user = user(&registry, HttpVersion::Http2);
        // Larger than the window of a stream.
        let blobs: Vec<_> = [5, 70_000, 1_000_000, 6 << 20].map(content).into();
        run(async {
            join_all(blobs.iter().map(|blob| around(&user, blob))).await;
            agree(&registry, &[&user]).await;
        });
        assert_eq!(registry.counts().connections, 1);
        assert_eq!(user.totals.connections(), 1);
        let all = user.journal.all();
        let new = all
            .iter()
            .filter(|it| it.ended.connection == ConnectionUse::New);
        assert_eq!(new.count(), 1);
        for seen in all {
            let it = &seen.ended.timings;
            assert!(it.send.is_some() && it.first_byte.is_some(), "{it:?}");
            let parts = [
                it.wait,
                it.dns,
                it.connect,
                it.tls,
                it.send,
                it.first_byte,
                it.body,
            ];
            assert!(
                parts.into_iter().flatten().sum::<Duration>() <= it.total,
                "{it:?}"
            );
        }
    }
}

#[test]
fn no_more_streams_than_the_registry_allows_and_the_rest_waits() {
    let registry = registry(Settings {
        max_streams: 3,
        faults: slow(20),
        ..Settings::default()
    });
    let user = user(&registry, HttpVersion::Http2);
    let most = run(async {
        let pings = join_all((0..12).map(|_| user.client.ping()));
        let watch = async {
            let mut most = 0;
            loop {
                most = most.max(registry.counts().in_progress);
                tokio::time::sleep(Duration::from_millis(1)).await;
                if user.journal.all().len() == 12 {
                    return most;
                }
            }
        };
        let (pinged, most) = tokio::join!(pings, watch);
        for answer in pinged {
            answer.unwrap();
        }
        most
    });
    assert!((2..=3).contains(&most), "{most}");
    assert_eq!(registry.counts().connections, 1);
    // Twelve in turns of three: the last waited for three others at least.
    let waits = user
        .journal
        .all()
        .into_iter()
        .filter_map(|it| it.ended.timings.wait);
    assert!(waits.max().unwrap() >= Duration::from_millis(40));
}

#[test]
fn waiting_for_a_stream_has_an_end_and_takes_none_with_it() {
    patiently(Duration::from_millis(100), |timeout| {
        let registry = registry(Settings {
            max_streams: 1,
            faults: slow(120_000),
            ..Settings::default()
        });
        let mut impatient = profile(&registry, HttpVersion::Http2);
        impatient.timeout = timeout;
        let user = User::with(&registry.url(), impatient);
        run(async {
            let (one, other) = tokio::join!(user.client.ping(), user.client.ping());
            let timed_out = |error: regstorm::registry::Error| match error.kind() {
                Kind::Transport(Error::Timeout(waiting)) => *waiting,
                other => panic!("{other}"),
            };
            let waited = [one, other].map(|it| timed_out(it.unwrap_err()));
            if waited != [Waiting::Response, Waiting::Connection] {
                return Err(format!("{waited:?}"));
            }
            registry.set_faults(Vec::new()).unwrap();
            let pinged = user.client.ping().await;
            pinged.map_err(|error| error.to_string())?;
            assert_eq!(registry.counts().connections, 1);
            Ok(())
        })
    });
}

#[test]
fn a_dropped_exchange_ends_its_stream_and_not_the_connection() {
    let registry = registry(Settings {
        faults: slow(60_000),
        ..Settings::default()
    });
    let user = user(&registry, HttpVersion::Http2);
    run(async {
        dropped_when(user.client.ping(), || registry.counts().in_progress == 1).await;
        registry.set_faults(Vec::new()).unwrap();
        user.client.ping().await.unwrap();
        settled(&registry).await;
    });
    let counts = registry.counts();
    assert_eq!((counts.connections, counts.unanswered), (1, 1));
    let ends: Vec<_> = user
        .journal
        .ends()
        .into_iter()
        .map(|(_, end)| end)
        .collect();
    assert_eq!(ends, ["cancelled", "ok"]);
}

#[test]
fn a_stream_that_is_cut_fails_alone() {
    let registry = registry(Settings {
        faults: vec![Fault::on(
            Operation::BlobGet,
            FaultKind::Close(Point::AfterBody(regstorm::units::ByteSize::from_kib(64))),
        )],
        ..Settings::default()
    });
    let blob = content(1_000_000);
    registry.put_blob(&name("a"), blob.clone()).unwrap();
    let user = user(&registry, HttpVersion::Http2);
    run(async {
        let (got, pinged) = tokio::join!(fetch(&user, &blob), user.client.ping());
        pinged.unwrap();
        match got.unwrap_err().kind() {
            Kind::Transport(Error::Reset { received, .. }) => {
                assert!(received.is_none_or(|bytes| bytes <= 64 << 10));
            }
            other => panic!("{other}"),
        }
        user.client.ping().await.unwrap();
    });
    assert_eq!(registry.counts().connections, 1);
}

#[test]
fn without_keep_alive_each_exchange_has_a_connection_of_its_own() {
    let registry = registry(secure());
    let mut once = profile(&registry, HttpVersion::Auto);
    once.keep_alive = false;
    let user = User::with(&registry.url(), once);
    run(async {
        for _ in 0..3 {
            user.client.ping().await.unwrap();
        }
        while registry.counts().open_connections > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let counts = registry.counts();
    assert_eq!((counts.connections, counts.http2_connections), (3, 3));
    let all = user.journal.all();
    assert!(
        all.iter()
            .all(|it| it.ended.connection == ConnectionUse::New)
    );
}

#[test]
fn a_limit_is_on_connections_and_not_on_streams() {
    let registry = registry(Settings {
        faults: slow(20),
        quirks: vec![regstorm::embedded::Quirk::RedirectBlobs],
        ..Settings::default()
    });
    let blob = content(10);
    registry.put_blob(&name("a"), blob.clone()).unwrap();
    let mut one = profile(&registry, HttpVersion::Http2);
    one.limit = NonZeroUsize::new(1).map(NonZeroUsize::get);
    let user = User::with(&registry.url(), one);
    run(async {
        for pinged in join_all((0..8).map(|_| user.client.ping())).await {
            pinged.unwrap();
        }
        assert_eq!(user.totals.connections(), 1);
        // Two hosts take turns in the one place.
        for _ in 0..2 {
            fetch(&user, &blob).await.unwrap();
        }
        agree(&registry, &[&user]).await;
        assert_eq!(user.pool.idle(), 1);
    });
    assert_eq!(registry.counts().connections, 4);
}

#[test]
fn a_connection_that_ended_while_it_was_free_is_replaced_and_nothing_fails() {
    let listening = registry(Settings::default());
    let address = listening.addr();
    let user = user(&listening, HttpVersion::Http2);
    run(async {
        user.client.ping().await.unwrap();
        listening.stop();
        let again = registry(Settings {
            listen: address,
            ..Settings::default()
        });
        user.client.ping().await.unwrap();
        assert_eq!(again.counts().connections, 1);
    });
    assert_eq!(user.totals.connections(), 2);
}

#[test]
fn a_peer_that_does_not_speak_it_is_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let peer = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        let _ = stream.read(&mut request);
    });
    let profile = UserSettings {
        http: HttpVersion::Http2,
        ..UserSettings::default()
    };
    let user = User::with(&url, profile);
    let error = run(async { user.client.ping().await.unwrap_err() });
    assert!(
        matches!(error.kind(), Kind::Transport(Error::NotHttp2(_))),
        "{error}"
    );
    peer.join().unwrap();
}

#[test]
fn with_auto_those_who_wait_for_the_first_dial_share_what_it_finds() {
    let registry = registry(Settings {
        faults: slow(10),
        ..secure()
    });
    let user = user(&registry, HttpVersion::Auto);
    run(async {
        for pinged in join_all((0..5).map(|_| user.client.ping())).await {
            pinged.unwrap();
        }
    });
    assert_eq!(registry.counts().connections, 1);
    assert_eq!(registry.counts().full_handshakes, 1);
}

/// What a peer made by hand does with a request.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Answer,
    /// Answers with 2,000 header fields of 50 bytes, beyond what HTTP/2 libraries allow by themselves.
    ManyFields,
    /// Answers, and takes no more on this connection.
    Farewell,
    /// Resets the stream, and says that nothing was done for it.
    Refuse,
}

/// A peer that speaks HTTP/2 and treats the requests, in their order, as told; what comes later is answered.
fn peer(fates: &'static [Fate]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        run(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let mut fates = fates.iter().copied();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let fate = fates.next().unwrap_or(Fate::Answer);
                    match fate {
                        Fate::Refuse => respond.send_reset(h2::Reason::REFUSED_STREAM),
                        Fate::Answer | Fate::Farewell => {
                            respond
                                .send_response(http::Response::new(()), true)
                                .unwrap();
                        }
                        Fate::ManyFields => {
                            let mut response = http::Response::builder();
                            for number in 0..2_000 {
                                response = response.header(format!("x-{number}"), "a".repeat(50));
                            }
                            respond
                                .send_response(response.body(()).unwrap(), true)
                                .unwrap();
                        }
                    }
                    if matches!(fate, Fate::Farewell) {
                        connection.graceful_shutdown();
                    }
                }
            }
        });
    });
    url
}

fn to(url: &str) -> User {
    let profile = UserSettings {
        http: HttpVersion::Http2,
        ..UserSettings::default()
    };
    User::with(url, profile)
}

#[test]
fn a_head_may_be_as_long_as_over_http_1() {
    let user = to(&peer(&[Fate::ManyFields]));
    run(user.client.ping()).unwrap();
    assert_eq!(user.journal.ends().len(), 1);
}

#[test]
fn after_a_farewell_the_next_exchange_has_a_new_connection_and_nothing_fails() {
    let user = to(&peer(&[Fate::Answer, Fate::Farewell, Fate::Farewell]));
    run(async {
        for _ in 0..6 {
            user.client.ping().await.unwrap();
        }
    });
    assert_eq!(user.totals.connections(), 3);
    assert_eq!(user.journal.all().len(), 6);
}

#[test]
fn what_was_provably_not_looked_at_is_sent_once_more_if_it_has_no_body() {
    let user = to(&peer(&[Fate::Answer, Fate::Refuse]));
    run(async {
        user.client.ping().await.unwrap();
        user.client.ping().await.unwrap();
    });
    let ends: Vec<_> = user
        .journal
        .ends()
        .into_iter()
        .map(|(_, end)| end)
        .collect();
    assert_eq!(ends, ["ok", "ok"]);
    assert_eq!(user.totals.connections(), 2);
    assert_eq!(user.journal.last().ended.connection, ConnectionUse::New);
}

/// Sends a PUT with that body, which can be made anew or not.
async fn put(user: &User, body: &'static [u8], anew: bool) -> Result<StatusCode, Error> {
    let outgoing = Outgoing::new(RequestParts {
        method: http::Method::PUT,
        address: Address::of(&user.client.base().to_string().parse().unwrap()).unwrap(),
        headers: http::HeaderMap::new(),
        body: Body::whole(body.into()),
        started: tokio::time::Instant::now(),
        silence: Duration::from_mins(1),
    });
    let again = || anew.then(|| Body::whole(body.into()));
    let sent = outgoing.send(&user.pool, &again).await;
    sent.map(|it| it.status()).map_err(|failed| failed.error)
}

#[test]
fn a_refused_request_is_sent_again_if_its_body_can_be_made_anew() {
    use Fate::{Answer, Refuse};
    let user = to(&peer(&[Refuse, Answer, Refuse, Answer, Refuse, Answer]));
    run(async {
        // On a fresh connection, too: Go's client does not ask how old it is.
        assert_eq!(put(&user, b"", false).await.unwrap(), 200);
        assert_eq!(put(&user, b"body", true).await.unwrap(), 200);
        assert_eq!(user.totals.sent(), 8, "four bytes, twice");
        let error = put(&user, b"body", false).await.unwrap_err();
        assert!(matches!(error, Error::Unprocessed(_)), "{error}");
        put(&user, b"body", false).await.unwrap();
    });
}

/// A peer that ends its first connections with GOAWAY and `code` as soon as a frame of type `at` has come, and says that it did
/// nothing for any request; on those that follow it takes whatever is put.
fn leaving(connections: usize, at: u8, code: u8) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for _ in 0..connections {
            leave(&mut listener.accept().unwrap().0, at, code);
        }
        listener.set_nonblocking(true).unwrap();
        run(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::task::spawn_local(take_all(stream));
            }
        });
    });
    url
}

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;

/// Settings, an acknowledgement of the client's, and once a frame of that type has come GOAWAY.
fn leave(stream: &mut std::net::TcpStream, at: u8, code: u8) {
    stream.read_exact(&mut [0; 24]).unwrap(); // the client's preface
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).unwrap();
    stream.write_all(&[0, 0, 0, 4, 1, 0, 0, 0, 0]).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == at {
            break;
        }
    }
    let farewell = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, code];
    stream.write_all(&farewell).unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Reads every request of a connection to its end, and says that it was stored.
async fn take_all(stream: tokio::net::TcpStream) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        tokio::task::spawn_local(async move {
            let mut body = request.into_body();
            while let Some(Ok(part)) = body.data().await {
                body.flow_control().release_capacity(part.len()).unwrap();
            }
            let answer = http::Response::builder().status(201).body(()).unwrap();
            respond.send_response(answer, true).unwrap();
        });
    }
}

#[test]
fn a_farewell_without_error_costs_no_push_that_was_not_looked_at() {
    for (connections, at) in [(1, HEADERS), (2, HEADERS), (1, SETTINGS)] {
        let user = to(&leaving(connections, at, 0));
        let blob = content(300_000);
        run(async {
            let (a, digest, body) = (name("a"), Digest::sha256(&blob), body(&blob));
            let posted = user.client.upload_post(&a, &digest, &body).await.unwrap();
            assert!(matches!(posted, Posted::Done));
        });
        let all = user.journal.all();
        // One exchange, however often it was sent: the peer says that it knows of one only.
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].end, "ok");
        assert!(all[0].ended.sent >= 300_000);
        assert_eq!(all[0].ended.sent, user.totals.sent());
        let it = &all[0].ended.timings;
        let parts = [
            it.wait,
            it.dns,
            it.connect,
            it.tls,
            it.send,
            it.first_byte,
            it.body,
        ];
        assert!(
            parts.into_iter().flatten().sum::<Duration>() <= it.total,
            "{it:?}"
        );
    }
}

#[test]
fn a_farewell_that_cannot_be_made_good_is_no_reset() {
    // dockerd sends a blob from a stream, and cannot begin again.
    let habits = Habits {
        retry: Retry::NEVER,
        ..Profile::named("docker").unwrap().habits()
    };
    for (code, habits) in [(0, habits), (1, Profile::PLAIN.habits())] {
        let profile = UserSettings {
            http: HttpVersion::Http2,
            habits,
            ..UserSettings::default()
        };
        let user = User::with(&leaving(1, HEADERS, code), profile);
        let blob = content(300_000);
        run(async {
            let digest = Digest::sha256(&blob);
            let (a, body) = (name("a"), body(&blob));
            let error = user
                .client
                .upload_post(&a, &digest, &body)
                .await
                .unwrap_err();
            assert!(
                matches!(error.kind(), Kind::Transport(Error::Unprocessed(_))),
                "{error}"
            );
        });
        assert_eq!(user.journal.all().len(), 1);
        assert_eq!(user.journal.last().ended.sent, user.totals.sent());
    }
}
