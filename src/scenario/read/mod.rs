//! From the tree to the value: every room of the file, and the rules between them.

mod action;
mod addresses;
mod chosen;
mod executor;
mod expectation;
mod gate;
mod habits;
mod images;
mod journey;
mod load;
mod metric;
mod part;
mod places;
mod probe;
mod size;
mod table;
mod target;
mod threshold;
mod tls;
mod value;

use std::num::NonZeroUsize;
use std::path::Path;

use toml::de::DeTable;

pub use self::gate::load_gates;
use self::table::{Sink, Table};
use super::overrides;
use super::prepare::{CleanUp, Prepare};
use super::problem::{Problem, Problems};
use super::tree::{Entry, Item, Planter, Spot, Value};
use super::{ImageSet, Journey, Load, Overrides, Probe, Target, Threshold};
use crate::units::too_deep;

/// The seed of a scenario that names none: the same for everyone, so that two runs of a file are alike.
pub const DEFAULT_SEED: u64 = 42;

/// A scenario without mistakes. Names are resolved, defaults are filled in; only the workers may be open.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The name, fit to be a file name.
    pub name: String,
    /// What the scenario is about; may be empty.
    pub description: String,
    /// Where every random choice starts.
    pub seed: u64,
    /// Worker threads, 1 to 1,024; by the machine when absent.
    pub workers: Option<NonZeroUsize>,
    /// The registry under test.
    pub target: Target,
    /// The image sets, in the order of the file.
    pub images: Vec<ImageSet>,
    /// The journeys, in the order of the file. Not empty.
    pub journeys: Vec<Journey>,
    /// What is to be done. Not empty.
    pub loads: Vec<Load>,
    /// What a bystander asks beside the load.
    pub probe: Option<Probe>,
    /// What happens outside the measured window.
    pub prepare: Prepare,
    /// What the run is judged by, in the order of the file. May be empty.
    pub thresholds: Vec<Threshold>,
}

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
    overrides::apply(&arguments, &mut root, &mut problems);
    let sink = Sink::of(&arguments);
    let scenario = scenario(&root, base_dir, &sink);
    problems.extend(sink.into_problems());
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        _ => Err(fail(problems)),
    }
}

/// The tree of a file, and what is wrong with it so far; or the one mistake after which there is no tree.
fn plant(
    source: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Vec<Entry>, Vec<Problem>), Box<Problem>> {
    if let Some(span) = too_deep(source) {
        let spot = Spot { source: 0, span };
        return Err(Box::new(Problem::too_deep(spot)));
    }
    let (document, errors) = DeTable::parse_recoverable(source);
    let mut planter = Planter {
        source: 0,
        offset: 0,
        text: source,
        environment: Some(env),
        problems: Vec::new(),
    };
    // A repeated key leaves a whole tree behind. After any other error the tree has holes that are not mistakes,
    // and what the parser says next is a guess.
    let repeats = |error: &toml::de::Error| error.message() == "duplicate key";
    let place = |error: &toml::de::Error| Spot {
        source: 0,
        span: error.span().unwrap_or(0..0),
    };
    if let Some(error) = errors.iter().find(|error| !repeats(error)) {
        let problem = Problem::new(error.message(), place(error)).label("this is not TOML");
        return Err(Box::new(problem));
    }
    planter.problems.extend(errors.iter().map(|error| {
        Problem::new(error.message(), place(error)).label("this key is there already")
    }));
    let root = planter.table(document.into_inner());
    Ok((root, planter.problems))
}

