//! Whether the wall clock can be right.

use std::time::SystemTime;

/// Returns `false` where the wall clock is before 1970, as on a machine without a battery that has not met a time server.
/// rustls and hyper count seconds since then, and panic on such a clock.
#[expect(
    clippy::disallowed_methods,
    reason = "asked of the clock itself, and no time of any report"
)]
pub fn is_clock_set() -> bool {
    SystemTime::now() >= SystemTime::UNIX_EPOCH
}
