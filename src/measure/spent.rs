//! Where the time of iterations went: exchanges, pauses before retries, and what is neither.

use std::time::Duration;

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
    /// An iteration without an exchange that took so long.
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

/// Where the time of the iterations of a journey went, summed over all that ended, whatever their outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IterationTime {
    /// From start to end, counted apart from the three parts.
    pub total: Duration,
    /// One or more exchanges were under way.
    pub operations: Duration,
    /// Pauses before retries, with no exchange under way.
    pub pauses: Duration,
    /// Neither.
    pub rest: Duration,
    /// Requests that were sent again.
    pub retries: u64,
    /// Iterations that paused.
    pub paused_iterations: u64,
    /// The longest pause.
    pub longest_pause: Duration,
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

    /// The three parts together.
    pub(super) fn parts(&self) -> Duration {
        self.operations
            .saturating_add(self.pauses)
            .saturating_add(self.rest)
    }
}
