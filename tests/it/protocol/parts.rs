//! Blobs fetched in parts: how many there are, what they come to, and registries that do not give them.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use regstorm::client::Error;
use regstorm::embedded::{Fault, FaultKind, Lengths, RequestRecord, Running};
use regstorm::oci::{Digest, Operation};
use regstorm::profile::Profile;
use regstorm::registry::Kind;
use regstorm::units::ByteSize;

use super::image::{Image, Kept, MANIFEST, pulled};
use super::user::{User, UserSettings, agree, content, run, settled};
use super::wire::{Line, Request, Wire, answer};

const PART: u64 = 1024;
const PARALLEL: usize = 3;
/// An image whose layers have these sizes, all of them different.
fn image(sizes: &[usize]) -> Image {
    let whole = content(100_000);
    let layers = (1..).zip(sizes);
    let layers = layers.map(|(place, size)| whole.slice(place..place + size));
    Image::of(content(600), layers.collect())
}

/// A peer that has it, and gives of a blob whatever this makes of it and the first byte asked for.
fn peer(
    sizes: &[usize],
    give: impl Fn(&Bytes, Option<usize>) -> Vec<u8> + Send + Sync + 'static,
) -> Wire {
    let image = image(sizes);
    Wire::answering(move |request: &Request, _| {
        if request.target.contains("/manifests/") {
            let digest = format!("Docker-Content-Digest: {}", Digest::sha256(&image.manifest));
            let kind = format!("Content-Type: {MANIFEST}");
            let body: &[u8] = if request.method == "HEAD" {
                b""
            } else {
                &image.manifest
            };
            return answer("200 OK", &[&digest, &kind], body);
        }
        let from = request.header("range").map(|it| {
            let from = it
                .strip_prefix("bytes=")
                .and_then(|it| it.strip_suffix('-'));
            let from = from.and_then(|it| it.parse().ok());
            from.expect("an open range")
        });
        let blob = image.blob(&request.target).expect("one of its blobs");
        give(blob, from)
    })
}

fn ranged(blob: &Bytes, from: usize, said: usize) -> Vec<u8> {
    let range = format!(
        "Content-Range: bytes {said}-{}/{}",
        blob.len() - 1,
        blob.len()
    );
    answer("206 Partial Content", &[&range], &blob[from..])
}

/// containerd, told to fetch in parts.
fn user(url: &str) -> User {
    let mut habits = Profile::named("containerd").expect("a profile").habits();
    habits.pull.part_size = Some(ByteSize::from_bytes(PART));
    assert_eq!(habits.pull.parallel.get(), PARALLEL);
    User::with(
        url,
        UserSettings {
            habits,
            ..UserSettings::default()
        },
    )
}

/// Where the parts of a blob begin, as they were asked for; `None` asks for the whole.
fn parts(asked: &[RequestRecord], blob: &Bytes) -> Vec<Option<u64>> {
    let digest = Digest::sha256(blob).to_string();
    let mut parts: Vec<Option<u64>> = asked
        .iter()
        .filter(|it| it.operation == Some(Operation::BlobGet) && it.target.ends_with(&digest))
        .map(|it| {
            let from = it.header("range")?;
            let from = from
                .strip_prefix("bytes=")
                .and_then(|it| it.strip_suffix('-'));
            Some(from.and_then(|it| it.parse().ok()).expect("an open range"))
        })
        .collect();
    parts.sort_unstable();
    parts
}

/// The most requests at once: of those that were surely under way, from the head that came to the head that went.
fn most_at_once(asked: &[RequestRecord]) -> usize {
    let gets = asked
        .iter()
        .filter(|it| it.operation == Some(Operation::BlobGet));
    let spans: Vec<(Duration, Duration)> = gets
        .map(|it| (it.arrived, it.arrived + it.first_byte.expect("an answer")))
        .collect();
    let at = |instant: Duration| {
        let under_way = |(begin, end): &&(Duration, Duration)| *begin <= instant && instant < *end;
        spans.iter().filter(under_way).count()
    };
    spans.iter().map(|(begin, _)| at(*begin)).max().unwrap_or(0)
}

#[test]
fn a_blob_comes_in_as_many_parts_as_it_has_and_in_order() {
    let part = usize::try_from(PART).expect("small");
    let sizes = [
        (1, 1),
        (part - 1, 1),
        (part, 1),
        (part + 1, 2),
        (3 * part, 3),
        (3 * part + 1, 4),
        (20 * part - 1, 20),
    ];
    let image = image(&sizes.map(|(size, _)| size));
    let (low, high) = (Duration::ZERO, Duration::from_millis(20));
    let lengths = Lengths::uniform(low, high).expect("a range").seeded(5);
    let late = Fault::on(Operation::BlobGet, FaultKind::DrawnDelay(lengths));
    let site = image.site(vec![late]);
    let (user, kept) = (user(&site.url()), Kept::default());
    let done = run(async {
        let done = pulled(&user, &kept).await.expect("a pull");
        settled(&site).await;
        done
    });
    kept.assert_whole(&image);
    let total: usize = image.blobs().map(Bytes::len).sum();
    assert_eq!((done.fetched, done.bytes), (8, total as u64));
    let asked = site.requests();
    for (layer, (size, count)) in image.layers.iter().zip(sizes) {
        let starts: Vec<_> = (0..count).map(|it| Some(it * PART)).collect();
        assert_eq!(parts(&asked, layer), starts, "{size} bytes");
    }
    // The config fits into one part, and is asked for as a part all the same.
    assert_eq!(parts(&asked, &image.config), [Some(0)]);
    let most = most_at_once(&asked);
    assert!((2..=PARALLEL).contains(&most), "{most} at once");
    run(agree_but_for_bytes(&site, &user, 1 + 32));
}

