//! The executors of `[[load]]` tables: a file for each, with k6's names and meanings.

mod at_once;
mod capacity_search;
mod closed_replay;
mod constant_arrival_rate;
mod constant_vus;
mod kind;
mod length;
mod per_vu_iterations;
mod pool;
mod quota;
mod ramping_arrival_rate;
mod ramping_vus;
mod rates;
mod replay_schedule;
mod shared_iterations;
mod stage;

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

pub use self::at_once::AtOnce;
pub use self::capacity_search::CapacitySearch;
pub use self::closed_replay::ClosedReplay;
pub use self::constant_arrival_rate::ConstantArrivalRate;
pub use self::constant_vus::ConstantVus;
use self::kind::{Definition, Kind};
pub use self::length::Length;
pub use self::per_vu_iterations::PerVuIterations;
pub use self::pool::{OnNoVu, VuPool};
pub use self::quota::Quota;
pub use self::ramping_arrival_rate::RampingArrivalRate;
pub use self::ramping_vus::RampingVus;
use self::replay_schedule::Unfit;
pub use self::replay_schedule::{ReplaySchedule, Timetable};
pub use self::shared_iterations::SharedIterations;
pub use self::stage::{Stage, StageSpan};
use crate::keys::form::{Described, Form};
use crate::keys::key::{self, Keyed};
use crate::keys::plain::Fields;
use crate::keys::table::{Table, Variant};
use crate::keys::value::choice;
use crate::schedule::{Curve, Users};
use crate::trace::replay::Sessions;

/// Defines [`Executor`] by its kinds: each is a type that is a [`Kind`].
macro_rules! executors {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// How iterations are started over time. The names are those of k6, but for the last four.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Executor {
            $($(#[$doc])* $kind($kind),)*
        }

        /// Every executor, in the order of the reference.
        static ALL: &[Definition<Executor>] =
            &[$(Definition::of::<$kind>(|table| kind::read(table).map(Executor::$kind)),)*];

        impl Executor {
            /// The name in the scenario.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::WORD,)* }
            }

            /// Returns `true` if iterations are due on a schedule that does not wait for the target.
            pub fn is_open(&self) -> bool {
                self.pool().is_some()
            }

            /// Returns `true` if the rate or the users are the same all the time: such a load can run before it is measured.
            pub fn is_constant(&self) -> bool {
                match self { $(Self::$kind(_) => $kind::IS_CONSTANT,)* }
            }

            /// The users of an open executor.
            pub fn pool(&self) -> Option<VuPool> {
                match self { $(Self::$kind(it) => it.pool(),)* }
            }

            /// How many iterations are started at most.
            pub fn quota(&self) -> Quota {
                match self { $(Self::$kind(it) => it.quota(),)* }
            }

            /// The iterations that a number decides; `None` where time or a rate does.
            pub fn iterations(&self) -> Option<u64> {
                match self.quota() {
                    Quota::Endless => None,
                    Quota::Each(number) => Some(number.saturating_mul(self.vus().into())),
                    Quota::Together(number) => Some(number),
                }
            }

            /// The most users at any time.
            pub fn vus(&self) -> u32 {
                match self { $(Self::$kind(it) => it.vus(),)* }
            }

            /// When iterations are due, after a warm-up of that length in which the rate is the same; `None` for closed
            /// executors and for a search.
            pub fn curve(&self, warmup: Duration) -> Option<Curve> {
                match self { $(Self::$kind(it) => it.curve(warmup),)* }
            }

            /// The highest rate of the schedule, per second; `None` where there is no schedule.
            pub fn peak_rate(&self) -> Option<f64> {
                match self { $(Self::$kind(it) => it.peak_rate(),)* }
            }

            /// When users live whose number goes up and down; `None` for every other executor.
            pub fn users(&self) -> Option<Users> {
                match self { $(Self::$kind(it) => it.users(),)* }
            }

            /// How long it goes on, after the warm-up. Of a search: one trial.
            pub fn length(&self) -> Length {
                match self { $(Self::$kind(it) => it.length(),)* }
            }

            /// The same executor, measured for that long; `None` where the load changes over time or is a number of iterations.
            #[must_use]
            pub fn lasting(&self, duration: Duration) -> Option<Self> {
                match self { $(Self::$kind(it) => it.lasting(duration).map(Self::$kind),)* }
            }

            /// The stages of the line that it follows; empty if it follows none.
            pub(crate) fn stages(&self) -> Vec<StageSpan<'_>> {
                match self { $(Self::$kind(it) => it.stages(),)* }
            }

            /// How many times as fast as it was recorded a trace is replayed; 1 for every other executor.
            pub const fn speed(&self) -> f64 {
                match self {
                    Self::ReplaySchedule(it) => it.timetable.speed,
                    Self::ClosedReplay(it) => it.speed,
                    _ => 1.0,
                }
            }

            /// How long a recording is at the speed of its replay, until its last request is due; nothing for every other
            /// executor.
            pub const fn recorded_length(&self) -> Duration {
                match self {
                    Self::ReplaySchedule(it) => it.timetable.length,
                    Self::ClosedReplay(it) => it.recorded_length,
                    _ => Duration::ZERO,
                }
            }

            /// Returns `true` if its iterations are the sessions of a trace.
            pub const fn replays(&self) -> bool {
                matches!(self, Self::ReplaySchedule(_) | Self::ClosedReplay(_))
            }

            /// Returns the executor for the sessions of a trace, or why it does not fit them. One that replays nothing
            /// stays as it is.
            pub(super) fn of_sessions(self, sessions: &Sessions) -> Result<Self, Unfit> {
                match self {
                    Self::ReplaySchedule(it) => it.of_sessions(sessions).map(Self::ReplaySchedule),
                    Self::ClosedReplay(it) => it.of_sessions(sessions).map(Self::ClosedReplay),
                    other => Ok(other),
                }
            }

            /// Its keys, as they would be written.
            pub(crate) fn show(&self) -> Fields {
                match self { $(Self::$kind(it) => it.show(),)* }
            }
        }
    };
}

