//! When the parts of a run begin and end.

use std::time::Duration;

use tokio::time::Instant;

use crate::plan::{Executor, Load, Plan};

/// The instants that all workers go by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// The load begins.
    pub(super) start: Instant,
    /// The measured window opens: after the longest warm-up of all loads.
    pub(super) epoch: Instant,
}

/// The instants of one load.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadClock {
    /// Its users begin.
    pub(super) begin: Instant,
    /// No iteration starts from here on.
    pub(super) end: Instant,
    /// Iterations under way are dropped.
    pub(super) cut: Instant,
}

impl Clock {
    pub(super) fn new(plan: &Plan, start: Instant) -> Self {
        Self {
            start,
            epoch: start + warm_up(plan),
        }
    }

    /// Loads that count iterations begin with the measured window: each of their iterations counts. The others
    /// warm up from the start.
    pub(super) fn of(&self, load: &Load) -> LoadClock {
        let (begin, length) = match load.executor {
            Executor::ConstantVus { duration, .. } => (self.start, duration),
            Executor::PerVuIterations { max_duration, .. }
            | Executor::SharedIterations { max_duration, .. } => (self.epoch, max_duration),
        };
        let end = self.epoch + length;
        LoadClock {
            begin,
            end,
            cut: end + load.graceful_stop,
        }
    }
}

/// How long the load runs before it is measured.
pub(super) fn warm_up(plan: &Plan) -> Duration {
    let longest = plan.loads.iter().map(|load| load.warmup).max();
    longest.unwrap_or_default()
}

/// The longest that the measured window can be.
pub(super) fn window(plan: &Plan) -> Duration {
    let lengths = plan.loads.iter().map(|load| match load.executor {
        Executor::ConstantVus { duration, .. } => duration,
        Executor::PerVuIterations { max_duration, .. }
        | Executor::SharedIterations { max_duration, .. } => max_duration,
    });
    lengths.max().unwrap_or_default()
}

/// Do the loads end at different times? Then a rate over the window says less of those that end early.
pub(super) fn is_uneven(plan: &Plan) -> bool {
    plan.loads.len() > 1
        && plan.loads.iter().any(|load| match load.executor {
            Executor::ConstantVus { duration, .. } => duration != set_window(plan),
            Executor::PerVuIterations { .. } | Executor::SharedIterations { .. } => true,
        })
}

/// The part of the window that is measured whatever happens: the longest load that runs for a set time.
pub(super) fn set_window(plan: &Plan) -> Duration {
    let lengths = plan.loads.iter().filter_map(|load| match load.executor {
        Executor::ConstantVus { duration, .. } => Some(duration),
        Executor::PerVuIterations { .. } | Executor::SharedIterations { .. } => None,
    });
    lengths.max().unwrap_or_default()
}
