//! The small counters that samples add to. They saturate: a report read from a file may hold any number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::exchange::{ConnectionUse, Handshake, Protocol};

/// How many ended in which way. Each thing that ended is in exactly one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Outcomes {
    /// Did what they are for.
    pub ok: u64,
    /// Came to another end.
    pub failed: u64,
    /// Were given up, because the run ended first.
    pub cancelled: u64,
    /// Ended as their clients, which misbehave on purpose, want or provoke it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub misbehaved: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(count: &u64) -> bool {
    *count == 0
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
    /// Never began; `DropReason` says why.
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

fn add(to: &mut u64, more: u64) {
    *to = to.saturating_add(more);
}

impl Outcomes {
    pub(super) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Misbehaved(_) => self.misbehaved += 1,
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: Self) {
        add(&mut self.ok, other.ok);
        add(&mut self.failed, other.failed);
        add(&mut self.cancelled, other.cancelled);
        add(&mut self.misbehaved, other.misbehaved);
    }

    /// Returns all that ended.
    pub fn ended(self) -> u64 {
        self.ok
            .saturating_add(self.failed)
            .saturating_add(self.cancelled)
            .saturating_add(self.misbehaved)
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
    pub(super) fn count(
        &mut self,
        connection: ConnectionUse,
        protocol: Option<Protocol>,
        handshake: Option<Handshake>,
    ) {
        match connection {
            ConnectionUse::New => self.new += 1,
            ConnectionUse::Reused => self.reused += 1,
            ConnectionUse::None => {}
        }
        match protocol {
            Some(Protocol::Http1) => self.http1 += 1,
            Some(Protocol::Http2) => self.http2 += 1,
            None => {}
        }
        match handshake {
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