/// What follows a part is the registry's to send and the client's to drop; who counted how much of it is chance.
async fn agree_but_for_bytes(site: &Running, user: &User, parts: usize) {
    let counts = settled(site).await;
    let gets = user.journal.of(Operation::BlobGet);
    assert_eq!(gets.len(), parts);
    assert!(
        gets.iter()
            .all(|it| it.end == "ok" && it.status == Some(206))
    );
    assert_eq!(counts.with_status(Operation::BlobGet, 206), parts as u64);
    let received = user.journal.all().into_iter().map(|it| it.ended.received);
    assert_eq!(received.sum::<u64>(), user.totals.received());
    assert_eq!(counts.open_connections, user.pool.idle() as u64);
}

/// A range of nothing cannot be satisfied: an empty blob is asked for as a whole.
#[test]
fn an_empty_blob_has_no_parts() {
    let image = image(&[0, 3000]);
    let site = image.site(Vec::new());
    let (user, kept) = (user(&site.url()), Kept::default());
    run(async { pulled(&user, &kept).await.expect("a pull") });
    kept.assert_whole(&image);
    assert_eq!(parts(&site.requests(), &image.layers[0]), [None]);
    assert_eq!(parts(&site.requests(), &image.layers[1]).len(), 3);
}

/// Came every part well, and are they together what this says?
fn is_of_parts(error: &Error, together: impl Fn(&Kind) -> bool) -> bool {
    matches!(error, Error::Parts(kind) if together(kind))
}

#[test]
fn parts_that_do_not_make_up_the_blob_are_found() {
    let image = image(&[5000]);
    // The first blob is the config; then one byte of the third part is wrong.
    let wrong = Fault::on(Operation::BlobGet, FaultKind::Corrupt(10)).window(3, Some(1));
    let site = image.site(vec![wrong]);
    let (user, kept) = (user(&site.url()), Kept::default());
    run(async {
        let error = pulled(&user, &kept).await.expect_err("one byte is wrong");
        assert!(
            is_of_parts(&error, |it| matches!(it, Kind::Digest { .. })),
            "{error}"
        );
    });
    // The config was good.
    assert_eq!(kept.count(), 1);
}

/// Parts have no checksum of their own: what they make up is held against the verified copy.
#[test]
fn parts_are_held_against_a_verified_copy_together() {
    let image = image(&[5000]);
    let site = image.site(Vec::new());
    let mut user = user(&site.url());
    user.client = user.client.sharing_copies(Rc::default());
    let one_wrong = || Fault::on(Operation::BlobGet, FaultKind::Corrupt(10)).window(3, Some(1));
    let pull_under = |faults| {
        site.set_faults(faults).expect("it runs");
        run(pulled(&user, &Kept::default()))
    };
    let error = pull_under(vec![one_wrong()]).expect_err("one byte is wrong");
    assert!(
        is_of_parts(&error, |it| matches!(it, Kind::Digest { .. })),
        "{error}"
    );
    pull_under(Vec::new()).expect("a pull");
    let error = pull_under(vec![one_wrong()]).expect_err("one byte is wrong");
    let unlike = |it: &Kind| matches!(it, Kind::UnlikeVerified { .. });
    assert!(is_of_parts(&error, unlike), "{error}");
}

#[test]
fn a_registry_that_gives_no_parts_is_asked_for_the_whole() {
    let image = image(&[5000, 4000]);
    let peer = peer(&[5000, 4000], |blob, _| answer("200 OK", &[], blob));
    let (user, kept) = (user(&peer.url()), Kept::default());
    let done = run(pulled(&user, &kept)).expect("a pull");
    kept.assert_whole(&image);
    assert_eq!(done.bytes, 600 + 5000 + 4000);
    // Each of them once without a range, and before that at least once with one.
    for blob in image.blobs() {
        let digest = Digest::sha256(blob).to_string();
        let asked = peer.requests().into_iter();
        let ranges: Vec<bool> = asked
            .filter(|it| it.target.ends_with(&digest))
            .map(|it| it.header("range").is_some())
            .collect();
        assert_eq!(ranges.iter().filter(|it| !**it).count(), 1, "{ranges:?}");
        // Parts that were under way as the first answer came are given up; the peer may hear of one after the whole.
        assert!(ranges[0], "{ranges:?}");
    }
    let gets = user.journal.of(Operation::BlobGet);
    assert!(
        gets.iter()
            .all(|it| it.end == "ok" || it.end == "cancelled"),
        "{:?}",
        user.journal.ends()
    );
    let received = user.journal.all().into_iter().map(|it| it.ended.received);
    assert_eq!(received.sum::<u64>(), user.totals.received());
}

