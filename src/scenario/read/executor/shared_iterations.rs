//! `shared-iterations`: the users share a number of iterations.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::kind::{Definition, Kind};
use super::length::{LENGTH, Length, MAX_DURATION};
use super::pool::MOST_VUS;
use crate::keys::codec::{count, time, whole};
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::table::Table;

/// The most iterations that a number decides.
const MOST_ITERATIONS: u64 = 1_000_000_000;

/// The users share a number of iterations; the fast ones do more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedIterations {
    /// Users, 1 to 1,000,000.
    pub vus: u32,
    /// Iterations of all users together, `vus` to 1,000,000,000.
    pub iterations: u64,
    /// No iteration is started after that; 100 ms to 7 days.
    pub max_duration: Duration,
}

impl Default for SharedIterations {
    fn default() -> Self {
        Self {
            vus: 0,
            iterations: 0,
            max_duration: MAX_DURATION,
        }
    }
}

static KEYS: LazyLock<Vec<Key<SharedIterations>>> = LazyLock::new(|| {
    vec![
        key!(
            "vus",
            whole(1..=MOST_VUS),
            |it: SharedIterations| it.vus,
            "10",
            "Virtual users.",
        )
        .needed(),
        key!(
            "iterations",
            count(1..=MOST_ITERATIONS),
            |it: SharedIterations| it.iterations,
            "100",
            "Iterations of all users together, at least `vus`.",
        )
        .needed(),
        key!(
            "max_duration",
            time(LENGTH),
            |it: SharedIterations| it.max_duration,
            r#""1h""#,
            "No iteration starts after that.",
        ),
    ]
});

pub(super) static DEFINITION: Definition = Definition {
    word: "shared-iterations",
    meaning: "runs by iterations",
    text: "The users share a number of iterations; the fast ones do more.",
    is_constant: false,
    look,
    described: || key::describe(&KEYS, &SharedIterations::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut SharedIterations::default());
}

pub(super) fn read(table: &mut Table<'_>) -> Option<SharedIterations> {
    let mut it = SharedIterations::default();
    let mut is_good = key::read(table, &*KEYS, &mut it);
    if is_good
        && it.iterations < u64::from(it.vus)
        && let (Some(few), Some(many)) = (table.entry("iterations"), table.entry("vus"))
    {
        table.sink().report(
            Problem::new("some users would have nothing to do", few.item.spot.clone())
                .label("the iterations of all users together: at least `vus`")
                .also(many.item.spot.clone(), "more users than iterations"),
        );
        is_good = false;
    }
    is_good.then_some(it)
}

impl Kind for SharedIterations {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn vus(&self) -> u32 {
        self.vus
    }

    fn length(&self) -> Length {
        Length::AtMost(self.max_duration)
    }

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }

    fn iterations(&self) -> Option<u64> {
        Some(self.iterations)
    }
}
