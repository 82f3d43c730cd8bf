//! One exchange, from its start to exactly one end that is reported.

use std::fmt;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::error::Kind;
use super::request_id;
use crate::exchange::{RangeRequest, TraceId};
use crate::oci::Operation;
use crate::transport::{Address, Ended, Sent};

/// Observes each exchange: its start and, once, its end.
pub trait Observer {
    /// An exchange starts. The value returned comes back with its end ([`Exchange::begun`]).
    fn begins(&self, _at: Instant) -> Begun {
        Begun::default()
    }

    /// Returns the trace that a request to the registry itself starts, if it is to start one. Called once for each, before
    /// it starts.
    fn trace(&self) -> Option<TraceId> {
        None
    }

    /// An exchange has ended.
    fn exchange(&self, exchange: &Exchange<'_>);

    /// The pause before a retry starts. The value returned comes back with its end ([`Pause::begun`]).
    fn pauses(&self, _at: Instant) -> Begun {
        Begun::default()
    }

    /// The pause before a retry has ended.
    fn resumes(&self, _pause: &Pause) {}
}

/// A pause before a retry that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it started.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
    /// Whether the request is sent again now; otherwise no task waits for it any more.
    pub again: bool,
    /// The value that the observer returned at its start.
    pub begun: Begun,
}

/// The iteration in which an exchange or a pause started, as the observer counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Begun(pub u64);

/// An exchange that has ended.
pub struct Exchange<'a> {
    /// What was asked.
    pub operation: Operation,
    /// The status, if there was a head.
    pub status: Option<StatusCode>,
    /// Timings, bytes and connection.
    pub ended: Ended,
    /// Which of the three ends it had.
    pub end: End<'a>,
    /// The value that the observer returned at its start.
    pub begun: Begun,
    /// The URL, unless it was cancelled; its query may hold secrets and is not printed.
    pub address: Option<&'a Address>,
    /// The headers of the response, if there is one and it was not cancelled. Their values may hold secrets and are not
    /// printed.
    pub headers: Option<&'a HeaderMap>,
    /// The trace that it started.
    pub trace: Option<TraceId>,
    /// What it asked for, if that was ranges of a blob.
    pub ranges: Option<RangeRequest>,
}

impl Exchange<'_> {
    /// Returns the id of the request in the response, if it has one. Looks at each header.
    pub fn request_id(&self) -> Option<&str> {
        self.headers.and_then(request_id::of)
    }
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.map(|it| it.keys().collect::<Vec<_>>());
        f.debug_struct("Exchange")
            .field("operation", &self.operation)
            .field("status", &self.status)
            .field("ended", &self.ended)
            .field("end", &self.end)
            .field("begun", &self.begun)
            .field("address", &self.address)
            .field("headers", &names)
            .field("trace", &self.trace)
            .field("ranges", &self.ranges)
            .finish()
    }
}

/// The end of an exchange.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// It succeeded. So does a challenge that is answered, and a redirect that is followed.
    Ok,
    /// It failed.
    Failed(&'a Kind),
    /// It was dropped.
    Cancelled,
}

/// An exchange under way. It is consumed by its end; dropped before, it counts as cancelled.
pub(super) struct Attempt<'c> {
    observer: &'c dyn Observer,
    operation: Operation,
    started: Instant,
    sent: Sent,
    received: u64,
    status: Option<StatusCode>,
    begun: Begun,
    trace: Option<TraceId>,
    ranges: Option<RangeRequest>,
    open: bool,
}

impl<'c> Attempt<'c> {
    pub(super) fn start(
        observer: &'c dyn Observer,
        operation: Operation,
        started: Instant,
        sent: Sent,
    ) -> Self {
        Self {
            observer,
            operation,
            started,
            sent,
            received: 0,
            status: None,
            begun: observer.begins(started),
            trace: None,
            ranges: None,
            open: true,
        }
    }

    /// Notes the trace that the request starts.
    pub(super) const fn starts_trace(&mut self, trace: Option<TraceId>) {
        self.trace = trace;
    }

    /// Notes that it asks for ranges of a blob.
    pub(super) const fn asks_for(&mut self, ranges: Option<RangeRequest>) {
        self.ranges = ranges;
    }

    pub(super) const fn operation(&self) -> Operation {
        self.operation
    }

    pub(super) const fn saw_status(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Returns `true` if its client sends the body slowly on purpose.
    pub(super) fn is_slow(&self) -> bool {
        self.sent.is_slow()
    }

    /// Notes the size of the body so far, for the case that the exchange is dropped.
    pub(super) const fn saw_bytes(&mut self, received: u64) {
        self.received = received;
    }

    /// Ends the exchange as a success.
    pub(super) fn succeed(mut self, ended: Ended, address: &Address, headers: &HeaderMap) {
        self.open = false;
        self.tell(ended, End::Ok, Some(address), Some(headers));
    }

    /// Ends the exchange as a failure.
    pub(super) fn fail(
        mut self,
        ended: Ended,
        kind: &Kind,
        address: &Address,
        headers: Option<&HeaderMap>,
    ) {
        self.open = false;
        self.tell(ended, End::Failed(kind), Some(address), headers);
    }

    fn tell(
        &self,
        ended: Ended,
        end: End<'_>,
        address: Option<&Address>,
        headers: Option<&HeaderMap>,
    ) {
        self.observer.exchange(&Exchange {
            operation: self.operation,
            status: self.status,
            ended,
            end,
            begun: self.begun,
            address,
            headers,
            trace: self.trace,
            ranges: self.ranges,
        });
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.open {
            let mut ended = Ended {
                sent: self.sent.bytes(),
                received: self.received,
                ..Ended::default()
            };
            ended.timings.total = self.started.elapsed();
            self.tell(ended, End::Cancelled, None, None);
        }
    }
}
