//! A table that is read key by key: what is missing, misspelt or out of place becomes a problem.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::keys::form::Described;
use crate::keys::problem::Problem;
use crate::keys::spot::Spot;
use crate::keys::tree::{Entry, Item, Text, Value};

/// Where problems are collected while tables are read side by side.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    problems: RefCell<Vec<Problem>>,
    arguments: Vec<String>,
    base_dir: PathBuf,
}

impl Sink {
    /// A sink for a scenario that these arguments have changed, and whose relative paths start there.
    pub(crate) fn of(arguments: &[String], base_dir: &Path) -> Self {
        Self {
            arguments: arguments.to_vec(),
            base_dir: base_dir.to_owned(),
            ..Self::default()
        }
    }

    /// Where relative paths start.
    pub(crate) fn base_dir(&self) -> &Path {
        &self.base_dir
    }

    pub(crate) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// The text of a number, a flag or a date of the command line, where quotes would have to be quoted for the shell.
    pub(crate) fn unquoted(&self, item: &Item) -> Option<Text> {
        if !matches!(
            item.value,
            Value::Integer(_) | Value::Float(_) | Value::Flag(_) | Value::Moment
        ) {
            return None;
        }
        let argument = self.arguments.get(item.spot.source.checked_sub(1)?)?;
        let written = argument.get(item.spot.span.clone())?.to_owned();
        Some(Text {
            value: written.clone(),
            as_written: written,
            verbatim: Some(item.spot.span.start),
        })
    }

    /// Reports a value of the wrong kind, unless something was said of it already.
    pub(crate) fn expected(&self, item: &Item, wanted: &str) {
        if !matches!(item.value, Value::Broken) {
            let found = item.value.kind();
            let message = format!("expected {wanted}, found {found}");
            self.report(Problem::new(message, item.spot.clone()));
        }
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A table whose keys are asked for one after the other. What nobody asked for is unknown.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    entries: &'a [Entry],
    spot: Spot,
    sink: &'a Sink,
    asked: Vec<&'static str>,
    /// Keys that are let pass, because something else was said of them.
    passed: Vec<&'static str>,
}

/// One of the forms that a table takes, chosen by the value of one of its keys.
#[derive(Debug)]
pub(crate) struct Variant {
    /// The value that chooses it.
    pub(crate) name: &'static str,
    /// The keys that belong to it and not to every form.
    pub(crate) keys: Vec<&'static str>,
    /// What it is, in words that follow the name.
    pub(crate) meaning: &'static str,
}

impl<'a> Table<'a> {
    pub(crate) const fn new(entries: &'a [Entry], spot: Spot, sink: &'a Sink) -> Self {
        Self {
            entries,
            spot,
            sink,
            asked: Vec::new(),
            passed: Vec::new(),
        }
    }

    /// The table in an item; anything else is a problem.
    pub(crate) fn open(item: &'a Item, sink: &'a Sink) -> Option<Self> {
        if let Value::Table(entries) = &item.value {
            Some(Self::new(entries, item.spot.clone(), sink))
        } else {
            sink.expected(item, "a table");
            None
        }
    }

    /// Where the table was written: its header, or all of an inline table.
    pub(crate) fn spot(&self) -> &Spot {
        &self.spot
    }

    pub(crate) const fn sink(&self) -> &'a Sink {
        self.sink
    }

    /// The entry of a key, which is known from then on.
    pub(crate) fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// A key that may be absent: `Some(None)`. A problem with it is `None`.
    #[expect(clippy::option_option, reason = "absent and wrong are two things")]
    pub(crate) fn may<T>(&mut self, key: &Described, read: impl Reads<T>) -> Option<Option<T>> {
        match self.entry(key.name) {
            None => Some(None),
            Some(entry) => read(&entry.item, self.sink).map(Some),
        }
    }

    /// A key with a default. A problem with it is `None`.
    pub(crate) fn or<T>(&mut self, key: &Described, default: T, read: impl Reads<T>) -> Option<T> {
        self.may(key, read).map(|value| value.unwrap_or(default))
    }

    /// A key that must be there. A problem with it, or without it, is `None`.
    pub(crate) fn need<T>(&mut self, key: &Described, read: impl Reads<T>) -> Option<T> {
        if let Some(entry) = self.entry(key.name) {
            return read(&entry.item, self.sink);
        }
        self.sink.report(key.missing(&self.spot));
        None
    }

