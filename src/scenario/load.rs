//! Who does which journeys, and when: the executors with k6's names and meanings.

use std::time::Duration;

use crate::schedule::{self, Curve, Ramp, Spacing, Span, UserStage, Users};
use crate::units::Rate;

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

/// How iterations are started over time. The names are those of k6, but for the last two.
#[derive(Debug, Clone, PartialEq)]
pub enum Executor {
    /// Closed: users that start over until the time is up.
    ConstantVus {
        /// Users, 1 to 1,000,000.
        vus: u32,
        /// The measured window, after the warm-up; 100 ms to 7 days.
        duration: Duration,
    },
    /// Closed: the number of users follows a line from target to target.
    RampingVus {
        /// Users at the beginning, at most 1,000,000.
        start_vus: u32,
        /// Where the line goes. Not empty; someone is there at some time.
        stages: Vec<Stage<u32>>,
        /// How long an iteration may go on whose user the line has left, at most 24 h.
        graceful_ramp_down: Duration,
    },
    /// Closed: each user does the same number of iterations.
    PerVuIterations {
        /// Users, 1 to 1,000,000.
        vus: u32,
        /// Iterations of each user, 1 to 1,000,000,000.
        iterations: u64,
        /// No iteration is started after that; 100 ms to 7 days.
        max_duration: Duration,
    },
    /// Closed: the users share a number of iterations; the fast ones do more.
    SharedIterations {
        /// Users, 1 to 1,000,000.
        vus: u32,
        /// Iterations of all users together, `vus` to 1,000,000,000.
        iterations: u64,
        /// No iteration is started after that; 100 ms to 7 days.
        max_duration: Duration,
    },
    /// Open: iterations are due at a fixed rate, whether or not earlier ones have ended.
    ConstantArrivalRate {
        /// Iterations per time, not requests; not zero.
        rate: Rate,
        /// The measured window, after the warm-up; 100 ms to 7 days.
        duration: Duration,
        /// Who does them.
        crew: Crew,
    },
    /// Open: the rate follows a line from target to target.
    RampingArrivalRate {
        /// The rate at the beginning.
        start_rate: Rate,
        /// Where the line goes. Not empty; the rate is not zero all the time.
        stages: Vec<Stage<Rate>>,
        /// Who does them.
        crew: Crew,
    },
    /// Open: each user starts once, all within a short time.
    AtOnce {
        /// Users, 1 to 1,000,000.
        vus: u32,
        /// The time in which they start; may be zero.
        within: Duration,
        /// How their starts lie in it.
        arrival: Spacing,
        /// What has not ended so long after the first is given the graceful stop; 100 ms to 7 days.
        max_duration: Duration,
    },
    /// Open: constant rates, one after the other, in search of the highest that keeps the thresholds.
    CapacitySearch(CapacitySearch),
}

/// The virtual users of an open executor, and what happens when none is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crew {
    /// All of them, there from the beginning; 1 to 1,000,000.
    pub max_vus: u32,
    /// What becomes of an iteration that is due when none is free.
    pub on_no_vu: OnNoVu,
    /// How arrivals lie in time.
    pub arrival: Spacing,
}

/// What becomes of an iteration that is due when no user is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNoVu {
    /// It is dropped, and counted as that.
    Drop,
    /// It waits for one; its response time counts from when it was due.
    Queue {
        /// As many may wait at once, 1 to 10,000,000; more are dropped.
        limit: u32,
    },
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage<T> {
    /// How thresholds call it; stages of different loads may share a name.
    pub name: String,
    /// How long the line takes to the target; zero is a jump.
    pub duration: Duration,
    /// Where it gets to.
    pub target: T,
}

/// How the highest rate is searched for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CapacitySearch {
    /// The first rate that is tried; not zero.
    pub start_rate: Rate,
    /// No higher one is tried.
    pub max_rate: Option<Rate>,
    /// A rate that passes is multiplied by this, until one fails; 1.1 to 10.
    pub growth: f64,
    /// The search ends when the lowest rate that fails is so much above the highest that passes; 0.01 to 0.5.
    pub precision: f64,
    /// How long each rate runs before it is measured.
    pub settle: Duration,
    /// How long each is measured; 100 ms to 24 h.
    pub hold: Duration,
    /// How long the rate that was found is measured, each time it is confirmed; 100 ms to 24 h.
    pub confirm: Duration,
    /// Who does the iterations.
    pub crew: Crew,
}

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

/// A stage of a load and when it is, since the load's first iteration that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSpan<'a> {
    /// The name of the stage; that of the load where it has only one.
    pub name: &'a str,
    /// From its begin to its end at the latest.
    pub span: Span,
}

impl Load {
    /// The names of its stages, which thresholds can name. A load of one stage lends it its own name.
    pub fn stage_names(&self) -> Vec<&str> {
        self.stages().into_iter().map(|stage| stage.name).collect()
    }

    /// The stages in their order; one for an executor that knows none. Never empty.
    pub fn stages(&self) -> Vec<StageSpan<'_>> {
        match &self.executor {
            Executor::RampingVus { stages, .. } => spans(stages),
            Executor::RampingArrivalRate { stages, .. } => spans(stages),
            other => vec![StageSpan {
                name: &self.name,
                span: Span {
                    from: Duration::ZERO,
                    until: other.length().longest(),
                },
            }],
        }
    }
}

fn spans<T>(stages: &[Stage<T>]) -> Vec<StageSpan<'_>> {
    let mut from = Duration::ZERO;
    let spans = stages.iter().map(|stage| {
        let until = from + stage.duration;
        let from = std::mem::replace(&mut from, until);
        StageSpan {
            name: &stage.name,
            span: Span { from, until },
        }
    });
    spans.collect()
}

