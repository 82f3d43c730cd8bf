//! How a client keeps its connections, and what it speaks over them.

use std::num::NonZeroUsize;

use crate::units::words;

/// How long a connection is kept and who may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionPolicy {
    /// Kept alive for the life of the user.
    PerVu,
    /// New for each iteration, as on a node that has just started.
    PerIteration,
    /// New for each request.
    PerRequest,
    /// The users of a worker share one pool, as the containers of a host share its daemon.
    Shared {
        /// Connections of each worker, 1 to 4,096.
        pool_size: NonZeroUsize,
    },
}

/// The version of HTTP that a client speaks.
///
/// # Spec
/// RFC 9112, RFC 9113; RFC 7301 for the choice by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; without TLS with prior knowledge.
    Http2,
    /// With TLS what the server chooses, without it HTTP/1.1.
    Auto,
}

words! { HttpVersion {
    "1.1" => Self::Http1,
    "2" => Self::Http2,
    "auto" => Self::Auto,
}}
