//! Connections: who carries what, how many there are, how they end, and where the time goes.

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Method};
use regstorm::client::Discard;
use regstorm::embedded::{Fault, FaultKind, Point, Settings, Stall};
use regstorm::exchange::{ConnectionUse, Timings};
use regstorm::oci::{Digest, Operation, Verify};
use regstorm::registry::{Kind, Wanted};
use regstorm::transport::{Address, Body, Error, Outgoing, RequestParts, Waiting};
use regstorm::units::ByteSize;
use tokio::net::TcpSocket;
use tokio::time::Instant;

use super::user::{
    User, UserSettings, agree, body, content, dropped_when, name, registry, run, settled,
};
use super::wire::{Line, Wire, answer};
use crate::support::patiently;

const WAIT: Duration = Duration::from_millis(60);

#[test]
fn a_kept_connection_carries_one_exchange_after_the_other() {
    let registry = registry(Settings::default());
    let user = User::new(&registry.url());
    run(async {
        for _ in 0..4 {
            user.client.ping().await.unwrap();
        }
        assert_eq!(user.pool.idle(), 1);
        agree(&registry, &[&user]).await;
    });
    let all = user.journal.all();
    let kept: Vec<_> = all.iter().map(|it| it.ended.connection).collect();
    let again = ConnectionUse::Reused;
    assert_eq!(kept, [ConnectionUse::New, again, again, again]);
    let dials: Vec<_> = all
        .iter()
        .map(|it| it.ended.timings.connect.is_some())
        .collect();
    assert_eq!(dials, [true, false, false, false]);
    assert_eq!(registry.counts().connections, 1);
    assert_eq!(user.totals.connections(), 1);
}

