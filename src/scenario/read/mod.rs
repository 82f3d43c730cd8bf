//! From the tree to the value: every room of the file, and the rules between them.

pub(super) mod action;
pub(super) mod audit;
mod cached;
mod chosen;
mod clients;
mod embedded;
pub(super) mod executor;
mod expectation;
pub(super) mod file;
mod gate;
mod habits;
mod hook;
pub(super) mod images;
mod journey;
mod layers;
mod load;
mod metric;
mod places;
pub(super) mod prepare;
mod probe;
mod reference;
mod references;
mod root;
mod server_expectation;
mod server_metric;
pub(crate) mod shown;
mod size;
mod spread;
pub(super) mod target;
pub(super) mod telemetry;
mod threshold;
pub(super) mod upstream;

use std::path::Path;

use self::audit::Audit;
pub use self::gate::{gates_reference, gates_schema, load_gates};
use self::prepare::Prepare;
pub use self::reference::{json_schema, reference};
use self::root::{
    AUDIT, HOOK, IMAGES, JOURNEY, LOAD, PREPARE, PROBE, TARGET, THRESHOLD, UPSTREAM, Values,
};
use self::telemetry::TELEMETRY;
use super::root::Scenario;
use super::{ImageSet, Journey};
use crate::keys::form::Form;
use crate::keys::key::Keyed;
use crate::keys::name::{MOST_TABLES, bad_name, is_identifier};
use crate::keys::overrides::{self, Overrides};
use crate::keys::problem::{Problem, Problems};
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Entry, Item, Value, plant};

/// Reads a scenario.
///
/// `file_name` is what problems show, `base_dir` is where relative paths in the file start, and `env` says what a
/// variable of the environment holds.
///
/// # Errors
/// Every mistake in the file and in the overrides, at once.
pub fn load(
    source: &str,
    file_name: &str,
    base_dir: &Path,
    overrides: &Overrides,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Scenario, Problems> {
    let arguments = overrides.arguments();
    let fail = |problems| Problems::new(file_name, source, &arguments, problems);
    let (mut root, mut problems) = plant(source, env).map_err(|problem| fail(vec![*problem]))?;
    overrides::apply(&arguments, env, &mut root, &mut problems);
    let sink = Sink::of(&arguments, base_dir);
    let scenario = scenario(&root, &sink);
    problems.extend(sink.into_problems());
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        _ => Err(fail(problems)),
    }
}

fn scenario(root: &[Entry], sink: &Sink) -> Option<Scenario> {
    let mut table = crate::keys::root(root, sink);
    let (values, are_good) = Values::read(&mut table);
    let target = table.need(&TARGET, target::read);
    let upstream = table.may(&UPSTREAM, upstream::read);
    let image_entries = named(&mut table, IMAGES.name);
    let images: Vec<Option<ImageSet>> = image_entries
        .iter()
        .map(|entry| images::read(entry, sink))
        .collect();
    let journey_entries = named(&mut table, JOURNEY.name);
    let http = target.as_ref().and_then(|target| target.http);
    let sets = chosen::Sets {
        entries: image_entries,
        images: &images,
    };
    let journeys: Vec<Option<Journey>> = journey_entries
        .iter()
        .map(|entry| journey::read(entry, &sets, http, sink))
        .collect();
    let names: Vec<&str> = journey_entries
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    let loads = table.need(&LOAD, |item: &Item, sink: &Sink| {
        let journeys = load::Journeys {
            names: &names,
            read: &journeys,
        };
        load::read_all(item, &journeys, sink)
    });
    let probe = table.may(&PROBE, |item: &Item, sink: &Sink| {
        let read = journeys.iter().map(Option::as_ref);
        let journeys: Vec<_> = names.iter().copied().zip(read).collect();
        probe::read(item, &journeys, sink)
    });
    let telemetry = table.or(&TELEMETRY, Vec::new(), telemetry::read_all);
    let hooks = table.or(&HOOK, Vec::new(), |item: &Item, sink: &Sink| {
        hook::read_all(item, loads.as_deref(), sink)
    });
    let (prepare, audit) = around(&mut table);
    let known = threshold::Known {
        journeys: &names,
        read: &journeys,
        loads: loads.as_deref(),
        sources: telemetry.as_deref(),
        has_upstream: upstream.as_ref().map(Option::is_some),
    };
    let thresholds = table.or(&THRESHOLD, Vec::new(), |item: &Item, sink: &Sink| {
        threshold::read_all(item, &known, sink)
    });
    need_one(journey_entries, &table);
    table.finish();
    let scenario = Scenario {
        name: values.name,
        description: values.description,
        seed: values.seed,
        workers: values.workers,
        target: target?,
        upstream: upstream?,
        images: images.into_iter().collect::<Option<_>>()?,
        journeys: journeys.into_iter().collect::<Option<_>>()?,
        loads: loads?,
        probe: probe?,
        telemetry: telemetry?,
        hooks: hooks?,
        prepare: prepare?,
        audit: audit?,
        thresholds: thresholds?,
    };
    if !are_good {
        return None;
    }
    embedded::check(&scenario, journey_entries, root, sink);
    cached::check(&scenario, root, journey_entries, sink);
    places::check(&scenario, journey_entries, sink);
    places::check_replays(&scenario, journey_entries, sink);
    Some(scenario)
}

/// A scenario without a journey has nothing to do.
fn need_one(journeys: &[Entry], table: &Table<'_>) {
    if journeys.is_empty() {
        let problem = Problem::new("the scenario has no journey", table.spot().clone());
        table.sink().report(problem.label("add `[journey.NAME]`"));
    }
}

/// What is done before and after the load.
fn around(table: &mut Table<'_>) -> (Option<Prepare>, Option<Audit>) {
    let prepare = table.or(
        &PREPARE,
        Prepare::default(),
        Prepare::codec(Form::Table("prepare"), |_, _| true).read,
    );
    let audit = table.or(
        &AUDIT,
        Audit::default(),
        Audit::codec(Form::Table("audit"), |_, _| true).read,
    );
    (prepare, audit)
}

/// The tables in a table, by names that people choose.
fn named<'a>(table: &mut Table<'a>, key: &'static str) -> &'a [Entry] {
    let Some(entry) = table.entry(key) else {
        return &[];
    };
    let Value::Table(entries) = &entry.item.value else {
        let wanted = format!("tables, [{key}.NAME]");
        table.sink().expected(&entry.item, &wanted);
        return &[];
    };
    if let Some(first) = entries.get(MOST_TABLES) {
        let message = format!("there are too many tables [{key}.NAME]");
        let problem = Problem::new(message, first.key_spot.clone());
        table
            .sink()
            .report(problem.label(format!("at most {MOST_TABLES}")));
        return &[];
    }
    for entry in entries.iter().filter(|entry| !is_identifier(&entry.key)) {
        table
            .sink()
            .report(bad_name(&entry.key, entry.key_spot.clone()));
    }
    entries
}
