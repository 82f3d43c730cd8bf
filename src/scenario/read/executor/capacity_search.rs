//! `capacity-search`: constant rates, one after the other, in search of the highest that keeps the thresholds.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use super::kind::{Definition, Kind};
use super::length::{DAY, Length};
use super::pool::{self, VuPool};
use super::rates;
use crate::keys::codec::{fraction, time};
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::keys::value;
use crate::units::Rate;

/// The most and the least that a rate grows by, and by which two rates differ at the end.
const GROWTH: RangeInclusive<f64> = 1.1..=10.0;
const PRECISION: RangeInclusive<f64> = 0.01..=0.5;
const TRIAL: RangeInclusive<Duration> = Duration::from_millis(100)..=DAY;

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
    /// The users that do the iterations.
    pub pool: VuPool,
}

impl Default for CapacitySearch {
    fn default() -> Self {
        Self {
            start_rate: rates::none(),
            max_rate: None,
            growth: 2.0,
            precision: 0.05,
            settle: Duration::from_secs(5),
            hold: Duration::from_secs(20),
            confirm: Duration::from_mins(1),
            pool: VuPool::default(),
        }
    }
}

static KEYS: LazyLock<Vec<Key<CapacitySearch>>> = LazyLock::new(|| {
    let mut keys = rate_keys();
    keys.extend(trial_keys());
    keys.extend(pool::keys_of(
        |it: &CapacitySearch| &it.pool,
        |it| &mut it.pool,
    ));
    keys
});

fn rate_keys() -> Vec<Key<CapacitySearch>> {
    vec![
        rates::time_unit(
            |it: &CapacitySearch| it.start_rate,
            |it, rate| it.start_rate = rate,
        ),
        Key::custom(
            (
                "start_rate",
                "10",
                "The first rate that is tried, in iterations per `time_unit`.",
            ),
            rates::form(),
            |item, sink, it: &mut CapacitySearch| {
                let read = value::rate(it.start_rate.unit())(item, sink);
                it.start_rate = read.unwrap_or(it.start_rate);
                read.is_some()
            },
            |it| Some(rates::show(it.start_rate)),
        )
        .needed(),
        Key::custom(
            ("max_rate", "1000", "No higher rate is tried."),
            rates::form(),
            |item, sink, it: &mut CapacitySearch| {
                it.max_rate = value::rate(it.start_rate.unit())(item, sink);
                it.max_rate.is_some()
            },
            |it| it.max_rate.map(rates::show),
        ),
    ]
}

fn trial_keys() -> Vec<Key<CapacitySearch>> {
    vec![
        key!(
            "growth",
            fraction(GROWTH),
            |it: CapacitySearch| it.growth,
            "1.5",
            "A rate that passes is multiplied by this, until one fails.",
        ),
        key!(
            "precision",
            fraction(PRECISION),
            |it: CapacitySearch| it.precision,
            "0.1",
            "The search ends when the lowest rate that fails is so much above the highest that passes, as a share of it.",
        ),
        key!(
            "settle",
            time(Duration::ZERO..=DAY),
            |it: CapacitySearch| it.settle,
            r#""10s""#,
            "How long each rate runs before it is measured.",
        ),
        key!(
            "hold",
            time(TRIAL),
            |it: CapacitySearch| it.hold,
            r#""30s""#,
            "How long each rate is measured.",
        ),
        key!(
            "confirm",
            time(TRIAL),
            |it: CapacitySearch| it.confirm,
            r#""2m""#,
            "How long the rate that was found is measured, each time it is confirmed.",
        ),
    ]
}

pub(super) static DEFINITION: Definition = Definition {
    word: "capacity-search",
    meaning: "tries one rate after the other",
    text: "Constant rates, one after the other, in search of the highest that keeps the thresholds.",
    is_constant: false,
    look,
    described: || key::describe(&KEYS, &CapacitySearch::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut CapacitySearch::default());
}

pub(super) fn read(table: &mut Table<'_>) -> Option<CapacitySearch> {
    let mut it = CapacitySearch::default();
    let mut is_good = key::read(table, &*KEYS, &mut it);
    is_good &= pool::is_consistent(table, &it.pool);
    if !is_good {
        return None;
    }
    if it.max_rate.is_some_and(|most| most < it.start_rate) {
        let spot = table.entry("max_rate")?.item.spot.clone();
        let problem = Problem::new("there is nothing to search", spot);
        table.sink().report(problem.label("less than `start_rate`"));
        return None;
    }
    Some(it)
}

impl Kind for CapacitySearch {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn vus(&self) -> u32 {
        self.pool.max_vus
    }

    fn length(&self) -> Length {
        Length::Set(self.hold)
    }

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }

    fn pool(&self) -> Option<VuPool> {
        Some(self.pool)
    }

    fn peak_rate(&self) -> Option<f64> {
        self.max_rate.map(Rate::per_second)
    }
}
