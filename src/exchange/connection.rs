//! What carries an exchange: the connection, how it is opened, its HTTP version and its TLS handshake.

use std::fmt;

use crate::units::words;

/// The HTTP version that a client speaks.
///
/// # Spec
/// RFC 9112, RFC 9113; RFC 7301 for the choice by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HttpVersion {
    /// HTTP/1.1 only: each exchange under way has a connection of its own.
    #[default]
    Http1,
    /// HTTP/2 only: one connection carries all exchanges with an origin. Without TLS the client assumes that the server
    /// speaks it (prior knowledge).
    Http2,
    /// The server chooses in the TLS handshake; HTTP/1.1 without TLS.
    Auto,
}

words! { HttpVersion {
    "1.1" => Self::Http1,
    "2" => Self::Http2,
    "auto" => Self::Auto,
}}

impl HttpVersion {
    /// Returns what this choice means, in words for tables and help.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2 (without TLS: by prior knowledge)",
            Self::Auto => "HTTP/2 with TLS where the server offers it, else HTTP/1.1",
        }
    }
}

/// The HTTP version that carried an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1. Its times are taken at the socket.
    Http1,
    /// HTTP/2. Its `send` and `first-byte` are taken above the connection, where the client hands over the body and
    /// receives the head.
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

/// The kind of a TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Handshake {
    /// A full handshake, with certificates.
    Full,
    /// The handshake resumed an earlier session of the two.
    Resumed,
}

/// Whether a TLS handshake may resume an earlier session with the same server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Resumption {
    /// A client resumes its own sessions: those of its connection pool.
    #[default]
    On,
    /// The clients of a worker share their sessions, as processes of one machine behind one cache do.
    Shared,
    /// Each handshake is a full one.
    Off,
}

words! { Resumption {
    "on" => Self::On,
    "shared" => Self::Shared,
    "off" => Self::Off,
}}

/// When a client looks up the name of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lookup {
    /// Once for each worker, which keeps the addresses: a run does not drift to other machines half-way.
    #[default]
    Once,
    /// For each connection, as clients without a cache do.
    PerConnection,
}

words! { Lookup {
    "once" => Self::Once,
    "per-connection" => Self::PerConnection,
}}

/// The connection that carried an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ConnectionUse {
    /// The exchange ended before it had a connection.
    #[default]
    None,
    /// A connection that was opened for this exchange.
    New,
    /// A connection that had carried an exchange before.
    Reused,
}
