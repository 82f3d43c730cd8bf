//! What a connection and the exchange on it tell each other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::pace::Cut;
use super::record::OpenRecord;
use super::timeouts::Activity;

/// What a connection and the exchange on it tell each other. Each stream of HTTP/2 has a line of its own, on which a cut
/// ends the stream.
#[derive(Debug)]
pub(super) struct ConnectionState {
    pub(super) id: u64,
    pub(super) at_storage_host: bool,
    /// How the connection is to be ended, once a fault wants it.
    pub(super) cut: Cell<Option<Cut>>,
    /// The client may still be sending: closing at once would reset it before it has read the response.
    pub(super) linger: Cell<bool>,
    pub(super) record: RefCell<Option<Rc<OpenRecord>>>,
    /// What the connection does, with all its streams.
    pub(super) activity: Rc<Activity>,
    is_stream: bool,
    flushed: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl ConnectionState {
    pub(super) fn new(id: u64, at_storage_host: bool) -> Rc<Self> {
        Rc::new(Self {
            id,
            is_stream: false,
            activity: Activity::new(),
            at_storage_host,
            cut: Cell::new(None),
            linger: Cell::new(false),
            record: RefCell::new(None),
            flushed: Cell::new(true),
            waiting: RefCell::new(None),
        })
    }

    /// Returns the state of one stream of this connection.
    pub(super) fn stream(&self) -> Rc<Self> {
        Rc::new(Self {
            id: self.id,
            is_stream: true,
            activity: Rc::clone(&self.activity),
            at_storage_host: self.at_storage_host,
            cut: Cell::new(None),
            linger: Cell::new(false),
            record: RefCell::new(None),
            flushed: Cell::new(true),
            waiting: RefCell::new(None),
        })
    }

    /// From now on, waits for a flush. A stream of HTTP/2 does not: the connection flushes for all of them.
    pub(super) fn expect_flush(&self) {
        self.flushed.set(self.is_stream);
    }

    /// Everything that was handed over is in the socket.
    pub(super) fn saw_flush(&self) {
        self.flushed.set(true);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Ready when everything handed over before [`Line::expect_flush`] is in the socket.
    pub(super) fn poll_flushed(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.flushed.get() {
            return Poll::Ready(());
        }
        self.waiting.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}
