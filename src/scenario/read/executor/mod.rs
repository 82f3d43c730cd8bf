//! The executors of `[[load]]` tables: a file for each, with k6's names and meanings.

mod at_once;
mod capacity_search;
mod constant_arrival_rate;
mod constant_vus;
mod kind;
mod length;
mod per_vu_iterations;
mod pool;
mod ramping_arrival_rate;
mod ramping_vus;
mod rates;
mod shared_iterations;
mod stage;

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

pub use self::at_once::AtOnce;
pub use self::capacity_search::CapacitySearch;
pub use self::constant_arrival_rate::ConstantArrivalRate;
pub use self::constant_vus::ConstantVus;
use self::kind::{Definition, Kind};
pub use self::length::Length;
pub use self::per_vu_iterations::PerVuIterations;
pub use self::pool::{OnNoVu, VuPool};
pub use self::ramping_arrival_rate::RampingArrivalRate;
pub use self::ramping_vus::RampingVus;
pub use self::shared_iterations::SharedIterations;
pub use self::stage::{Stage, StageSpan};
use crate::keys::form::{Described, Form};
use crate::keys::plain::Fields;
use crate::keys::table::{Table, Variant};
use crate::keys::value::choice;
use crate::schedule::{Curve, Users};

/// How iterations are started over time. The names are those of k6, but for the last two.
#[derive(Debug, Clone, PartialEq)]
pub enum Executor {
    /// Closed: users that start over until the time is up.
    ConstantVus(ConstantVus),
    /// Closed: the number of users follows a line from target to target.
    RampingVus(RampingVus),
    /// Closed: each user does the same number of iterations.
    PerVuIterations(PerVuIterations),
    /// Closed: the users share a number of iterations; the fast ones do more.
    SharedIterations(SharedIterations),
    /// Open: iterations are due at a fixed rate, whether or not earlier ones have ended.
    ConstantArrivalRate(ConstantArrivalRate),
    /// Open: the rate follows a line from target to target.
    RampingArrivalRate(RampingArrivalRate),
    /// Open: each user starts once, all within a short time.
    AtOnce(AtOnce),
    /// Open: constant rates, one after the other, in search of the highest that keeps the thresholds.
    CapacitySearch(CapacitySearch),
}

type Reads = fn(&mut Table<'_>) -> Option<Executor>;

/// Every executor and how it is read, in the order of the reference.
static ALL: [(&Definition, Reads); 8] = [
    (&constant_vus::DEFINITION, |table| {
        constant_vus::read(table).map(Executor::ConstantVus)
    }),
    (&ramping_vus::DEFINITION, |table| {
        ramping_vus::read(table).map(Executor::RampingVus)
    }),
    (&per_vu_iterations::DEFINITION, |table| {
        per_vu_iterations::read(table).map(Executor::PerVuIterations)
    }),
    (&shared_iterations::DEFINITION, |table| {
        shared_iterations::read(table).map(Executor::SharedIterations)
    }),
    (&constant_arrival_rate::DEFINITION, |table| {
        constant_arrival_rate::read(table).map(Executor::ConstantArrivalRate)
    }),
    (&ramping_arrival_rate::DEFINITION, |table| {
        ramping_arrival_rate::read(table).map(Executor::RampingArrivalRate)
    }),
    (&at_once::DEFINITION, |table| {
        at_once::read(table).map(Executor::AtOnce)
    }),
    (&capacity_search::DEFINITION, |table| {
        capacity_search::read(table).map(Executor::CapacitySearch)
    }),
];

impl Executor {
    fn kind(&self) -> &dyn Kind {
        match self {
            Self::ConstantVus(it) => it,
            Self::RampingVus(it) => it,
            Self::PerVuIterations(it) => it,
            Self::SharedIterations(it) => it,
            Self::ConstantArrivalRate(it) => it,
            Self::RampingArrivalRate(it) => it,
            Self::AtOnce(it) => it,
            Self::CapacitySearch(it) => it,
        }
    }

    /// The name in the scenario.
    pub fn name(&self) -> &'static str {
        self.kind().definition().word
    }

    /// Returns `true` if iterations are due on a schedule that does not wait for the target.
    pub fn is_open(&self) -> bool {
        self.pool().is_some()
    }

    /// Returns `true` if the rate or the users are the same all the time: such a load can run before it is measured.
    pub fn is_constant(&self) -> bool {
        self.kind().definition().is_constant
    }

    /// The users of an open executor.
    pub fn pool(&self) -> Option<VuPool> {
        self.kind().pool()
    }

    /// The iterations that a number decides; `None` where time or a rate does.
    pub fn iterations(&self) -> Option<u64> {
        self.kind().iterations()
    }

    /// The most users at any time.
    pub fn vus(&self) -> u32 {
        self.kind().vus()
    }

    /// When iterations are due, after a warm-up of that length in which the rate is the same; `None` for closed
    /// executors and for a search.
    pub fn curve(&self, warmup: Duration) -> Option<Curve> {
        self.kind().curve(warmup)
    }

    /// The highest rate of the schedule, per second; `None` where there is no schedule.
    pub fn peak_rate(&self) -> Option<f64> {
        self.kind().peak_rate()
    }

    /// When users live whose number goes up and down; `None` for every other executor.
    pub fn users(&self) -> Option<Users> {
        self.kind().users()
    }

    /// How long it goes on, after the warm-up. Of a search: one trial.
    pub fn length(&self) -> Length {
        self.kind().length()
    }

    /// The same executor, measured for that long; `None` where the load changes over time or is a number of iterations.
    #[must_use]
    pub fn lasting(&self, duration: Duration) -> Option<Self> {
        match self {
            Self::ConstantVus(it) => Some(Self::ConstantVus(it.lasting(duration))),
            Self::ConstantArrivalRate(it) => Some(Self::ConstantArrivalRate(it.lasting(duration))),
            Self::RampingVus(_)
            | Self::PerVuIterations(_)
            | Self::SharedIterations(_)
            | Self::RampingArrivalRate(_)
            | Self::AtOnce(_)
            | Self::CapacitySearch(_) => None,
        }
    }

    /// The stages of the line that it follows; empty if it follows none.
    pub(crate) fn stages(&self) -> Vec<StageSpan<'_>> {
        self.kind().stages()
    }

    /// Its keys, as they would be written.
    pub(crate) fn show(&self) -> Fields {
        self.kind().show()
    }
}

