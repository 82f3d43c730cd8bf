//! Two shards of one run become one document, count by count.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::measure::{AddressUse, FailureLog, PackedHistogram, TimeSeries};

use crate::health::Verdict;
use crate::verdict::ThresholdResult;

use super::{
    Counts, Document, FailureSection, JourneySection, LatencySeries, OperationSection,
    PeriodOperation, PeriodSection, RunVerdict, StageSection,
};

/// How the note begins that tells of another shard.
const MERGED: &str = "merged with a shard that ran on host";

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
    /// One was over before the other began.
    #[error("the runs do not overlap: {ours} and {theirs}; shards of one run share its time")]
    Time {
        /// When the first was made.
        ours: String,
        /// When the second was made.
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
    /// Rates become those of both together, over the longer of the two windows. Thresholds are judged again by what both
    /// have counted; one that ended a shard stays as it was when it did. The environment stays that of the first, with the
    /// labels that agree, and a note names the host of the other. Of the generators the one in worse health is kept; notes
    /// tell what was wrong with the other.
    ///
    /// # Errors
    /// When the two are not shards of one run, see [`MergeError`]. The document is then as it was.
    pub fn merge(&mut self, other: Self) -> Result<(), MergeError> {
        self.check_same_run(&other)?;
        self.note_health(&other);
        let note = format!("{MERGED} {}", other.environment.host());
        self.add(other)?;
        self.note(note);
        Ok(())
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
                Some(mine) => mine.merge(theirs),
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
        let operation = |series: &LatencySeries| {
            let mut known = self.operations.iter();
            known.position(|it| series.metric.starts_with(&format!("{}.", it.name)))
        };
        self.latency_series.sort_by_key(|it| {
            let journey = it.metric.ends_with(".response_time");
            (!journey).then(|| operation(it))
        });
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

    /// Of two generators one is kept; a reader is told of both.
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
        if !self.notes.iter().any(|it| it.starts_with(MERGED)) {
            notes.splice(0..0, told(self));
        }
        for note in notes {
            self.note(note);
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
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
        if !self.environment.overlaps(&other.environment) {
            return Err(MergeError::Time {
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

fn merge_operations(ours: &mut Vec<OperationSection>, others: Vec<OperationSection>) {
    for theirs in others {
        match ours.iter_mut().find(|it| it.name == theirs.name) {
            Some(mine) => mine.merge(theirs),
            None => ours.push(theirs),
        }
    }
    ours.sort_by_key(|it| it.name);
}

fn add_counts<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, count) in from {
        let mine = to.entry(key).or_default();
        *mine = mine.saturating_add(count);
    }
}

impl JourneySection {
    /// The rates are left to the caller, who knows the window.
    fn merge(&mut self, other: Self) {
        self.starts.merge(other.starts);
        add_counts(&mut self.drops, other.drops);
        add_counts(&mut self.drop_causes, other.drop_causes);
        self.outcomes.merge(other.outcomes);
        add_counts(&mut self.failure_classes, other.failure_classes);
        self.bytes.merge(other.bytes);
        self.time.merge(&other.time);
        self.within_window = self.within_window.saturating_add(other.within_window);
        self.service_time.merge(&other.service_time);
        self.response_time.merge(&other.response_time);
        self.start_lag.merge(&other.start_lag);
        self.failed_service_time.merge(&other.failed_service_time);
        self.unfinished_service_time
            .merge(&other.unfinished_service_time);
        self.unfinished_response_time
            .merge(&other.unfinished_response_time);
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
    /// The rates are left to the caller, who knows the window.
    fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.outcomes.merge(other.outcomes);
        add_counts(&mut self.failure_classes, other.failure_classes);
        add_counts(&mut self.statuses, other.statuses);
        self.connections.merge(other.connections);
        self.bytes.merge(other.bytes);
        self.within_window = self.within_window.saturating_add(other.within_window);
        self.bytes_within_window.merge(other.bytes_within_window);
        for (phase, histogram) in other.phases {
            self.phases.entry(phase).or_default().merge(&histogram);
        }
        self.failed_total.merge(&other.failed_total);
        self.unfinished_total.merge(&other.unfinished_total);
    }
}

impl PeriodSection {
    fn merge(&mut self, other: Self) {
        self.duration_us = self.duration_us.max(other.duration_us);
        self.starts.merge(other.starts);
        self.iterations.merge(other.iterations);
        self.exchanges.merge(other.exchanges);
        self.bytes.merge(other.bytes);
        for theirs in other.operations {
            match self.operations.iter_mut().find(|it| it.name == theirs.name) {
                Some(mine) => mine.merge(theirs),
                None => self.operations.push(theirs),
            }
        }
        self.operations.sort_by_key(|it| it.name);
    }
}

impl PeriodOperation {
    fn merge(&mut self, other: Self) {
        self.outcomes.merge(other.outcomes);
        add_counts(&mut self.failure_classes, other.failure_classes);
        add_counts(&mut self.statuses, other.statuses);
        self.bytes.merge(other.bytes);
    }
}

impl FailureSection {
    fn merge(&mut self, other: Self) {
        self.other = self.other.saturating_add(other.other);
        for theirs in other.iterations {
            self.add_iterations(theirs);
        }
        for theirs in other.kinds {
            let known = self.kinds.iter().position(|mine| {
                (mine.period, mine.operation, mine.class)
                    == (theirs.period, theirs.operation, theirs.class)
                    && (mine.status, &mine.code) == (theirs.status, &theirs.code)
            });
            if let Some(place) = known {
                let mine = &mut self.kinds[place];
                let count = mine.count.saturating_add(theirs.count);
                if theirs.example.time < mine.example.time {
                    *mine = theirs;
                }
                mine.count = count;
            } else if self.kinds.len() < FailureLog::MAX_KINDS {
                self.kinds.push(theirs);
            } else {
                self.other = self.other.saturating_add(theirs.count);
            }
        }
        self.sort();
    }
}
