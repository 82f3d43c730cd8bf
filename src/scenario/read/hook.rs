//! The `[[hook]]` tables.

use std::time::Duration;

use crate::hooks::{Hook, Times};
use crate::keys::codec::{Codec, DAY, MS, SECOND, list, text, time};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::Keyed;
use crate::keys::name::identifier;
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value::words;
use crate::scenario::{Executor, Load};

/// Each has a thread.
pub(super) const MOST: usize = 16;
/// Longer ones belong into a file.
const MOST_ARGUMENTS: usize = 64;
const MOST_TIMES: usize = 100;

keys! {
    /// The keys of a hook.
    #[derive(Debug)]
    struct Written {
        /// Name of the hook; no other hook has it.
        name: String => text("name, at most 64 characters", identifier), "gc", needed;
        /// The program and its arguments. No shell is between: write `["sh", "-c", "..."]` for one. Reports show it, so
        /// secrets belong into the environment, which it inherits.
        command: Vec<String> =>
            list(text("text, at most 4,096 characters", words(4096)), "texts", MOST_ARGUMENTS),
            ["docker-registry", "garbage-collect", "/etc/docker/registry/config.yml"], needed;
        /// When it runs, after the measured window opened: one time, or several. Not with `every`.
        at: Vec<Duration> => times(), "30s";
        /// Time from the begin of one run to that of the next. Not with `at`.
        every: Option<Duration> => time(SECOND..=DAY).optional(), "1m";
        /// The first run. Needs `every`.
        from: Option<Duration> => time(Duration::ZERO..=7 * DAY).optional(), "30s",
            defaults_to("as `every`");
        /// No run begins at this time or later. Needs `every`. Absent: runs begin until the load ends.
        until: Option<Duration> => time(MS..=7 * DAY).optional(), "10m";
        /// How long a run may take. It is then ended, with all processes of its group.
        timeout: Duration = 5 * 60 * SECOND => time(100 * MS..=DAY), "2m";
    }
}

/// One time, or an array of them.
fn times() -> Codec<Vec<Duration>> {
    let one = || time(Duration::ZERO..=7 * DAY);
    let several = list(one(), "times", MOST_TIMES);
    let one = one();
    let forms = Form::any([one.form, several.form]);
    let (read_one, read_several) = (one.read, several.read);
    Codec::new(
        forms,
        move |item: &Item, sink: &Sink| {
            let mut times = match &item.value {
                Value::Array(_) => read_several(item, sink)?,
                _ => vec![read_one(item, sink)?],
            };
            times.sort_unstable();
            times.dedup();
            Some(times)
        },
        |times: &Vec<Duration>| {
            let shown = times.iter().map(|it| Plain::from(*it));
            (!times.is_empty()).then(|| Plain::List(shown.collect()))
        },
    )
}

pub(super) fn read_all(item: &Item, loads: Option<&[Load]>, sink: &Sink) -> Option<Vec<Hook>> {
    let Value::Array(items) = &item.value else {
        sink.expected(item, "an array of tables, [[hook]]");
        return None;
    };
    if let Some(first) = items.get(MOST) {
        let problem = Problem::new("there are too many hooks", first.spot.clone());
        sink.report(problem.label(format!("at most {MOST}")));
        return None;
    }
    let searches = |load: &Load| matches!(load.executor, Executor::CapacitySearch(_));
    if let (Some(first), true) = (
        items.first(),
        loads.unwrap_or_default().iter().any(searches),
    ) {
        let problem = Problem::new("a capacity search has no hooks", first.spot.clone());
        sink.report(problem.label(
            "some trials would have them and others not; run one load at the rate that was found",
        ));
        return None;
    }
    let mut hooks: Vec<Hook> = Vec::with_capacity(items.len());
    let mut are_good = true;
    for item in items {
        match read(item, sink) {
            Some(hook) if hooks.iter().any(|it| it.name == hook.name) => {
                let message = format!("two hooks are called `{}`", hook.name);
                sink.report(Problem::new(message, item.spot.clone()).label("rename one of them"));
                are_good = false;
            }
            Some(hook) => hooks.push(hook),
            None => are_good = false,
        }
    }
    are_good.then_some(hooks)
}

fn read(item: &Item, sink: &Sink) -> Option<Hook> {
    let mut table = Table::open(item, sink)?;
    let (written, are_good) = Written::read(&mut table);
    let times = table_times(&mut table, &written);
    let is_command = written.command.first().is_some_and(|it| !it.is_empty());
    if let (Some(entry), false) = (table.entry("command"), is_command) {
        let problem = Problem::new("a hook has no program", entry.item.spot.clone());
        sink.report(problem.label("name a program, such as [\"sync\"]"));
    }
    table.finish();
    if !are_good || !is_command {
        return None;
    }
    Some(Hook {
        name: written.name,
        command: written.command,
        times: times?,
        timeout: written.timeout,
    })
}

/// Returns when a hook runs: by one of the two keys that say so.
fn table_times(table: &mut Table<'_>, written: &Written) -> Option<Times> {
    let mut refuse = |key: &'static str, message: &str, label: &str| {
        let spot = table.entry(key).map(|it| it.key_spot.clone());
        let spot = spot.unwrap_or_else(|| table.spot().clone());
        table
            .sink()
            .report(Problem::new(message, spot).label(label));
        None
    };
    match (written.at.is_empty(), written.every) {
        (true, None) => refuse(
            "at",
            "a hook has no time",
            "add `at = \"30s\"` or `every = \"1m\"`",
        ),
        (false, Some(_)) => refuse(
            "every",
            "a hook has two kinds of times",
            "remove this, or `at`",
        ),
        (false, None) => {
            for (key, value) in [("from", written.from), ("until", written.until)] {
                if value.is_some() {
                    return refuse(key, "this key needs `every`", "remove it, or write `every`");
                }
            }
            Some(Times::At(written.at.clone()))
        }
        (true, Some(every)) => {
            let from = written.from.unwrap_or(every);
            if written.until.is_some_and(|until| until <= from) {
                return refuse(
                    "until",
                    "a hook that never runs",
                    "it ends before its first run",
                );
            }
            Some(Times::Every {
                every,
                from,
                until: written.until,
            })
        }
    }
}

/// A hook as it would be written.
pub(super) fn show(hook: &Hook) -> Fields {
    let (at, every, from, until) = match &hook.times {
        Times::At(times) => (times.clone(), None, None, None),
        Times::Every { every, from, until } => (Vec::new(), Some(*every), Some(*from), *until),
    };
    Written {
        name: hook.name.clone(),
        command: hook.command.clone(),
        at,
        every,
        from,
        until,
        timeout: hook.timeout,
    }
    .show()
}

/// The table of a hook, for the reference.
pub(super) fn section() -> Section {
    Section::of::<Written>(
        "hook",
        "`[[hook]]`",
        "A command that runs beside the load, on the machine of regstorm: only with `--allow-hooks`.",
    )
}
