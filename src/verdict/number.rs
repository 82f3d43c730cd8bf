//! Numbers as thresholds are judged by.

use std::time::Duration;

/// Returns whole microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Returns a count in floating point.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than fifteen digits"
)]
pub(super) const fn real(number: u64) -> f64 {
    number as f64
}
