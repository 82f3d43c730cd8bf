//! The notes of a merged document: what it was merged from, and what its parts said.

use std::collections::BTreeSet;

use super::Document;
use crate::health::Verdict;

/// How the notes begin that are made anew with every shard.
const MERGED: &str = "merged from ";
const LABEL: &str = "the label ";

/// How a note ends that stands for others like it.
const MORE: &str = " more like it)";

/// Names that are listed; of the others, how many.
const LISTED: usize = 3;

impl Document {
    /// Notes what it was merged from, however many shards that are.
    pub(super) fn note_shards(&mut self) {
        self.notes
            .retain(|it| !it.starts_with(MERGED) && !it.starts_with(LABEL));
        let hosts = self.shards.iter();
        let hosts = hosts.map(|it| it.host.as_deref().unwrap_or("unknown"));
        let many = self.shards.len();
        let text = format!("{MERGED}{many} shards, on {}", listed(hosts));
        self.notes.push(text);
        let keys = self.shards.iter().flat_map(|it| it.labels.keys());
        let keys: BTreeSet<String> = keys.cloned().collect();
        for key in keys {
            let values = self.shards.iter().map(|it| it.labels.get(&key));
            let values = values.map(|it| it.map_or("none", String::as_str));
            if values.clone().collect::<BTreeSet<_>>().len() > 1 {
                let values = listed(values);
                self.notes.push(format!(
                    "{LABEL}`{key}` differs between the shards: {values}"
                ));
            }
        }
    }

    /// Notes the health of both generators, of which one is kept.
    pub(super) fn note_health(&mut self, other: &Self) {
        let told = |it: &Self| -> Vec<String> {
            let reasons = it.generator.health.reasons.iter();
            let told = reasons.map(|reason| {
                let (host, level) = (it.environment.host(), Verdict::from(reason.level).name());
                format!(
                    "generator on host {host}: {level}: {} {}",
                    reason.signal, reason.observed
                )
            });
            told.collect()
        };
        let mut notes = told(other);
        if self.shards.is_empty() {
            notes.splice(0..0, told(self));
        }
        for note in notes {
            self.note(note);
        }
    }

    /// Adds a note; one that differs from another in numbers or in its host alone is counted with that.
    pub(super) fn note(&mut self, note: String) {
        if self.notes.contains(&note) {
            return;
        }
        let (text, more) = unfolded(&note);
        let key = likeness(text);
        let known = self.notes.iter_mut();
        match known
            .map(|it| (likeness(unfolded(it).0), it))
            .find(|it| it.0 == key)
        {
            Some((_, known)) => {
                let (first, others) = unfolded(known);
                *known = format!("{first} (and {}{MORE}", others + more + 1);
            }
            None => self.notes.push(note),
        }
    }
}

/// Returns the different ones of some names: the first few, and how many more.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    let first: Vec<&str> = names.iter().take(LISTED).copied().collect();
    let text = first.join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// Returns a note, and for how many others it stands.
fn unfolded(note: &str) -> (&str, u64) {
    let folded = note
        .strip_suffix(MORE)
        .and_then(|it| it.rsplit_once(" (and "));
    let folded = folded.and_then(|(text, count)| Some((text, count.parse().ok()?)));
    folded.unwrap_or((note, 0))
}

/// Returns what notes have in common that tell one thing of different shards: all but numbers, and the host of a generator.
fn likeness(note: &str) -> String {
    let note = match note.strip_prefix("generator on host ") {
        Some(rest) => rest.split_once(": ").map_or(rest, |(_, what)| what),
        None => note,
    };
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    note.chars().filter(|it| !digits(*it)).collect()
}
