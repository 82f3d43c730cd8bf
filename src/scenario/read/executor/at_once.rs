//! `at-once`: each user starts once, all within a short time.

use std::time::Duration;

use super::kind::Kind;
use super::length::{Length, MAX_DURATION};
use super::pool::{OnNoVu, SPACINGS, VuPool};
use super::quota::Quota;
use crate::keys::codec::{DAY, MS, time, whole, words};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::schedule::{Curve, Spacing};

keys! {
    /// Each user starts once, all within a short time.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct AtOnce {
        /// Virtual users, each of which starts once.
        pub vus: u32 => whole(1..=1_000_000), 100, needed;
        /// The time in which all of them start.
        pub within: Duration = Duration::ZERO => time(Duration::ZERO..=DAY), "5s";
        /// How their starts lie in that time: at equal distances, or at random (Poisson).
        pub arrival: Spacing = Spacing::Uniform => words("arrival", SPACINGS), "poisson";
        /// What has not ended so long after the first start is given the graceful stop.
        pub max_duration: Duration = MAX_DURATION => time(100 * MS..=7 * DAY), "1h";
    }
}

impl Kind for AtOnce {
    const WORD: &'static str = "at-once";
    const MEANING: &'static str = "each user starts once";
    const TEXT: &'static str = "Each user starts once, all within a short time.";

    fn rules(&self, table: &mut Table<'_>) -> Option<()> {
        if self.within <= self.max_duration {
            return Some(());
        }
        let spot = table.entry("within")?.item.spot.clone();
        let problem = Problem::new("not all users would start", spot);
        let label = "this is longer than `max_duration`";
        table.sink().report(problem.label(label));
        None
    }

    fn vus(&self) -> u32 {
        self.vus
    }

    fn length(&self) -> Length {
        Length::AtMost(self.max_duration)
    }

    fn pool(&self) -> Option<VuPool> {
        // A user for each start: none is ever missing.
        Some(VuPool {
            max_vus: self.vus,
            on_no_vu: OnNoVu::Drop,
            arrival: self.arrival,
        })
    }

    fn quota(&self) -> Quota {
        Quota::Each(1)
    }

    fn curve(&self, _warmup: Duration) -> Option<Curve> {
        Some(Curve::AtOnce {
            users: self.vus,
            window: self.within,
        })
    }
}
