//! One HTTP exchange over a connection that we own, and where its time went.
//!
//! hyper's HTTP/1.1 connection is driven in the task that waits for the response: there is no second task and no hop
//! between them, and each phase (waiting for a connection, name look-up, connect, TLS handshake, request written,
//! first byte, body) is timed by itself. An HTTP/2 connection carries many exchanges and has tasks of its own. The
//! pooling client of hyper-util was refused: it hides these phases, races a dial against a waiting request, and
//! resends silently.
//!
//! This room knows nothing of registries. It follows no redirect, retries nothing, reads no body by itself and judges
//! no status. It never collects bodies.

mod address;
mod bare;
mod body;
mod connection;
mod deadline_timer;
mod dialer;
mod error;
mod exchange;
mod first_bytes;
mod framing;
mod happy_eyeballs;
mod incoming;
mod lease;
mod left;
mod lenient;
mod multiplexed;
mod origin;
mod origin_protocols;
mod outgoing;
mod peers;
mod pool;
mod pool_settings;
mod progress;
mod proxy;
mod proxy_problem;
mod read_ahead;
mod replay;
mod resends;
mod resolver;
mod secured;
mod slot;
mod tls;
mod tls_problem;
mod totals;
mod trust;
mod turn_waker;
mod wire;

pub use address::Address;
pub use bare::{BareConnection, BareDialer};
pub use body::{Body, Sent};
pub use deadline_timer::DeadlineTimer;
pub use dialer::{Dialer, Route};
pub use error::{Error, Waiting};
pub use first_bytes::FirstBytes;
pub use incoming::Incoming;
pub use left::LeftConnection;
pub use origin::{Origin, OriginError};
pub use outgoing::{Failed, Outgoing, RequestParts};
pub use peers::Peer;
pub use pool::Pool;
pub use pool_settings::PoolSettings;
pub use progress::Ended;
pub use proxy_problem::ProxyProblem;
pub use secured::{Duplex, NotSecured, SecureClient, SecureServer, Secured};
pub use tls::{Identity, Tls, TlsSettings, TlsSettingsError};
pub use tls_problem::TlsProblem;
pub use totals::Totals;
