//! `sample-vus`: a sample of an executor.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::super::codec::{time, whole};
use super::super::key::{self, Key, key};
use super::super::table::Table;
use super::kind::{Definition, Kind};
use super::length::{LENGTH, Length};
use super::pool::MOST_VUS;
use crate::scenario::plain::Fields;

/// A sample of an executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SampleVus {
    /// Users, 1 to 1,000,000.
    pub vus: u32,
    /// The measured window, after the warm-up; 100 ms to 7 days.
    pub duration: Duration,
}

static KEYS: LazyLock<Vec<Key<SampleVus>>> = LazyLock::new(|| {
    vec![
        key!(
            "vus",
            whole(1..=MOST_VUS),
            |it: SampleVus| it.vus,
            "10",
            "Virtual users.",
        )
        .needed(),
        key!(
            "duration",
            time(LENGTH),
            |it: SampleVus| it.duration,
            r#""1m""#,
            "The measured time, after the warm-up.",
        )
        .needed(),
    ]
});

pub(super) static DEFINITION: Definition = Definition {
    word: "sample-vus",
    meaning: "starts users, not arrivals",
    text: "A sample of an executor.",
    is_constant: true,
    look,
    described: || key::describe(&KEYS, &SampleVus::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut SampleVus::default());
}

pub(super) fn read(table: &mut Table<'_>) -> Option<SampleVus> {
    let mut it = SampleVus::default();
    key::read(table, &*KEYS, &mut it).then_some(it)
}

impl Kind for SampleVus {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn vus(&self) -> u32 {
        self.vus
    }

    fn length(&self) -> Length {
        Length::Set(self.duration)
    }

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }
}

impl SampleVus {
    /// The same, measured for that long.
    pub(super) const fn lasting(self, duration: Duration) -> Self {
        Self { duration, ..self }
    }
}
