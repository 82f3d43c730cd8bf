//! One exchange from its start to exactly one end that somebody hears of.

use http::StatusCode;
use tokio::time::Instant;

use super::error::Kind;
use crate::oci::Operation;
use crate::transport::{Address, Ended, Sent};

/// Hears of every exchange: of its beginning, and once of its end.
pub trait Observer {
    /// An exchange begins. What is returned comes back with its end ([`Exchange::begun`]).
    fn begins(&self, _at: Instant) -> Begun {
        Begun::default()
    }

    /// An exchange has ended.
    fn exchange(&self, exchange: &Exchange<'_>);

    /// The pause before a retry begins. What is returned comes back with its end ([`Pause::begun`]).
    fn pauses(&self, _at: Instant) -> Begun {
        Begun::default()
    }

    /// The pause before a retry is over.
    fn resumes(&self, _pause: &Pause) {}
}

/// A pause before a retry that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it began.
    pub began: Instant,
    /// When it was over.
    pub ended: Instant,
    /// Whether the request is sent again now; if not, nobody waits for that any more.
    pub again: bool,
    /// What the observer said when it began.
    pub begun: Begun,
}

/// What an observer knows an exchange or a pause under way by: the iteration in which it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Begun(pub u64);

/// An exchange that has ended.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// What was asked.
    pub operation: Operation,
    /// The status, if a head came.
    pub status: Option<StatusCode>,
    /// Times, bytes and connection.
    pub ended: Ended,
    /// Which of the three ends it came to.
    pub end: End<'a>,
    /// What the observer said when it began.
    pub begun: Begun,
    /// Whom and what was asked, of one that failed; its query may hold secrets, and is not printed.
    pub address: Option<&'a Address>,
    /// By which id the peer knows the request, of one that failed with a response.
    pub request_id: Option<&'a str>,
}

/// The end of an exchange.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// It did what it is for; a challenge that is answered and a redirect that is followed did, too.
    Ok,
    /// It failed.
    Failed(&'a Kind),
    /// Nobody waited for its end.
    Cancelled,
}

/// An exchange under way. Consumed by its end; dropped without one, it counts as cancelled.
pub(super) struct Attempt<'c> {
    observer: &'c dyn Observer,
    operation: Operation,
    started: Instant,
    sent: Sent,
    received: u64,
    status: Option<StatusCode>,
    begun: Begun,
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
            open: true,
        }
    }

    pub(super) const fn operation(&self) -> Operation {
        self.operation
    }

    pub(super) const fn saw_status(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// How much of the body has come, in case nobody waits for the rest.
    pub(super) const fn saw_bytes(&mut self, received: u64) {
        self.received = received;
    }

    /// Ends the exchange well.
    pub(super) fn succeed(mut self, ended: Ended) {
        self.open = false;
        self.tell(ended, End::Ok, None, None);
    }

    /// Ends the exchange badly.
    pub(super) fn fail(
        mut self,
        ended: Ended,
        kind: &Kind,
        address: &Address,
        request_id: Option<&str>,
    ) {
        self.open = false;
        self.tell(ended, End::Failed(kind), Some(address), request_id);
    }

    fn tell(
        &self,
        ended: Ended,
        end: End<'_>,
        address: Option<&Address>,
        request_id: Option<&str>,
    ) {
        self.observer.exchange(&Exchange {
            operation: self.operation,
            status: self.status,
            ended,
            end,
            begun: self.begun,
            address,
            request_id,
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