executors! {
    /// Closed: users that start over until the time is up.
    ConstantVus,
    /// Closed: the number of users follows a line from target to target.
    RampingVus,
    /// Closed: each user does the same number of iterations.
    PerVuIterations,
    /// Closed: the users share a number of iterations; the fast ones do more.
    SharedIterations,
    /// Open: iterations are due at a fixed rate, whether or not earlier ones have ended.
    ConstantArrivalRate,
    /// Open: the rate follows a line from target to target.
    RampingArrivalRate,
    /// Open: each user starts once, all within a short time.
    AtOnce,
    /// Open: sessions of a trace are due when they began as they were recorded.
    ReplaySchedule,
    /// Closed: users share the sessions of a trace.
    ClosedReplay,
    /// Open: constant rates, one after the other, in search of the highest that keeps the thresholds.
    CapacitySearch,
}

/// Reads the executor of a table and its own keys: its word, and the executor, `None` after a problem. Without a known executor
/// the keys of all are read: one mistake does not hide the others.
pub(super) fn read(table: &mut Table<'_>) -> (Option<&'static str>, Option<Executor>) {
    static WORDS: LazyLock<Vec<(&'static str, &Definition<Executor>)>> =
        LazyLock::new(|| ALL.iter().map(|it| (it.word, it)).collect());
    let read = choice("executor", &WORDS);
    let found = table.need(&EXECUTOR, read);
    let Some(it) = found else {
        undecided(table);
        return (None, None);
    };
    (Some(it.word), (it.read)(table))
}

/// Reads the keys of all executors; those of rates first, since the target of a stage may be a rate.
fn undecided(table: &mut Table<'_>) {
    let mut seen = BTreeSet::new();
    key::look::<RampingArrivalRate>(table, &mut seen);
    for definition in ALL {
        (definition.look)(table, &mut seen);
    }
}

/// The executors with the keys that belong to some of them; `shared` are those of loads.
pub(super) fn variants(shared: &[Described]) -> Vec<Variant> {
    let of = |it: &Definition<Executor>| {
        let mut variant = (it.variant)();
        let shared = shared.iter().filter(|key| key.only.contains(&it.word));
        variant.keys.extend(shared.map(|key| key.name));
        variant
    };
    ALL.iter().map(of).collect()
}

/// The names of all executors.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|it| it.word)
}

/// The key that names the executor.
pub(super) static EXECUTOR: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Words(words().collect());
    let meaning = "How iterations are started over time. Each executor has keys of its own.";
    Described::own(("executor", r#""constant-vus""#), form, meaning).needed()
});

/// Every executor's word, what it does, and its keys.
pub(super) fn described() -> Vec<(&'static str, &'static str, Vec<Described>)> {
    ALL.iter()
        .map(|it| (it.word, it.text, (it.described)()))
        .collect()
}