#[test]
fn without_keep_alive_every_request_says_so_and_has_its_own_connection() {
    let registry = registry(Settings::default());
    let profile = UserSettings {
        keep_alive: false,
        ..UserSettings::default()
    };
    let user = User::with(&registry.url(), profile);
    run(async {
        for _ in 0..3 {
            user.client.ping().await.unwrap();
            user.client
                .blob_head(&name("a"), &Digest::sha256(b""))
                .await
                .unwrap();
            assert_eq!(user.pool.idle(), 0);
        }
        agree(&registry, &[&user]).await;
        while registry.counts().open_connections > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let requests = registry.requests();
    assert!(
        requests
            .iter()
            .all(|it| it.header("connection") == Some("close"))
    );
    assert_eq!(registry.counts().connections, 6);
    assert!(
        user.journal
            .all()
            .iter()
            .all(|it| it.ended.connection == ConnectionUse::New)
    );
}

#[test]
fn no_more_connections_than_allowed_and_everyone_has_a_turn() {
    let registry = registry(Settings {
        faults: vec![Fault::everywhere(FaultKind::Delay(Duration::from_millis(
            5,
        )))],
        ..Settings::default()
    });
    let profile = UserSettings {
        limit: Some(2),
        ..UserSettings::default()
    };
    let user = User::with(&registry.url(), profile);
    run(async {
        for pinged in join_all((0..20).map(|_| user.client.ping())).await {
            pinged.unwrap();
        }
        agree(&registry, &[&user]).await;
    });
    assert_eq!(registry.counts().connections, 2);
    // At no time were there three requests at work.
    let requests = registry.requests();
    for one in &requests {
        let at_work = requests.iter().filter(|it| {
            it.arrived <= one.arrived && it.arrived + it.last_byte.unwrap_or_default() > one.arrived
        });
        assert!(at_work.count() <= 2);
    }
}

#[test]
fn no_more_free_connections_are_kept_than_a_client_keeps() {
    let registry = registry(Settings {
        faults: vec![Fault::everywhere(FaultKind::Delay(Duration::from_millis(
            20,
        )))],
        ..Settings::default()
    });
    let profile = UserSettings {
        max_idle_per_host: Some(2),
        ..UserSettings::default()
    };
    let user = User::with(&registry.url(), profile);
    run(async {
        for round in 1..=3 {
            for pinged in join_all((0..5).map(|_| user.client.ping())).await {
                pinged.unwrap();
            }
            assert_eq!(user.pool.idle(), 2);
            // Two of five are used again, and three are closed.
            assert_eq!(user.totals.connections(), 5 + 3 * (round - 1));
        }
        while registry.counts().open_connections > 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(registry.counts().connections, 11);
}

#[test]
fn a_waiter_that_leaves_takes_no_place_with_it() {
    let registry = registry(Settings::default());
    let profile = UserSettings {
        limit: Some(1),
        ..UserSettings::default()
    };
    let user = User::with(&registry.url(), profile);
    run(async {
        let forever = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
        registry
            .set_faults(vec![Fault::everywhere(forever)])
            .unwrap();
        // One holds the connection, four wait for it; all are dropped.
        let all = join_all((0..5).map(|_| user.client.ping()));
        dropped_when(all, || registry.counts().in_progress == 1).await;
        assert_eq!(
            user.journal.ends(),
            vec![(Operation::Ping, "cancelled".to_owned()); 5]
        );
        registry.set_faults(Vec::new()).unwrap();
        for pinged in join_all((0..5).map(|_| user.client.ping())).await {
            pinged.unwrap();
        }
        let counts = settled(&registry).await;
        // Four of the cancelled ones never had a connection.
        assert_eq!((counts.requests, counts.unanswered), (6, 1));
        assert_eq!(user.journal.all().len(), 10);
        assert_eq!(counts.connections, 2);
    });
}

#[test]
fn waiting_for_a_connection_has_an_end() {
    let registry = registry(Settings::default());
    let forever = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
    registry
        .set_faults(vec![Fault::everywhere(forever)])
        .unwrap();
    patiently(Duration::from_millis(150), |timeout| {
        let profile = UserSettings {
            limit: Some(1),
            timeout,
            ..UserSettings::default()
        };
        let user = User::with(&registry.url(), profile);
        // The second one begins to wait later than the first, but not later than the first one's end.
        let kinds = run(join_all((0..2).map(|_| user.client.ping())));
        let mut waits: Vec<_> = kinds
            .into_iter()
            .map(|pinged| match pinged.unwrap_err().kind() {
                Kind::Transport(Error::Timeout(waiting)) => *waiting,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(user.journal.all().len(), 2);
        waits.sort_by_key(|it| *it == Waiting::Response);
        // Of the other one either its own time was up, or it had the place for what was left of it.
        let named = matches!(
            waits[..],
            [
                Waiting::Connection | Waiting::Connect | Waiting::Response,
                Waiting::Response
            ]
        );
        named.then_some(()).ok_or_else(|| format!("{waits:?}"))
    });
}

#[test]
fn a_dial_has_an_end() {
    run(async {
        // A listener that accepts nothing, with its queue full: the system lets further dials hang.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut users = Vec::new();
        // Each that comes through takes a place in the queue, and waits for an answer in vain.
        let user = loop {
            let profile = UserSettings {
                timeout: Duration::from_millis(150),
                ..UserSettings::default()
            };
            let user = User::with(&format!("http://{address}"), profile);
            let error = user.client.ping().await.unwrap_err();
            match error.kind() {
                Kind::Transport(Error::Timeout(Waiting::Connect)) => break user,
                Kind::Transport(Error::Timeout(_)) => users.push(user),
                other => panic!("{other}"),
            }
            assert!(users.len() < 100, "the queue is never full");
        };
        let seen = user.journal.last();
        assert_eq!(seen.ended.connection, ConnectionUse::None);
        assert!(seen.ended.timings.connect.unwrap() >= Duration::from_millis(100));
        assert_eq!(user.totals.connections(), 0);
    });
}

#[test]
fn a_refused_dial_and_an_unknown_name_are_told_apart() {
    run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let user = User::new(&format!("http://{address}"));
        let error = user.client.ping().await.unwrap_err();
        assert!(
            matches!(error.kind(), Kind::Transport(Error::Connect { .. })),
            "{error}"
        );
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        let user = User::new("http://no-such-host.invalid");
        let error = user.client.ping().await.unwrap_err();
        assert!(
            matches!(error.kind(), Kind::Transport(Error::Dns { .. })),
            "{error}"
        );
        assert_eq!(user.journal.all().len(), 1);
    });
}

/// The exchange is over with the last byte: what the reader does with it is not part of it, and keeps nobody waiting.
#[test]
fn a_connection_is_free_as_soon_as_the_last_byte_is_known_to_have_come() {
    const SIZE: usize = 1 << 20;
    let chunked = || {
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        bytes.extend_from_slice(format!("{SIZE:x}\r\n").as_bytes());
        bytes.extend_from_slice(&content(SIZE));
        bytes.extend_from_slice(b"\r\n0\r\n\r\n");
        bytes
    };
    let peer = Wire::answering(move |request, _| {
        if request.asks("GET", "/told") {
            answer("200 OK", &[], content(SIZE))
        } else {
            chunked()
        }
    });
    let user = User::new(&peer.url());
    // In chunks only the one that follows tells which is the last.
    let read = async |path: &str, free_before_asked: usize| {
        let address = format!("{}{path}", peer.url()).parse().unwrap();
        let started = Instant::now();
        let outgoing = Outgoing::new(RequestParts {
            method: Method::GET,
            address: Address::of(&address).unwrap(),
            headers: HeaderMap::new(),
            body: Body::empty(),
            started,
            silence: Duration::from_mins(1),
        });
        let mut incoming = outgoing.send(&user.pool, &|| None).await.unwrap();
        assert_eq!(user.pool.idle(), 0);
        let mut read = 0;
        while read < SIZE {
            read += incoming.frame().await.unwrap().unwrap().len();
        }
        assert_eq!(user.pool.idle(), free_before_asked, "{path}");
        let over = started.elapsed();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(incoming.frame().await.is_none());
        assert_eq!(user.pool.idle(), 1);
        let total = incoming.end().0.timings.total;
        assert_eq!(total <= over, free_before_asked == 1, "{path}");
    };
    run(async {
        read("/told", 1).await;
        read("/chunked", 0).await;
    });
    assert_eq!(user.totals.connections(), 1);
}

#[test]
fn a_connection_closed_while_idle_is_replaced_and_nothing_is_sent_twice() {
    let (read, is_read) = mpsc::sync_channel(8);
    let is_read = Mutex::new(is_read);
    let (closed, is_closed) = mpsc::sync_channel(8);
    let peer = Wire::start(move |line: &mut Line| {
        line.request();
        line.send(answer("200 OK", &[], "{}"));
        // The client must have read the answer before the connection ends, or it ends with it.
        if line.number == 0 {
            let () = is_read.lock().unwrap().recv().unwrap();
            line.close();
        }
        closed.send(line.number).unwrap();
    });
    let user = User::new(&peer.url());
    run(async {
        user.client.ping().await.unwrap();
        assert_eq!(user.pool.idle(), 1);
        read.send(()).unwrap();
        // Until the peer has closed. Over loopback its last word is here then, and a runtime that sleeps asks the system for
        // it before it goes on.
        assert_eq!(is_closed.recv().unwrap(), 0);
        tokio::time::sleep(Duration::from_millis(5)).await;
        user.client.ping().await.unwrap();
    });
    assert_eq!(peer.requests().len(), 2);
    let kept: Vec<_> = user
        .journal
        .all()
        .iter()
        .map(|it| it.ended.connection)
        .collect();
    assert_eq!(kept, [ConnectionUse::New, ConnectionUse::New]);
    assert_eq!(user.totals.connections(), 2);
}

#[test]
fn a_connection_closed_under_a_request_is_a_reset_and_nothing_is_repeated() {
    // The second request of a kept connection is read, and then the peer leaves without a word.
    let peer = Wire::start(|line: &mut Line| {
        line.request();
        line.send(answer("200 OK", &[], "{}"));
        line.request();
    });
    let user = User::new(&peer.url());
    run(async {
        user.client.ping().await.unwrap();
        let error = user.client.ping().await.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                Kind::Transport(Error::Reset { received: None, .. })
            ),
            "{error}"
        );
        assert_eq!(user.journal.last().ended.connection, ConnectionUse::Reused);
    });
    assert_eq!(peer.requests().len(), 2);
    assert_eq!(user.journal.all().len(), 2);
}

#[test]
fn an_answer_that_ends_with_its_connection_is_not_kept() {
    for head in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
        "HTTP/1.0 200 OK\r\n\r\n{}",
    ] {
        let peer = Wire::start(move |line: &mut Line| {
            line.request();
            line.send(head);
        });
        let user = User::new(&peer.url());
        run(async {
            for _ in 0..3 {
                user.client.ping().await.unwrap();
            }
        });
        let connections: Vec<_> = peer.requests().iter().map(|it| it.connection).collect();
        assert_eq!(connections, [0, 1, 2]);
    }
}

#[test]
fn bytes_that_nobody_asked_for_end_a_kept_connection() {
    let peer = Wire::start(|line: &mut Line| {
        while line.request().is_some() {
            let mut bytes = answer("200 OK", &[], "{}");
            bytes.extend_from_slice(&answer("200 OK", &["X-Stray: yes"], "{}"));
            line.send(bytes);
        }
    });
    let user = User::new(&peer.url());
    run(async {
        for _ in 0..3 {
            // The stray answer must never be taken for the next one.
            let headers = user.client.ping().await.unwrap();
            assert!(!headers.contains_key("x-stray"));
        }
    });
}

#[test]
fn a_dropped_exchange_is_told_once_with_what_had_come() {
    let registry = registry(Settings::default());
    let bytes = content(50_000);
    let digest = registry.put_blob(&name("a"), bytes).unwrap();
    let user = User::new(&registry.url());
    run(async {
        let half = Point::AfterBody(ByteSize::from_bytes(20_000));
        let forever = FaultKind::Stall(half, Stall::Forever);
        registry
            .set_faults(vec![Fault::on(Operation::BlobGet, forever)])
            .unwrap();
        let wanted = Wanted {
            digest,
            size: None,
            verify: Verify::Digest,
        };
        {
            let (a, mut sink) = (name("a"), Discard);
            let get = user.client.blob_get(&a, wanted, &mut sink);
            dropped_when(get, || user.totals.received() == 20_000).await;
        }
        agree(&registry, &[&user]).await;
    });
    let all = user.journal.all();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].end.as_str(), all[0].status),
        ("cancelled", Some(200))
    );
    assert_eq!(all[0].ended.received, 20_000);
    assert_eq!(user.pool.idle(), 0);
}

