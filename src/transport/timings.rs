//! Where the time of one exchange went.

use std::fmt;
use std::time::Duration;

/// The phases of one exchange, one after the other: they add up to the total, but for the moments between them.
///
/// `None` means that the phase did not happen, never that it took no time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Until there was a connection, or a free stream of one, or leave to open one.
    pub wait: Option<Duration>,
    /// Looking up the host's addresses.
    pub dns: Option<Duration>,
    /// Opening the TCP connection.
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the connection being there to the last byte of the request written to the socket, or to the answer if
    /// that came earlier. Over HTTP/2: to the end of the body being handed to the connection.
    pub send: Option<Duration>,
    /// From the request written to the first byte of the answer read from the socket, in the clear. Over HTTP/2: to
    /// the head of the answer.
    pub first_byte: Option<Duration>,
    /// From the first byte of the answer to the end of its body. Only of answers that have a body.
    pub body: Option<Duration>,
    /// From asking for a connection to the end of the answer.
    pub total: Duration,
}

/// The HTTP version that a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HttpVersion {
    /// HTTP/1.1: a connection for each exchange under way.
    #[default]
    Http1,
    /// HTTP/2: one connection for all exchanges with an origin. Without TLS, the server is taken to know.
    Http2,
    /// What the server chooses in the TLS handshake; HTTP/1.1 without TLS.
    Auto,
}

/// The HTTP version that carried an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

/// How a TLS handshake went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// From the beginning, with certificates.
    Full,
    /// It took up a session that the two had before.
    Resumed,
}

/// Which connection carried the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionUse {
    /// The exchange ended before it had one.
    #[default]
    None,
    /// One opened for this exchange.
    New,
    /// One that had carried an exchange before.
    Reused,
}
