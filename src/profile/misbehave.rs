//! How a client misbehaves, on purpose: what no profile does, and a journey may ask for.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::units::{ByteSize, words};

/// How a client misbehaves: with its layers, which are transfers and upload sessions, and with connections.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Misbehave {
    /// Transfers that are broken off.
    pub abort: Option<Abort>,
    /// Transfers that stall and go on.
    pub stall: Option<Stall>,
    /// Bytes per second that a user reads of layers.
    pub read_rate: Option<ByteSize>,
    /// Bytes per second that a user sends of layers.
    pub write_rate: Option<ByteSize>,
    /// The share of uploads whose session is left open, 0 to 1.
    pub leave_uploads: f64,
    /// The share of chunks after which the one before is sent once more, 0 to 1.
    pub repeat_chunks: f64,
    /// The share of chunks before which the next one is sent, 0 to 1.
    pub skip_chunks: f64,
    /// Connections that are opened and left.
    pub leave_connections: Option<LeaveConnections>,
}

/// Transfers that are broken off: the connection is closed, over HTTP/2 the stream is reset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Abort {
    /// After this share of the bytes; from 0, and below 1.
    pub after: f64,
    /// The share of transfers, above 0 and up to 1.
    pub share: f64,
    /// Whether the client goes on with the rest. Otherwise it is gone, and its iteration has ended.
    pub resume: bool,
}

/// Transfers that stall and go on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stall {
    /// After this share of the bytes; from 0, and below 1.
    pub after: f64,
    /// How long.
    pub time: Duration,
    /// The share of transfers, above 0 and up to 1.
    pub share: f64,
}

impl Default for Abort {
    fn default() -> Self {
        Self {
            after: 0.0,
            share: 1.0,
            resume: false,
        }
    }
}

impl Default for Stall {
    fn default() -> Self {
        Self {
            after: 0.0,
            time: Duration::ZERO,
            share: 1.0,
        }
    }
}

/// Connections that are opened beside those that the client uses, and left: neither used nor closed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeaveConnections {
    /// How far the client comes.
    pub after: LeftAfter,
    /// The most that a user has left at once, 1 to 4,096.
    pub count: NonZeroUsize,
    /// The share of iterations that leave one, above 0 and up to 1.
    pub share: f64,
    /// When the client closes one that the registry has not; `None`: when the load is over.
    pub time: Option<Duration>,
}

impl Default for LeaveConnections {
    fn default() -> Self {
        Self {
            after: LeftAfter::Connect,
            count: NonZeroUsize::MIN,
            share: 1.0,
            time: None,
        }
    }
}

impl LeaveConnections {
    /// Returns how many are opened in a second by so many users, of so many iterations a second, if the registry closes none:
    /// then a user makes room by time alone.
    pub fn per_second(&self, users: u32, iterations: f64) -> f64 {
        let drawn = self.share * iterations;
        let count = u32::try_from(self.count.get()).unwrap_or(u32::MAX);
        self.time.map_or(0.0, |time| {
            drawn.min(f64::from(count) * f64::from(users) / time.as_secs_f64())
        })
    }
}

/// How far a client comes with a connection that it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftAfter {
    /// It is open, within TLS for https.
    Connect,
    /// A part of the head of a request is sent.
    Head,
}

words! { LeftAfter {
    "connect" => Self::Connect,
    "head" => Self::Head,
}}

impl Misbehave {
    /// Returns `true` if nothing of it is asked for.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_leave_as_many_as_iterations_draw_or_their_time_allows() {
        let left = LeaveConnections {
            after: LeftAfter::Connect,
            count: NonZeroUsize::new(4).unwrap(),
            share: 0.5,
            time: Some(Duration::from_secs(10)),
        };
        let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
        // Twenty users with four each, which last ten seconds.
        assert!(near(left.per_second(20, 1000.0), 8.0));
        assert!(near(left.per_second(20, 2.0), 1.0));
        // To the end of the load there is no second one.
        let lasting = LeaveConnections { time: None, ..left };
        assert!(near(lasting.per_second(20, 1000.0), 0.0));
    }
}