/// The phases of an exchange, added up.
fn sum(timings: &Timings) -> Duration {
    let phases = [
        timings.wait,
        timings.dns,
        timings.connect,
        timings.tls,
        timings.send,
        timings.first_byte,
        timings.body,
    ];
    phases.into_iter().flatten().sum()
}

#[test]
fn the_phases_add_up() {
    let registry = registry(Settings::default());
    let digest = registry.put_blob(&name("a"), content(50_000)).unwrap();
    let user = User::new(&registry.url());
    run(async {
        for _ in 0..100 {
            let wanted = Wanted {
                digest,
                size: None,
                verify: Verify::Digest,
            };
            user.client
                .blob_get(&name("a"), wanted, &mut Discard)
                .await
                .unwrap();
        }
    });
    let all = user.journal.all();
    for seen in &all {
        let timings = seen.ended.timings;
        assert!(sum(&timings) <= timings.total, "{timings:?}");
        assert!(timings.wait.is_some() && timings.send.is_some());
        assert!(timings.first_byte.is_some() && timings.body.is_some());
        assert_eq!((timings.dns, timings.tls), (None, None));
    }
    // A busy machine may come between any two phases, but not a hundred times.
    let gap = all
        .iter()
        .map(|it| {
            it.ended
                .timings
                .total
                .saturating_sub(sum(&it.ended.timings))
        })
        .min();
    assert!(gap.unwrap() < Duration::from_millis(1), "{gap:?}");
}

