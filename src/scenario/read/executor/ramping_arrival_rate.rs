//! `ramping-arrival-rate`: the rate follows a line from target to target.

use std::time::Duration;

use super::kind::Kind;
use super::length::Length;
use super::pool::VuPool;
use super::quota::Quota;
use super::rates;
use super::stage::{self, Stage, StageSpan};
use crate::keys::codec::{Editor, SECOND};
use crate::keys::define::keys;
use crate::keys::table::Table;
use crate::schedule::{self, Curve, Ramp};
use crate::units::Rate;

keys! {
    /// The rate follows a line from target to target.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RampingArrivalRate {
        /// The time that the rates of this load are per.
        time_unit = start_rate => rates::time_unit(), "1m";
        /// Iterations, not requests, that are due in each `time_unit` at the beginning.
        pub start_rate: Rate => start_rate(), 10;
        /// Where the line goes. Not empty; the rate is not zero all the time.
        pub stages: Vec<Stage<Rate>>;
        /// The line that the rate follows; each `target` is a number of iterations in a `time_unit`.
        stages = self => stages(), [{ duration = "1m", target = 50 }], needed;
        /// The users that do the iterations.
        pub pool: VuPool, flatten;
    }
}

/// The first rate, in the unit that it has already.
fn start_rate() -> Editor<Rate> {
    Editor::new(
        rates::form(),
        |item, sink, it: &mut Rate| rates::rate_or_zero(it.unit()).set(item, sink, it),
        |it| Some(rates::show(it)),
    )
}

/// The stages, whose rates are in the unit of the first one.
fn stages() -> Editor<RampingArrivalRate> {
    let stages = |unit| stage::stages(rates::rate_or_zero(unit), "50");
    let shown = stages(SECOND);
    Editor::new(
        shown.form,
        move |item, sink, it: &mut RampingArrivalRate| {
            stages(it.start_rate.unit()).set(item, sink, &mut it.stages)
        },
        move |it| (shown.show)(&it.stages),
    )
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
    const WORD: &'static str = "ramping-arrival-rate";
    const MEANING: &'static str = "arrivals follow the stages";
    const TEXT: &'static str = "The rate follows a line from target to target.";

    fn rules(&self, table: &mut Table<'_>) -> Option<()> {
        if self.is_busy() {
            return Some(());
        }
        stage::idle(table, "nothing is ever due", "the rate is 0 all the time");
        None
    }

    fn vus(&self) -> u32 {
        self.pool.max_vus
    }

    fn quota(&self) -> Quota {
        Quota::Endless
    }

    fn length(&self) -> Length {
        Length::Set(stage::sum(&self.stages))
    }

    fn own_pool(&self) -> Option<&VuPool> {
        Some(&self.pool)
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
