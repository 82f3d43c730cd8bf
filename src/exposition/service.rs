//! What is served where.

use std::net::SocketAddr;

/// What is served at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// The address; port 0 picks a free port.
    pub address: SocketAddr,
    /// The text at `/metrics`.
    pub metrics: bool,
    /// The page at `/`, and what it follows.
    pub page: bool,
}
