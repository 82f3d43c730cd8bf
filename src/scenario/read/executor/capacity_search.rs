//! `capacity-search`: constant rates, one after the other, in search of the highest that keeps the thresholds.

use std::time::Duration;

use super::kind::Kind;
use super::length::Length;
use super::pool::VuPool;
use super::quota::Quota;
use super::rates;
use crate::keys::codec::{DAY, Editor, MS, SECOND, fraction, time};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::keys::value;
use crate::units::Rate;

keys! {
    /// How the highest rate is searched for.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct CapacitySearch {
        /// The time that the rates of this load are per.
        time_unit = start_rate => rates::time_unit(), "1m";
        /// The first rate that is tried, in iterations per `time_unit`.
        ///
        /// Not zero.
        pub start_rate: Rate => rates::rate(), 10, needed;
        /// No higher rate is tried.
        pub max_rate: Option<Rate>;
        /// No higher rate is tried.
        max_rate = self => max_rate(), 1000;
        /// A rate that passes is multiplied by this, until one fails.
        pub growth: f64 = 2.0 => fraction(1.1..=10.0), 1.5;
        /// The search ends when the lowest rate that fails is so much above the highest that passes, as a share of it.
        pub precision: f64 = 0.05 => fraction(0.01..=0.5), 0.1;
        /// How long each rate runs before it is measured.
        pub settle: Duration = 5 * SECOND => time(Duration::ZERO..=DAY), "10s";
        /// How long each rate is measured.
        pub hold: Duration = 20 * SECOND => time(100 * MS..=DAY), "30s";
        /// How long the rate that was found is measured, each time it is confirmed.
        pub confirm: Duration = 60 * SECOND => time(100 * MS..=DAY), "2m";
        /// The users that do the iterations.
        pub pool: VuPool, flatten;
    }
}

/// A rate in the unit of the first one.
fn max_rate() -> Editor<CapacitySearch> {
    Editor::new(
        rates::form(),
        |item, sink, it: &mut CapacitySearch| {
            it.max_rate = value::rate(it.start_rate.unit())(item, sink);
            it.max_rate.is_some()
        },
        |it| it.max_rate.as_ref().map(rates::show),
    )
}

impl Kind for CapacitySearch {
    const WORD: &'static str = "capacity-search";
    const MEANING: &'static str = "tries one rate after the other";
    const TEXT: &'static str =
        "Constant rates, one after the other, in search of the highest that keeps the thresholds.";

    fn rules(&self, table: &mut Table<'_>) -> Option<()> {
        if self.max_rate.is_none_or(|most| most >= self.start_rate) {
            return Some(());
        }
        let spot = table.entry("max_rate")?.item.spot.clone();
        let problem = Problem::new("there is nothing to search", spot);
        table.sink().report(problem.label("less than `start_rate`"));
        None
    }

    fn vus(&self) -> u32 {
        self.pool.max_vus
    }

    fn quota(&self) -> Quota {
        Quota::Endless
    }

    fn length(&self) -> Length {
        Length::Set(self.hold)
    }

    fn own_pool(&self) -> Option<&VuPool> {
        Some(&self.pool)
    }

    fn peak_rate(&self) -> Option<f64> {
        self.max_rate.map(Rate::per_second)
    }
}
