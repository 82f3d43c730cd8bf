//! `constant-arrival-rate`: iterations are due at a fixed rate, whether or not earlier ones have ended.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::kind::{Definition, Kind};
use super::length::{LENGTH, Length};
use super::pool::{self, VuPool};
use super::rates;
use crate::keys::codec::time;
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::table::Table;
use crate::keys::value;
use crate::schedule::Curve;
use crate::units::Rate;

/// Iterations are due at a fixed rate, whether or not earlier ones have ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConstantArrivalRate {
    /// Iterations per time, not requests; not zero.
    pub rate: Rate,
    /// The measured window, after the warm-up; 100 ms to 7 days.
    pub duration: Duration,
    /// The users that do them.
    pub pool: VuPool,
}

impl Default for ConstantArrivalRate {
    fn default() -> Self {
        Self {
            rate: rates::none(),
            duration: Duration::ZERO,
            pool: VuPool::default(),
        }
    }
}

static KEYS: LazyLock<Vec<Key<ConstantArrivalRate>>> = LazyLock::new(|| {
    let mut keys = vec![
        rates::time_unit(
            |it: &ConstantArrivalRate| it.rate,
            |it, rate| it.rate = rate,
        ),
        Key::custom(
            (
                "rate",
                "50",
                "Iterations, not requests, that are due in each `time_unit`.",
            ),
            rates::form(),
            |item, sink, it: &mut ConstantArrivalRate| {
                let read = value::rate(it.rate.unit())(item, sink);
                it.rate = read.unwrap_or(it.rate);
                read.is_some()
            },
            |it| Some(rates::show(it.rate)),
        )
        .needed(),
        key!(
            "duration",
            time(LENGTH),
            |it: ConstantArrivalRate| it.duration,
            r#""1m""#,
            "The measured time, after the warm-up.",
        )
        .needed(),
    ];
    keys.extend(pool::keys_of(
        |it: &ConstantArrivalRate| &it.pool,
        |it| &mut it.pool,
    ));
    keys
});

pub(super) static DEFINITION: Definition = Definition {
    word: "constant-arrival-rate",
    meaning: "starts arrivals, not users",
    text: "Iterations are due at a fixed rate, whether or not earlier ones have ended.",
    is_constant: true,
    look,
    described: || key::describe(&KEYS, &ConstantArrivalRate::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut ConstantArrivalRate::default());
}

pub(super) fn read(table: &mut Table<'_>) -> Option<ConstantArrivalRate> {
    let mut it = ConstantArrivalRate::default();
    let mut is_good = key::read(table, &*KEYS, &mut it);
    is_good &= pool::is_consistent(table, &it.pool);
    is_good.then_some(it)
}

impl Kind for ConstantArrivalRate {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn vus(&self) -> u32 {
        self.pool.max_vus
    }

    fn length(&self) -> Length {
        Length::Set(self.duration)
    }

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }

    fn pool(&self) -> Option<VuPool> {
        Some(self.pool)
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
}

impl ConstantArrivalRate {
    /// The same, measured for that long.
    pub(super) const fn lasting(self, duration: Duration) -> Self {
        Self { duration, ..self }
    }
}
