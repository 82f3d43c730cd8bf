//! Proof that the tester is right: what it reports is held against what a registry logged that was scripted to be slow.
//!
//! The truth is the registry's log and not what was drawn: a timer is late, a write at the socket is not. Client and
//! registry share a machine and a clock, so the bounds here are causes and effects: no byte is read before it was
//! written, and no request is sent before the answer to the one before it has ended. They hold on any machine, however
//! busy, and no allowance is a number of milliseconds.

/// A freeze of the whole registry, as a closed loop sees it.
mod freeze;
/// Each exchange against its own record.
mod joined;
/// The percentiles of a run against those of the log.
mod percentiles;
/// Every sum of a run, under every fault, whichever way it ends.
mod sums;

use std::collections::BTreeMap;
use std::time::Duration;

use regstorm::embedded::{RequestRecord, Running};
use regstorm::engine::Finished;
use regstorm::exchange::Phase;
use regstorm::measure::LatencyHistogram;
use regstorm::oci::Operation;

use crate::support::wait_for;

/// One exchange as the registry's log tells it.
#[derive(Debug, Clone)]
struct Told {
    operation: Operation,
    /// From the head read to the first byte written.
    first_byte: Duration,
    /// From the first byte written to the last one.
    body: Duration,
    /// How long the registry had nothing to do for this client before it and after it. What the client and the wire
    /// add to the exchange lies in there.
    before: Duration,
    after: Duration,
}

impl Told {
    /// The longest that the whole of it can have been for the client: it has begun when the answer before it had
    /// ended, and was over before the next request came. The same bounds the first byte of it, for what has no pause
    /// in its body.
    fn longest(&self) -> Duration {
        self.before + self.first_byte + self.body + self.after
    }

    /// The longest that the body can have been: it has begun when the first byte was written.
    fn longest_body(&self) -> Duration {
        self.body + self.after
    }
}

/// The exchanges of users that ask for one thing after the other, each on one connection of its own.
fn told(registry: &Running) -> Vec<Told> {
    wait_for(|| (registry.counts().open_connections == 0).then_some(()));
    let mut connections: BTreeMap<u64, Vec<RequestRecord>> = BTreeMap::new();
    for record in registry.requests() {
        connections
            .entry(record.connection)
            .or_default()
            .push(record);
    }
    let (users, others): (Vec<_>, Vec<_>) = connections
        .into_values()
        .partition(|records| records.iter().all(is_pull));
    // The load begins when seeding has ended.
    let ends = others.iter().flatten().map(end_of);
    let begin = ends.max().expect("the run has seeded");
    users.iter().flat_map(|user| told_of(user, begin)).collect()
}

/// The exchanges of one connection, opened no earlier than `begin`.
fn told_of(records: &[RequestRecord], begin: Duration) -> impl Iterator<Item = Told> {
    records.iter().enumerate().map(move |(place, record)| {
        let before = place
            .checked_sub(1)
            .map_or(begin, |it| end_of(&records[it]));
        // A client leaves when its last answer has ended.
        let next = records.get(place + 1).map(|next| next.arrived);
        let after = next.or(record.closed).expect("it has left");
        let (first, last) = written(record);
        Told {
            operation: record.operation.expect("a pull"),
            first_byte: first,
            body: since(first, last),
            before: since(before, record.arrived),
            after: since(end_of(record), after),
        }
    })
}

fn is_pull(record: &RequestRecord) -> bool {
    matches!(
        record.operation,
        Some(Operation::ManifestGet | Operation::BlobGet)
    )
}

/// When the first and the last byte of the answer were written, since the request came.
fn written(record: &RequestRecord) -> (Duration, Duration) {
    let first = record.first_byte.expect("an answer");
    (first, record.last_byte.expect("an answer"))
}

/// How much later an effect was than its cause.
fn since(cause: Duration, effect: Duration) -> Duration {
    effect
        .checked_sub(cause)
        .expect("an effect comes after its cause")
}

fn end_of(record: &RequestRecord) -> Duration {
    record.arrived + written(record).1
}

/// The latencies of one phase of one operation, in a run of one journey.
fn phase(finished: &Finished, operation: Operation, phase: Phase) -> &LatencyHistogram {
    let (track, _, _) = finished.record.tracks().next().expect("a track");
    let mut operations = finished.record.track_operations(track);
    let (_, series) = operations
        .find(|(it, _)| *it == operation)
        .expect("an operation of the journey");
    series.latencies.phases.of(phase)
}

/// What of all is of one operation.
fn of(all: &[Told], operation: Operation) -> Vec<Told> {
    let mut some = all.to_vec();
    some.retain(|it| it.operation == operation);
    some
}

fn median(values: impl IntoIterator<Item = Duration>) -> Duration {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_unstable();
    values[values.len().div_ceil(2) - 1]
}
