//! How a client keeps its connections.

use std::num::NonZeroUsize;

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
