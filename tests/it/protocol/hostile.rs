//! Answers that no honest registry gives, and answers that honest middle boxes give.

use std::time::Duration;

use bytes::Bytes;
use regstorm::client::Discard;
use regstorm::oci::{Digest, Operation, Verify};
use regstorm::registry::{Kind, LinkError, MAX_LIST, MAX_MANIFEST, Paging, Wanted};
use regstorm::transport::{Body, Error, Waiting};

use super::user::{User, UserSettings, body, content, name, refusal, run, tag};
use super::wire::{Line, Wire, answer};
use crate::support::patiently;

/// What a ping comes to at a peer that sends these bytes and closes.
fn ping(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> (Result<(), String>, Option<u16>) {
    let peer = Wire::start(move |line: &mut Line| {
        line.request();
        line.send(bytes.as_ref());
    });
    let user = User::new(&peer.url());
    let pinged = run(user.client.ping());
    let all = user.journal.all();
    assert_eq!(all.len(), 1, "one exchange has one end");
    assert_eq!(all[0].end == "ok", pinged.is_ok());
    (
        pinged.map(drop).map_err(|error| error.to_string()),
        all[0].status,
    )
}

#[test]
fn a_connection_that_closes_without_an_answer_is_a_reset() {
    for bytes in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
    ] {
        let (pinged, status) = ping(bytes);
        let error = pinged.unwrap_err();
        assert!(error.contains("closed before a response"), "{error}");
        assert_eq!(status, None);
    }
}

#[test]
fn old_and_chatty_answers_are_understood() {
    for bytes in [
        &b"HTTP/1.0 200 OK\r\n\r\n{}"[..],
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nTrailer: z\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    ] {
        assert_eq!(ping(bytes), (Ok(()), Some(200)));
    }
    // What Go's TLS server says to a client that speaks plain HTTP.
    let go = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let (pinged, status) = ping(go);
    assert!(
        pinged
            .unwrap_err()
            .contains("HTTP request to an HTTPS server")
    );
    assert_eq!(status, Some(400));
}

#[test]
fn a_body_that_ends_too_early_is_a_reset_after_its_bytes() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ] {
        let (pinged, status) = ping(bytes);
        let error = pinged.unwrap_err();
        assert!(error.contains("after 2 bytes of the body"), "{error}");
        assert_eq!(status, Some(200));
    }
}

#[test]
fn whatever_the_words_of_a_refusal_the_status_counts() {
    for (words, said) in [
        (
            &b"<html><title>502 Bad Gateway</title></html>"[..],
            "Bad Gateway",
        ),
        (b"404 page not found\n", "404 page not found"),
        (b"", ""),
        (
            b"{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"slow down\"}]}",
            "TOOMANYREQUESTS: slow down",
        ),
        (b"{\"errors\":null}", ""),
        (b"\xff\xfe\x1b[31m", ""),
    ] {
        let (pinged, status) = ping(answer("502 Bad Gateway", &[], words));
        let error = pinged.unwrap_err();
        assert!(
            error.contains("502 Bad Gateway") && error.contains(said),
            "{error}"
        );
        assert!(!error.contains('\x1b'), "{error:?}");
        assert_eq!(status, Some(502));
    }
    // Words that are cut off, or that never come because the peer closes.
    let lie = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 9002079\r\n\r\nonly thirty-three bytes of words.";
    assert_eq!(ping(lie).1, Some(416));
    assert_eq!(
        ping("HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\n").1,
        Some(503)
    );
}

