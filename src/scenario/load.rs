//! Which journeys are done, and when.

use std::time::Duration;

use super::read::executor::{Executor, Quota, StageSpan};
use crate::schedule::Span;

/// A stream of iterations.
#[derive(Debug, Clone)]
pub struct Load {
    /// The name, unique in the scenario: by default `load-0`, `load-1`, ... in the order of the file.
    pub name: String,
    /// Which journeys, in the order of the file. Not empty; a journey is in it once.
    pub mix: Vec<Share>,
    /// How iterations are started over time.
    pub executor: Executor,
    /// When it begins.
    pub begin: Begin,
    /// How long its iterations are not measured at first; zero unless the rate or the users are constant.
    pub warmup: Duration,
    /// How long running iterations may go on after the end, at most 24 h.
    pub graceful_stop: Duration,
    /// The time from one start of a closed user to its next; `None`: it starts over as soon as it is done. Always
    /// `None` for an open executor.
    pub pacing: Option<Duration>,
}

/// When a load begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// The load that it waits for, an index into [`Scenario::loads`](super::Scenario::loads): until that one starts
    /// no more iterations. `None`: the opening of the measured window. There are no circles.
    pub after: Option<usize>,
    /// How long after that, at most 7 days.
    pub delay: Duration,
}

impl Begin {
    /// With the run: such a load warms up before the measured window opens.
    pub const WITH_THE_RUN: Self = Self {
        after: None,
        delay: Duration::ZERO,
    };
}

/// The part of a journey in a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// An index into [`Scenario::journeys`](super::Scenario::journeys).
    pub journey: usize,
    /// Of the sum of all weights, 1 to 1,000,000.
    pub weight: u32,
}

impl Load {
    /// Returns `true` if the load numbers its iterations by itself, whichever user takes one: arrivals, and what users share. If
    /// not, each user numbers its own.
    pub fn numbers_iterations(&self) -> bool {
        self.executor.is_open() || matches!(self.executor.quota(), Quota::Together(_))
    }

    /// The names of its stages, which thresholds can name. A load of one stage lends it its own name.
    pub fn stage_names(&self) -> Vec<&str> {
        self.stages().into_iter().map(|stage| stage.name).collect()
    }

    /// The stages in their order; one for an executor that knows none. Never empty.
    pub fn stages(&self) -> Vec<StageSpan<'_>> {
        let stages = self.executor.stages();
        if !stages.is_empty() {
            return stages;
        }
        vec![StageSpan {
            name: &self.name,
            span: Span {
                from: Duration::ZERO,
                until: self.executor.length().longest(),
            },
        }]
    }
}
