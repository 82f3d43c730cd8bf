//! One HTTP/1.1 exchange over a connection we own, and where its time went.
//!
//! hyper's connection is driven in the task that waits for the answer: no second task, no hop between them, and
//! every period (waiting for a connection, name look-up, connect, request written, first byte, body) has its own
//! clock. A pooling client of hyper-util would hide those periods, race a dial against a waiting request, and send
//! again without telling anyone; it was refused for that.
//!
//! This room knows nothing of registries: it follows no redirect, retries nothing, reads no body by itself and
//! judges no status. Bodies are never collected here.

mod body;
mod connection;
mod error;
mod exchange;
mod origin;
mod pool;
mod probe;
mod timings;

pub use body::{Body, Sent};
pub use error::{Error, Waiting};
pub use exchange::{Ended, Failed, Incoming, Outgoing};
pub use origin::{Origin, OriginError};
pub use pool::{Pool, PoolSettings, Resolver, Totals};
pub use timings::{ConnectionUse, Timings};
