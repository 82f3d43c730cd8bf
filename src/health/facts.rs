//! What the engine knows of a load and the system does not.

use std::time::Duration;

use super::TargetHost;
use crate::measure::LatencyHistogram;

/// What the engine knows of a run's measured window.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadFacts<'a> {
    /// The journeys that were measured.
    pub journeys: Vec<JourneyFacts<'a>>,
    /// All their exchanges.
    pub exchanges: ExchangeFacts,
    /// Exchanges that failed by a limit of this machine or process, such as `EMFILE` or `EADDRNOTAVAIL`.
    pub harness_limit_failures: u64,
    /// The load that was asked for, in parts of the most that this machine has reached; `None` without calibration.
    pub ceiling_share: Option<f64>,
    /// Where the target is.
    pub target_host: TargetHost,
}

/// One journey.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyFacts<'a> {
    /// Its name in the scenario.
    pub name: &'a str,
    /// From the start of an iteration to its end.
    pub service_time: &'a LatencyHistogram,
    /// What was planned of it; `None` if all its loads are closed, which can be neither late nor short.
    pub schedule: Option<ScheduleFacts<'a>>,
}

/// The starts of a journey that has a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleFacts<'a> {
    /// Starts that the plan holds for the window: the rate summed up over it, not what the pacer got to. Where the
    /// user ended the run early, for the part that took place.
    pub planned: u64,
    /// Those that were begun.
    pub started: u64,
    /// Those that were not.
    pub dropped: Drops,
    /// The mean time between two planned starts, of the fastest load that starts this journey.
    pub mean_interval: Duration,
    /// From the moment due to the moment when the generator took the start up, of all starts. Where starts queue for a
    /// virtual user (`on_no_vu = "queue"`), only up to the moment when the pacer picked it up: waiting for a user is
    /// waiting for the target, and no fault of the generator.
    pub start_lag: &'a LatencyHistogram,
}

/// Starts that were due and not begun, by reason. Those of a run that the user ended early are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drops {
    /// No virtual user was free, because the generator was late or the users were thinking.
    pub no_vu: u64,
    /// Too many starts waited for one already, for the same causes.
    pub queue_full: u64,
    /// They waited when the load came to its planned end, for the same causes.
    pub cut: u64,
    /// For any of these reasons while the users waited for the target.
    pub by_target: u64,
}

/// All exchanges of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExchangeFacts {
    /// How many there were.
    pub count: u64,
    /// The time that they waited for a connection, or for leave to open one; the sum over all.
    pub waited: Duration,
    /// The time that they took; the sum over all.
    pub total: Duration,
}

impl Drops {
    /// Returns all of them.
    pub const fn all(self) -> u64 {
        self.no_vu
            .saturating_add(self.queue_full)
            .saturating_add(self.cut)
            .saturating_add(self.by_target)
    }

    /// Returns those for which the target is not to blame.
    pub const fn not_by_target(self) -> u64 {
        self.all().saturating_sub(self.by_target)
    }
}
