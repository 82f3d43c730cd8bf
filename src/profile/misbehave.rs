//! How a client misbehaves, on purpose: what no profile does, and a journey may ask for.

use std::time::Duration;

use crate::units::ByteSize;

/// How a client misbehaves. Only its layers are concerned: their transfers, and their upload sessions.
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

impl Misbehave {
    /// Returns `true` if nothing of it is asked for.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
