//! The registry's own count of what it did: the truth that a harness's numbers are held against.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use http::StatusCode;

use crate::oci::Operation;

/// A snapshot of what the registry has done since it started.
///
/// `requests` = the sum of `exchanges` + `unanswered` + `in_progress`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests whose head was read, the storage host's too.
    pub requests: u64,
    /// Responses by operation and status; `None` is a request outside the specification.
    pub exchanges: BTreeMap<(Option<Operation>, u16), u64>,
    /// Requests that got no response: a fault cut them, or the client went away first.
    pub unanswered: u64,
    /// Requests that are being worked on.
    pub in_progress: u64,
    /// Bytes of request bodies that were read.
    pub received: u64,
    /// Bytes of responses' bodies that were handed to connections. A client that hangs up may not have got the last.
    pub sent: u64,
    /// Connections accepted, the storage host's too.
    pub connections: u64,
    /// TLS handshakes that came to their end, from the beginning.
    pub full_handshakes: u64,
    /// TLS handshakes that took up an earlier session.
    pub resumed_handshakes: u64,
    /// Connections that spoke HTTP/2.
    pub http2_connections: u64,
    /// Connections that got 503 at once, because there was no descriptor for them.
    pub turned_away: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// Upload sessions open now.
    pub open_uploads: u64,
    /// Different blobs stored now.
    pub blobs: u64,
    /// Repositories that exist now.
    pub repositories: u64,
    /// Bytes counted against the memory limit now.
    pub held: u64,
}

impl Counts {
    /// Returns the responses to one operation, whatever their status.
    pub fn of(&self, operation: Operation) -> u64 {
        self.exchanges
            .iter()
            .filter(|((which, _), _)| *which == Some(operation))
            .map(|(_, count)| count)
            .sum()
    }

    /// Returns the responses to one operation with one status.
    pub fn with_status(&self, operation: Operation, status: u16) -> u64 {
        self.exchanges
            .get(&(Some(operation), status))
            .copied()
            .unwrap_or(0)
    }

    /// Returns the number of all responses.
    pub fn answered(&self) -> u64 {
        self.exchanges.values().sum()
    }
}

/// The running counters.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: Counter,
    pub(super) unanswered: Counter,
    pub(super) received: Counter,
    pub(super) sent: Counter,
    pub(super) connections: Counter,
    pub(super) closed_connections: Counter,
    pub(super) full_handshakes: Counter,
    pub(super) resumed_handshakes: Counter,
    pub(super) http2_connections: Counter,
    pub(super) turned_away: Counter,
    exchanges: RefCell<BTreeMap<(Option<Operation>, u16), u64>>,
}

/// A number that goes up.
#[derive(Debug, Default)]
pub(super) struct Counter(Cell<u64>);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        self.0.set(self.0.get().wrapping_add(more));
    }

    pub(super) fn get(&self) -> u64 {
        self.0.get()
    }
}

impl Tally {
    pub(super) fn answered(&self, operation: Option<Operation>, status: StatusCode) {
        *self
            .exchanges
            .borrow_mut()
            .entry((operation, status.as_u16()))
            .or_default() += 1;
    }

    /// Returns the counters; what the store knows is added by its owner.
    pub(super) fn snapshot(&self) -> Counts {
        let exchanges = self.exchanges.borrow().clone();
        let answered: u64 = exchanges.values().sum();
        Counts {
            requests: self.requests.get(),
            unanswered: self.unanswered.get(),
            in_progress: self.requests.get() - answered - self.unanswered.get(),
            exchanges,
            received: self.received.get(),
            sent: self.sent.get(),
            connections: self.connections.get(),
            open_connections: self.connections.get() - self.closed_connections.get(),
            full_handshakes: self.full_handshakes.get(),
            resumed_handshakes: self.resumed_handshakes.get(),
            http2_connections: self.http2_connections.get(),
            turned_away: self.turned_away.get(),
            ..Counts::default()
        }
    }
}
