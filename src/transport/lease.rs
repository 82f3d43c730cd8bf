//! A connection, or a stream of one, leased from the pool for one exchange.

use std::rc::Rc;

use tokio::time::Instant;

use super::body::Sent;
use super::connection::{Connection, Driver};
use super::error::Error;
use super::multiplexed::Stream;
use super::slot::Slot;
use super::totals::Totals;
use crate::exchange::{ConnectionUse, Protocol};

/// A connection leased from a pool. Dropping the lease closes an HTTP/1.1 connection, or the stream of an HTTP/2 one.
#[derive(Debug)]
pub(super) enum Lease {
    Exclusive { connection: Connection, slot: Slot },
    Stream { stream: Stream, totals: Rc<Totals> },
}

impl Lease {
    /// What to poll while the body is awaited.
    pub(super) fn driver(&mut self) -> &mut Driver {
        match self {
            Self::Exclusive { connection, .. } => connection.driver(),
            Self::Stream { stream, .. } => &mut stream.clock,
        }
    }

    /// Returns when the request was written and when the response began. HTTP/1.1: at the socket. HTTP/2: from when
    /// the stream was `ready` to now, if the head of the response has just arrived.
    pub(super) fn stamps(
        &self,
        sent: &Sent,
        ready: Instant,
        has_head: bool,
    ) -> (Option<Instant>, Option<Instant>) {
        let head = || has_head.then(Instant::now);
        match self {
            Self::Exclusive { connection, .. } => {
                let probe = &connection.probe;
                (probe.last_write(), probe.first_read())
            }
            Self::Stream { .. } if sent.is_complete() => {
                (Some(sent.completed().unwrap_or(ready)), head())
            }
            // The response, if any, came before the end of the request.
            Self::Stream { .. } => {
                let head = head();
                (head, head)
            }
        }
    }

    /// Discards the rest of a body of `length` bytes, of which `taken` were handed on. Streams of HTTP/2 arrive in
    /// frames that have to be read.
    pub(super) fn discard_body(&self, taken: u64, length: u64) {
        if let Self::Exclusive { connection, .. } = self {
            connection.probe.discard_body(taken, length);
        }
    }

    /// Returns the connection to its pool. `is_clean` is `false` while a part of the request is still to be sent.
    pub(super) fn give_back(self, is_clean: bool) {
        if let Self::Exclusive { connection, slot } = self
            && is_clean
        {
            slot.pool.keep(connection);
        }
        // The rest of a request would go out during the next exchange; a stream is reset instead.
    }

    /// Retires the connection: the next request needs another one.
    pub(super) fn retire(self) {
        if let Self::Stream { stream, .. } = self {
            stream.connection.retire();
        }
    }

    pub(super) const fn connection_use(&self) -> ConnectionUse {
        let is_first = match self {
            Self::Exclusive { connection, .. } => connection.carried == 0,
            Self::Stream { stream, .. } => stream.is_first,
        };
        if is_first {
            ConnectionUse::New
        } else {
            ConnectionUse::Reused
        }
    }

    pub(super) const fn protocol(&self) -> Protocol {
        match self {
            Self::Exclusive { .. } => Protocol::Http1,
            Self::Stream { .. } => Protocol::Http2,
        }
    }

    /// Converts an error of hyper on this connection. `received` is the size of the body so far, once the head has
    /// arrived.
    pub(super) fn error(&self, error: &hyper::Error, received: Option<u64>) -> Error {
        let (origin, probe) = match self {
            Self::Exclusive { connection, .. } => (&connection.origin, &connection.probe),
            Self::Stream { stream, .. } => (&stream.connection.origin, &stream.connection.probe),
        };
        match probe.problem() {
            Some(problem) => Error::Tls {
                address: origin.to_string(),
                problem,
            },
            None => Error::from_hyper(error, received, (self.protocol(), probe.first_bytes())),
        }
    }

    pub(super) fn totals(&self) -> &Totals {
        match self {
            Self::Exclusive { slot, .. } => slot.pool.totals(),
            Self::Stream { totals, .. } => totals,
        }
    }
}
