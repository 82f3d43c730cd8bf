//! The stages of a line that users or rates follow.

use std::time::Duration;

use super::length::{DAY, LENGTH};
use crate::keys::form::{Described, Form};
use crate::keys::name::identifier;
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value::time;
use crate::schedule::Span;

/// The most stages of a line.
const MOST: usize = 100;

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// What `stages` may be, whose targets have that form.
pub(super) fn form(target: Form, example: &'static str) -> Form {
    let length = Form::Time {
        least: Duration::ZERO,
        most: DAY,
    };
    Form::Inline(vec![
        Described::own(
            ("name", r#""up""#),
            Form::Text("name"),
            "Its name in thresholds and reports.",
        ),
        Described::own(
            ("duration", r#""1m""#),
            length,
            "How long the line takes to the target.",
        )
        .needed(),
        Described::own(("target", example), target, "Where the line gets to.").needed(),
    ])
    .list(MOST)
}

/// The stages as they would be written.
pub(super) fn show<T>(stages: &[Stage<T>], target: impl Fn(&T) -> Plain) -> Plain {
    let line = |stage: &Stage<T>| {
        Fields::default()
            .put("name", stage.name.as_str())
            .put("duration", stage.duration)
            .put("target", target(&stage.target))
            .into()
    };
    Plain::Tables(stages.iter().map(line).collect())
}

/// Reads the stages of a line, with what `target` reads of each.
pub(super) fn read<T>(
    item: &Item,
    sink: &Sink,
    target: impl Fn(&mut Table<'_>) -> Option<T>,
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
        let name = table.or("name", format!("stage-{}", index + 1), identifier);
        let duration = table.need("duration", "duration = \"1m\"", time(Duration::ZERO..=DAY));
        let target = target(&mut table);
        table.finish();
        Some(Stage {
            name: name?,
            duration: duration?,
            target: target?,
        })
    };
    let stages: Vec<Option<Stage<T>>> = items.iter().enumerate().map(read).collect();
    let stages: Vec<Stage<T>> = stages.into_iter().collect::<Option<_>>()?;
    let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    if let Some(twice) = (1..names.len()).find(|at| names[..*at].contains(&names[*at])) {
        let problem = Problem::new("two stages have one name", items[twice].spot.clone());
        sink.report(problem.label(format!("another `{}` stands before it", names[twice])));
        return None;
    }
    if !LENGTH.contains(&sum(&stages)) {
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