#[test]
fn a_delay_is_found_in_its_phase() {
    let registry = registry(Settings::default());
    let digest = registry.put_blob(&name("a"), content(50_000)).unwrap();
    let profile = UserSettings {
        limit: Some(1),
        ..UserSettings::default()
    };
    let user = User::with(&registry.url(), profile);
    let fault = |kind| {
        registry
            .set_faults(vec![Fault::on(Operation::BlobGet, kind)])
            .unwrap();
    };
    let get = async || {
        let wanted = Wanted {
            digest,
            size: None,
            verify: Verify::Digest,
        };
        user.client
            .blob_get(&name("a"), wanted, &mut Discard)
            .await
            .unwrap();
        user.journal.last().ended.timings
    };
    // The clock of the client is read after the system call. A busy machine may pause it in between, while the time
    // of the registry runs; not every time.
    let longest = async |phase: fn(&Timings) -> Option<Duration>| {
        let mut longest = Duration::ZERO;
        for _ in 0..5 {
            longest = longest.max(phase(&get().await).unwrap());
        }
        longest
    };
    run(async {
        for kind in [
            FaultKind::Delay(WAIT),
            FaultKind::Stall(Point::BeforeHead, Stall::For(WAIT)),
        ] {
            fault(kind);
            assert!(longest(|it| it.first_byte).await >= WAIT);
        }
        let half = Point::AfterBody(ByteSize::from_bytes(20_000));
        fault(FaultKind::Stall(half, Stall::For(WAIT)));
        assert!(longest(|it| it.body).await >= WAIT);
        // The second of two waits for the first, and its own delay does not count as waiting.
        fault(FaultKind::Delay(WAIT));
        let timings = join_all([get(), get()]).await;
        let wait = timings.iter().map(|it| it.wait.unwrap()).max().unwrap();
        assert!(wait >= WAIT / 2, "{timings:?}");
        // No body, no body phase.
        user.client.blob_head(&name("a"), &digest).await.unwrap();
        assert_eq!(user.journal.last().ended.timings.body, None);
        agree(&registry, &[&user]).await;
    });
}

