//! `per-vu-iterations`: each user does the same number of iterations.

use std::time::Duration;

use super::kind::Kind;
use super::length::{Length, MAX_DURATION};
use super::quota::Quota;
use crate::keys::codec::{DAY, MS, count, time, whole};
use crate::keys::define::keys;

keys! {
    /// Each user does the same number of iterations.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct PerVuIterations {
        /// Virtual users.
        pub vus: u32 => whole(1..=1_000_000), 10, needed;
        /// Iterations of each user.
        pub iterations: u64 => count(1..=1_000_000_000), 100, needed;
        /// No iteration starts after that.
        pub max_duration: Duration = MAX_DURATION => time(100 * MS..=7 * DAY), "1h";
    }
}

impl Kind for PerVuIterations {
    const WORD: &'static str = "per-vu-iterations";
    const MEANING: &'static str = "runs by iterations";
    const TEXT: &'static str = "Each user does the same number of iterations.";

    fn vus(&self) -> u32 {
        self.vus
    }

    fn length(&self) -> Length {
        Length::AtMost(self.max_duration)
    }

    fn quota(&self) -> Quota {
        Quota::Each(self.iterations)
    }
}
