//! A session of looks: pairs are added until something is decided, at looks that were fixed before.
//!
//! Who looks after every pair, and stops when the difference is significant, finds one sooner or later. With a few looks
//! and a stricter level at each (Pocock) all of them together raise a false alarm as often as one test.

use super::decision::{Decided, Decision};
use super::look::{Look, real};
use crate::stats::{MIN_PAIRS, pocock};

/// At how many pairs is looked, and with what level.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    pairs: Vec<usize>,
    alpha: f64,
}

/// What comes after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The decisions of this look are those of the session.
    Stop,
    /// Go on until there are that many pairs.
    Continue {
        /// In all.
        pairs: usize,
    },
}

impl Looks {
    /// Looks at these numbers of pairs, each more than the one before, and the first not below [`MIN_PAIRS`].
    ///
    /// `None` for other numbers, and for more looks than [`pocock`] has a level for.
    pub fn new(pairs: &[usize]) -> Option<Self> {
        let alpha = pocock(pairs.len())?;
        let grow = pairs.windows(2).all(|two| two[0] < two[1]);
        let enough = pairs.first().is_some_and(|first| *first >= MIN_PAIRS);
        (grow && enough).then(|| Self {
            pairs: pairs.to_vec(),
            alpha,
        })
    }

    /// Returns the two-sided level of each look, for intervals and decisions.
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Returns how to look at that many pairs.
    pub fn look(&self, pairs: usize) -> Look {
        let last = self.pairs.last().copied();
        Look {
            is_last: last.is_none_or(|last| pairs >= last),
            share: last.map_or(1.0, |last| real(pairs) / real(last.max(pairs).max(1))),
            ..Look::once(self.alpha)
        }
    }

    /// At how many pairs is looked, in ascending order.
    pub fn pairs(&self) -> &[usize] {
        &self.pairs
    }

    /// Returns what comes after the look at that many pairs, by what was decided there: the end, if a regression is found, or
    /// every gated metric is decided, or there is no later look.
    ///
    /// Only this look counts. What was decided at an earlier one, while another metric was open, is decided again.
    pub fn next(&self, pairs: usize, decided: &[Decided]) -> Next {
        let mut decisions = decided.iter().filter_map(|it| it.decision);
        let is_regression = |it: &Decided| it.decision == Some(Decision::Regression);
        if decided.iter().any(is_regression) || !decisions.any(Decision::is_open) {
            return Next::Stop;
        }
        let later = self.pairs.iter().find(|look| **look > pairs);
        later.map_or(Next::Stop, |pairs| Next::Continue { pairs: *pairs })
    }
}

impl Default for Looks {
    /// At 6, 10 and 16 pairs.
    fn default() -> Self {
        Self {
            pairs: vec![6, 10, 16],
            alpha: 0.0221,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decision::Doubt;
    use super::*;

    const OPEN: Decision = Decision::Inconclusive(Doubt::TooNoisy);

    fn next(pairs: usize, decisions: &[Option<Decision>]) -> Next {
        let decided = decisions.iter().map(|decision| Decided {
            adjusted_p: 1.0,
            decision: *decision,
        });
        Looks::default().next(pairs, &decided.collect::<Vec<_>>())
    }

    #[test]
    fn it_goes_on_while_something_is_open() {
        let (pass, better) = (Some(Decision::Pass), Some(Decision::Improvement));
        assert_eq!(next(6, &[pass, Some(OPEN)]), Next::Continue { pairs: 10 });
        assert_eq!(
            next(10, &[Some(OPEN), better]),
            Next::Continue { pairs: 16 }
        );
        assert_eq!(next(16, &[Some(OPEN)]), Next::Stop);
        assert_eq!(next(6, &[pass, better]), Next::Stop);
        // What is for information decides nothing.
        assert_eq!(next(6, &[pass, None]), Next::Stop);
        assert_eq!(next(6, &[None]), Next::Stop);
        // A regression is a result, whatever else is open.
        assert_eq!(
            next(6, &[Some(OPEN), Some(Decision::Regression)]),
            Next::Stop
        );
        // A pair that could not be used is made up for at the next look.
        assert_eq!(next(5, &[Some(OPEN)]), Next::Continue { pairs: 6 });
    }

    #[test]
    fn the_level_is_that_of_the_number_of_looks() {
        let looks = Looks::new(&[6, 10, 16]).unwrap();
        assert_eq!(looks, Looks::default());
        assert!((looks.alpha() - 0.0221).abs() < 1e-12);
        assert!((Looks::new(&[12]).unwrap().alpha() - 0.05).abs() < 1e-12);
        for wrong in [&[][..], &[4, 10], &[6, 6], &[10, 6], &[5, 6, 7, 8, 9, 10]] {
            assert_eq!(Looks::new(wrong), None, "{wrong:?}");
        }
    }
}