#[test]
fn a_peer_that_reads_slowly_is_found_in_the_sending() {
    let peer = Wire::start(|line: &mut Line| {
        line.head();
        // More than the buffers of the system on both sides hold is waiting meanwhile.
        Line::pause(WAIT);
        let mut left = 64 << 20;
        while left > 0 {
            left -= line.swallow(left);
        }
        line.send(answer("201 Created", &[], ""));
        line.wait();
    });
    let user = User::new(&peer.url());
    let bytes = Bytes::from(vec![7; 1 << 20]);
    let large = || {
        let bytes = bytes.clone();
        Body::sized((0..64).map(move |_| Ok(bytes.clone())), 64 << 20)
    };
    run(user
        .client
        .upload_post(&name("a"), &Digest::sha256(b""), &large))
    .unwrap();
    let ended = user.journal.last().ended;
    assert!(ended.timings.send.unwrap() >= WAIT, "{ended:?}");
    assert_eq!(ended.sent, 64 << 20);
    assert_eq!(user.totals.sent(), 64 << 20);
}

#[test]
fn the_totals_are_the_registrys_own() {
    let registry = registry(Settings::default());
    let user = User::new(&registry.url());
    let bytes = content(123_456);
    let digest = Digest::sha256(&bytes);
    run(async {
        let (a, client) = (name("a"), &user.client);
        let session = client.upload_start(&a).await.unwrap();
        session.put(&digest, &body(&bytes)).await.unwrap();
        let wanted = Wanted {
            digest,
            size: None,
            verify: Verify::Digest,
        };
        client.blob_get(&a, wanted, &mut Discard).await.unwrap();
        let _ = client.manifest_get(&a, &super::user::tag("t")).await;
        agree(&registry, &[&user]).await;
    });
    let counts = registry.counts();
    assert_eq!(counts.received, 123_456);
    assert_eq!(
        (user.totals.sent(), user.totals.received()),
        (counts.received, counts.sent)
    );
}

#[test]
fn a_pool_of_one_visits_two_hosts() {
    let registry = registry(Settings {
        quirks: vec![regstorm::embedded::Quirk::RedirectBlobs],
        ..Settings::default()
    });
    let digest = registry.put_blob(&name("a"), content(1_000)).unwrap();
    let profile = UserSettings {
        limit: Some(1),
        ..UserSettings::default()
    };
    let user = User::with(&registry.url(), profile);
    run(async {
        for _ in 0..3 {
            let wanted = Wanted {
                digest,
                size: None,
                verify: Verify::Digest,
            };
            user.client
                .blob_get(&name("a"), wanted, &mut Discard)
                .await
                .unwrap();
            assert!(user.pool.idle() <= 1);
        }
        agree(&registry, &[&user]).await;
    });
    // Each visit costs a connection, because only one may be open.
    assert_eq!(registry.counts().connections, 6);
}