fn scenario(root: &[Entry], base_dir: &Path, sink: &Sink) -> Option<Scenario> {
    let start = Spot {
        source: 0,
        span: 0..0,
    };
    let mut table = Table::new(root, start, sink);
    let name = table.need("name", "name = \"my-first-run\"", identifier);
    let description = table.or("description", String::new(), value::words(1000));
    let seed = table.or("seed", DEFAULT_SEED, value::whole(0..=u64::MAX));
    let workers = table.may("workers", value::number_of(1024));
    let target = table.need("target", "[target]", |item: &Item, sink: &Sink| {
        target::read(item, base_dir, sink)
    });
    let image_entries = named(&mut table, "images");
    let images: Vec<Option<ImageSet>> = image_entries
        .iter()
        .map(|entry| images::read(entry, base_dir, sink))
        .collect();
    let journey_entries = named(&mut table, "journey");
    let http = target.as_ref().and_then(|target| target.http);
    let sets = journey::Sets {
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
    let loads = table.need("load", "[[load]]", |item: &Item, sink: &Sink| {
        load::read_all(item, &names, sink)
    });
    let probe = table.may("probe", |item: &Item, sink: &Sink| {
        let read = journeys.iter().map(Option::as_ref);
        let journeys: Vec<_> = names.iter().copied().zip(read).collect();
        probe::read(item, &journeys, sink)
    });
    let prepare = table
        .may("prepare", prepare)
        .map(|it| it.unwrap_or(PREPARE));
    let known = threshold::Known {
        journeys: &names,
        read: &journeys,
        loads: loads.as_deref(),
    };
    let thresholds = table.or("threshold", Vec::new(), |item: &Item, sink: &Sink| {
        threshold::read_all(item, &known, sink)
    });
    if journey_entries.is_empty() {
        let label = "add `[journey.NAME]`";
        sink.report(Problem::new("the scenario has no journey", table.spot().clone()).label(label));
    }
    table.finish();
    let scenario = Scenario {
        name: name?,
        description: description?,
        seed: seed?,
        workers: workers?,
        target: target?,
        images: images.into_iter().collect::<Option<_>>()?,
        journeys: journeys.into_iter().collect::<Option<_>>()?,
        loads: loads?,
        probe: probe?,
        prepare: prepare?,
        thresholds: thresholds?,
    };
    target::check(&scenario, journey_entries, root, sink);
    places::check(&scenario, journey_entries, sink);
    Some(scenario)
}

/// The most image sets, journeys and loads: they are held against each other.
const MOST_TABLES: usize = 1000;

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

fn identifier(item: &Item, sink: &Sink) -> Option<String> {
    let text = value::text(item, sink)?;
    if is_identifier(&text.value) {
        return Some(text.value);
    }
    sink.report(bad_name(&text.as_written, item.spot.clone()));
    None
}

fn bad_name(name: &str, spot: Spot) -> Problem {
    let shown = table::shorten(&super::redact::value(name));
    Problem::new(format!("`{shown}` is not a name"), spot)
        .label("at most 64 lower-case letters and digits, joined by single `-` or `_`")
}

/// Names stand in repository names, in file names and in thresholds, so they are fit for all of these.
fn is_identifier(text: &str) -> bool {
    text.len() <= 64
        && text.split(['-', '_']).all(|part| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            !part.is_empty() && part.chars().all(fits)
        })
}

const PREPARE: Prepare = Prepare {
    seed: true,
    // Nothing is deleted on somebody's registry unless they say so.
    clean_up: CleanUp::None,
    parallel: NonZeroUsize::new(4).expect("4 is not 0"),
};

fn prepare(item: &Item, sink: &Sink) -> Option<Prepare> {
    const CLEAN_UP: [(&str, CleanUp); 3] = [
        ("none", CleanUp::None),
        ("manifests", CleanUp::Manifests),
        ("all", CleanUp::All),
    ];
    let mut table = Table::open(item, sink)?;
    let seed = table.or("seed", PREPARE.seed, value::flag);
    let clean_up = table.or(
        "clean_up",
        PREPARE.clean_up,
        value::choice("clean-up", &CLEAN_UP),
    );
    let parallel = table.or("parallel", PREPARE.parallel, value::number_of(64));
    table.finish();
    Some(Prepare {
        seed: seed?,
        clean_up: clean_up?,
        parallel: parallel?,
    })
}
