//! `constant-vus`: users that start over until the time is up.

use std::time::Duration;

use super::kind::Kind;
use super::length::Length;
use super::quota::Quota;
use crate::keys::codec::{DAY, MS, time, whole};
use crate::keys::define::keys;

keys! {
    /// Users that start over until the time is up.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct ConstantVus {
        /// Virtual users.
        pub vus: u32 => whole(1..=1_000_000), 10, needed;
        /// The measured time, after the warm-up.
        pub duration: Duration => time(100 * MS..=7 * DAY), "1m", needed;
    }
}

impl Kind for ConstantVus {
    const WORD: &'static str = "constant-vus";
    const MEANING: &'static str = "starts users, not arrivals";
    const TEXT: &'static str = "Users that start over until the time is up.";
    const IS_CONSTANT: bool = true;

    fn vus(&self) -> u32 {
        self.vus
    }

    fn quota(&self) -> Quota {
        Quota::Endless
    }

    fn length(&self) -> Length {
        Length::Set(self.duration)
    }

    fn lasting(&self, duration: Duration) -> Option<Self> {
        Some(Self { duration, ..*self })
    }
}
