//! The `[probe]` table.

use std::sync::LazyLock;
use std::time::Duration;

use crate::keys::codec::{Codec, HOUR, MS, SECOND, time};
use crate::keys::define::keys;
use crate::keys::form::{Described, Form};
use crate::keys::key::Keyed;
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value::{choice, text, unknown};
use crate::scenario::probe::{Ask, Probe};
use crate::scenario::{Action, Journey};

keys! {
    /// The keys of a probe that name no journey.
    #[derive(Debug, Clone)]
    struct Rounds {
        /// What the probe requests in each round.
        asks as operations: Vec<Ask> = vec![Ask::Ping] => asks(), ["ping", "manifest-head"];
        /// Time from one round to the next.
        every: Duration = SECOND => time(10 * MS..=HOUR), "500ms";
    }
}

static JOURNEY: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Text("name of a journey that pulls");
    let meaning = "The journey whose first image is requested. Absent: the first that pulls.";
    Described::own(("journey", r#""pull""#), form, meaning)
});

/// Reads the probe; `journeys` as far as they could be read, with their names.
pub(super) fn read(
    item: &Item,
    journeys: &[(&str, Option<&Journey>)],
    sink: &Sink,
) -> Option<Probe> {
    let mut table = Table::open(item, sink)?;
    let (Rounds { asks, every }, are_good) = Rounds::read(&mut table);
    let named = table.may(&JOURNEY, |item: &Item, sink: &Sink| {
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
    let named = named?;
    if !are_good {
        return None;
    }
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

/// The probe as it would be written.
pub(super) fn show(probe: &Probe, journeys: &[Journey]) -> Fields {
    let rounds = Rounds {
        asks: probe.asks.clone(),
        every: probe.every,
    };
    let journey = probe.journey.map(|it| journeys[it].name.as_str());
    rounds.show().may(JOURNEY.name, journey)
}

pub(super) fn section() -> Section {
    let mut keys = Rounds::described();
    keys.push(JOURNEY.clone());
    Section {
        name: "probe",
        heading: "`[probe]`",
        text: "A client of its own that requests little, now and then, beside the load: what an unrelated client experiences.".to_owned(),
        keys,
        decider: None,
    }
}

const fn pulls(journey: &Journey) -> bool {
    matches!(journey.action, Action::Pull(_))
}

fn asks() -> Codec<Vec<Ask>> {
    let form = Form::Words(Ask::ALL.map(Ask::name).to_vec()).list(Ask::ALL.len());
    Codec::new(form, read_asks, |asks: &Vec<Ask>| {
        let names = asks.iter().map(|ask| ask.name().into());
        Some(Plain::List(names.collect()))
    })
}

fn read_asks(item: &Item, sink: &Sink) -> Option<Vec<Ask>> {
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
