//! `constant-vus`: users that start over until the time is up.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::kind::{Definition, Kind};
use super::length::{LENGTH, Length};
use super::pool::MOST_VUS;
use crate::keys::codec::{time, whole};
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::table::Table;

/// Users that start over until the time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConstantVus {
    /// Users, 1 to 1,000,000.
    pub vus: u32,
    /// The measured window, after the warm-up; 100 ms to 7 days.
    pub duration: Duration,
}

static KEYS: LazyLock<Vec<Key<ConstantVus>>> = LazyLock::new(|| {
    vec![
        key!(
            "vus",
            whole(1..=MOST_VUS),
            |it: ConstantVus| it.vus,
            "10",
            "Virtual users.",
        )
        .needed(),
        key!(
            "duration",
            time(LENGTH),
            |it: ConstantVus| it.duration,
            r#""1m""#,
            "The measured time, after the warm-up.",
        )
        .needed(),
    ]
});

pub(super) static DEFINITION: Definition = Definition {
    word: "constant-vus",
    meaning: "starts users, not arrivals",
    text: "Users that start over until the time is up.",
    is_constant: true,
    look,
    described: || key::describe(&KEYS, &ConstantVus::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut ConstantVus::default());
}

pub(super) fn read(table: &mut Table<'_>) -> Option<ConstantVus> {
    let mut it = ConstantVus::default();
    key::read(table, &*KEYS, &mut it).then_some(it)
}

impl Kind for ConstantVus {
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

impl ConstantVus {
    /// The same, measured for that long.
    pub(super) const fn lasting(self, duration: Duration) -> Self {
        Self { duration, ..self }
    }
}
