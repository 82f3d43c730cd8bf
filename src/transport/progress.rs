//! The clocks and counts of an exchange, while it goes on and at its end.

use tokio::time::Instant;

use super::body::Sent;
use super::lease::Lease;
use crate::exchange::{ConnectionUse, Handshake, Protocol, Timings};

/// How an exchange went, measured at its end, good or bad.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ended {
    /// Where the time went.
    pub timings: Timings,
    /// When it was over; `None` of one that nobody waited for.
    pub finished: Option<Instant>,
    /// Which connection carried it.
    pub connection: ConnectionUse,
    /// The TLS handshake, if it had one of its own.
    pub handshake: Option<Handshake>,
    /// The HTTP version that carried it, if there was a connection.
    pub protocol: Option<Protocol>,
    /// Bytes of the request's body handed to the connection.
    pub sent: u64,
    /// Bytes of the answer's body that came.
    pub received: u64,
}

/// The clocks and counts of an exchange under way.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) started: Instant,
    pub(super) ready: Option<Instant>, // when there was a connection
    pub(super) finished: Option<Instant>, // when the answer had ended
    pub(super) timings: Timings,
    pub(super) connection: ConnectionUse,
    pub(super) handshake: Option<Handshake>,
    pub(super) protocol: Option<Protocol>,
    pub(super) sent: Sent,
    pub(super) received: u64,
}

impl Progress {
    pub(super) fn new(started: Instant, sent: Sent) -> Self {
        Self {
            started,
            ready: None,
            finished: None,
            timings: Timings::default(),
            connection: ConnectionUse::None,
            handshake: None,
            protocol: None,
            sent,
            received: 0,
        }
    }

    /// There is a connection to send over.
    pub(super) fn got(&mut self, lease: &Lease, handshake: Option<Handshake>, asked: Instant) {
        self.connection = lease.connection_use();
        self.handshake = handshake;
        self.protocol = Some(lease.protocol());
        // A connection that was there is ready as soon as it was found.
        let found = self.timings.wait.filter(|_| self.is_reused());
        self.ready = Some(found.map_or_else(Instant::now, |wait| asked + wait));
    }

    pub(super) fn is_reused(&self) -> bool {
        self.connection == ConnectionUse::Reused
    }

    pub(super) fn end(&self) -> Ended {
        let finished = self.finished.unwrap_or_else(Instant::now);
        let mut timings = self.timings;
        timings.total = finished.saturating_duration_since(self.started);
        Ended {
            timings,
            finished: Some(finished),
            connection: self.connection,
            handshake: self.handshake,
            protocol: self.protocol,
            sent: self.sent.bytes(),
            received: self.received,
        }
    }

    /// Reads the clocks once the head has come, or has failed to come. Gives the moment of the answer.
    pub(super) fn see(&mut self, lease: &Lease, has_head: bool) -> Option<Instant> {
        let ready = self.ready?;
        let (written, responded) = lease.stamps(&self.sent, ready, has_head);
        let Some(mut written) = written else {
            return responded;
        };
        if let Some(responded) = responded {
            // The peer need not hear us out before it answers.
            written = written.min(responded);
            self.timings.first_byte = Some(responded.saturating_duration_since(written));
        }
        self.timings.send = Some(written.saturating_duration_since(ready));
        responded
    }
}
