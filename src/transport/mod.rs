//! One HTTP exchange over a connection we own, and where its time went.
//!
//! hyper's HTTP/1.1 connection is driven in the task that waits for the answer: no second task, no hop between them, and
//! every period (waiting for a connection, name look-up, connect, TLS handshake, request written, first byte, body) has
//! its own clock. An HTTP/2 connection carries many exchanges and has tasks of its own. A pooling client of hyper-util would hide those periods, race a dial against a waiting request, and send
//! again without telling anyone; it was refused for that.
//!
//! This room knows nothing of registries: it follows no redirect, retries nothing, reads no body by itself and
//! judges no status. Bodies are never collected here.

mod address;
mod again;
mod alarm;
mod attempts;
mod beginning;
mod body;
mod connection;
mod dialer;
mod error;
mod exchange;
mod framing;
mod gate;
mod lenient;
mod lent;
mod multiplexed;
mod origin;
mod peers;
mod place;
mod pool;
mod progress;
mod prospects;
mod read_ahead;
mod repeats;
mod resolver;
mod tls;
mod tls_problem;
mod totals;
mod trust;
mod wire;

pub use address::Address;
pub use alarm::Alarm;
pub use beginning::Beginning;
pub use body::{Body, Sent};
pub use dialer::{Dialer, Route};
pub use error::{Error, Waiting};
pub use exchange::{Ask, Failed, Incoming, Outgoing};
pub use origin::{Origin, OriginError};
pub use peers::Peer;
pub use pool::{Pool, PoolSettings};
pub use progress::Ended;
pub use tls::{Identity, Tls, TlsSettings, TlsSettingsError};
pub use tls_problem::TlsProblem;
pub use totals::Totals;
