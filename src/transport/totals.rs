//! What the transport counts by itself: the other side of the sums that must close.

use std::cell::Cell;

/// Body bytes that crossed the sockets of a worker: the count that the samples are held against. And the sockets.
#[derive(Debug, Default)]
pub struct Totals {
    connections: Cell<u64>,
    sent: Cell<u64>,
    received: Cell<u64>,
}

impl Totals {
    /// Bytes of request bodies handed to connections.
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Bytes of answer bodies taken from connections.
    pub fn received(&self) -> u64 {
        self.received.get()
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

    pub(super) fn add_received(&self, bytes: u64) {
        self.received.set(self.received.get() + bytes);
    }
}
