//! `at-once`: each user starts once, all within a short time.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::kind::{Definition, Kind};
use super::length::{DAY, LENGTH, Length, MAX_DURATION};
use super::pool::{MOST_VUS, OnNoVu, SPACINGS, VuPool};
use crate::keys::codec::{time, whole, words};
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::schedule::{Curve, Spacing};

/// Each user starts once, all within a short time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtOnce {
    /// Users, 1 to 1,000,000.
    pub vus: u32,
    /// The time in which they start; may be zero.
    pub within: Duration,
    /// How their starts lie in it.
    pub arrival: Spacing,
    /// What has not ended so long after the first is given the graceful stop; 100 ms to 7 days.
    pub max_duration: Duration,
}

impl Default for AtOnce {
    fn default() -> Self {
        Self {
            vus: 0,
            within: Duration::ZERO,
            arrival: Spacing::Uniform,
            max_duration: MAX_DURATION,
        }
    }
}

static KEYS: LazyLock<Vec<Key<AtOnce>>> = LazyLock::new(|| {
    vec![
        key!(
            "vus",
            whole(1..=MOST_VUS),
            |it: AtOnce| it.vus,
            "100",
            "Virtual users, each of which starts once.",
        )
        .needed(),
        key!(
            "within",
            time(Duration::ZERO..=DAY),
            |it: AtOnce| it.within,
            r#""5s""#,
            "The time in which all of them start.",
        ),
        key!(
            "arrival",
            words("arrival", SPACINGS),
            |it: AtOnce| it.arrival,
            r#""poisson""#,
            "How their starts lie in that time: at equal distances, or at random (Poisson).",
        ),
        key!(
            "max_duration",
            time(LENGTH),
            |it: AtOnce| it.max_duration,
            r#""1h""#,
            "What has not ended so long after the first start is given the graceful stop.",
        ),
    ]
});

pub(super) static DEFINITION: Definition = Definition {
    word: "at-once",
    meaning: "each user starts once",
    text: "Each user starts once, all within a short time.",
    is_constant: false,
    look,
    described: || key::describe(&KEYS, &AtOnce::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut AtOnce::default());
}

pub(super) fn read(table: &mut Table<'_>) -> Option<AtOnce> {
    let mut it = AtOnce::default();
    if !key::read(table, &*KEYS, &mut it) {
        return None;
    }
    if it.within > it.max_duration {
        let spot = table.entry("within")?.item.spot.clone();
        let problem = Problem::new("not all users would start", spot);
        table
            .sink()
            .report(problem.label("this is longer than `max_duration`"));
        return None;
    }
    Some(it)
}

impl Kind for AtOnce {
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

    fn pool(&self) -> Option<VuPool> {
        // A user for each start: none is ever missing.
        Some(VuPool {
            max_vus: self.vus,
            on_no_vu: OnNoVu::Drop,
            arrival: self.arrival,
        })
    }

    fn iterations(&self) -> Option<u64> {
        Some(self.vus.into())
    }

    fn curve(&self, _warmup: Duration) -> Option<Curve> {
        Some(Curve::AtOnce {
            users: self.vus,
            window: self.within,
        })
    }
}
