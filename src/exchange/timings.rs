//! The phases of an exchange and how long each took.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A phase of an exchange.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Waiting for a connection to come free.
    Wait,
    /// Resolving the host's name.
    Dns,
    /// Connecting the socket.
    Connect,
    /// The request to an HTTP proxy for a tunnel (CONNECT), until its response.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// Writing the request.
    Send,
    /// From the request written to the first byte of the response.
    FirstByte,
    /// From the first byte to the end of the response.
    Body,
    /// The whole exchange.
    Total,
}

impl Phase {
    /// Every phase, in the order of an exchange.
    pub const ALL: [Self; 9] = [
        Self::Wait,
        Self::Dns,
        Self::Connect,
        Self::Proxy,
        Self::Tls,
        Self::Send,
        Self::FirstByte,
        Self::Body,
        Self::Total,
    ];

    /// The name in reports and thresholds.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Send => "send",
            Self::FirstByte => "first-byte",
            Self::Body => "body",
            Self::Total => "total",
        }
    }

    /// The position in [`Phase::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// How long each phase of one exchange took.
///
/// The phases follow each other and add up to the total, but for the moments between them. `None` means that a phase did
/// not happen, never that it took no time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Until there was a connection, or a free stream of one, or leave to open one.
    pub wait: Option<Duration>,
    /// Resolving the host's name.
    pub dns: Option<Duration>,
    /// Connecting the socket: to the proxy, where there is one.
    pub connect: Option<Duration>,
    /// Asking a proxy for a tunnel (CONNECT), until its response.
    pub proxy: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the connection being there to the last byte of the request written to the socket, or to the response if
    /// that came earlier. Over HTTP/2: to the end of the body being handed to the connection.
    pub send: Option<Duration>,
    /// From the request written to the first byte of the response read from the socket, in the clear. Over HTTP/2: to
    /// the head of the response.
    pub first_byte: Option<Duration>,
    /// From the first byte of the response to the end of its body; `None` for responses without a body.
    pub body: Option<Duration>,
    /// From asking for a connection to the end of the response.
    pub total: Duration,
}

impl Timings {
    /// How long a phase took; `None` if it did not happen.
    pub const fn of(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Wait => self.wait,
            Phase::Dns => self.dns,
            Phase::Connect => self.connect,
            Phase::Proxy => self.proxy,
            Phase::Tls => self.tls,
            Phase::Send => self.send,
            Phase::FirstByte => self.first_byte,
            Phase::Body => self.body,
            Phase::Total => Some(self.total),
        }
    }

    /// Calls `take` for every phase that happened, in the order of [`Phase::ALL`].
    ///
    /// Written out, because a loop over [`Phase::ALL`] costs each exchange a jump for each phase.
    #[inline]
    pub fn each(&self, mut take: impl FnMut(Phase, Duration)) {
        let mut take = |phase, time: Option<Duration>| {
            if let Some(time) = time {
                take(phase, time);
            }
        };
        take(Phase::Wait, self.wait);
        take(Phase::Dns, self.dns);
        take(Phase::Connect, self.connect);
        take(Phase::Proxy, self.proxy);
        take(Phase::Tls, self.tls);
        take(Phase::Send, self.send);
        take(Phase::FirstByte, self.first_byte);
        take(Phase::Body, self.body);
        take(Phase::Total, Some(self.total));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_position_in_all() {
        for (index, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase.index(), index);
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.name());
        }
    }

    #[test]
    fn each_is_of_every_phase_that_happened() {
        let timings = Timings {
            wait: Some(Duration::from_nanos(1)),
            dns: None,
            connect: Some(Duration::from_nanos(3)),
            proxy: Some(Duration::from_nanos(4)),
            tls: Some(Duration::from_nanos(5)),
            send: None,
            first_byte: Some(Duration::from_nanos(7)),
            body: Some(Duration::from_nanos(8)),
            total: Duration::from_nanos(9),
        };
        let mut seen = Vec::new();
        timings.each(|phase, time| seen.push((phase, time)));
        let of = Phase::ALL
            .into_iter()
            .filter_map(|phase| Some((phase, timings.of(phase)?)));
        assert_eq!(seen, of.collect::<Vec<_>>());
        assert_eq!(seen.len(), 7);
    }
}
