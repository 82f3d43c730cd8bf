//! Connections that clients open and leave on purpose, and what becomes of them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Connections that clients opened and left, and how each ended: exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LeftConnections {
    /// Connections that were to be opened and left.
    pub begun: u64,
    /// Those that could not be opened.
    pub failed: u64,
    /// Those that were not open when the load was over.
    pub cancelled: u64,
    /// Those that the registry closed.
    pub closed: u64,
    /// Those that were open when their time, or that of the load, was over; their client closed them.
    pub kept: u64,
    /// Of those that the registry closed, how long the first to go was open, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortest_us: Option<u64>,
    /// The same of the one that was open for longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_us: Option<u64>,
}

/// How a connection that was left has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftConnectionEnd {
    /// It could not be opened.
    Failed,
    /// The load was over before it was open.
    Cancelled,
    /// The registry closed it, that long after it was left.
    Closed(Duration),
    /// It was open to its end.
    Kept,
}

impl LeftConnections {
    pub(super) fn count(&mut self, end: LeftConnectionEnd) {
        match end {
            LeftConnectionEnd::Failed => self.failed += 1,
            LeftConnectionEnd::Cancelled => self.cancelled += 1,
            LeftConnectionEnd::Kept => self.kept += 1,
            LeftConnectionEnd::Closed(after) => {
                let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
                self.merge(Self {
                    closed: 1,
                    shortest_us: Some(micros),
                    longest_us: Some(micros),
                    ..Self::default()
                });
            }
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: Self) {
        for (mine, theirs) in [
            (&mut self.begun, other.begun),
            (&mut self.failed, other.failed),
            (&mut self.cancelled, other.cancelled),
            (&mut self.closed, other.closed),
            (&mut self.kept, other.kept),
        ] {
            *mine = mine.saturating_add(theirs);
        }
        let either = |which: fn(u64, u64) -> u64, mine: Option<u64>, theirs: Option<u64>| match (
            mine, theirs,
        ) {
            (Some(mine), Some(theirs)) => Some(which(mine, theirs)),
            (one, other) => one.or(other),
        };
        self.shortest_us = either(u64::min, self.shortest_us, other.shortest_us);
        self.longest_us = either(u64::max, self.longest_us, other.longest_us);
    }

    /// Returns all that have ended.
    pub fn ended(self) -> u64 {
        [self.failed, self.cancelled, self.closed, self.kept]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// Returns `true` if there was none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ends_once_and_the_registry_is_timed() {
        let counted = |ends: &[LeftConnectionEnd]| {
            let mut all = LeftConnections::default();
            for end in ends {
                all.begun += 1;
                all.count(*end);
            }
            all
        };
        let closed = |millis| LeftConnectionEnd::Closed(Duration::from_millis(millis));
        let one = counted(&[closed(30), LeftConnectionEnd::Failed]);
        let other = counted(&[
            closed(10),
            closed(20),
            LeftConnectionEnd::Kept,
            LeftConnectionEnd::Cancelled,
        ]);
        let wanted = LeftConnections {
            begun: 6,
            failed: 1,
            cancelled: 1,
            closed: 3,
            kept: 1,
            shortest_us: Some(10_000),
            longest_us: Some(30_000),
        };
        for (mut mine, theirs) in [(one, other), (other, one)] {
            mine.merge(theirs);
            assert_eq!(mine, wanted);
            assert_eq!(mine.ended(), mine.begun);
        }
        assert!(LeftConnections::default().is_empty() && !wanted.is_empty());
    }
}
