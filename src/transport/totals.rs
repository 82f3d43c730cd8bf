//! The transport's own counters: the other side of the sums that must close.

use std::cell::Cell;

/// Body bytes that crossed the sockets of a worker, to be compared with those of the samples; and its connections.
#[derive(Debug, Default)]
pub struct Totals {
    connections: Cell<u64>,
    sent: Cell<u64>,
    received: Cell<u64>,
    moved: Cell<u64>,
}

impl Totals {
    /// Bytes of request bodies handed to connections.
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Bytes of response bodies taken from connections.
    pub fn received(&self) -> u64 {
        self.received.get()
    }

    /// Bytes that the sockets sent and received, heads and TLS included. They show whether anything still moves.
    pub fn moved(&self) -> u64 {
        self.moved.get()
    }

    /// Connections opened.
    pub fn connections(&self) -> u64 {
        self.connections.get()
    }

    pub(super) fn add_connection(&self) {
        self.connections.set(self.connections.get() + 1);
    }

    pub(super) fn add_sent(&self, bytes: u64) {
        self.sent.set(self.sent.get() + bytes);
    }

    pub(crate) fn add_moved(&self, bytes: usize) {
        self.moved.set(self.moved.get().wrapping_add(bytes as u64));
    }

    pub(super) fn add_received(&self, bytes: u64) {
        self.received.set(self.received.get() + bytes);
    }
}
