//! Why the first shard has no meeting.

use std::io;
use std::net::SocketAddr;

/// Why there is no meeting.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The address cannot be listened on.
    #[error("cannot listen at {address} for the other shards: {source}")]
    Listen {
        /// The address, as it was given.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// Without a token only this machine may meet.
    #[error(
        "{address} can be reached from other machines, and there is no token: give all shards one (--meet-token-file)"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// Some did not come in time.
    #[error("{} did not come in time", shards(.0))]
    Missing(Vec<u32>),
    /// Some were lost before the load.
    #[error("shard {index} was lost before the load: {why}")]
    Lost {
        /// Its number.
        index: u32,
        /// What happened.
        why: String,
    },
    /// The run was stopped.
    #[error("interrupted before anything was measured")]
    Interrupted,
}

/// Returns the numbers of shards, for people.
fn shards(numbers: &[u32]) -> String {
    let first: Vec<String> = numbers.iter().take(5).map(u32::to_string).collect();
    let shown = first.join(", ");
    match (numbers.len(), numbers.len() - first.len()) {
        (1, _) => format!("shard {shown}"),
        (_, 0) => format!("shards {shown}"),
        (_, more) => format!("shards {shown} and {more} more"),
    }
}
