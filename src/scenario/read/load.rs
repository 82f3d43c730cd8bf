//! The `[[load]]` tables.

use std::time::Duration;

use super::executor;
use super::name::{MOST_TABLES, identifier};
use super::table::{Sink, Table};
use super::value::{text, time, unknown, whole};
use crate::scenario::load::{Begin, Executor, Load, Share};
use crate::scenario::problem::Problem;
use crate::scenario::spot::Spot;
use crate::scenario::tree::{Item, Text, Value};

const DAY: Duration = Duration::from_hours(24);

/// How long running iterations may go on after the end, if the scenario does not say.
const GRACEFUL_STOP: Duration = Duration::from_secs(30);

pub(super) fn read_all(item: &Item, journeys: &[&str], sink: &Sink) -> Option<Vec<Load>> {
    let Value::Array(items) = &item.value else {
        sink.expected(item, "an array of tables, [[load]]");
        return None;
    };
    if items.is_empty() {
        let problem = Problem::new("there is no load", item.spot.clone());
        sink.report(problem.label("add [[load]]"));
        return None;
    }
    if let Some(first) = items.get(MOST_TABLES) {
        let problem = Problem::new("there are too many loads", first.spot.clone());
        sink.report(problem.label(format!("at most {MOST_TABLES}")));
        return None;
    }
    let names = names(items, sink);
    let loads: Vec<Option<Load>> = items
        .iter()
        .zip(&names)
        .map(|(item, name)| read(item, name, journeys, &names, sink))
        .collect();
    let loads: Vec<Load> = loads.into_iter().collect::<Option<_>>()?;
    if let Some(search) = loads.iter().position(is_search)
        && loads.len() > 1
    {
        let problem = Problem::new(
            "a capacity search has the target to itself",
            items[search].spot.clone(),
        );
        sink.report(problem.label("remove the other loads, or this one"));
        return None;
    }
    refuse_circles(&loads, items, sink)?;
    Some(loads)
}

const fn is_search(load: &Load) -> bool {
    matches!(load.executor, Executor::CapacitySearch(_))
}

/// What each load is called: its `name`, or `load-` and its place, counted from 0.
fn names(items: &[Item], sink: &Sink) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        // What is wrong with a name as such is said when the table is read.
        let written = written_name(item).map(|(name, _)| name);
        let name = written.unwrap_or_else(|| format!("load-{index}"));
        if let Some(first) = names.iter().position(|it| *it == name) {
            // One of both was written, since the names that are given to loads differ.
            let written = written_name(item).or_else(|| written_name(&items[first]));
            let spot = written.map_or_else(|| item.spot.clone(), |(_, spot)| spot);
            let problem = Problem::new("another load has this name", spot);
            sink.report(problem.label("load-0, load-1, ... are given to those without a name"));
        }
        names.push(name);
    }
    names
}

fn written_name(load: &Item) -> Option<(String, Spot)> {
    let Value::Table(entries) = &load.value else {
        return None;
    };
    let entry = entries.iter().find(|entry| entry.key == "name")?;
    match &entry.item.value {
        Value::Text(text) => Some((text.value.clone(), entry.item.spot.clone())),
        _ => None,
    }
}

fn read(item: &Item, name: &str, journeys: &[&str], names: &[String], sink: &Sink) -> Option<Load> {
    let mut table = Table::open(item, sink)?;
    let known_name = table.may("name", identifier);
    let mix = what(&mut table, journeys);
    let executor = executor::read(&mut table);
    let begin = begin(&mut table, names);
    let graceful_stop = table.or("graceful_stop", GRACEFUL_STOP, time(Duration::ZERO..=DAY));
    executor::misplaced(&mut table);
    table.finish();
    let executor::Read {
        executor,
        warmup,
        pacing,
    } = executor?;
    known_name?;
    Some(Load {
        name: name.to_owned(),
        mix: mix?,
        executor,
        begin: begin?,
        warmup,
        graceful_stop: graceful_stop?,
        pacing,
    })
}

