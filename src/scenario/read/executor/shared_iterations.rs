//! `shared-iterations`: the users share a number of iterations.

use std::time::Duration;

use super::kind::Kind;
use super::length::{Length, MAX_DURATION};
use super::quota::Quota;
use crate::keys::codec::{DAY, MS, count, time, whole};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::Table;

keys! {
    /// The users share a number of iterations; the fast ones do more.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct SharedIterations {
        /// Virtual users.
        pub vus: u32 => whole(1..=1_000_000), 10, needed;
        /// Iterations of all users together, at least `vus`.
        pub iterations: u64 => count(1..=1_000_000_000), 100, needed;
        /// No iteration starts after that.
        pub max_duration: Duration = MAX_DURATION => time(100 * MS..=7 * DAY), "1h";
    }
}

impl Kind for SharedIterations {
    const WORD: &'static str = "shared-iterations";
    const MEANING: &'static str = "runs by iterations";
    const TEXT: &'static str = "The users share a number of iterations; the fast ones do more.";

    fn rules(&self, table: &mut Table<'_>) -> Option<()> {
        if self.iterations >= self.vus.into() {
            return Some(());
        }
        let (few, many) = (table.entry("iterations")?, table.entry("vus")?);
        table.sink().report(
            Problem::new("some users would have nothing to do", few.item.spot.clone())
                .label("the iterations of all users together: at least `vus`")
                .also(many.item.spot.clone(), "more users than iterations"),
        );
        None
    }

    fn vus(&self) -> u32 {
        self.vus
    }

    fn length(&self) -> Length {
        Length::AtMost(self.max_duration)
    }

    fn quota(&self) -> Quota {
        Quota::Together(self.iterations)
    }
}
