//! Where the time of iterations went: exchanges, pauses before retries, and what is neither.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::histogram::whole_micros;

/// Where the time of one iteration went. The three parts add up to it: each moment is in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// One or more exchanges were under way.
    pub operations: Duration,
    /// No exchange was under way, and the client let the pause before a retry pass.
    pub pauses: Duration,
    /// Neither: the client's own work between two exchanges, waiting for a token that another user fetches, waiting for
    /// its turn on the event loop.
    pub rest: Duration,
    /// Requests that were sent again.
    pub retries: u64,
    /// The longest pause before one of them.
    pub longest_pause: Duration,
}

impl Spent {
    /// Creates an iteration without an exchange that took so long.
    pub const fn at_rest(time: Duration) -> Self {
        Self {
            operations: Duration::ZERO,
            pauses: Duration::ZERO,
            rest: time,
            retries: 0,
            longest_pause: Duration::ZERO,
        }
    }
}

/// Where the time of iterations went, summed over all that ended, whatever their outcome. The parts add up to the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "IterationTimes")]
pub struct IterationTime {
    /// From start to end, counted apart from the three parts.
    #[serde(rename = "total_us", with = "micros")]
    #[schemars(with = "u64")]
    pub total: Duration,
    /// One or more exchanges were under way.
    #[serde(rename = "operations_us", with = "micros")]
    #[schemars(with = "u64")]
    pub operations: Duration,
    /// Pauses before retries, while no exchange was under way.
    #[serde(rename = "pauses_us", with = "micros")]
    #[schemars(with = "u64")]
    pub pauses: Duration,
    /// Neither: the client's own work between exchanges.
    #[serde(rename = "rest_us", with = "micros")]
    #[schemars(with = "u64")]
    pub rest: Duration,
    /// Requests that were sent again.
    pub retries: u64,
    /// Iterations that paused before a retry.
    pub paused_iterations: u64,
    /// The longest pause before a retry.
    #[serde(rename = "longest_pause_us", with = "micros")]
    #[schemars(with = "u64")]
    pub longest_pause: Duration,
}

/// Durations in whole microseconds.
mod micros {
    use super::{Deserialize, Deserializer, Duration, Serializer, whole_micros};

    pub(super) fn serialize<S: Serializer>(
        time: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(whole_micros(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}

impl IterationTime {
    pub(super) fn record(&mut self, total: Duration, spent: &Spent) {
        self.merge(&Self {
            total,
            operations: spent.operations,
            pauses: spent.pauses,
            rest: spent.rest,
            retries: spent.retries,
            paused_iterations: u64::from(!spent.longest_pause.is_zero()),
            longest_pause: spent.longest_pause,
        });
    }

    /// Adds the times of another.
    pub fn merge(&mut self, other: &Self) {
        self.total = self.total.saturating_add(other.total);
        self.operations = self.operations.saturating_add(other.operations);
        self.pauses = self.pauses.saturating_add(other.pauses);
        self.rest = self.rest.saturating_add(other.rest);
        self.retries = self.retries.saturating_add(other.retries);
        self.paused_iterations = self
            .paused_iterations
            .saturating_add(other.paused_iterations);
        self.longest_pause = self.longest_pause.max(other.longest_pause);
    }

    /// Returns the times in whole microseconds, as reports store them. The rest is what the other parts leave of the total:
    /// cut on its own, each part would lose a fraction, and the parts would not add up.
    #[must_use]
    pub fn in_micros(&self) -> Self {
        let cut = |time| Duration::from_micros(whole_micros(time));
        let (total, operations, pauses) = (cut(self.total), cut(self.operations), cut(self.pauses));
        Self {
            total,
            operations,
            pauses,
            rest: total.saturating_sub(operations).saturating_sub(pauses),
            longest_pause: cut(self.longest_pause),
            ..*self
        }
    }

    /// Returns the three parts together.
    pub(super) fn parts(&self) -> Duration {
        self.operations
            .saturating_add(self.pauses)
            .saturating_add(self.rest)
    }
}