#[test]
fn words_that_never_end_are_not_listened_to() {
    // One never sends what it promises and keeps the connection; the other never stops.
    for floods in [false, true] {
        let peer = Wire::start(move |line: &mut Line| {
            line.request();
            line.send("HTTP/1.1 500 Oops\r\nContent-Length: 99999999999\r\n\r\n");
            if floods {
                let flood = vec![b'x'; 1 << 20];
                for _ in 0..64 {
                    line.send(&flood);
                }
            }
            line.wait();
        });
        let user = User::new(&peer.url());
        let error = run(user.client.ping()).unwrap_err();
        assert_eq!(refusal(&error).unwrap().as_u16(), 500);
        assert!(error.to_string().len() < 1000);
        assert!(user.journal.last().ended.received < 2 << 20);
        assert_eq!(user.pool.idle(), 0, "the connection still has words in it");
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let flood = |head: &'static str| {
        Wire::start(move |line: &mut Line| {
            while line.request().is_some() {
                line.send(head);
                let waste = vec![b' '; 1 << 20];
                for _ in 0..16 {
                    line.send(&waste);
                }
                line.wait();
            }
        })
    };
    let peer = flood("HTTP/1.1 200 OK\r\n\r\n");
    let user = User::new(&peer.url());
    run(async {
        let (a, client) = (name("a"), &user.client);
        let error = client.manifest_get(&a, &tag("t")).await.unwrap_err();
        assert!(
            matches!(error.kind(), Kind::TooLong(MAX_MANIFEST)),
            "{error}"
        );
        let error = client.ping().await.unwrap_err();
        assert!(matches!(error.kind(), Kind::TooLong(_)), "{error}");
        let wanted = Wanted {
            digest: Digest::sha256(b""),
            size: Some(10),
            verify: Verify::Length,
        };
        let error = client.blob_get(&a, wanted, &mut Discard).await.unwrap_err();
        assert!(
            matches!(error.kind(), Kind::Size { expected: 10, .. }),
            "{error}"
        );
    });
    assert!(
        user.journal
            .all()
            .iter()
            .all(|it| it.ended.received <= MAX_MANIFEST + (1 << 20))
    );
}

#[test]
fn a_head_answer_has_no_body_whatever_it_says() {
    let peer = Wire::start(|line: &mut Line| {
        while line.request().is_some() {
            line.send("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 157\r\n\r\n");
        }
    });
    let user = User::new(&peer.url());
    run(async {
        for _ in 0..3 {
            let found = user
                .client
                .blob_head(&name("a"), &Digest::sha256(b""))
                .await;
            assert_eq!(found.unwrap(), None);
        }
    });
    let connections: Vec<_> = peer.requests().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [0, 0, 0]);
}

#[test]
fn each_wait_has_an_end_and_a_name() {
    for (bytes, waiting, status) in [
        ("", Waiting::Response, None),
        ("HTTP/1.1 200 OK\r\nContent-Le", Waiting::Response, None),
        ("HTTP/1.1 100 Continue\r\n\r\n", Waiting::Response, None),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab",
            Waiting::Body,
            Some(200),
        ),
    ] {
        let peer = Wire::start(move |line: &mut Line| {
            line.request();
            line.send(bytes);
            line.wait();
        });
        patiently(Duration::from_millis(150), |timeout| {
            let profile = UserSettings {
                timeout,
                ..UserSettings::default()
            };
            let user = User::with(&peer.url(), profile);
            let error = run(user.client.ping()).unwrap_err();
            let Kind::Transport(Error::Timeout(found)) = error.kind() else {
                panic!("{error}")
            };
            let all = user.journal.all();
            assert_eq!(all.len(), 1);
            assert!(all[0].ended.timings.total >= timeout);
            assert_eq!(user.pool.idle(), 0);
            let came_to = (*found, all[0].status, all[0].ended.timings.send.is_some());
            let is_it = came_to == (waiting, status, true);
            is_it.then_some(()).ok_or_else(|| format!("{came_to:?}"))
        });
    }
}

