//! Two shards of one run become one document, count by count.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::measure::{AddressUse, PackedHistogram, TimeSeries};

use crate::health::Verdict;
use crate::units;
use crate::verdict::ThresholdResult;

use super::shard::micros_of;
use super::{
    Counts, Document, FailureSection, JourneySection, LatencySeries, OperationSection,
    PeriodSection, RunVerdict, StageSection,
};

/// How the notes begin that are made anew with every shard.
const MERGED: &str = "merged from ";
const LABEL: &str = "the label ";

/// How a note ends that stands for others like it.
const MORE: &str = " more like it)";

/// Names that are listed; of the others, how many.
const LISTED: usize = 3;

/// Why two documents are not parts of one run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Their plans differ.
    #[error("the plans differ: {ours} and {theirs}; only shards of one plan merge")]
    Plan {
        /// The fingerprint of the first.
        ours: String,
        /// The fingerprint of the second.
        theirs: String,
    },
    /// They were measured by different versions.
    #[error("measured by regstorm {ours} and {theirs}; measure all shards with one version")]
    Version {
        /// The version of the first.
        ours: String,
        /// The version of the second.
        theirs: String,
    },
    /// Their choices differ.
    #[error("the seeds differ: {ours} and {theirs}; shards of one run share it")]
    Seed {
        /// The seed of the first.
        ours: u64,
        /// The seed of the second.
        theirs: u64,
    },
    /// For half of the longer measured window or more, only one of them ran.
    #[error(
        "the measured windows have {common} of {longer} in common ({ours}; {theirs}); shards of one run are started together"
    )]
    Time {
        /// How long both were measured.
        common: String,
        /// How long the longer of them was.
        longer: String,
        /// When the first ran.
        ours: String,
        /// When the second ran.
        theirs: String,
    },
    /// They are of the same start, on the same host, and say the same.
    #[error("both are the same report; each shard counts once")]
    Same,
    /// One of them is a side of a pair, which is compared and not added up.
    #[error("a side of a pair is no shard; compare the reports instead")]
    Paired,
    /// One of them tells a search, whose numbers are of one trial.
    #[error("a search has no shards: the numbers in its report are those of one trial")]
    Search,
    /// They were judged by different thresholds, which the plan's fingerprint leaves out.
    #[error("the thresholds differ: {ours} and {theirs}; judge all shards by the same")]
    Thresholds {
        /// The first that differs, as the first has it.
        ours: String,
        /// As the second has it.
        theirs: String,
    },
    /// The plans are the same and the journeys are not: one of the documents was edited.
    #[error("the journeys differ though the plan is the same; one of the documents was edited")]
    Journeys,
}

impl Document {
    /// Adds the document of another shard that ran at the same time.
    ///
    /// Windows are put where the wall clock has them. Rates become those of both together, over the time in which both ran;
    /// thresholds are judged again by what both have counted; one that ended a shard stays as it was when it did. The
    /// environment stays that of the first, with the labels that agree; those that do not are told in a note and kept with
    /// each shard. Of the generators the one in worse health is kept; notes tell what was wrong with the other.
    ///
    /// # Errors
    /// When the two are not shards of one run, see [`MergeError`]. The document is then as it was.
    pub fn merge(&mut self, mut other: Self) -> Result<(), MergeError> {
        self.check_same_run(&other)?;
        self.note_health(&other);
        let mut shards = self.as_shards();
        shards.extend(other.as_shards());
        let common = self.span().and(other.span());
        self.narrow(common);
        other.narrow(common);
        self.align_with(&mut other);
        self.add(other)?;
        self.shards = shards;
        self.tell_shards();
        Ok(())
    }

    /// Lets both begin with the one that began first.
    fn align_with(&mut self, other: &mut Self) {
        let opened = [&*self, other].map(|it| micros_of(&it.window_opened));
        if opened[0] <= opened[1] {
            other.begin_earlier(opened[1] - opened[0]);
            other.window_opened.clone_from(&self.window_opened);
        } else {
            self.begin_earlier(opened[0] - opened[1]);
            self.window_opened.clone_from(&other.window_opened);
        }
    }

    fn begin_earlier(&mut self, micros: u64) {
        let before = self.time_series.window_seconds();
        let at = self.time_series.delay(micros);
        let times = (self.time_series.window_seconds() / before).trailing_zeros();
        for series in &mut self.latency_series {
            PackedHistogram::widen(&mut series.windows, times);
            series.put_behind(at);
        }
        for kind in &mut self.failures.exchanges.kinds {
            let at = &mut kind.example.at_us;
            *at = at.saturating_add(micros);
        }
        self.window_from_us = self.window_from_us.saturating_add(micros);
    }

