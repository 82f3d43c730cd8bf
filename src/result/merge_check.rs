//! Whether two documents are parts of one run.

use std::time::Duration;

use super::Document;
use crate::units;
use crate::verdict::ThresholdResult;

/// Why two documents are not parts of one run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Their plans differ.
    #[error("the plans differ: {ours} and {theirs}; only shards of one plan merge")]
    Plan {
        /// The fingerprint of the first, with what its globs found.
        ours: String,
        /// That of the second.
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
        if self.plan.identity() != other.plan.identity() {
            return Err(MergeError::Plan {
                ours: self.plan.identity(),
                theirs: other.plan.identity(),
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
