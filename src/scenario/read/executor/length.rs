//! How long a load goes on.

use std::time::Duration;

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
