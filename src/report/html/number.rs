//! Numbers as charts need them.

use std::time::Duration;

/// Returns what a number of things is in floating point: charts need no more than their first digits.
#[expect(
    clippy::cast_precision_loss,
    reason = "what is drawn or shown has three digits, and fifteen are kept"
)]
pub(super) const fn float(number: u64) -> f64 {
    number as f64
}

/// Whole microseconds, the unit of every axis of time.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Returns where a place in `0..=1` lies among so many steps.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number from 0 to as many as there are"
)]
pub(super) fn step_of(place: f64, steps: usize) -> usize {
    let step = (place.clamp(0.0, 1.0) * float(steps as u64)).floor() as usize;
    step.min(steps.saturating_sub(1))
}

/// Returns the whole part of a number; 0 of one that is below.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is beyond the range is cut to its ends"
)]
pub(super) const fn whole(number: f64) -> usize {
    number as usize
}
