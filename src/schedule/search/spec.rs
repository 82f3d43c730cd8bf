//! What to search for, and how hard.

use crate::units::Rate;

/// What to search for, and how hard.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSpec {
    /// Where to begin: at least 0.001 of the time unit. All rates of the search have its time unit.
    pub start: Rate,
    /// No higher rate is tried; not below `start`. `None`: [`Rate::MAX_PER_SECOND`].
    pub max: Option<Rate>,
    /// The factor from a rate that passed to the next, 1.1 to 10.
    pub growth: f64,
    /// How close the bounds are to be, as a share of the lower one: 0.01 to 1.
    pub precision: f64,
    /// A trial is repeated when its worst threshold is no further from its limit than that share of it: 0 to 0.5.
    pub borderline: f64,
    /// How many trials confirm the result, 1 to 9. Most must pass; no more are run when most have.
    pub confirmations: u32,
    /// How often in a row a trial is repeated when the generator was the limit, and how often when there were too few
    /// samples: 0 to 9.
    pub retries: u32,
    /// Factors of the upper bound at which to look beyond it, above 1, up to 10; ascending.
    pub beyond: Vec<f64>,
    /// No more trials than that, repeated ones included: 1 to 1,000.
    pub max_trials: u32,
}

/// A search that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SearchSpecError {
    /// Of `start`.
    #[error("a search starts at 0.001 of the time unit or more")]
    Start,
    /// Of `max`.
    #[error("the highest rate of a search is not below its start")]
    Max,
    /// Of `growth`.
    #[error("a search grows by a factor from 1.1 to 10")]
    Growth,
    /// Of `precision`.
    #[error("the precision of a search is 0.01 to 1")]
    Precision,
    /// Of `borderline`.
    #[error("what is borderline in a search is a share from 0 to 0.5")]
    Borderline,
    /// Of `confirmations`.
    #[error("a search is confirmed by 1 to 9 trials")]
    Confirmations,
    /// Of `retries`.
    #[error("a trial of a search is retried 0 to 9 times")]
    Retries,
    /// Of `beyond`.
    #[error("a search looks beyond at ascending factors above 1 and up to 10")]
    Beyond,
    /// Of `max_trials`.
    #[error("a search has 1 to 1,000 trials")]
    MaxTrials,
}

impl SearchSpec {
    /// Creates a search from a rate with the defaults: no highest rate, growth 2, precision 0.05, borderline 0.1, three
    /// confirmations, one retry, nothing beyond, 40 trials.
    pub const fn new(start: Rate) -> Self {
        Self {
            start,
            max: None,
            growth: 2.0,
            precision: 0.05,
            borderline: 0.1,
            confirmations: 3,
            retries: 1,
            beyond: Vec::new(),
            max_trials: 40,
        }
    }

    /// Checks that every field is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), SearchSpecError> {
        let ascending = self.beyond.is_sorted_by(|a, b| a < b);
        let beyond = |factor: &f64| *factor > 1.0 && *factor <= 10.0;
        let rules = [
            (self.start.millionths() >= 1_000, SearchSpecError::Start),
            (
                self.max.is_none_or(|max| max >= self.start),
                SearchSpecError::Max,
            ),
            ((1.1..=10.0).contains(&self.growth), SearchSpecError::Growth),
            (
                (0.01..=1.0).contains(&self.precision),
                SearchSpecError::Precision,
            ),
            (
                (0.0..=0.5).contains(&self.borderline),
                SearchSpecError::Borderline,
            ),
            (
                (1..=9).contains(&self.confirmations),
                SearchSpecError::Confirmations,
            ),
            (self.retries <= 9, SearchSpecError::Retries),
            (
                ascending && self.beyond.iter().all(beyond),
                SearchSpecError::Beyond,
            ),
            (
                (1..=1_000).contains(&self.max_trials),
                SearchSpecError::MaxTrials,
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }
}
