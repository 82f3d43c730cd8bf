//! Why a trace cannot be replayed.

use std::time::Duration;

use super::super::error::Error;
use super::left_out::LeftOut;
use super::slice::MOST_REQUESTS;
use crate::units;

/// Why a trace, or a slice of it, cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The trace cannot be read.
    #[error(transparent)]
    Trace(#[from] Error),
    /// There is no request in the slice.
    #[error("the slice has no requests: the trace has {requests}, in {}", humantime::format_duration(*span))]
    Empty {
        /// Requests of the trace.
        requests: u64,
        /// From its first request to its last, to the second.
        span: Duration,
    },
    /// There are requests, and none of them can be sent again.
    #[error("no request of the slice can be replayed ({0})")]
    Nothing(LeftOut),
    /// There are more requests than fit into memory.
    #[error(
        "the slice has more than {} requests, the most of one replay",
        units::count(MOST_REQUESTS)
    )]
    TooMany,
}