impl Executor {
    /// The name in the scenario.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ConstantVus { .. } => "constant-vus",
            Self::RampingVus { .. } => "ramping-vus",
            Self::PerVuIterations { .. } => "per-vu-iterations",
            Self::SharedIterations { .. } => "shared-iterations",
            Self::ConstantArrivalRate { .. } => "constant-arrival-rate",
            Self::RampingArrivalRate { .. } => "ramping-arrival-rate",
            Self::AtOnce { .. } => "at-once",
            Self::CapacitySearch(_) => "capacity-search",
        }
    }

    /// Are iterations due on a schedule that does not wait for the target?
    pub const fn is_open(&self) -> bool {
        match self {
            Self::ConstantVus { .. }
            | Self::RampingVus { .. }
            | Self::PerVuIterations { .. }
            | Self::SharedIterations { .. } => false,
            Self::ConstantArrivalRate { .. }
            | Self::RampingArrivalRate { .. }
            | Self::AtOnce { .. }
            | Self::CapacitySearch(_) => true,
        }
    }

    /// The users of an open executor.
    pub const fn crew(&self) -> Option<Crew> {
        match *self {
            Self::ConstantArrivalRate { crew, .. }
            | Self::RampingArrivalRate { crew, .. }
            | Self::CapacitySearch(CapacitySearch { crew, .. }) => Some(crew),
            // A user for each start: none is ever missing.
            Self::AtOnce { vus, arrival, .. } => Some(Crew {
                max_vus: vus,
                on_no_vu: OnNoVu::Drop,
                arrival,
            }),
            Self::ConstantVus { .. }
            | Self::RampingVus { .. }
            | Self::PerVuIterations { .. }
            | Self::SharedIterations { .. } => None,
        }
    }

    /// The iterations that a number decides; `None` where time or a rate does.
    pub fn iterations(&self) -> Option<u64> {
        match *self {
            Self::PerVuIterations {
                vus, iterations, ..
            } => Some(iterations.saturating_mul(vus.into())),
            Self::SharedIterations { iterations, .. } => Some(iterations),
            Self::AtOnce { vus, .. } => Some(vus.into()),
            Self::ConstantVus { .. }
            | Self::RampingVus { .. }
            | Self::ConstantArrivalRate { .. }
            | Self::RampingArrivalRate { .. }
            | Self::CapacitySearch(_) => None,
        }
    }

    /// The most users at any time.
    pub fn vus(&self) -> u32 {
        match self {
            Self::ConstantVus { vus, .. }
            | Self::PerVuIterations { vus, .. }
            | Self::SharedIterations { vus, .. }
            | Self::AtOnce { vus, .. } => *vus,
            Self::RampingVus {
                start_vus, stages, ..
            } => {
                let targets = stages.iter().map(|stage| stage.target);
                targets.fold(*start_vus, u32::max)
            }
            Self::ConstantArrivalRate { crew, .. }
            | Self::RampingArrivalRate { crew, .. }
            | Self::CapacitySearch(CapacitySearch { crew, .. }) => crew.max_vus,
        }
    }

    /// When iterations are due, after a warm-up of that length in which the rate is the same; `None` for closed
    /// executors and for a search.
    pub fn curve(&self, warmup: Duration) -> Option<Curve> {
        match self {
            Self::ConstantArrivalRate { rate, duration, .. } => Some(Curve::Constant {
                rate: *rate,
                duration: warmup.saturating_add(*duration),
            }),
            Self::RampingArrivalRate {
                start_rate, stages, ..
            } => {
                let stages = stages.iter().map(|stage| schedule::Stage {
                    duration: stage.duration,
                    target: stage.target,
                });
                // All rates of a load have one time unit, and its stages are not empty: there is always a ramp.
                let ramp = Ramp::new(*start_rate, stages.collect());
                ramp.ok().map(Curve::Ramp)
            }
            Self::AtOnce { vus, within, .. } => Some(Curve::AtOnce {
                users: *vus,
                window: *within,
            }),
            Self::ConstantVus { .. }
            | Self::RampingVus { .. }
            | Self::PerVuIterations { .. }
            | Self::SharedIterations { .. }
            | Self::CapacitySearch(_) => None,
        }
    }

    /// When users live whose number goes up and down; `None` for every other executor.
    pub fn users(&self) -> Option<Users> {
        let Self::RampingVus {
            start_vus, stages, ..
        } = self
        else {
            return None;
        };
        let stages = stages.iter().map(|stage| UserStage {
            duration: stage.duration,
            target: stage.target,
        });
        Some(Users::new(*start_vus, stages.collect()))
    }

    /// How long it goes on, after the warm-up. Of a search: one trial.
    pub fn length(&self) -> Length {
        match self {
            Self::ConstantVus { duration, .. } | Self::ConstantArrivalRate { duration, .. } => {
                Length::Set(*duration)
            }
            Self::RampingVus { stages, .. } => Length::Set(sum(stages)),
            Self::RampingArrivalRate { stages, .. } => Length::Set(sum(stages)),
            Self::PerVuIterations { max_duration, .. }
            | Self::SharedIterations { max_duration, .. }
            | Self::AtOnce { max_duration, .. } => Length::AtMost(*max_duration),
            Self::CapacitySearch(search) => Length::Set(search.hold),
        }
    }
}

fn sum<T>(stages: &[Stage<T>]) -> Duration {
    let durations = stages.iter().map(|stage| stage.duration);
    durations.fold(Duration::ZERO, Duration::saturating_add)
}
