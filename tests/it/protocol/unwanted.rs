//! Bodies that nobody looks at: counted to the last byte, and nothing of what follows them is lost.

use std::time::Duration;

use http::{HeaderMap, Method};
use regstorm::client::Discard;
use regstorm::oci::{Digest, Operation, Verify};
use regstorm::registry::Wanted;
use regstorm::transport::{Address, Body, Error, Outgoing, RequestParts};
use tokio::time::Instant;

use super::user::{User, content, name, run};
use super::wire::{Line, Wire, answer};

const SIZE: usize = 3 << 20;
/// The bytes of an answer's head.
const HEAD: usize = "HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n".len();

fn wanted(body: &[u8], verify: Verify) -> Wanted {
    Wanted {
        digest: Digest::sha256(body),
        size: Some(body.len() as u64),
        verify,
    }
}

/// Sends an answer in pieces that are cut at these places, with time for each to be read by itself.
fn send_in_pieces(line: &mut Line, answer: &[u8], places: &[usize]) {
    let ends = places.iter().copied().chain([answer.len()]);
    let mut from = 0;
    for end in ends {
        line.send(&answer[from..end]);
        from = end;
        Line::pause(Duration::from_millis(20));
    }
}

/// A peer that gives the body to each request, the first time in pieces.
fn peer(places: &'static [usize]) -> Wire {
    Wire::start(move |line| {
        let mut places = places;
        while line.request().is_some() {
            let answer = answer("200 OK", &[], content(SIZE));
            send_in_pieces(line, &answer, places);
            places = &[];
        }
    })
}

#[test]
fn what_follows_a_body_that_nobody_looks_at_is_read_as_ever() {
    // Within the head, at its end, and within the body.
    for places in [
        &[][..],
        &[10],
        &[HEAD],
        &[HEAD + 1],
        &[10, 5_000],
        &[5_000, 2 << 20],
    ] {
        let peer = peer(places);
        let user = User::new(&peer.url());
        let body = content(SIZE);
        run(async {
            for verify in [
                Verify::None,
                Verify::EveryDigest,
                Verify::Length,
                Verify::EveryDigest,
            ] {
                let wanted = wanted(&body, verify);
                let got = user.client.blob_get(&name("a"), wanted, &mut Discard).await;
                let got = got.unwrap_or_else(|error| panic!("{places:?} {verify:?}: {error}"));
                assert_eq!((got.bytes, got.size), (SIZE as u64, SIZE as u64));
            }
        });
        assert_eq!(user.totals.connections(), 1, "{places:?}");
        assert_eq!(user.totals.received(), 4 * SIZE as u64);
        for exchange in user.journal.of(Operation::BlobGet) {
            assert_eq!(exchange.ended.received, SIZE as u64);
        }
    }
}

#[test]
fn a_body_that_nobody_looks_at_fails_when_it_is_cut() {
    let peer = Wire::start(|line| {
        line.request();
        let answer = answer("200 OK", &[], content(SIZE));
        line.send(&answer[..SIZE / 2]);
    });
    let user = User::new(&peer.url());
    run(async {
        let wanted = wanted(&content(SIZE), Verify::None);
        let got = user.client.blob_get(&name("a"), wanted, &mut Discard).await;
        let text = got.unwrap_err().to_string();
        assert!(text.contains("end of file"), "{text}");
    });
    let received = user.journal.last().ended.received;
    assert_eq!(received, (SIZE / 2 - HEAD) as u64);
}

#[test]
fn most_of_it_is_dropped_within_the_system() {
    let peer = peer(&[]);
    let user = User::new(&peer.url());
    let read = async |lets_go: bool| {
        let started = Instant::now();
        let outgoing = Outgoing::new(RequestParts {
            method: Method::GET,
            address: Address::of(&peer.url().parse().unwrap()).unwrap(),
            headers: HeaderMap::new(),
            body: Body::empty(),
            started,
            silence: Duration::from_mins(1),
        });
        let mut incoming = outgoing.send(&user.pool, &|| None).await.unwrap();
        if lets_go {
            incoming.discard_body();
        }
        let mut whole = Vec::new();
        while let Some(part) = incoming.frame().await {
            let part: Result<_, Error> = part;
            whole.extend_from_slice(&part.unwrap());
        }
        whole
    };
    run(async {
        let whole = read(false).await;
        assert!(whole == content(SIZE));
        let dropped = read(true).await;
        assert_eq!(dropped.len(), SIZE);
        let others = dropped.iter().zip(&whole).filter(|(it, was)| it != was);
        let others = others.count();
        assert!(others > SIZE / 2, "{others}");
    });
}
