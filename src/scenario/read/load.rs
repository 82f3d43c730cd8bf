//! The `[[load]]` tables.

use std::sync::LazyLock;
use std::time::Duration;

use super::executor::{self, EXECUTOR, Executor};
use crate::keys::codec::{DAY, MS, SECOND, time, whole};
use crate::keys::define::keys;
use crate::keys::form::{Described, Form, table_schema};
use crate::keys::key::{self, Key, Keyed};
use crate::keys::name::{MOST_TABLES, identifier};
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::spot::Spot;
use crate::keys::table::{Sink, Table, Variant};
use crate::keys::tree::{Item, Text, Value};
use crate::keys::value::{text, unknown};
use crate::scenario::load::{Begin, Load, Share};
use crate::scenario::{Action, Journey};

/// The journeys of the scenario; one with a mistake has a name all the same.
pub(super) struct Journeys<'a> {
    pub(super) names: &'a [&'a str],
    pub(super) read: &'a [Option<Journey>],
}

/// The largest weight of a journey in a mix.
const MOST_WEIGHT: u32 = 1_000_000;

pub(super) fn read_all(item: &Item, journeys: &Journeys<'_>, sink: &Sink) -> Option<Vec<Load>> {
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
    let entry = entries.iter().find(|entry| entry.key == NAME.name)?;
    match &entry.item.value {
        Value::Text(text) => Some((text.value.clone(), entry.item.spot.clone())),
        _ => None,
    }
}

keys! {
    /// The keys of a load that hold times.
    #[derive(Debug)]
    struct Times {
        /// How long the load runs before it is measured.
        warmup: Duration => time(Duration::ZERO..=DAY), "10s", only(&["constant-vus", "constant-arrival-rate"]);
        /// Time from one start of a user to its next. Absent: a user starts over as soon as it is done.
        pacing: Option<Duration> => time(MS..=DAY).optional(), "1s", only(CLOSED);
        /// How long after the opening of the measured window, or after the load of `start_after`, this one begins.
        start as start_time: Duration => time(Duration::ZERO..=7 * DAY), "30s";
        /// How long iterations under way may go on after the end.
        graceful_stop: Duration = 30 * SECOND => time(Duration::ZERO..=DAY), "1m";
    }
}

const CLOSED: &[&str] = &[
    "constant-vus",
    "ramping-vus",
    "per-vu-iterations",
    "shared-iterations",
];