/// The executor of a table; `None` after a problem.
pub(super) struct Read {
    pub(super) definition: Option<&'static Definition>,
    pub(super) executor: Option<Executor>,
}

/// Reads the executor of a table and its own keys. Without a known executor the keys of all are read: one mistake does not hide
/// the others.
pub(super) fn read(table: &mut Table<'_>) -> Read {
    static WORDS: LazyLock<Vec<(&'static str, usize)>> = LazyLock::new(|| {
        let words = ALL.iter().enumerate();
        words.map(|(index, (it, _))| (it.word, index)).collect()
    });
    let index = table.need(
        "executor",
        "executor = \"constant-vus\"",
        choice("executor", &WORDS),
    );
    let Some((definition, read)) = index.map(|index| ALL[index]) else {
        undecided(table);
        return Read {
            definition: None,
            executor: None,
        };
    };
    Read {
        definition: Some(definition),
        executor: read(table),
    }
}

/// Reads the keys of all executors; those of rates first, since the target of a stage may be a rate.
fn undecided(table: &mut Table<'_>) {
    let mut seen = BTreeSet::new();
    let first = &ramping_arrival_rate::DEFINITION;
    for definition in std::iter::once(first).chain(ALL.map(|(it, _)| it)) {
        (definition.look)(table, &mut seen);
    }
}

/// The executors with the keys that belong to some of them; `shared` are those of loads.
pub(super) fn variants(shared: &[Described]) -> Vec<Variant> {
    ALL.iter()
        .map(|(it, _)| {
            let shared = shared.iter().filter(|key| key.only.contains(&it.word));
            let own = (it.described)();
            Variant {
                name: it.word,
                keys: own.iter().chain(shared).map(|key| key.name).collect(),
                meaning: it.meaning,
            }
        })
        .collect()
}

/// The names of all executors.
pub(super) fn words() -> &'static [&'static str] {
    static WORDS: LazyLock<Vec<&'static str>> =
        LazyLock::new(|| ALL.iter().map(|(it, _)| it.word).collect());
    &WORDS
}

/// The form of the key `executor`.
pub(super) fn form() -> Form {
    Form::Words(ALL.iter().map(|(it, _)| it.word).collect())
}

/// Every executor's word, what it does, and its keys.
pub(super) fn described() -> Vec<(&'static str, &'static str, Vec<Described>)> {
    ALL.iter()
        .map(|(it, _)| (it.word, it.text, (it.described)()))
        .collect()
}
