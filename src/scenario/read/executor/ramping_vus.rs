//! `ramping-vus`: the number of users follows a line from target to target.

use std::time::Duration;

use super::kind::Kind;
use super::length::Length;
use super::quota::Quota;
use super::stage::{self, Stage, StageSpan};
use crate::keys::codec::{DAY, SECOND, time, whole};
use crate::keys::define::keys;
use crate::keys::table::Table;
use crate::schedule::{UserStage, Users};

keys! {
    /// The number of users follows a line from target to target.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RampingVus {
        /// Virtual users at the beginning.
        pub start_vus: u32 = 0 => whole(0..=1_000_000), 5;
        /// The line that the number of users follows.
        ///
        /// Not empty; someone is there at some time.
        pub stages: Vec<Stage<u32>> =>
            stage::stages(whole(0..=1_000_000), "10"), [{ duration = "1m", target = 10 }], needed;
        /// How long an iteration may go on whose user the line has left.
        pub graceful_ramp_down: Duration = 30 * SECOND => time(Duration::ZERO..=DAY), "10s";
    }
}

impl Kind for RampingVus {
    const WORD: &'static str = "ramping-vus";
    const MEANING: &'static str = "users come and go by stages";
    const TEXT: &'static str = "The number of users follows a line from target to target.";

    fn rules(&self, table: &mut Table<'_>) -> Option<()> {
        if self.vus() > 0 {
            return Some(());
        }
        stage::idle(table, "no user is ever there", "no `target` is above 0");
        None
    }

    fn vus(&self) -> u32 {
        let targets = self.stages.iter().map(|stage| stage.target);
        targets.fold(self.start_vus, u32::max)
    }

    fn quota(&self) -> Quota {
        Quota::Endless
    }

    fn length(&self) -> Length {
        Length::Set(stage::sum(&self.stages))
    }

    fn users(&self) -> Option<Users> {
        let stages = self.stages.iter().map(|stage| UserStage {
            duration: stage.duration,
            target: stage.target,
        });
        Some(Users::new(self.start_vus, stages.collect()))
    }

    fn stages(&self) -> Vec<StageSpan<'_>> {
        stage::spans(&self.stages)
    }
}
