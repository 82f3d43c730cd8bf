//! Whether the wall clock was set.

use std::time::SystemTime;

/// Returns `false` if the wall clock is before 1970, as on a machine without a battery before it has synchronised.
/// rustls and hyper count seconds since then, and panic on such a clock.
#[expect(
    clippy::disallowed_methods,
    reason = "asked of the clock itself, and no time of any report"
)]
pub fn is_clock_set() -> bool {
    SystemTime::now() >= SystemTime::UNIX_EPOCH
}
