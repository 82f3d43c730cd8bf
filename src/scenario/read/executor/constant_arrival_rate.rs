//! `constant-arrival-rate`: iterations are due at a fixed rate, whether or not earlier ones have ended.

use std::time::Duration;

use super::kind::Kind;
use super::length::Length;
use super::pool::VuPool;
use super::quota::Quota;
use super::rates;
use crate::keys::codec::{DAY, MS, time};
use crate::keys::define::keys;
use crate::schedule::Curve;
use crate::units::Rate;

keys! {
    /// Iterations are due at a fixed rate, whether or not earlier ones have ended.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct ConstantArrivalRate {
        /// The time that the rates of this load are per.
        time_unit = rate => rates::time_unit(), "1m";
        /// Iterations, not requests, that are due in each `time_unit`.
        ///
        /// Not zero.
        pub rate: Rate => rates::rate(), 50, needed;
        /// The measured time, after the warm-up.
        pub duration: Duration => time(100 * MS..=7 * DAY), "1m", needed;
        /// The users that do the iterations.
        pub pool: VuPool, flatten;
    }
}

impl Kind for ConstantArrivalRate {
    const WORD: &'static str = "constant-arrival-rate";
    const MEANING: &'static str = "starts arrivals, not users";
    const TEXT: &'static str =
        "Iterations are due at a fixed rate, whether or not earlier ones have ended.";
    const IS_CONSTANT: bool = true;

    fn vus(&self) -> u32 {
        self.pool.max_vus
    }

    fn quota(&self) -> Quota {
        Quota::Endless
    }

    fn length(&self) -> Length {
        Length::Set(self.duration)
    }

    fn own_pool(&self) -> Option<&VuPool> {
        Some(&self.pool)
    }

    fn curve(&self, warmup: Duration) -> Option<Curve> {
        Some(Curve::Constant {
            rate: self.rate,
            duration: warmup.saturating_add(self.duration),
        })
    }

    fn peak_rate(&self) -> Option<f64> {
        Some(self.rate.per_second())
    }

    fn lasting(&self, duration: Duration) -> Option<Self> {
        Some(Self { duration, ..*self })
    }
}