#[test]
fn an_early_refusal_of_a_large_body_is_heard() {
    // The peer answers when it has seen the head, and leaves with the body unread: the system resets the connection.
    for status in ["413 Too Large", "401 No"] {
        let peer = Wire::start(move |line: &mut Line| {
            line.head();
            line.send(format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 5\r\n\r\nwords"
            ));
        });
        let bytes = Bytes::from(vec![7; 1 << 20]);
        for _ in 0..20 {
            let user = User::new(&peer.url());
            let large = || {
                let bytes = bytes.clone();
                Body::sized((0..64).map(move |_| Ok(bytes.clone())), 64 << 20)
            };
            let digest = Digest::sha256(b"");
            let error = run(user.client.upload_post(&name("a"), &digest, &large)).unwrap_err();
            let seen = user.journal.last();
            assert_eq!(
                refusal(&error).map(|it| it.as_u16()),
                seen.status,
                "{error}"
            );
            assert_eq!(seen.status, Some(status[..3].parse().unwrap()), "{error}");
            assert_eq!(user.journal.all().len(), 1);
            assert_eq!(seen.ended.sent, user.totals.sent());
        }
    }
}

#[test]
fn an_early_refusal_that_can_be_heard_is_heard() {
    // The peer leaves only when the client has: nothing overtakes the answer.
    let peer = Wire::start(|line: &mut Line| {
        line.head();
        line.send(answer("413 Too Large", &[], "words"));
        line.wait();
    });
    let user = User::new(&peer.url());
    let bytes = Bytes::from(vec![7; 1 << 20]);
    let large = || {
        let bytes = bytes.clone();
        Body::sized((0..64).map(move |_| Ok(bytes.clone())), 64 << 20)
    };
    run(async {
        let digest = Digest::sha256(b"");
        let error = user
            .client
            .upload_post(&name("a"), &digest, &large)
            .await
            .unwrap_err();
        assert_eq!(refusal(&error).unwrap().as_u16(), 413);
        assert_eq!(
            user.pool.idle(),
            0,
            "the connection is in the middle of a request"
        );
        let told = user.journal.last().ended.sent;
        // The rest of the body does not go out behind the back of the journal.
        let _ = user.client.ping().await;
        assert_eq!(told, user.journal.of(Operation::UploadPost)[0].ended.sent);
        let all = user.journal.all();
        assert_eq!(
            all.iter().map(|it| it.ended.sent).sum::<u64>(),
            user.totals.sent()
        );
        assert_eq!(
            all[1].ended.connection,
            regstorm::exchange::ConnectionUse::New
        );
    });
}

#[test]
fn an_early_answer_without_words_does_not_free_the_connection() {
    let peer = Wire::start(|line: &mut Line| {
        line.head();
        line.send(answer("413 Too Large", &[], ""));
        line.wait();
    });
    let user = User::new(&peer.url());
    let bytes = Bytes::from(vec![7; 1 << 20]);
    let large = || {
        let bytes = bytes.clone();
        Body::sized((0..64).map(move |_| Ok(bytes.clone())), 64 << 20)
    };
    run(async {
        let digest = Digest::sha256(b"");
        user.client
            .upload_post(&name("a"), &digest, &large)
            .await
            .unwrap_err();
        assert_eq!(user.pool.idle(), 0);
        let told = user.journal.last().ended.sent;
        let _ = tokio::time::timeout(Duration::from_millis(20), user.client.ping()).await;
        assert_eq!(told, user.totals.sent());
    });
}

#[test]
fn a_small_body_answered_early_is_sent_all_the_same() {
    let peer = Wire::start(|line: &mut Line| {
        while line.head().is_some() {
            line.send(answer("500 Oops", &[], ""));
            line.wait();
        }
    });
    let user = User::new(&peer.url());
    let digest = Digest::sha256(b"");
    let error = run(user
        .client
        .upload_post(&name("a"), &digest, &body(&content(1_000))))
    .unwrap_err();
    assert_eq!(refusal(&error).unwrap().as_u16(), 500);
    assert_eq!(user.journal.last().ended.sent, 1_000);
}

