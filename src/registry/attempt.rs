//! One exchange from its start to exactly one end that somebody hears of.

use http::StatusCode;
use tokio::time::Instant;

use super::error::Kind;
use crate::oci::Operation;
use crate::transport::{Ended, Sent};

/// Hears of every exchange, once, at its end.
pub trait Observer {
    /// An exchange has ended.
    fn exchange(&self, exchange: &Exchange<'_>);
}

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
    open: bool,
}

impl<'c> Attempt<'c> {
    pub(super) const fn start(
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

    /// Ends the exchange.
    pub(super) fn end(mut self, ended: Ended, end: End<'_>) {
        self.open = false;
        self.tell(ended, end);
    }

    fn tell(&self, ended: Ended, end: End<'_>) {
        self.observer.exchange(&Exchange {
            operation: self.operation,
            status: self.status,
            ended,
            end,
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
            self.tell(ended, End::Cancelled);
        }
    }
}
