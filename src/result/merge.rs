//! Two shards of one run become one document, count by count.

use std::collections::BTreeMap;

use crate::measure::FailureLog;

use super::{
    Document, FailureSection, JourneySection, OperationSection, PeriodOperation, PeriodSection,
    RunVerdict, StageSection,
};

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
    /// The plans are the same and the journeys are not: one of the documents was edited.
    #[error("the journeys differ though the plan is the same; one of the documents was edited")]
    Journeys,
}

impl Document {
    /// Adds the document of another shard that ran at the same time.
    ///
    /// Rates become those of both together, over the longer of the two windows. The environment stays that of the
    /// first, a note names the host of the other. Thresholds stay as each shard was judged by itself; of the
    /// generators the one in worse health is kept.
    ///
    /// # Errors
    /// When the two are not of one plan and one version, see [`MergeError`]. The document is then as it was.
    pub fn merge(&mut self, other: Self) -> Result<(), MergeError> {
        self.check_same_run(&other)?;
        if !self.time_series.merge(other.time_series) {
            return Err(MergeError::Journeys);
        }
        self.window_us = self.window_us.max(other.window_us);
        self.interrupted |= other.interrupted;
        self.thresholds.extend(other.thresholds);
        if other.generator.health.verdict() > self.generator.health.verdict() {
            self.generator = other.generator;
        }
        self.totals.merge(&other.totals);
        let ok = self.totals.iterations.ok;
        self.verdict = RunVerdict::of(&self.generator.health, &self.thresholds, ok);
        self.transport.merge(other.transport);
        self.clamped = self.clamped.saturating_add(other.clamped);
        for (mine, theirs) in self.journeys.iter_mut().zip(other.journeys) {
            mine.merge(theirs);
            mine.rate(self.window_us);
        }
        merge_operations(&mut self.operations, other.operations);
        for operation in &mut self.operations {
            operation.rate(self.window_us);
        }
        match (&mut self.probe, other.probe) {
            (Some(mine), Some(theirs)) => {
                mine.window_us = mine.window_us.max(theirs.window_us);
                mine.rounds.merge(theirs.rounds);
                mine.rounds.rate(mine.window_us);
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
        let host = other.environment.host.as_deref().unwrap_or("unknown");
        let note = format!("merged with a shard that ran on host {host}");
        for note in other.notes.into_iter().chain([note]) {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.environment.extend(&other.environment);
        Ok(())
    }

    fn check_same_run(&self, other: &Self) -> Result<(), MergeError> {
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
        self.outcomes.merge(other.outcomes);
        add_counts(&mut self.failure_classes, other.failure_classes);
        self.bytes.merge(other.bytes);
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
        for theirs in other.kinds {
            let known = self.kinds.iter().position(|mine| {
                (mine.period, mine.operation, mine.class)
                    == (theirs.period, theirs.operation, theirs.class)
                    && (mine.status, &mine.code) == (theirs.status, &theirs.code)
            });
            if let Some(place) = known {
                let mine = &mut self.kinds[place];
                let count = mine.count.saturating_add(theirs.count);
                if theirs.example.at_us < mine.example.at_us {
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
