//! Whether two documents are parts of one run.

use std::fmt;

use super::Document;
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
    /// One of them is no shard.
    #[error(
        "{0} is no shard; runs that were started as shards alone are one load: without --shard I/N each sends the whole of it"
    )]
    NoShard(Which),
    /// They are shards of different runs.
    #[error(
        "they are shards of different runs ({ours} and {theirs}): shards of one run have one --start-at or meet"
    )]
    Run {
        /// The number of the run of the first.
        ours: String,
        /// That of the second.
        theirs: String,
    },
    /// They are shards of runs with different numbers of them.
    #[error("the one is of {ours} shards and the other of {theirs}")]
    Count {
        /// How many the first has.
        ours: u32,
        /// How many the second has.
        theirs: u32,
    },
    /// They are the same shard.
    #[error("both are shard {0}; each counts once")]
    Same(u32),
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

/// One of two documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one that the other is added to.
    First,
    /// The other.
    Second,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "the first",
            Self::Second => "the second",
        })
    }
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
        self.check_shards(other)?;
        self.check_thresholds(other)
    }

    /// Whether both are made of shards of one run, each of others.
    fn check_shards(&self, other: &Self) -> Result<(), MergeError> {
        let (Some((ours, our_run)), Some((theirs, their_run))) =
            (self.shards_of(), other.shards_of())
        else {
            let which = if self.shards_of().is_none() {
                Which::First
            } else {
                Which::Second
            };
            return Err(MergeError::NoShard(which));
        };
        if ours != theirs {
            return Err(MergeError::Count { ours, theirs });
        }
        if our_run != their_run {
            return Err(MergeError::Run {
                ours: our_run.to_owned(),
                theirs: their_run.to_owned(),
            });
        }
        let (ours, theirs) = (self.shard_numbers(), other.shard_numbers());
        let same = ours.intersection(&theirs).next();
        same.map_or(Ok(()), |index| Err(MergeError::Same(*index)))
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
