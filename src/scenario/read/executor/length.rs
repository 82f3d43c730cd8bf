//! How long a load goes on, and the ranges of such times.

use std::ops::RangeInclusive;
use std::time::Duration;

pub(super) const DAY: Duration = Duration::from_hours(24);

/// How long a load may last.
pub(super) const LENGTH: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_hours(24 * 7);

/// What has no end of its own ends after that, if the scenario does not say.
pub(super) const MAX_DURATION: Duration = Duration::from_mins(10);

/// How long a load goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So long, whatever happens.
    Set(Duration),
    /// Until its iterations are done, and no longer than that.
    AtMost(Duration),
}

impl Length {
    /// The longest that it can be.
    pub const fn longest(self) -> Duration {
        match self {
            Self::Set(time) | Self::AtMost(time) => time,
        }
    }
}
