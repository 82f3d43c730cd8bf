//! The stages of a line that users or rates follow.

use std::sync::Arc;
use std::time::Duration;

use crate::keys::codec::{Codec, DAY, MS, text, time};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::{self, Key};
use crate::keys::name::identifier;
use crate::keys::plain::Plain;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::schedule::Span;

/// The most stages of a line.
const MOST: usize = 100;

/// A part of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage<T> {
    /// How thresholds call it; stages of different loads may share a name.
    pub name: String,
    /// How long the line takes to the target; zero is a jump.
    pub duration: Duration,
    /// Where it gets to.
    pub target: T,
}

/// A stage of a load and when it is, since the load's first iteration that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSpan<'a> {
    /// The name of the stage; that of the load where it has only one.
    pub name: &'a str,
    /// From its begin to its end at the latest.
    pub span: Span,
}

/// When each stage is.
pub(super) fn spans<T>(stages: &[Stage<T>]) -> Vec<StageSpan<'_>> {
    let mut from = Duration::ZERO;
    let spans = stages.iter().map(|stage| {
        let until = from + stage.duration;
        let from = std::mem::replace(&mut from, until);
        StageSpan {
            name: &stage.name,
            span: Span { from, until },
        }
    });
    spans.collect()
}

/// How long all stages take together.
pub(super) fn sum<T>(stages: &[Stage<T>]) -> Duration {
    let durations = stages.iter().map(|stage| stage.duration);
    durations.fold(Duration::ZERO, Duration::saturating_add)
}

/// The keys of a stage, whose target is read like this.
fn keys<T: 'static>(target: Codec<T>, example: &'static str) -> Vec<Key<Stage<T>>> {
    let mut keys = keys! { Stage<T> {
        /// Its name in thresholds and reports.
        name = name => text("name", identifier), "up";
        /// How long the line takes to the target.
        duration = duration => time(Duration::ZERO..=DAY), "1m", needed;
    }};
    let words = ("target", example, "Where the line gets to.");
    let target = Key::of(
        words,
        target,
        |it: &Stage<T>| &it.target,
        |it| &mut it.target,
    );
    keys.push(target.needed());
    keys
}

/// The stages of a line, whose targets are read like this.
pub(super) fn stages<T: Default + 'static>(
    target: Codec<T>,
    example: &'static str,
) -> Codec<Vec<Stage<T>>> {
    let keys = keys(target, example);
    let described = keys.iter().map(|key| key.described.clone());
    let form = Form::Inline(described.collect()).list(MOST);
    let keys = Arc::new(keys);
    let shown = Arc::clone(&keys);
    Codec::new(
        form,
        move |item: &Item, sink: &Sink| read(item, sink, &keys),
        move |stages: &Vec<Stage<T>>| {
            let line = |stage| key::show(&*shown, stage).into();
            Some(Plain::Tables(stages.iter().map(line).collect()))
        },
    )
}

fn read<T: Default + 'static>(
    item: &Item,
    sink: &Sink,
    keys: &[Key<Stage<T>>],
) -> Option<Vec<Stage<T>>> {
    let Value::Array(items) = &item.value else {
        sink.expected(item, "stages such as [{ duration = \"1m\", target = 10 }]");
        return None;
    };
    if items.is_empty() || items.len() > MOST {
        let problem = Problem::new("this number of stages is out of range", item.spot.clone());
        sink.report(problem.label(format!("from 1 to {MOST}")));
        return None;
    }
    let read = |(index, item): (usize, &Item)| {
        let mut table = Table::open(item, sink)?;
        let mut stage = Stage::default();
        let is_good = key::read(&mut table, keys, &mut stage);
        table.finish();
        if stage.name.is_empty() {
            stage.name = format!("stage-{}", index + 1);
        }
        is_good.then_some(stage)
    };
    let stages: Vec<Option<Stage<T>>> = items.iter().enumerate().map(read).collect();
    let stages: Vec<Stage<T>> = stages.into_iter().collect::<Option<_>>()?;
    let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    if let Some(twice) = (1..names.len()).find(|at| names[..*at].contains(&names[*at])) {
        let problem = Problem::new("two stages have one name", items[twice].spot.clone());
        sink.report(problem.label(format!("another `{}` stands before it", names[twice])));
        return None;
    }
    if !(100 * MS..=7 * DAY).contains(&sum(&stages)) {
        let problem = Problem::new("this length is out of range", item.spot.clone());
        sink.report(problem.label("all stages together: from 100ms to 7days"));
        return None;
    }
    Some(stages)
}

/// Reports stages in which nothing ever happens.
pub(super) fn idle(table: &mut Table<'_>, message: &str, label: &str) {
    if let Some(entry) = table.entry("stages") {
        let problem = Problem::new(message, entry.item.spot.clone());
        table.sink().report(problem.label(label));
    }
}
