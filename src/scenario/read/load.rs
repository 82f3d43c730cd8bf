//! The `[[load]]` tables.

use std::time::Duration;

use super::table::{Sink, Table, Variant};
use super::value::{choice, text, time, unknown, whole};
use crate::scenario::load::{Executor, Load, Share};
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Item, Text, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ConstantVus,
    PerVuIterations,
    SharedIterations,
}

const KINDS: [(&str, Kind); 3] = [
    ("constant-vus", Kind::ConstantVus),
    ("per-vu-iterations", Kind::PerVuIterations),
    ("shared-iterations", Kind::SharedIterations),
];

const VARIANTS: [Variant; 3] = [
    Variant {
        name: "constant-vus",
        keys: &["vus", "duration", "warmup"],
        meaning: "runs by time",
    },
    Variant {
        name: "per-vu-iterations",
        keys: &["vus", "iterations", "max_duration"],
        meaning: "runs by iterations",
    },
    Variant {
        name: "shared-iterations",
        keys: &["vus", "iterations", "max_duration"],
        meaning: "runs by iterations",
    },
];

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

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
    let loads: Vec<Option<Load>> = items
        .iter()
        .map(|item| read(item, journeys, sink))
        .collect();
    loads.into_iter().collect()
}

fn read(item: &Item, journeys: &[&str], sink: &Sink) -> Option<Load> {
    let mut table = Table::open(item, sink)?;
    let mix = what(&mut table, journeys);
    let kind = table.need(
        "executor",
        "executor = \"constant-vus\"",
        choice("executor", &KINDS),
    );
    let executor = kind.and_then(|kind| executor(&mut table, kind));
    let warmup = match kind {
        Some(Kind::ConstantVus) => table.or("warmup", Duration::ZERO, time(Duration::ZERO..=DAY)),
        // Where it belongs is said with the other keys of the executors.
        _ => Some(Duration::ZERO),
    };
    let graceful_stop = table.or("graceful_stop", 30 * SECOND, time(Duration::ZERO..=DAY));
    if let Some(chosen) = kind.and_then(|kind| KINDS.iter().find(|(_, it)| *it == kind)) {
        table.variant("executor", chosen.0, &VARIANTS);
    } else {
        table.undecided(&VARIANTS);
    }
    table.finish();
    Some(Load {
        mix: mix?,
        executor: executor?,
        warmup: warmup?,
        graceful_stop: graceful_stop?,
    })
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

fn executor(table: &mut Table<'_>, kind: Kind) -> Option<Executor> {
    let length = || time(Duration::from_millis(100)..=7 * DAY);
    let vus = table.need("vus", "vus = 10", whole(1..=1_000_000_u32));
    if kind == Kind::ConstantVus {
        let duration = table.need("duration", "duration = \"1m\"", length());
        return Some(Executor::ConstantVus {
            vus: vus?,
            duration: duration?,
        });
    }
    let most = 1_000_000_000_u64;
    let iterations = table.need("iterations", "iterations = 100", whole(1..=most));
    let max_duration = table.or("max_duration", 600 * SECOND, length());
    let (vus, iterations, max_duration) = (vus?, iterations?, max_duration?);
    if kind == Kind::PerVuIterations {
        return Some(Executor::PerVuIterations {
            vus,
            iterations,
            max_duration,
        });
    }
    if iterations < u64::from(vus)
        && let (Some(few), Some(many)) = (table.entry("iterations"), table.entry("vus"))
    {
        table.sink().report(
            Problem::new("some users would have nothing to do", few.item.spot.clone())
                .label("the iterations of all users together: at least `vus`")
                .also(many.item.spot.clone(), "more users than iterations"),
        );
        return None;
    }
    Some(Executor::SharedIterations {
        vus,
        iterations,
        max_duration,
    })
}
