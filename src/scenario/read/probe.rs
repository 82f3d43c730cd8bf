//! The `[probe]` table.

use std::time::Duration;

use super::table::{Sink, Table};
use super::value::{choice, text, time, unknown};
use crate::scenario::probe::{Ask, Probe};
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Item, Value};
use crate::scenario::{Action, Journey};

const EVERY: Duration = Duration::from_secs(1);

/// Reads the probe; `journeys` as far as they could be read, with their names.
pub(super) fn read(
    item: &Item,
    journeys: &[(&str, Option<&Journey>)],
    sink: &Sink,
) -> Option<Probe> {
    let mut table = Table::open(item, sink)?;
    let asks = table.or("operations", vec![Ask::Ping], asks);
    let range = Duration::from_millis(10)..=Duration::from_hours(1);
    let every = table.or("every", EVERY, time(range));
    let named = table.may("journey", |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let found = journeys.iter().position(|(name, _)| *name == text.value);
        let Some(found) = found else {
            let known = journeys.iter().map(|(name, _)| *name);
            sink.report(unknown("journey", &text, item, known));
            return None;
        };
        if journeys[found].1.is_some_and(|it| !pulls(it)) {
            let problem = Problem::new("this journey pulls nothing", item.spot.clone());
            sink.report(problem.label("the probe asks for images that are there"));
            return None;
        }
        Some(found)
    });
    let spot = table.spot().clone();
    table.finish();
    let (asks, every, named) = (asks?, every?, named?);
    if asks == [Ask::Ping] {
        return Some(Probe {
            asks,
            every,
            journey: None,
        });
    }
    let first = || {
        let mut journeys = journeys.iter();
        journeys.position(|(_, it)| it.is_some_and(pulls))
    };
    let journey = named.or_else(first);
    // Of journeys that could not be read, something else was said.
    if journey.is_none() && journeys.iter().all(|(_, it)| it.is_some()) {
        let problem = Problem::new("the probe has no image to ask for", spot);
        sink.report(problem.label("it needs a journey that pulls; `ping` alone needs none"));
    }
    Some(Probe {
        asks,
        every,
        journey: Some(journey?),
    })
}

const fn pulls(journey: &Journey) -> bool {
    matches!(journey.action, Action::Pull(_))
}

fn asks(item: &Item, sink: &Sink) -> Option<Vec<Ask>> {
    let known = Ask::ALL.map(|ask| (ask.name(), ask));
    let Value::Array(items) = &item.value else {
        sink.expected(item, "operations such as [\"ping\", \"manifest-head\"]");
        return None;
    };
    let asks: Vec<Option<Ask>> = items
        .iter()
        .map(|item| choice("operation of a probe", &known)(item, sink))
        .collect();
    let mut asks: Vec<Ask> = asks.into_iter().collect::<Option<_>>()?;
    asks.sort_unstable();
    asks.dedup();
    if asks.is_empty() {
        let problem = Problem::new("the probe asks nothing", item.spot.clone());
        sink.report(problem.label("name an operation, or remove `[probe]`"));
        return None;
    }
    Some(asks)
}
