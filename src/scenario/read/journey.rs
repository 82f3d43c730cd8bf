//! The `[journey.NAME]` tables.

use std::time::Duration;

use super::action;
use super::chosen::{Sets, chosen};
use super::habits;
use super::table::{Sink, Table};
use super::value::{choice, time, unknown};
use super::verb::VERBS;
use crate::exchange::HttpVersion;
use crate::profile::Profile;
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Entry, Item, Value};
use crate::scenario::{Journey, ThinkTime};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

pub(super) fn read(
    entry: &Entry,
    sets: &Sets<'_>,
    http: Option<HttpVersion>,
    sink: &Sink,
) -> Option<Journey> {
    let mut table = Table::open(&entry.item, sink)?;
    let verb = table.need("action", "action = \"pull\"", choice("action", &VERBS));
    let chosen = chosen(&mut table, verb, sets);
    let client = table.or("client", Profile::PLAIN, habits::client);
    // Habits are read even where nobody knows whose they are, so that what is wrong with them is told.
    let mut base = client.unwrap_or(Profile::PLAIN).habits();
    base.http = http.unwrap_or(base.http);
    let resolve = base.pull.resolve;
    let habits = habits::read(&mut table, verb, base);
    let think_time = table.or("think_time", ThinkTime::None, think_time);
    let timeouts = timeouts(&mut table);
    let action = verb.and_then(|verb| action::read(&mut table, verb, chosen, resolve));
    if let Some(verb) = verb {
        table.variant("action", verb.name(), &*action::VARIANTS);
    } else {
        action::undecided(&mut table);
        table.undecided(&*action::VARIANTS);
    }
    table.finish();
    Some(Journey {
        name: entry.key.clone(),
        client: client?,
        habits: habits?,
        think_time: think_time?,
        request_timeout: timeouts?.0,
        iteration_timeout: timeouts?.1,
        action: action?,
    })
}

fn think_time(item: &Item, sink: &Sink) -> Option<ThinkTime> {
    let pause = || time(Duration::ZERO..=HOUR);
    let form = "{ min = \"1s\", max = \"5s\" }";
    match &item.value {
        Value::Text(text) if text.as_written.starts_with(char::is_alphabetic) => {
            let known = ["\"2s\"", form].into_iter();
            sink.report(unknown("think time", text, item, known));
            return None;
        }
        Value::Text(_) | Value::Table(_) => {}
        _ => {
            sink.expected(item, &format!("a length of time such as \"2s\", or {form}"));
            return None;
        }
    }
    let Value::Table(_) = item.value else {
        return pause()(item, sink).map(|time| {
            if time.is_zero() {
                ThinkTime::None
            } else {
                ThinkTime::Fixed(time)
            }
        });
    };
    let mut table = Table::open(item, sink)?;
    let min = table.need("min", "min = \"1s\"", pause());
    let max = table.need("max", "max = \"5s\"", pause());
    table.finish();
    let (min, max) = (min?, max?);
    if min < max {
        return Some(ThinkTime::Uniform(min, max));
    }
    let problem = Problem::new("`min` must be less than `max`", item.spot.clone());
    sink.report(problem.label("write one length of time if it is always the same"));
    None
}

/// The most time of a request and of an iteration.
fn timeouts(table: &mut Table<'_>) -> Option<(Duration, Duration)> {
    let shortest = Duration::from_millis(1);
    let request = table.or("request_timeout", 30 * SECOND, time(shortest..=6 * HOUR));
    let iteration = table.or(
        "iteration_timeout",
        300 * SECOND,
        time(shortest..=24 * HOUR),
    );
    let (request, iteration) = (request?, iteration?);
    if request <= iteration {
        return Some((request, iteration));
    }
    let other = table.entry("iteration_timeout");
    let other = other.map(|entry| entry.item.spot.clone());
    let shown = humantime::format_duration(iteration);
    if let Some(entry) = table.entry("request_timeout") {
        let problem = Problem::new(
            "a request may take longer than its iteration",
            entry.item.spot.clone(),
        )
        .label(format!("at most iteration_timeout, which is {shown}"));
        table.sink().report(match other {
            Some(spot) => problem.also(spot, "the iteration ends here"),
            None => problem,
        });
    } else if let Some(spot) = other {
        let problem = Problem::new("a request may take longer than its iteration", spot);
        let shown = humantime::format_duration(request);
        let label = format!("at least request_timeout, which is {shown}");
        table.sink().report(problem.label(label));
    }
    None
}