    /// Says what it was merged from, however many shards that are.
    fn tell_shards(&mut self) {
        self.notes
            .retain(|it| !it.starts_with(MERGED) && !it.starts_with(LABEL));
        let hosts = self.shards.iter();
        let hosts = hosts.map(|it| it.host.as_deref().unwrap_or("unknown"));
        let many = self.shards.len();
        let differ = self.shards.iter().any(|it| it.window_us != self.window_us);
        let rates = if self.window_from_us > 0 || differ {
            let common = units::duration(self.window());
            format!("; rates are over the {common} in which all of them ran")
        } else {
            String::new()
        };
        let text = format!("{MERGED}{many} shards, on {}{rates}", listed(hosts));
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

    /// Adds the counts of another document of the same plan.
    pub(super) fn add(&mut self, other: Self) -> Result<(), MergeError> {
        let before = [&self.time_series, &other.time_series].map(TimeSeries::window_seconds);
        if !self.time_series.merge(other.time_series) {
            return Err(MergeError::Journeys);
        }
        let window_us = self.window_us.max(other.window_us);
        self.interrupted |= other.interrupted;
        let window = Duration::from_micros(window_us);
        for (mine, theirs) in self.thresholds.iter_mut().zip(other.thresholds) {
            mine.merge(theirs, window);
        }
        if other.generator.health.verdict() > self.generator.health.verdict() {
            self.generator = other.generator;
        }
        self.totals.merge(&other.totals);
        self.transport.merge(other.transport);
        AddressUse::merge(&mut self.addresses, other.addresses);
        self.clamped = self.clamped.saturating_add(other.clamped);
        for (mine, theirs) in self.journeys.iter_mut().zip(other.journeys) {
            mine.merge(theirs);
        }
        let counts = Counts::of(&self.totals, &self.journeys);
        self.verdict = RunVerdict::of(&self.generator.health, &self.thresholds, &counts);
        merge_operations(&mut self.operations, other.operations);
        self.set_window(window_us);
        self.merge_latencies(other.latency_series, before);
        match (&mut self.probe, other.probe) {
            (Some(mine), Some(theirs)) => {
                mine.window_us = mine.window_us.max(theirs.window_us);
                mine.rounds.merge(theirs.rounds);
                mine.rounds.rate(mine.window_us);
                mine.failures.merge(theirs.failures);
            }
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
        for theirs in other.periods {
            match self
                .periods
                .iter_mut()
                .find(|it| it.period == theirs.period)
            {
                Some(mine) => mine.merge(&theirs),
                None => self.periods.push(theirs),
            }
        }
        self.periods.sort_by_key(|it| it.period);
        self.failures.merge(other.failures);
        for theirs in other.closure.sums {
            let mine = &mut self.closure.sums;
            match mine.iter_mut().find(|it| it.name == theirs.name) {
                Some(sum) => {
                    sum.left = sum.left.saturating_add(theirs.left);
                    sum.right = sum.right.saturating_add(theirs.right);
                }
                None => mine.push(theirs),
            }
        }
        for note in other.notes {
            self.note(note);
        }
        self.environment.extend(&other.environment);
        Ok(())
    }

    /// Adds windows of latencies to those of the time series, which is merged already; `before` are the widths of both.
    fn merge_latencies(&mut self, others: Vec<LatencySeries>, before: [u64; 2]) {
        let width = self.time_series.window_seconds();
        let widen = |series: &mut LatencySeries, before: u64| {
            PackedHistogram::widen(&mut series.windows, (width / before).trailing_zeros());
        };
        for series in &mut self.latency_series {
            widen(series, before[0]);
        }
        for mut theirs in others {
            widen(&mut theirs, before[1]);
            let mut ours = self.latency_series.iter_mut();
            match ours.find(|it| it.metric == theirs.metric) {
                Some(mine) => PackedHistogram::merge_windows(&mut mine.windows, theirs.windows),
                None => self.latency_series.push(theirs),
            }
        }
        let windows = self.time_series.windows().count();
        for series in &mut self.latency_series {
            series
                .windows
                .resize_with(windows, PackedHistogram::default);
        }
        // What only one of them has seen comes where one run would have it: journeys, then operations in their order.
        self.latency_series.sort_by_key(|it| it.metric.operation());
    }

    /// Sets the length of the measured window, and every rate with it.
    pub(super) fn set_window(&mut self, window_us: u64) {
        self.window_us = window_us;
        for journey in &mut self.journeys {
            journey.rate(window_us);
        }
        for operation in &mut self.operations {
            operation.rate(window_us);
        }
    }

    /// Notes the health of both generators, of which one is kept.
    fn note_health(&mut self, other: &Self) {
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
    fn note(&mut self, note: String) {
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

    /// Whether the other is another shard of the same run.
    ///
    /// # Errors
    /// What speaks against it, see [`MergeError`].
    pub fn check_same_run(&self, other: &Self) -> Result<(), MergeError> {
        if self.search.is_some() || other.search.is_some() {
            return Err(MergeError::Search);
        }
        if self.pair.is_some() || other.pair.is_some() {
            return Err(MergeError::Paired);
        }
        self.check_same_plan(other)?;
        if self.plan.seed != other.plan.seed {
            return Err(MergeError::Seed {
                ours: self.plan.seed,
                theirs: other.plan.seed,
            });
        }
        if self == other {
            return Err(MergeError::Same);
        }
        let (ours, theirs) = (self.span(), other.span());
        if !ours.is_one_load_with(theirs) {
            let shown = |micros| units::duration(Duration::from_micros(micros));
            return Err(MergeError::Time {
                common: shown(ours.and(theirs).length()),
                longer: shown(ours.length().max(theirs.length())),
                ours: self.environment.time(),
                theirs: other.environment.time(),
            });
        }
        self.check_thresholds(other)
    }

    /// Whether the other is a run of the same plan, whenever it was made.
    pub(super) fn check_same_plan(&self, other: &Self) -> Result<(), MergeError> {
        if self.plan.fingerprint != other.plan.fingerprint {
            return Err(MergeError::Plan {
                ours: self.plan.fingerprint.to_string(),
                theirs: other.plan.fingerprint.to_string(),
            });
        }
        if self.regstorm != other.regstorm {
            return Err(MergeError::Version {
                ours: self.regstorm.clone(),
                theirs: other.regstorm.clone(),
            });
        }
        let names =
            |it: &Self| -> Vec<String> { it.journeys.iter().map(|it| it.name.clone()).collect() };
        if names(self) != names(other) || self.open_model != other.open_model {
            return Err(MergeError::Journeys);
        }
        Ok(())
    }

    fn check_thresholds(&self, other: &Self) -> Result<(), MergeError> {
        let many = self.thresholds.len().max(other.thresholds.len());
        for index in 0..many {
            let (ours, theirs) = (self.thresholds.get(index), other.thresholds.get(index));
            let same = ours
                .zip(theirs)
                .is_some_and(|(ours, theirs)| ours.is_of_same(theirs));
            if !same {
                let name = |it: Option<&ThresholdResult>| {
                    it.map_or_else(|| "none".to_owned(), |it| format!("`{}`", it.name()))
                };
                return Err(MergeError::Thresholds {
                    ours: name(ours),
                    theirs: name(theirs),
                });
            }
        }
        Ok(())
    }
}

/// The different ones of some names: the first few, and how many more.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    let first: Vec<&str> = names.iter().take(LISTED).copied().collect();
    let text = first.join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// A note, and for how many others it stands.
fn unfolded(note: &str) -> (&str, u64) {
    let folded = note
        .strip_suffix(MORE)
        .and_then(|it| it.rsplit_once(" (and "));
    let folded = folded.and_then(|(text, count)| Some((text, count.parse().ok()?)));
    folded.unwrap_or((note, 0))
}

/// What notes have in common that tell one thing of different shards: all but numbers, and the host of a generator.
fn likeness(note: &str) -> String {
    let note = match note.strip_prefix("generator on host ") {
        Some(rest) => rest.split_once(": ").map_or(rest, |(_, what)| what),
        None => note,
    };
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    note.chars().filter(|it| !digits(*it)).collect()
}

fn merge_operations(ours: &mut Vec<OperationSection>, others: Vec<OperationSection>) {
    for theirs in others {
        match ours.iter_mut().find(|it| it.name == theirs.name) {
            Some(mine) => mine.merge(&theirs),
            None => ours.push(theirs),
        }
    }
    ours.sort_by_key(|it| it.name);
}

impl JourneySection {
    /// Leaves the rates to the caller, who knows the window.
    fn merge(&mut self, other: Self) {
        self.counts.merge(&other.counts);
        self.latencies.merge(&other.latencies);
        for theirs in other.stages {
            let known = |mine: &&mut StageSection| {
                (&mine.load, &mine.stage) == (&theirs.load, &theirs.stage)
            };
            match self.stages.iter_mut().find(known) {
                Some(mine) => mine.iterations.merge(theirs.iterations),
                None => self.stages.push(theirs),
            }
        }
        merge_operations(&mut self.operations, other.operations);
    }
}

impl OperationSection {
    /// Leaves the rates to the caller, who knows the window.
    fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.counts.merge(&other.counts);
        self.latencies.merge(&other.latencies);
    }
}

impl PeriodSection {
    fn merge(&mut self, other: &Self) {
        self.duration_us = self.duration_us.max(other.duration_us);
        self.totals.merge(&other.totals);
        self.operations.merge(&other.operations);
    }
}

impl FailureSection {
    fn merge(&mut self, other: Self) {
        self.exchanges.merge(other.exchanges);
        for theirs in other.iterations {
            self.add_iterations(theirs);
        }
        self.sort();
    }
}