    /// Reports every key that belongs to another variant than the chosen one.
    pub(crate) fn variant(&mut self, decider: &'static str, chosen: &str, variants: &[Variant]) {
        let meaning = variants
            .iter()
            .find(|variant| variant.name == chosen)
            .map_or("", |variant| variant.meaning);
        let belongs = |variant: &Variant, key: &str| variant.keys.contains(&key);
        for entry in self.entries {
            let owners: Vec<&Variant> = variants
                .iter()
                .filter(|variant| belongs(variant, &entry.key))
                .collect();
            if owners.is_empty() || owners.iter().any(|variant| variant.name == chosen) {
                continue;
            }
            let names: Vec<String> = owners
                .iter()
                .map(|variant| format!("\"{}\"", variant.name))
                .collect();
            let key = &entry.key;
            let mut problem = Problem::new(
                format!("`{key}` does not belong to {decider} = \"{chosen}\""),
                entry.key_spot.clone(),
            )
            .label(format!(
                "use {decider} = {}, or remove `{key}`",
                names.join(" or ")
            ));
            if let Some(decided) = self.entries.iter().find(|entry| entry.key == decider) {
                problem = problem.also(decided.item.spot.clone(), meaning);
            }
            self.sink.report(problem);
        }
        // Known keys in the wrong place are reported above, not once more as unknown.
        self.undecided(variants);
    }

    /// Lets the keys of all variants pass: without a decision nobody knows which of them belong here.
    pub(crate) fn undecided(&mut self, variants: &[Variant]) {
        let keys = variants.iter().flat_map(|variant| &variant.keys);
        self.passed.extend(keys.copied());
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(self) {
        let unknown = |entry: &&Entry| {
            let key = entry.key.as_str();
            !self.asked.contains(&key) && !self.passed.contains(&key)
        };
        for entry in self.entries.iter().filter(unknown) {
            let mut problem = Problem::new(
                format!("unknown key `{}`", shorten(&entry.key)),
                entry.key_spot.clone(),
            );
            if let Some(near) = nearest(&entry.key, self.asked.iter().copied()) {
                problem = problem.label(format!("did you mean `{near}`?"));
            } else {
                problem = problem.label("no such key here");
            }
            self.sink
                .report(problem.help(format!("known here: {}", self.asked.join(", "))));
        }
    }
}

/// Reports a key that means nothing because of the value of another.
pub(crate) fn only_with(
    table: &mut Table<'_>,
    key: &'static str,
    (decider, wanted): (&'static str, &str),
    because: &str,
) -> Option<()> {
    let chosen = table.entry(decider).map(|entry| entry.item.spot.clone());
    let Some(entry) = table.entry(key) else {
        return Some(());
    };
    let mut problem = Problem::new(
        format!("`{key}` needs {decider} = \"{wanted}\""),
        entry.key_spot.clone(),
    )
    .label(format!("use {decider} = \"{wanted}\", or remove `{key}`"));
    if let Some(spot) = chosen {
        problem = problem.also(spot, because);
    }
    table.sink().report(problem);
    None
}

/// How a value is read; what is wrong with it goes to the sink.
pub(crate) trait Reads<T>: Fn(&Item, &Sink) -> Option<T> {}

impl<T, F: Fn(&Item, &Sink) -> Option<T>> Reads<T> for F {}

/// The word that was probably meant.
///
/// Of many known words only the first are compared, and a long word with none: comparing takes time in proportion to both.
pub(crate) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    const COMPARED: usize = 100;
    const LONGEST: usize = 128; // bytes; as long as the longest name and its mistakes
    if word.len() > LONGEST {
        return None;
    }
    known
        .into_iter()
        .take(COMPARED)
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Known words as a list, at most twenty of them; empty when there are none.
pub(crate) fn known_words<'w>(known: impl Iterator<Item = &'w str>) -> String {
    const SHOWN: usize = 20;
    let known: Vec<&str> = known.collect();
    let shown = known[..known.len().min(SHOWN)].join(", ");
    match known.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

/// Enough of a text to know it again.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars()
        .take(SHOWN)
        .chain(std::iter::once('…'))
        .collect()
}
