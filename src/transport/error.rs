//! Why an exchange failed before it had a status.

use std::fmt;
use std::io;

use super::first_bytes::FirstBytes;
use super::origin::OriginError;
use super::proxy_problem::ProxyProblem;
use super::tls_problem::TlsProblem;
use crate::exchange::Protocol;

/// What an exchange was waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// An idle connection of a pool with a limit.
    Connection,
    /// The addresses of a host.
    Dns,
    /// A TCP connection.
    Connect,
    /// The proxy, until it has connected.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The head of the response.
    Response,
    /// The rest of the body.
    Body,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "a free connection of the pool",
            Self::Dns => "the name to be resolved",
            Self::Connect => "the connection to be accepted",
            Self::Proxy => "the proxy to connect",
            Self::Tls => "the TLS handshake",
            Self::Response => "a response",
            Self::Body => "the rest of the body",
        })
    }
}

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not supported.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The host has no address.
    #[error("cannot resolve `{host}`: {source}")]
    Dns {
        /// The name.
        host: String,
        /// The error of the resolver.
        source: io::Error,
    },
    /// No TCP connection.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The origin.
        address: String,
        /// The error of the last address.
        source: io::Error,
    },
    /// The proxy gave no connection.
    #[error("the proxy {address} {problem}")]
    Proxy {
        /// Host and port of the proxy.
        address: String,
        /// The problem.
        problem: ProxyProblem,
    },
    /// TLS failed, in the handshake or after it.
    #[error("TLS with {address}: {problem}")]
    Tls {
        /// The origin.
        address: String,
        /// The problem.
        problem: TlsProblem,
    },
    /// The exchange took longer than its deadline.
    #[error("timed out waiting for {0}")]
    Timeout(Waiting),
    /// The connection ended before the response did.
    #[error("{}", closed(*received, source.as_ref()))]
    Reset {
        /// Bytes of the response body so far; `None` before the head.
        received: Option<u64>,
        /// The error of the system; `None` if the peer closed in order, but too early.
        source: Option<io::Error>,
    },
    /// The peer does not speak HTTP.
    #[error("the response is not HTTP{}", what_else(.0))]
    NotHttp(FirstBytes),
    /// The peer violates HTTP.
    #[error("the response breaks {0} ({1})")]
    Malformed(Protocol, String),
    /// The head of the response is too long.
    #[error("the response has more than 5,000 header fields, or more than 1 MiB of them")]
    LongHead,
    /// The HTTP/2 peer did not process the request, and it could not be sent again.
    #[error(
        "the HTTP/2 peer took the request back unprocessed ({0}), and the client cannot send it again"
    )]
    Unprocessed(String),
    /// The peer does not speak HTTP/2.
    #[error(
        "the peer does not speak HTTP/2 ({0}); choose another version (`http` in [target], or --http)"
    )]
    NotHttp2(String),
    /// The content to send could not be read.
    #[error("cannot read the content to send: {0}")]
    Content(io::Error),
    /// This machine, not the peer, ran out of descriptors, ports or memory.
    #[error("this machine cannot open another connection: {0}")]
    Harness(io::Error),
}

fn what_else(first_bytes: &FirstBytes) -> String {
    if first_bytes.is_tls() {
        " but TLS".to_owned()
    } else {
        format!(": {first_bytes}")
    }
}

fn closed(received: Option<u64>, source: Option<&io::Error>) -> String {
    let how = source.map_or_else(
        || "the connection was closed".to_owned(),
        |error| match error.kind() {
            io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
            io::ErrorKind::BrokenPipe => {
                "the connection was closed while the request was sent".to_owned()
            }
            _ => error.to_string(),
        },
    );
    received.map_or_else(
        || format!("{how} before a response"),
        |bytes| format!("{how} after {bytes} bytes of the body"),
    )
}

/// Linux: descriptors of the process or the system, local ports, socket memory.
const HARNESS_LIMITS: [i32; 5] = [24, 23, 99, 105, 12];

impl Error {
    /// Converts an error of dialling `address`.
    pub(super) fn from_dial(address: String, source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(number) if HARNESS_LIMITS.contains(&number) => Self::Harness(source),
            _ => Self::Connect { address, source },
        }
    }

    /// The peer closed what it had just accepted.
    pub(super) const fn closed_at_once() -> Self {
        Self::Reset {
            received: None,
            source: None,
        }
    }

    /// Converts an error of hyper. `received` is the size of the body so far, once the head has arrived;
    /// `first_bytes` is what the peer sent first over that connection.
    pub(super) fn from_hyper(
        error: &hyper::Error,
        received: Option<u64>,
        (protocol, first_bytes): (Protocol, FirstBytes),
    ) -> Self {
        // A peer that has spoken HTTP before started with it.
        let is_stranger = match protocol {
            Protocol::Http1 => !first_bytes.is_empty() && !first_bytes.is_http(),
            Protocol::Http2 => first_bytes.is_tls(),
        };
        if received.is_none() && is_stranger {
            return Self::NotHttp(first_bytes);
        }
        if error.is_parse_too_large() {
            return Self::LongHead;
        }
        if error.is_parse() {
            return Self::Malformed(Protocol::Http1, error.to_string());
        }
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<h2::Error>() {
                return Self::from_h2(error, received);
            }
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                return Self::from_io(io, received);
            }
            source = cause.source();
        }
        Self::Reset {
            received,
            source: None,
        }
    }

    /// Converts an error below hyper. Errors of hyper's own decoder have the same type.
    fn from_io(error: &io::Error, received: Option<u64>) -> Self {
        let is_framing = error.raw_os_error().is_none()
            && matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            );
        if is_framing {
            return Self::Malformed(Protocol::Http1, error.to_string());
        }
        Self::Reset {
            received,
            source: Some(again(error)),
        }
    }

    fn from_h2(error: &h2::Error, received: Option<u64>) -> Self {
        if received.is_none() && says_unprocessed(error) {
            return Self::Unprocessed(error.to_string());
        }
        let is_ours = !error.is_remote() && error.get_io().is_none();
        // Frames that cannot be read: we close. After a valid head, the response is malformed.
        if is_ours && error.is_go_away() && received.is_none() {
            return Self::NotHttp2(error.to_string());
        }
        if is_ours && (error.is_go_away() || error.is_reset()) {
            return Self::Malformed(Protocol::Http2, error.to_string());
        }
        let source = match error.get_io() {
            Some(io) => again(io),
            None => io::Error::other(error.to_string()),
        };
        Self::Reset {
            received,
            source: Some(source),
        }
    }
}

/// Returns an equal error; there is no other way to own it.
fn again(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(
        || io::Error::new(error.kind(), error.to_string()),
        io::Error::from_raw_os_error,
    )
}

/// Returns `true` if the peer refused the stream before it processed the request, so that it may be sent again. The `first`
/// request of a connection is not sent again if the peer gave an error: Go's client expects the next connection to fail in
/// the same way.
///
/// # Spec
/// RFC 9113, sections 6.8 and 8.7.
pub(super) fn is_unprocessed(error: &hyper::Error, first: bool) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            let is_error = error.is_go_away() && error.reason() != Some(h2::Reason::NO_ERROR);
            return says_unprocessed(error) && !(first && is_error);
        }
        source = cause.source();
    }
    false
}

fn says_unprocessed(error: &h2::Error) -> bool {
    let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (error.is_go_away() || (error.is_reset() && refused))
}
