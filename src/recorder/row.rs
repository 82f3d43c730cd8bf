//! One exchange, from its head to its end: a row of the trace once nothing of it moves any more.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::rc::Rc;

use http::{Method, StatusCode};
use tokio::time::Instant;

use super::journal::{End, Ended, Journal};

/// One exchange. It is shared by both of its bodies, and taken into the journal when the last one drops it.
pub(super) struct Row {
    journal: Rc<Journal>,
    start: Instant,
    address: IpAddr,
    agent: String,
    pub(super) method: Method,
    uri: String,
    pub(super) status: Cell<Option<NonZeroU16>>,
    pub(super) sent: Cell<u64>,
    pub(super) received: Cell<u64>,
    /// When the response ended, or was cut off.
    pub(super) ended: Cell<Option<Instant>>,
    end: Cell<End>,
    /// Why the body of the request could not be read: the client left.
    pub(super) lost: RefCell<Option<hyper::Error>>,
}

impl Row {
    pub(super) fn new(
        journal: &Rc<Journal>,
        address: IpAddr,
        agent: String,
        request: (Method, String),
    ) -> Rc<Self> {
        let (method, uri) = request;
        Rc::new(Self {
            journal: Rc::clone(journal),
            start: Instant::now(),
            address,
            agent,
            method,
            uri,
            status: Cell::new(None),
            sent: Cell::new(0),
            received: Cell::new(0),
            ended: Cell::new(None),
            end: Cell::new(End::Left),
            lost: RefCell::default(),
        })
    }

    /// A response has this status.
    pub(super) fn responded(&self, status: StatusCode) {
        self.status.set(NonZeroU16::new(status.as_u16()));
    }

    pub(super) fn has_response(&self) -> bool {
        self.status.get().is_some()
    }

    /// It has ended in that way, unless the client had left before.
    pub(super) fn ends(&self, end: End) {
        if self.lost.borrow().is_none() {
            self.end.set(end);
        }
        self.ended.set(Some(Instant::now()));
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        self.journal.take(&Ended {
            start: self.start,
            end: self.ended.get().unwrap_or_else(Instant::now),
            address: self.address,
            agent: &self.agent,
            method: self.method.as_str(),
            uri: &self.uri,
            status: self.status.get(),
            sent: self.sent.get(),
            received: self.received.get(),
            how: self.end.get(),
        });
    }
}
