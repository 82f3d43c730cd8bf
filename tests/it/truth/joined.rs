//! A client that asks for one thing after the other, whose every exchange is joined with the registry's record of it.

use std::io;
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Lengths, Point, Running, Settings, Stall};
use regstorm::oci::{Digest, ImageName, MediaType, Operation, Verify};
use regstorm::registry::{BlobSink, Wanted};
use regstorm::units::ByteSize;
use tokio::time::Instant;

use super::{median, since, written};
use crate::protocol::user::{User, content, name, registry, run, tag};

const SIZE: usize = 60_000;
const ROUNDS: usize = 25;

/// Knows when the first bytes of a blob came to it: a clock beside the one under test.
#[derive(Default)]
struct Stamp(Option<Instant>);

impl BlobSink for Stamp {
    fn restart(&mut self, _: regstorm::registry::Restart) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, _bytes: &[u8]) -> io::Result<()> {
        self.0.get_or_insert_with(Instant::now);
        Ok(())
    }
}

/// When a call began, when the first bytes came out of it, and when it was over.
struct Call {
    began: Instant,
    first: Instant,
    over: Instant,
}

/// Answers to both operations are held back, and the bodies of blobs pause, each for a length drawn anew.
fn slow(ms: fn(u64) -> Duration) -> Vec<Fault> {
    let held_back = Lengths::uniform(ms(20), ms(60)).expect("a range");
    let paused = Lengths::exponential(ms(40), ms(160)).expect("a range");
    let at = Point::AfterBody(ByteSize::from_bytes(10_000));
    let delay = FaultKind::DrawnDelay(held_back.seeded(1));
    vec![
        Fault::on(Operation::ManifestGet, delay.clone()),
        Fault::on(Operation::BlobGet, delay),
        Fault::on(
            Operation::BlobGet,
            FaultKind::Stall(at, Stall::Drawn(paused.seeded(2))),
        ),
    ]
}

/// Calls in the order of the registry's records.
async fn calls(registry: &Running, user: &User) -> Vec<Call> {
    let digest = registry.put_blob(&name("a"), content(SIZE)).expect("room");
    let reference = ImageName {
        repository: name("a"),
        reference: tag("t"),
    };
    let raw = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":0}},"layers":[]}}"#,
        Digest::sha256(b"")
    );
    registry
        .put_manifest(&reference, &MediaType::OciManifest, raw.into())
        .expect("room");
    let wanted = Wanted {
        digest,
        size: Some(SIZE as u64),
        verify: Verify::Digest,
    };
    let mut calls = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let manifest = user.client.manifest_get(&name("a"), &tag("t")).await;
        let over = Instant::now();
        manifest.expect("a manifest");
        // A manifest comes out as a whole: nothing better is known of its first byte.
        let first = over;
        calls.push(Call { began, first, over });
        let mut stamp = Stamp::default();
        let began = Instant::now();
        let blob = user.client.blob_get(&name("a"), wanted, &mut stamp).await;
        let over = Instant::now();
        blob.expect("a blob");
        let first = stamp.0.expect("a blob has bytes");
        calls.push(Call { began, first, over });
    }
    calls
}

#[test]
fn no_exchange_is_told_shorter_or_longer_than_it_was() {
    let registry = registry(Settings {
        faults: slow(Duration::from_millis),
        ..Settings::default()
    });
    let user = User::new(&registry.url());
    let calls = run(calls(&registry, &user));
    let records = registry.requests();
    let seen = user.journal.all();
    assert_eq!((records.len(), seen.len()), (2 * ROUNDS, 2 * ROUNDS));

    let (mut first_bytes, mut bodies) = (Vec::new(), Vec::new());
    for ((record, seen), call) in records.iter().zip(&seen).zip(&calls) {
        assert_eq!(record.operation, Some(seen.operation));
        let (first, last) = written(record);
        let arrived = registry.began() + record.arrived;
        let (first_written, last_written) = (arrived + first, arrived + last);
        let timings = seen.ended.timings;
        let send = timings.send.expect("it was sent");
        let first_byte = timings.first_byte.expect("it was answered");
        let body = timings.body.expect("it has a body");
        // The head was read when some of the request had been sent, and the first byte was written after that.
        let least_first = first.saturating_sub(send);
        let most_first = call.first - call.began;
        let least_body = last_written.saturating_duration_since(call.first);
        let most_body = call.over - first_written;
        for (what, least, told, most) in [
            ("first byte", least_first, first_byte, most_first),
            ("body", least_body, body, most_body),
            ("total", last, timings.total, call.over - call.began),
        ] {
            assert!(
                least <= told && told <= most,
                "{what} of {record:?}: {least:?} <= {told:?} <= {most:?}"
            );
        }
        let wait = timings.wait.unwrap_or_default() + timings.connect.unwrap_or_default();
        assert!(wait + send + first_byte + body <= timings.total);
        if seen.operation == Operation::BlobGet {
            first_bytes.push((first, since(least_first, most_first)));
            bodies.push((since(first, last), since(least_body, most_body)));
        }
    }
    // The bounds are close: of half of the blobs, both phases are known better than to a half, on a busy
    // machine, too. On an idle one it is about a hundredth.
    for of_phase in [first_bytes, bodies] {
        let truth = median(of_phase.iter().map(|it| it.0));
        let width = median(of_phase.iter().map(|it| it.1));
        assert!(width <= truth / 2, "{width:?} of {truth:?}");
    }
}
