//! How many users do which journeys, and for how long.

use std::time::Duration;

/// A stream of iterations.
#[derive(Debug, Clone)]
pub struct Load {
    /// Which journeys, in the order of the file. Not empty; a journey is in it once.
    pub mix: Vec<Share>,
    /// How iterations are started over time.
    pub executor: Executor,
    /// Time before the measured window; zero unless the executor runs by time.
    pub warmup: Duration,
    /// How long running iterations may go on after the end, at most 24 h.
    pub graceful_stop: Duration,
}

/// The part of a journey in a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// An index into [`Scenario::journeys`](super::Scenario::journeys).
    pub journey: usize,
    /// Of the sum of all weights, 1 to 1,000,000.
    pub weight: u32,
}

/// How iterations are started over time. The names are those of k6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executor {
    /// Users that start over until the time is up.
    ConstantVus {
        /// Users, 1 to 1,000,000.
        vus: u32,
        /// The measured window, after the warm-up; 100 ms to 7 days.
        duration: Duration,
    },
    /// Each user does the same number of iterations.
    PerVuIterations {
        /// Users, 1 to 1,000,000.
        vus: u32,
        /// Iterations of each user, 1 to 1,000,000,000.
        iterations: u64,
        /// No iteration is started after that; 100 ms to 7 days.
        max_duration: Duration,
    },
    /// The users share a number of iterations; the fast ones do more.
    SharedIterations {
        /// Users, 1 to 1,000,000.
        vus: u32,
        /// Iterations of all users together, `vus` to 1,000,000,000.
        iterations: u64,
        /// No iteration is started after that; 100 ms to 7 days.
        max_duration: Duration,
    },
}

impl Executor {
    /// The name in the scenario.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ConstantVus { .. } => "constant-vus",
            Self::PerVuIterations { .. } => "per-vu-iterations",
            Self::SharedIterations { .. } => "shared-iterations",
        }
    }

    /// The iterations of all users; `None` where time decides.
    pub fn iterations(&self) -> Option<u64> {
        match *self {
            Self::ConstantVus { .. } => None,
            Self::PerVuIterations {
                vus, iterations, ..
            } => Some(iterations.saturating_mul(vus.into())),
            Self::SharedIterations { iterations, .. } => Some(iterations),
        }
    }

    /// The users.
    pub const fn vus(&self) -> u32 {
        match *self {
            Self::ConstantVus { vus, .. }
            | Self::PerVuIterations { vus, .. }
            | Self::SharedIterations { vus, .. } => vus,
        }
    }
}
