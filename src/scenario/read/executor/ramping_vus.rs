//! `ramping-vus`: the number of users follows a line from target to target.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::kind::{Definition, Kind};
use super::length::{DAY, Length};
use super::pool::MOST_VUS;
use super::stage::{self, Stage, StageSpan};
use crate::keys::codec::{Codec, time, whole};
use crate::keys::form::Form;
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::Item;
use crate::keys::value;
use crate::schedule::{UserStage, Users};

/// The number of users follows a line from target to target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RampingVus {
    /// Users at the beginning, at most 1,000,000.
    pub start_vus: u32,
    /// Where the line goes. Not empty; someone is there at some time.
    pub stages: Vec<Stage<u32>>,
    /// How long an iteration may go on whose user the line has left, at most 24 h.
    pub graceful_ramp_down: Duration,
}

impl Default for RampingVus {
    fn default() -> Self {
        Self {
            start_vus: 0,
            stages: Vec::new(),
            graceful_ramp_down: Duration::from_secs(30),
        }
    }
}

static KEYS: LazyLock<Vec<Key<RampingVus>>> = LazyLock::new(|| {
    vec![
        key!(
            "start_vus",
            whole(0..=MOST_VUS),
            |it: RampingVus| it.start_vus,
            "5",
            "Virtual users at the beginning.",
        ),
        key!(
            "stages",
            stages(),
            |it: RampingVus| it.stages,
            r#"[{ duration = "1m", target = 10 }]"#,
            "The line that the number of users follows.",
        )
        .needed(),
        key!(
            "graceful_ramp_down",
            time(Duration::ZERO..=DAY),
            |it: RampingVus| it.graceful_ramp_down,
            r#""10s""#,
            "How long an iteration may go on whose user the line has left.",
        ),
    ]
});

fn stages() -> Codec<Vec<Stage<u32>>> {
    let form = Form::Whole {
        least: 0,
        most: MOST_VUS.into(),
    };
    Codec::new(
        stage::form(form, "10"),
        |item: &Item, sink: &Sink| {
            stage::read(item, sink, |table| {
                table.need("target", "target = 10", value::whole(0..=MOST_VUS))
            })
        },
        |stages: &Vec<Stage<u32>>| Some(stage::show(stages, |target| (*target).into())),
    )
}

pub(super) static DEFINITION: Definition = Definition {
    word: "ramping-vus",
    meaning: "users come and go by stages",
    text: "The number of users follows a line from target to target.",
    is_constant: false,
    look,
    described: || key::describe(&KEYS, &RampingVus::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut RampingVus::default());
}

pub(super) fn read(table: &mut Table<'_>) -> Option<RampingVus> {
    let mut it = RampingVus::default();
    if !key::read(table, &*KEYS, &mut it) {
        return None;
    }
    if it.vus() == 0 {
        stage::idle(table, "no user is ever there", "no `target` is above 0");
        return None;
    }
    Some(it)
}

impl Kind for RampingVus {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn vus(&self) -> u32 {
        let targets = self.stages.iter().map(|stage| stage.target);
        targets.fold(self.start_vus, u32::max)
    }

    fn length(&self) -> Length {
        Length::Set(stage::sum(&self.stages))
    }

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }

    fn users(&self) -> Option<Users> {
        let stages = self.stages.iter().map(|stage| UserStage {
            duration: stage.duration,
            target: stage.target,
        });
        Some(Users::new(self.start_vus, stages.collect()))
    }

    fn stages(&self) -> Vec<StageSpan<'_>> {
        stage::spans(&self.stages)
    }
}
