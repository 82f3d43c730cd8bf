//! The small counters that samples add to. They saturate: a report read from a file may hold any number.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DropCause, DropReason, DroppedStart, ExchangeSample, FailureClass, Outcome};
use crate::exchange::{ConnectionUse, Handshake, Protocol};

/// How many ended in which way. Each thing that ended is in exactly one of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Outcomes {
    /// Did what they are for.
    pub ok: u64,
    /// Came to another end.
    pub failed: u64,
    /// Were given up, because the run ended first.
    pub cancelled: u64,
}

/// Bytes of bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Bytes {
    /// From regstorm to the target.
    pub sent: u64,
    /// From the target to regstorm.
    pub received: u64,
}

/// What became of the iterations that were due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Starts {
    /// Were due. Each is either started or dropped.
    pub scheduled: u64,
    /// Began.
    pub started: u64,
    /// Never began; [`DropReason`] says why.
    pub dropped: u64,
}

/// What exchanges ran over; those that never got a connection are in neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// A connection made for the exchange.
    pub new: u64,
    /// A connection that had served before.
    pub reused: u64,
    /// Of both, those over HTTP/1.1.
    #[serde(default)]
    pub http1: u64,
    /// Of both, those over HTTP/2.
    #[serde(default)]
    pub http2: u64,
    /// Of the new ones, those with a full TLS handshake.
    #[serde(default)]
    pub tls_full: u64,
    /// Of the new ones, those with a TLS handshake that took up an earlier session.
    #[serde(default)]
    pub tls_resumed: u64,
}

/// The sums of one period of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// What became of the iterations that were due.
    pub starts: Starts,
    /// How the started iterations ended.
    pub iterations: Outcomes,
    /// How the exchanges ended.
    pub exchanges: Outcomes,
    /// Bytes of the bodies of the exchanges.
    pub bytes: Bytes,
}

/// Failures by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassCounts([u64; FailureClass::ALL.len()]);

/// Iterations that were due and never began, by reason and by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropCounts([[u64; DropCause::ALL.len()]; DropReason::ALL.len()]);

/// Responses by status.
#[derive(Debug, Clone, Default)]
pub struct StatusCounts {
    /// Status and count, in the order in which they came; a status of 0 is none.
    few: [(u16, u64); StatusCounts::FEW],
    /// Those for which there was no room.
    more: BTreeMap<u16, u64>,
}

fn add(to: &mut u64, more: u64) {
    *to = to.saturating_add(more);
}

impl Outcomes {
    pub(super) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Cancelled => self.cancelled += 1,
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: Self) {
        add(&mut self.ok, other.ok);
        add(&mut self.failed, other.failed);
        add(&mut self.cancelled, other.cancelled);
    }

    /// All that ended.
    pub fn ended(self) -> u64 {
        self.ok
            .saturating_add(self.failed)
            .saturating_add(self.cancelled)
    }
}

impl Bytes {
    /// Adds the counts of another.
    pub fn merge(&mut self, other: Self) {
        add(&mut self.sent, other.sent);
        add(&mut self.received, other.received);
    }
}

impl Starts {
    /// Adds the counts of another.
    pub fn merge(&mut self, other: Self) {
        add(&mut self.scheduled, other.scheduled);
        add(&mut self.started, other.started);
        add(&mut self.dropped, other.dropped);
    }
}

impl Connections {
    pub(super) fn count(&mut self, sample: &ExchangeSample) {
        match sample.connection {
            ConnectionUse::New => self.new += 1,
            ConnectionUse::Reused => self.reused += 1,
            ConnectionUse::None => {}
        }
        match sample.protocol {
            Some(Protocol::Http1) => self.http1 += 1,
            Some(Protocol::Http2) => self.http2 += 1,
            None => {}
        }
        match sample.handshake {
            Some(Handshake::Full) => self.tls_full += 1,
            Some(Handshake::Resumed) => self.tls_resumed += 1,
            None => {}
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: Self) {
        add(&mut self.new, other.new);
        add(&mut self.reused, other.reused);
        add(&mut self.http1, other.http1);
        add(&mut self.http2, other.http2);
        add(&mut self.tls_full, other.tls_full);
        add(&mut self.tls_resumed, other.tls_resumed);
    }
}

impl Totals {
    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.starts.merge(other.starts);
        self.iterations.merge(other.iterations);
        self.exchanges.merge(other.exchanges);
        self.bytes.merge(other.bytes);
    }
}

