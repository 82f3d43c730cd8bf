//! One example of each kind of failed iteration, and how often it came.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::failures::one_line;
use super::{FailureClass, Period, TrackId};

/// A failed iteration, whose example is kept if it is the first of its kind.
pub struct IterationFailure<'a> {
    /// The track that it belongs to.
    pub track: TrackId,
    /// The part of the run that it belongs to.
    pub period: Period,
    /// Why it failed, as it is counted.
    pub class: FailureClass,
    /// What ended it, one of a few fixed words: `exchange` for an exchange that failed and is counted as one.
    pub cause: &'static str,
    /// When it ended, since the measured window opened.
    pub at: Duration,
    /// The same on the clock of the process.
    pub when: Instant,
    /// The error in words. It is formatted only if the example is kept.
    pub text: &'a dyn fmt::Display,
}

/// One kind of failed iteration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IterationFailureKind {
    /// The track that they belong to.
    pub track: TrackId,
    /// The part of the run that they belong to.
    pub period: Period,
    /// Why they failed.
    pub class: FailureClass,
    /// What ended them.
    pub cause: &'static str,
    /// How often it came.
    pub count: u64,
    /// When the example ended, since the measured window opened.
    pub at: Duration,
    /// The same on the clock of the process.
    pub when: Instant,
    /// The example in words: one line, at most 300 characters, none of them a control character.
    pub example: String,
}

/// The kinds of failed iterations of a run: as many as tracks, periods, classes and causes make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IterationFailureLog {
    kinds: Vec<IterationFailureKind>,
}

/// The cause of an iteration that failed because an exchange of it did.
pub const BY_EXCHANGE: &str = "exchange";

impl IterationFailureLog {
    /// Returns the kinds, in the order in which they were met.
    pub fn kinds(&self) -> &[IterationFailureKind] {
        &self.kinds
    }

    fn find(&mut self, wanted: &IterationFailureKind) -> Option<&mut IterationFailureKind> {
        let key = |it: &IterationFailureKind| (it.track, it.period, it.class, it.cause);
        self.kinds.iter_mut().find(|it| key(it) == key(wanted))
    }

    pub(super) fn record(&mut self, failure: &IterationFailure<'_>) {
        let kind = IterationFailureKind {
            track: failure.track,
            period: failure.period,
            class: failure.class,
            cause: failure.cause,
            count: 1,
            at: failure.at,
            when: failure.when,
            example: String::new(),
        };
        if let Some(known) = self.find(&kind) {
            known.count += 1;
        } else {
            self.kinds.push(IterationFailureKind {
                example: one_line(failure.text),
                ..kind
            });
        }
    }

    /// Adds the counts of another and keeps the earlier example of each kind.
    pub(super) fn merge(&mut self, other: Self) {
        for mut theirs in other.kinds {
            match self.find(&theirs) {
                Some(mine) => {
                    let count = mine.count.saturating_add(theirs.count);
                    if theirs.when < mine.when {
                        std::mem::swap(mine, &mut theirs);
                    }
                    mine.count = count;
                }
                None => self.kinds.push(theirs),
            }
        }
    }
}

impl fmt::Debug for IterationFailure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.class, self.cause, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    fn meet(log: &mut IterationFailureLog, cause: &'static str, when: Instant, text: &str) {
        let catalogue = Catalogue::new(vec![("pull".into(), vec![])]);
        log.record(&IterationFailure {
            track: catalogue.track(0).unwrap(),
            period: Period::Measure,
            class: FailureClass::Timeout,
            cause,
            at: Duration::ZERO,
            when,
            text: &text,
        });
    }

    #[test]
    fn each_kind_is_counted_and_has_its_earliest_example() {
        let (now, ms) = (Instant::now(), Duration::from_millis(1));
        let (mut left, mut right) = Default::default();
        meet(&mut left, BY_EXCHANGE, now + 2 * ms, "second");
        meet(&mut left, BY_EXCHANGE, now + 3 * ms, "third");
        meet(&mut right, BY_EXCHANGE, now, "first");
        meet(&mut right, "iteration_timeout", now, "too\nlong");
        left.merge(right);
        let told = left.kinds().iter();
        let told: Vec<_> = told
            .map(|it| (it.cause, it.count, it.example.as_str()))
            .collect();
        let wanted = [
            (BY_EXCHANGE, 3, "first"),
            ("iteration_timeout", 1, "too long"),
        ];
        assert_eq!(told, wanted);
    }
}
