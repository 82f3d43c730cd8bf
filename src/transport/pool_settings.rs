//! How a pool keeps connections.

use std::num::NonZeroUsize;

use crate::exchange::HttpVersion;

/// How a pool keeps connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Whether connections are reused; otherwise each is closed after its exchange (`Connection: close`).
    pub keep_alive: bool,
    /// The most open connections; `None` opens one whenever none is idle.
    pub limit: Option<NonZeroUsize>,
    /// The most idle connections for one origin; further ones are closed. Go's clients keep two.
    pub max_idle_per_host: Option<NonZeroUsize>,
    /// The HTTP version to speak. With HTTP/2 there is one connection for each origin, unless each exchange has its
    /// own.
    pub http: HttpVersion,
}

impl Default for PoolSettings {
    /// Keeps connections, without a limit.
    fn default() -> Self {
        Self {
            keep_alive: true,
            limit: None,
            max_idle_per_host: None,
            http: HttpVersion::Http1,
        }
    }
}
