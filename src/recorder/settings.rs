//! What a recorder is started with, how it is ended, and why it does not start.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use crate::transport::{Origin, Route};

/// Where a recorder listens, and what is behind it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Speak TLS, with a certificate made at the start.
    pub tls: bool,
    /// Names in that certificate besides those of this machine: DNS names and addresses.
    pub names: Vec<String>,
    /// The most connections of clients; each has one to the registry behind it. Others wait to be accepted.
    pub most_connections: NonZeroUsize,
    /// The registry.
    pub target: Origin,
    /// How connections to it are opened.
    pub route: Route,
}

/// How a recorder is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It goes on.
    No,
    /// It takes no more connections and requests, and finishes those under way.
    Finish,
    /// It cuts what is under way.
    Cut,
}

/// Why a recorder does not run.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The runtime cannot be made.
    #[error("cannot start the recorder: {0}")]
    Runtime(#[source] io::Error),
    /// There is no certificate to be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(String),
    /// The wall clock is before 1970.
    #[error(
        "a trace has the times of its requests: set the clock of this machine, which is before 1970"
    )]
    Clock,
}
