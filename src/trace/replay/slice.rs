//! Which requests of a trace are replayed, and how large its content is.

use std::time::Duration;

/// The most requests of one replay. They are kept in memory, with the content that they name: some 300 bytes each.
pub const MOST_REQUESTS: u64 = 2_000_000;

/// The most bytes of a blob, whatever a trace says: 4 TiB, so that the bytes of all requests can be added up.
const MOST_BYTES: u64 = 1 << 42;

/// Which requests of a trace are replayed, and how large its content is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice {
    /// Where it begins, since the first request of the trace.
    pub from: Duration,
    /// Where it ends; `None`: with the trace.
    pub until: Option<Duration>,
    /// What the size of each blob is multiplied by.
    pub scale: f64,
    /// The most bytes of a blob, after that.
    pub max_blob: Option<u64>,
    /// Whether deletions are replayed.
    pub deletes: bool,
}

impl Default for Slice {
    /// All of a trace, without deletions.
    fn default() -> Self {
        Self {
            from: Duration::ZERO,
            until: None,
            scale: 1.0,
            max_blob: None,
            deletes: false,
        }
    }
}

impl Slice {
    /// Returns the size that a blob of that size is made with, at most 4 TiB.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the cast saturates, a scale is not negative, and a size of 2^53 bytes is no blob's"
    )]
    pub fn scaled(&self, size: u64) -> u64 {
        let scaled = (size as f64 * self.scale).round() as u64;
        scaled
            .min(self.max_blob.unwrap_or(MOST_BYTES))
            .min(MOST_BYTES)
    }
}