static NAME: LazyLock<Described> = LazyLock::new(|| {
    let meaning = "Name of the load, unique in the scenario. Absent: `load-0`, `load-1`, ...";
    Described::own(("name", r#""steady""#), Form::Text("name"), meaning)
});
static JOURNEY: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Text("name of a journey");
    let meaning = "The journey that the load does. Either this or `mix`.";
    Described::own(("journey", r#""pull""#), form, meaning)
});
static MIX: LazyLock<Described> = LazyLock::new(|| {
    let weight = whole(1..=MOST_WEIGHT).form;
    let form = Form::Map {
        key: "names of journeys",
        of: Box::new(weight),
    };
    let meaning = "The journeys that the load does, with their weights. Either this or `journey`.";
    Described::own(("mix", "{ pull = 9, push = 1 }"), form, meaning)
});
static START_AFTER: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Text("name of a load");
    let meaning = "The load that this one waits for, until it starts no more iterations.";
    Described::own(("start_after", r#""warm""#), form, meaning)
});

/// The keys that belong to some executors and not to all.
static VARIANTS: LazyLock<Vec<Variant>> = LazyLock::new(|| executor::variants(&Times::described()));

fn read(
    item: &Item,
    name: &str,
    journeys: &Journeys<'_>,
    names: &[String],
    sink: &Sink,
) -> Option<Load> {
    let mut table = Table::open(item, sink)?;
    let known_name = table.may(&NAME, identifier);
    let mix = what(&mut table, journeys.names);
    let (word, executor) = executor::read(&mut table);
    let executor = mix
        .as_deref()
        .and_then(|mix| replay(&mut table, executor?, mix, journeys));
    let mut times = Times::default();
    let belongs = |key: &&Key<Times>| word.is_none_or(|word| key.described.belongs_to(word));
    let are_good = key::read(&mut table, Times::keys().iter().filter(belongs), &mut times);
    let after = after(&mut table, names);
    match word {
        Some(word) => table.variant(EXECUTOR.name, word, &VARIANTS),
        None => table.undecided(&VARIANTS),
    }
    table.finish();
    known_name?;
    let load = Load {
        name: name.to_owned(),
        mix: mix?,
        executor: executor?,
        begin: Begin {
            after: after?,
            delay: times.start,
        },
        warmup: times.warmup,
        graceful_stop: times.graceful_stop,
        pacing: times.pacing,
    };
    are_good.then_some(load)
}

/// Gives a replay its sessions. The executor and the action go together: `None` after a problem.
fn replay(
    table: &mut Table<'_>,
    executor: Executor,
    mix: &[Share],
    journeys: &Journeys<'_>,
) -> Option<Executor> {
    let read = |share: &Share| journeys.read.get(share.journey)?.as_ref();
    let entry = table.entry(EXECUTOR.name)?;
    let refuse = |message: String, label: &str| {
        let problem = Problem::new(message, entry.item.spot.clone());
        table.sink().report(problem.label(label));
        None
    };
    if !executor.replays() {
        let replay = mix.iter().filter_map(read);
        let replay = { replay }.find(|it| matches!(it.action, Action::Replay(_)));
        let Some(journey) = replay else {
            return Some(executor);
        };
        let message = format!("the journey `{}` replays a trace", journey.name);
        let label = "write executor = \"replay\" or \"closed-replay\"";
        return refuse(message, label);
    }
    let [only] = mix else {
        let message = "a replay does one journey".to_owned();
        return refuse(message, "write `journey` in place of `mix`");
    };
    let journey = read(only)?;
    let Action::Replay(action) = &journey.action else {
        let message = format!("the journey `{}` replays no trace", journey.name);
        return refuse(message, "its journey needs action = \"replay\"");
    };
    match executor.of_sessions(&action.sessions) {
        Ok(executor) => Some(executor),
        Err(unfit) => refuse(unfit.message, unfit.label),
    }
}

/// A load as it would be written.
pub(super) fn show(load: &Load, journeys: &[Journey], loads: &[Load]) -> Fields {
    let name_of = |index: usize| journeys[index].name.clone();
    let fields = Fields::default().put(NAME.name, load.name.as_str());
    let fields = match load.mix.as_slice() {
        [only] => fields.put(JOURNEY.name, name_of(only.journey)),
        mix => {
            let mix = mix.iter();
            let mix = mix.map(|it| (name_of(it.journey), Plain::from(it.weight)));
            fields.put(MIX.name, Plain::Table(mix.collect()))
        }
    };
    let times = Times {
        start: load.begin.delay,
        graceful_stop: load.graceful_stop,
        warmup: load.warmup,
        pacing: load.pacing,
    };
    let word = load.executor.name();
    let keys = Times::keys()
        .iter()
        .filter(|key| key.described.belongs_to(word));
    let after = load.begin.after.map(|at| loads[at].name.as_str());
    fields
        .put(EXECUTOR.name, word)
        .and(load.executor.show())
        .may(START_AFTER.name, after)
        .and(key::show(keys, &times))
}

/// The table of a load, and one for each executor, for the reference.
pub(super) fn sections() -> Vec<Section> {
    let own = [&NAME, &JOURNEY, &MIX, &EXECUTOR, &START_AFTER];
    let mut keys = own.map(|key| (**key).clone()).to_vec();
    keys.extend(Times::described());
    let mut sections = vec![Section {
        name: "load",
        heading: "`[[load]]`",
        text: "A stream of iterations. A scenario has at least one.".to_owned(),
        keys,
        decider: Some(EXECUTOR.name),
    }];
    sections.extend(
        executor::described()
            .into_iter()
            .map(|(word, text, keys)| Section {
                name: word,
                heading: "Keys of `[[load]]` with this executor, beside [those of every load](#load).",
                text: text.to_owned(),
                keys,
                decider: None,
            }),
    );
    sections
}

/// The JSON schema of a load: its own keys, and those of the executor that it names.
pub(super) fn schema(own: &[Described], sections: &[Section]) -> serde_json::Value {
    let of_executor = |word: &'static str| {
        let section = sections.iter().find(|it| it.name == word);
        let keys = section.map_or(&[][..], |it| &it.keys).iter();
        keys.map(move |key| Described {
            only: vec![word],
            ..key.clone()
        })
    };
    let keys: Vec<Described> = executor::words().flat_map(of_executor).collect();
    table_schema(own.iter().chain(&keys), Some(EXECUTOR.name))
}

#[expect(clippy::option_option, reason = "absent and wrong are two things")]
fn after(table: &mut Table<'_>, names: &[String]) -> Option<Option<usize>> {
    table.may(&START_AFTER, |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let found = names.iter().position(|name| *name == text.value);
        if found.is_none() {
            let known = names.iter().map(String::as_str);
            sink.report(unknown("load", &text, item, known));
        }
        found
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
    let journey = table.entry(JOURNEY.name);
    let mix = table.entry(MIX.name);
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
            let weight = (whole(1..=MOST_WEIGHT).read)(&entry.item, sink);
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
