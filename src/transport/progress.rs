//! The measurements of an exchange, under way and at its end.

use tokio::time::Instant;

use super::body::Sent;
use super::lease::Lease;
use crate::exchange::{ConnectionUse, Handshake, Protocol, Timings};

/// The measurements of an exchange at its end, whatever its outcome.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ended {
    /// Where the time went.
    pub timings: Timings,
    /// When it ended; `None` if it was dropped.
    pub finished: Option<Instant>,
    /// The connection that carried it.
    pub connection: ConnectionUse,
    /// The TLS handshake, if it had one of its own.
    pub handshake: Option<Handshake>,
    /// The HTTP version that carried it, if there was a connection.
    pub protocol: Option<Protocol>,
    /// Bytes of the request's body handed to the connection.
    pub sent: u64,
    /// Bytes of the response body.
    pub received: u64,
}

/// The measurements of an exchange under way.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) started: Instant,
    pub(super) ready: Option<Instant>, // when there was a connection
    pub(super) finished: Option<Instant>, // when the response had ended
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

    /// Notes the connection.
    pub(super) fn got(&mut self, lease: &Lease, handshake: Option<Handshake>, asked: Instant) {
        self.connection = lease.connection_use();
        self.handshake = handshake;
        self.protocol = Some(lease.protocol());
        // An idle connection is ready as soon as it is found.
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

    /// Reads the stamps once the head has arrived or failed. Returns the first byte of the response.
    pub(super) fn see(&mut self, lease: &Lease, has_head: bool) -> Option<Instant> {
        let ready = self.ready?;
        let (written, responded) = lease.stamps(&self.sent, ready, has_head);
        let Some(mut written) = written else {
            return responded;
        };
        if let Some(responded) = responded {
            // The peer may respond before it has read the request.
            written = written.min(responded);
            self.timings.first_byte = Some(responded.saturating_duration_since(written));
        }
        self.timings.send = Some(written.saturating_duration_since(ready));
        responded
    }
}