#[test]
fn a_page_that_was_read_before_is_not_read_again() {
    // Three pages, of which the last leads to each of them in turn.
    for back in [
        "a/tags/list?n=2",
        "a/tags/list?n=2&last=b",
        "a/tags/list?last=c",
    ] {
        let peer = Wire::answering(move |request, _| {
            let next = match request.target.as_str() {
                "/v2/a/tags/list?n=2" => {
                    "Link: </v2/a/tags/list?n=2&last=b>; rel=\"next\"".to_owned()
                }
                "/v2/a/tags/list?n=2&last=b" => "Link: <?last=c>; rel=next".to_owned(),
                "/v2/a/tags/list?last=c" => format!("Link: </v2/{back}>; rel=next"),
                other => panic!("{other}"),
            };
            answer("200 OK", &[&next], r#"{"name":"a","tags":["a","b"]}"#)
        });
        let user = User::new(&peer.url());
        run(async {
            let (a, mut paging) = (name("a"), Paging::First(Some(2)));
            for _ in 0..2 {
                let page = user.client.tags(&a, paging).await.unwrap();
                assert_eq!(page.entries, ["a", "b"]);
                paging = page.next.unwrap();
            }
            let error = user.client.tags(&a, paging).await.unwrap_err();
            assert!(
                matches!(error.kind(), Kind::Link(LinkError::Loop(_))),
                "{error}"
            );
        });
        assert_eq!(user.journal.all().len(), 3);
        assert_ne!(user.journal.last().end, "ok");
    }
}

/// All relations stand in one header, or none can be read: both are told by the registry's own words.
#[test]
fn the_walk_ends_where_the_registry_says_and_nowhere_else() {
    let both = "Link: </v2/_catalog?last=a>; rel=\"prev\", </v2/_catalog?last=c>; rel=\"next\"";
    for (header, end) in [
        (both, None),
        ("Link: </v2/_catalog?last=a>; rel=prev", Some(true)),
        ("Link: /v2/_catalog?last=c; rel=\"next\"", Some(false)),
        ("Link: <ftp://h/v2/_catalog>; rel=next", Some(false)),
    ] {
        let peer =
            Wire::answering(move |_, _| answer("200 OK", &[header], r#"{"repositories":["a"]}"#));
        let user = User::new(&peer.url());
        let page = run(user.client.catalog(Paging::First(None)));
        match end {
            None => assert!(page.unwrap().next.is_some(), "{header}"),
            Some(true) => assert_eq!(page.unwrap().next, None, "{header}"),
            Some(false) => {
                let error = page.unwrap_err();
                assert!(matches!(error.kind(), Kind::Link(_)), "{error}");
                assert!(error.to_string().contains("Link: "), "{error}");
                assert_ne!(user.journal.last().end, "ok");
            }
        }
    }
}

/// 200,000 tags of 64 characters in one answer are 13 MB, and a list.
#[test]
fn a_list_in_one_piece_is_a_list_however_long_and_has_an_end() {
    let tags: Vec<String> = (0..200_000).map(|it| format!("build-{it:058}")).collect();
    let whole = serde_json::json!({ "name": "a", "tags": tags }).to_string();
    assert!(whole.len() as u64 > MAX_MANIFEST);
    let peer = Wire::answering(move |_, _| answer("200 OK", &[], &whole));
    let user = User::new(&peer.url());
    let page = run(user.client.tags(&name("a"), Paging::First(None))).unwrap();
    assert_eq!((page.entries.len(), page.next), (200_000, None));
    assert_eq!(page.entries[199_999], tags[199_999]);
    let flood = Wire::start(|line: &mut Line| {
        line.request();
        line.send("HTTP/1.1 200 OK\r\n\r\n");
        let waste = vec![b' '; 1 << 20];
        for _ in 0..=MAX_LIST >> 20 {
            line.send(&waste);
        }
        line.wait();
    });
    let user = User::new(&flood.url());
    let error = run(user.client.tags(&name("a"), Paging::First(None))).unwrap_err();
    assert!(matches!(error.kind(), Kind::TooLong(MAX_LIST)), "{error}");
}