/// One layer comes whole only, and slowly, while another one comes in parts.
#[test]
fn a_whole_is_in_flight_as_a_part_is() {
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let peer = peer(&[1000, 20_000], move |blob, from| {
        let in_parts = blob.len() == 20_000;
        seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Line::pause(Duration::from_millis(if in_parts { 5 } else { 50 }));
        now.fetch_sub(1, Ordering::SeqCst);
        match from {
            Some(from) if in_parts => ranged(blob, from, from),
            _ => answer("200 OK", &[], blob),
        }
    });
    let image = image(&[1000, 20_000]);
    let (user, kept) = (user(&peer.url()), Kept::default());
    run(pulled(&user, &kept)).expect("a pull");
    kept.assert_whole(&image);
    let most = most.load(Ordering::SeqCst);
    assert!((2..=PARALLEL).contains(&most), "{most} at once");
}

/// However a registry takes a request for a part, the blob comes; what is no part is counted as what it is.
#[test]
fn a_registry_that_gives_no_parts_gives_the_whole() {
    // The range that it speaks of, or the status that it refuses with; and is that a failure?
    for (status, said, is_failure) in [
        ("206 Partial Content", Some("bytes 0-4999/5000"), true),
        ("206 Partial Content", None, true),
        ("206 Partial Content", Some("parts 1024-4999/5000"), true),
        ("206 Partial Content", Some("bytes */5000"), true),
        ("416 Range Not Satisfiable", Some("bytes */5000"), false),
        ("416 Range Not Satisfiable", None, false),
    ] {
        let peer = peer(&[5000], move |blob, from| {
            let Some(from) = from else {
                return answer("200 OK", &[], blob);
            };
            if from == 0 {
                return ranged(blob, 0, 0);
            }
            let range = said.map(|it| format!("Content-Range: {it}"));
            let headers: Vec<&str> = range.iter().map(String::as_str).collect();
            answer(status, &headers, &blob[from..])
        });
        let (user, kept) = (user(&peer.url()), Kept::default());
        run(pulled(&user, &kept)).expect("a pull");
        kept.assert_whole(&image(&[5000]));
        let gets = user.journal.of(Operation::BlobGet);
        let failed: Vec<_> = gets
            .iter()
            .filter(|it| it.end != "ok" && it.end != "cancelled")
            .collect();
        assert_eq!(!failed.is_empty(), is_failure, "{status} {said:?}");
        assert!(failed.iter().all(|it| it.end.contains("starts elsewhere")));
        // Of each blob the whole was asked for once at most, and without a range.
        let whole = peer
            .requests()
            .into_iter()
            .filter(|it| it.target.contains("/blobs/"));
        assert_eq!(whole.filter(|it| it.header("range").is_none()).count(), 1);
    }
}

#[test]
fn a_part_that_ends_too_early_is_found() {
    let peer = peer(&[5000], |blob, from| {
        let from = from.unwrap_or(0);
        let range = format!(
            "Content-Range: bytes {from}-{}/{}",
            blob.len() - 1,
            blob.len()
        );
        answer(
            "206 Partial Content",
            &[&range],
            &blob[from..blob.len().min(from + 700)],
        )
    });
    let (user, kept) = (user(&peer.url()), Kept::default());
    let error = run(pulled(&user, &kept)).expect_err("too little");
    let Error::Registry(error) = error else {
        panic!("{error}");
    };
    let short = matches!(
        error.kind(),
        Kind::Size {
            expected: 1024,
            found: 700
        }
    );
    assert!(short, "{error}");
}

/// It sends more than there is: nobody takes more of it than a part.
#[test]
fn a_part_without_end_is_left() {
    let peer = peer(&[5000], |blob, from| {
        let from = from.unwrap_or(0);
        let range = format!(
            "Content-Range: bytes {from}-{}/{}",
            blob.len() - 1,
            blob.len()
        );
        let mut body = blob[from..].to_vec();
        body.resize(body.len() + (4 << 20), 0);
        answer("206 Partial Content", &[&range], body)
    });
    let image = image(&[5000]);
    let (user, kept) = (user(&peer.url()), Kept::default());
    let done = run(pulled(&user, &kept)).expect("the parts are good");
    kept.assert_whole(&image);
    assert_eq!(done.bytes, 5600);
}

#[test]
fn users_agree_with_a_registry_about_wholes() {
    let image = image(&[800, 1000]);
    let site = image.site(Vec::new());
    let (user, kept) = (user(&site.url()), Kept::default());
    run(async {
        pulled(&user, &kept).await.expect("a pull");
        // Blobs of one part are read to their end, so that both sides have seen the same bytes.
        agree(&site, &[&user]).await;
        assert_eq!(settled(&site).await.sent, user.totals.received());
    });
}