impl ClassCounts {
    pub(super) fn count(&mut self, outcome: Outcome) {
        if let Outcome::Failed(class) = outcome {
            self.0[class.index()] += 1;
        }
    }

    /// How many failures were of that class.
    pub const fn of(&self, class: FailureClass) -> u64 {
        self.0[class.index()]
    }

    /// The classes that occurred, in the order of [`FailureClass::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (FailureClass, u64)> {
        FailureClass::ALL
            .into_iter()
            .zip(self.0)
            .filter(|(_, count)| *count > 0)
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            add(mine, theirs);
        }
    }
}

impl DropCounts {
    pub(super) fn count(&mut self, start: DroppedStart) {
        self.0[start.reason.index()][start.cause.index()] += 1;
    }

    /// The reasons that occurred, in the order of [`DropReason::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> {
        let sums = self.0.map(|causes| causes.into_iter().sum());
        DropReason::ALL
            .into_iter()
            .zip(sums)
            .filter(|(_, count)| *count > 0)
    }

    /// The causes that occurred, in the order of [`DropCause::ALL`].
    pub fn causes(&self) -> impl Iterator<Item = (DropCause, u64)> {
        let of = |cause: DropCause| self.0.iter().map(|causes| causes[cause.index()]).sum();
        DropCause::ALL
            .map(|cause| (cause, of(cause)))
            .into_iter()
            .filter(|(_, count)| *count > 0)
    }

    /// How many were dropped for a reason by a cause.
    pub const fn of(&self, start: DroppedStart) -> u64 {
        self.0[start.reason.index()][start.cause.index()]
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        let theirs = other.0.into_iter().flatten();
        for (mine, theirs) in self.0.iter_mut().flatten().zip(theirs) {
            add(mine, theirs);
        }
    }
}

impl StatusCounts {
    // More than an operation has on most registries; any further one costs an allocation at its first sight.
    const FEW: usize = 8;
    // Every status that HTTP can carry has three digits, the first of them not zero.
    const FIRST: u16 = 100;
    const LAST: u16 = 999;

    pub(super) fn count(&mut self, status: Option<u16>) {
        if let Some(status) = status {
            self.add(status.clamp(Self::FIRST, Self::LAST), 1);
        }
    }

    fn add(&mut self, status: u16, count: u64) {
        for (known, counted) in &mut self.few {
            if *known == 0 {
                *known = status;
            }
            if *known == status {
                return add(counted, count);
            }
        }
        add(self.more.entry(status).or_default(), count);
    }

    /// The statuses that occurred, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> {
        let mut all: Vec<_> = self
            .few
            .into_iter()
            .filter(|(known, _)| *known > 0)
            .collect();
        all.extend(self.more.iter().map(|(status, count)| (*status, *count)));
        all.sort_unstable();
        all.into_iter()
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (status, count) in other.iter() {
            self.add(status, count);
        }
    }
}

impl PartialEq for StatusCounts {
    /// In whatever order they came.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for StatusCounts {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_place() {
        let mut counts = StatusCounts::default();
        for status in [Some(100), Some(404), Some(404), Some(999), None] {
            counts.count(status);
        }
        let counted: Vec<_> = counts.iter().collect();
        assert_eq!(counted, [(100, 1), (404, 2), (999, 1)]);
    }

    #[test]
    fn there_is_room_for_all_statuses_in_any_order() {
        let (mut up, mut down) = (StatusCounts::default(), StatusCounts::default());
        for status in 100..=999 {
            up.count(Some(status));
            down.count(Some(1099 - status));
        }
        assert_eq!(up, down);
        up.merge(&down);
        let counted: Vec<_> = up.iter().collect();
        assert_eq!(counted, (100..=999).map(|it| (it, 2)).collect::<Vec<_>>());
        assert_ne!(up, down);
    }
}
