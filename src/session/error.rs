//! Why there is no result.

use std::time::Duration;

use super::unshared::Unshared;
use crate::engine;
use crate::meeting;
use crate::result::{MergeError, Unprepared};
use crate::scenario::Problems;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run did not come to measuring.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The plan cannot be shared out.
    #[error("this scenario cannot be run in shards: {0}")]
    Unshared(#[from] Unshared),
    /// The target was not prepared for this plan.
    #[error(transparent)]
    Unprepared(#[from] Unprepared),
    /// The moment at which all shards start is past, or too near.
    #[error(
        "too late: the shards start together, and this one was not ready {}; let them start later",
        match by.as_millis() {
            0 => "in time".to_owned(),
            _ => format!("until {} after that", crate::units::duration(*by)),
        }
    )]
    Late {
        /// How long past it was; zero if it was too near.
        by: Duration,
    },
    /// The plan has commands, and they are not allowed.
    #[error(transparent)]
    Hooks(#[from] HooksRefused),
    /// Both sides of a comparison would fetch from one upstream.
    #[error(
        "[upstream] is one registry, and two targets would share its counts: make two runs, and compare their reports"
    )]
    Upstream,
    /// The rates of a capacity search leave nothing to search.
    #[error("the rates of the capacity search leave nothing to search")]
    Search,
    /// A pair of runs cannot be cut into slices as asked.
    #[error("the two sides cannot be cut alike")]
    Cut,
    /// The other shards of the run did not come, or were lost before the load.
    #[error(transparent)]
    Host(#[from] meeting::HostError),
    /// The first shard of the run refused this one, or is lost.
    #[error(transparent)]
    Guest(#[from] meeting::GuestError),
    /// What a report tells of cannot be deleted.
    #[error("{why}")]
    NotLeft {
        /// Its place among those that were given, from 0.
        place: usize,
        /// Why.
        why: NotLeft,
    },
    /// Reports are of another plan than the scenario's.
    #[error(
        "the reports are of another scenario: their plan is {theirs}, that of the scenario {ours}"
    )]
    OtherPlan {
        /// The fingerprint of the scenario's plan.
        ours: String,
        /// That of the reports'.
        theirs: String,
    },
    /// The scenario has the plan of the reports, and differs in something else.
    #[error("the scenario does not fit the reports: {0}")]
    Unfit(MergeError),
    /// The reports of shards do not add up: a defect of regstorm.
    #[error("shards do not add up: {0}")]
    Shards(MergeError),
    /// The slices of one side do not have the same plan or the same journeys: a defect of regstorm.
    #[error("slices do not add up: {0}")]
    Slices(MergeError),
    /// Virtual users, or whole workers, panicked in a pair: a defect of regstorm.
    #[error("{0} virtual users or workers ended in a panic")]
    Panics(u64),
    /// The scenario of a calibration is not accepted: a defect of regstorm, or a duration that no load can have.
    #[error("{0}")]
    Scenario(Problems),
    /// The machine could not be calibrated.
    #[error("calibration failed: {failed} of {of} iterations")]
    Calibration {
        /// Iterations that failed.
        failed: u64,
        /// Iterations that ended.
        of: u64,
    },
}

/// The hooks of a plan, or commands of its telemetry, are not allowed to run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this scenario runs commands on this machine, and needs --allow-hooks for that: {}",
    .0.join(", ")
)]
pub struct HooksRefused(
    /// Each with its command.
    pub Vec<String>,
);

/// Why reports are none of shards whose leavings can be deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLeft {
    /// It is no report of a shard that started by the clock.
    #[error("it is no report of a shard: every other run has cleaned up after itself")]
    NoShard,
    /// It is of another plan, which stored other things.
    #[error("it is of another scenario: its plan is {theirs}, that of the scenario {ours}")]
    Plan {
        /// The fingerprint of the scenario's plan.
        ours: String,
        /// That of the report's.
        theirs: String,
    },
    /// It is of another run than the first report.
    #[error("it is of another run than the first report")]
    Run,
    /// The scenario does not want it.
    #[error("the scenario keeps what it stores: prepare.clean_up is \"none\"")]
    Kept,
}
