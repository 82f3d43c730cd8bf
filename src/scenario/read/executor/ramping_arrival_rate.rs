//! `ramping-arrival-rate`: the rate follows a line from target to target.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::kind::{Definition, Kind};
use super::length::Length;
use super::pool::{self, VuPool};
use super::rates;
use super::stage::{self, Stage, StageSpan};
use crate::keys::key::{self, Key};
use crate::keys::plain::Fields;
use crate::keys::table::Table;
use crate::keys::value;
use crate::schedule::{self, Curve, Ramp};
use crate::units::Rate;

/// The rate follows a line from target to target.
#[derive(Debug, Clone, PartialEq)]
pub struct RampingArrivalRate {
    /// The rate at the beginning.
    pub start_rate: Rate,
    /// Where the line goes. Not empty; the rate is not zero all the time.
    pub stages: Vec<Stage<Rate>>,
    /// The users that do the iterations.
    pub pool: VuPool,
}

impl Default for RampingArrivalRate {
    fn default() -> Self {
        Self {
            start_rate: rates::none(),
            stages: Vec::new(),
            pool: VuPool::default(),
        }
    }
}

static KEYS: LazyLock<Vec<Key<RampingArrivalRate>>> = LazyLock::new(|| {
    let mut keys = vec![
        rates::time_unit(
            |it: &RampingArrivalRate| it.start_rate,
            |it, rate| it.start_rate = rate,
        ),
        Key::custom(
            (
                "start_rate",
                "10",
                "Iterations, not requests, that are due in each `time_unit` at the beginning.",
            ),
            rates::form(),
            |item, sink, it: &mut RampingArrivalRate| {
                let read = value::rate_or_zero(it.start_rate.unit())(item, sink);
                it.start_rate = read.unwrap_or(it.start_rate);
                read.is_some()
            },
            |it| Some(rates::show(it.start_rate)),
        ),
        Key::custom(
            (
                "stages",
                r#"[{ duration = "1m", target = 50 }]"#,
                "The line that the rate follows; each `target` is a number of iterations in a `time_unit`.",
            ),
            stage::form(rates::form(), "50"),
            |item, sink, it: &mut RampingArrivalRate| {
                let unit = it.start_rate.unit();
                let read = stage::read(item, sink, |table| {
                    table.need("target", "target = 50", value::rate_or_zero(unit))
                });
                let is_good = read.is_some();
                it.stages = read.unwrap_or_default();
                is_good
            },
            |it| Some(stage::show(&it.stages, |target| rates::show(*target))),
        )
        .needed(),
    ];
    keys.extend(pool::keys_of(
        |it: &RampingArrivalRate| &it.pool,
        |it| &mut it.pool,
    ));
    keys
});

pub(super) static DEFINITION: Definition = Definition {
    word: "ramping-arrival-rate",
    meaning: "arrivals follow the stages",
    text: "The rate follows a line from target to target.",
    is_constant: false,
    look,
    described: || key::describe(&KEYS, &RampingArrivalRate::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut RampingArrivalRate::default());
}

pub(super) fn read(table: &mut Table<'_>) -> Option<RampingArrivalRate> {
    let mut it = RampingArrivalRate::default();
    let mut is_good = key::read(table, &*KEYS, &mut it);
    is_good &= pool::is_consistent(table, &it.pool);
    if !is_good {
        return None;
    }
    if !it.is_busy() {
        stage::idle(table, "nothing is ever due", "the rate is 0 all the time");
        return None;
    }
    Some(it)
}

impl RampingArrivalRate {
    /// Returns `true` if an iteration is due at some time.
    fn is_busy(&self) -> bool {
        let mut before = self.start_rate;
        self.stages.iter().any(|stage| {
            let idle = before.is_zero() && stage.target.is_zero();
            before = stage.target;
            !(idle || stage.duration.is_zero())
        })
    }
}

impl Kind for RampingArrivalRate {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn vus(&self) -> u32 {
        self.pool.max_vus
    }

    fn length(&self) -> Length {
        Length::Set(stage::sum(&self.stages))
    }

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }

    fn pool(&self) -> Option<VuPool> {
        Some(self.pool)
    }

    fn curve(&self, _warmup: Duration) -> Option<Curve> {
        let stages = self.stages.iter().map(|stage| schedule::Stage {
            duration: stage.duration,
            target: stage.target,
        });
        // All rates of a load have one time unit, and its stages are not empty: there is always a ramp.
        let ramp = Ramp::new(self.start_rate, stages.collect());
        ramp.ok().map(Curve::Ramp)
    }

    fn peak_rate(&self) -> Option<f64> {
        let targets = self.stages.iter().map(|stage| stage.target.per_second());
        Some(targets.fold(self.start_rate.per_second(), f64::max))
    }

    fn stages(&self) -> Vec<StageSpan<'_>> {
        stage::spans(&self.stages)
    }
}
