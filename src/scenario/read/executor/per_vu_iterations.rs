//! `per-vu-iterations`: each user does the same number of iterations.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::kind::{Definition, Kind};
use super::length::{LENGTH, Length, MAX_DURATION};
use super::pool::MOST_VUS;
use crate::keys::codec::{count, time, whole};
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::table::Table;

/// The most iterations that a number decides.
const MOST_ITERATIONS: u64 = 1_000_000_000;

/// Each user does the same number of iterations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerVuIterations {
    /// Users, 1 to 1,000,000.
    pub vus: u32,
    /// Iterations of each user, 1 to 1,000,000,000.
    pub iterations: u64,
    /// No iteration is started after that; 100 ms to 7 days.
    pub max_duration: Duration,
}

impl Default for PerVuIterations {
    fn default() -> Self {
        Self {
            vus: 0,
            iterations: 0,
            max_duration: MAX_DURATION,
        }
    }
}

static KEYS: LazyLock<Vec<Key<PerVuIterations>>> = LazyLock::new(|| {
    vec![
        key!(
            "vus",
            whole(1..=MOST_VUS),
            |it: PerVuIterations| it.vus,
            "10",
            "Virtual users.",
        )
        .needed(),
        key!(
            "iterations",
            count(1..=MOST_ITERATIONS),
            |it: PerVuIterations| it.iterations,
            "100",
            "Iterations of each user.",
        )
        .needed(),
        key!(
            "max_duration",
            time(LENGTH),
            |it: PerVuIterations| it.max_duration,
            r#""1h""#,
            "No iteration starts after that.",
        ),
    ]
});

pub(super) static DEFINITION: Definition = Definition {
    word: "per-vu-iterations",
    meaning: "runs by iterations",
    text: "Each user does the same number of iterations.",
    is_constant: false,
    look,
    described: || key::describe(&KEYS, &PerVuIterations::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut PerVuIterations::default());
}

pub(super) fn read(table: &mut Table<'_>) -> Option<PerVuIterations> {
    let mut it = PerVuIterations::default();
    let is_good = key::read(table, &*KEYS, &mut it);
    is_good.then_some(it)
}

impl Kind for PerVuIterations {
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
        Some(self.iterations.saturating_mul(self.vus.into()))
    }
}