/// `start_after` and `start_time`, both of which may be absent.
fn begin(table: &mut Table<'_>, names: &[String]) -> Option<Begin> {
    let after = table.may("start_after", |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let found = names.iter().position(|name| *name == text.value);
        if found.is_none() {
            let known = names.iter().map(String::as_str);
            sink.report(unknown("load", &text, item, known));
        }
        found
    });
    let delay = table.or("start_time", Duration::ZERO, time(Duration::ZERO..=7 * DAY));
    Some(Begin {
        after: after?,
        delay: delay?,
    })
}

/// Loads that wait for each other would wait for ever.
fn refuse_circles(loads: &[Load], items: &[Item], sink: &Sink) -> Option<()> {
    for (index, item) in items.iter().enumerate() {
        let mut at = index;
        for _ in 0..loads.len() {
            match loads[at].begin.after {
                Some(after) => at = after,
                None => break,
            }
        }
        if loads[at].begin.after.is_some() {
            let problem = Problem::new("this load waits for itself", item.spot.clone());
            sink.report(problem.label("its `start_after` leads in a circle"));
            return None;
        }
    }
    Some(())
}

/// `journey` or `mix`, exactly one.
fn what(table: &mut Table<'_>, journeys: &[&str]) -> Option<Vec<Share>> {
    let journey = table.entry("journey");
    let mix = table.entry("mix");
    match (journey, mix) {
        (Some(entry), None) => {
            let name = text(&entry.item, table.sink())?;
            let journey = index(&name, &entry.item, journeys, table.sink())?;
            Some(vec![Share { journey, weight: 1 }])
        }
        (None, Some(entry)) => shares(&entry.item, journeys, table.sink()),
        (Some(journey), Some(mix)) => {
            table.sink().report(
                Problem::new(
                    "`journey` and `mix` exclude each other",
                    mix.key_spot.clone(),
                )
                .label("remove one of both")
                .also(journey.key_spot.clone(), "a mix of one"),
            );
            None
        }
        (None, None) => {
            table.sink().report(
                Problem::new("missing key `journey` or `mix`", table.spot().clone())
                    .label("add `journey = \"NAME\"` or `mix = { NAME = 1, NAME = 2 }`"),
            );
            None
        }
    }
}

fn index(name: &Text, item: &Item, journeys: &[&str], sink: &Sink) -> Option<usize> {
    let found = journeys.iter().position(|journey| *journey == name.value);
    if found.is_none() {
        sink.report(unknown("journey", name, item, journeys.iter().copied()));
    }
    found
}

fn shares(item: &Item, journeys: &[&str], sink: &Sink) -> Option<Vec<Share>> {
    let entries = match &item.value {
        Value::Table(entries) if !entries.is_empty() => entries,
        Value::Table(_) => {
            let problem = Problem::new("the mix is empty", item.spot.clone());
            sink.report(problem.label("write { NAME = 1, NAME = 2 }"));
            return None;
        }
        _ => {
            sink.expected(item, "a table such as { NAME = 1, NAME = 2 }");
            return None;
        }
    };
    let shares: Vec<Option<Share>> = entries
        .iter()
        .map(|entry| {
            let weight = whole(1..=1_000_000_u32)(&entry.item, sink);
            let name = Text {
                value: entry.key.clone(),
                as_written: entry.key.clone(),
                verbatim: None,
            };
            let key = Item {
                value: Value::Text(name.clone()),
                spot: entry.key_spot.clone(),
            };
            let journey = index(&name, &key, journeys, sink);
            Some(Share {
                journey: journey?,
                weight: weight?,
            })
        })
        .collect();
    let mut shares: Vec<Share> = shares.into_iter().collect::<Option<_>>()?;
    if let [only] = shares.as_mut_slice() {
        // A mix of one is that journey, whatever its weight: one meaning, one form.
        only.weight = 1;
    }
    Some(shares)
}
