//! A session of looks within a time: as many pairs as fit, and a look after nearly every one of them.
//!
//! The level is spent by the share of the pairs that are there, so a look costs little and comes as soon as something is plain:
//! a regression, a pass of all gates, or that no verdict can be reached in the rest of the time. At the last look there is no
//! more evidence to wait for, and a gate passes by what it tolerates.

use crate::stats::{MIN_PAIRS, Spending};

use super::decision::{Decided, Decision};
use super::look::{Look, real};
use super::outlook::Outlook;

/// How often a session calls equal builds worse, all looks and gates together, and how often each gate passes a change that is
/// too much.
const LEVEL: f64 = 0.05;

/// The two-sided level of a last look after many, about.
const LAST_ALPHA: f64 = 0.074;

/// A look comes when so much more of the evidence is there, as a share of all.
const STEP: f64 = 1.0 / 20.0 - 1e-9;

/// A gate that is less probable to be decided than this is not waited for, unless there may be a regression: a session that
/// ends for that would have been undecided in four of five cases.
const HOPE: f64 = 0.20;
const FEAR: f64 = 0.05;

/// No use is told before so much of the evidence is there: the noise itself has to be known.
const NOISE_KNOWN: f64 = 1.0 / 3.0;

/// The looks of a session, which has a time and not a number of pairs.
#[derive(Debug, Clone)]
pub struct Budget {
    /// The level is one, so this is there.
    spending: Option<Spending>,
    looks: Vec<usize>,
    /// What was looked with last.
    look: Option<Look>,
}

/// Why a session makes no more pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A regression is found, or every gate is decided.
    Decided,
    /// There is no time for another pair.
    Spent,
    /// Of one gate or more nothing is to be expected from the rest of the time.
    Futile,
}

impl Budget {
    /// Nothing has been looked at.
    pub fn new() -> Self {
        Self {
            spending: Spending::new(LEVEL),
            looks: Vec::new(),
            look: None,
        }
    }

    /// Returns how to look at that many pairs, where so many `more` will fit; `None` if it is not the time to look.
    pub fn look(&mut self, pairs: usize, more: usize) -> Option<Look> {
        let is_last = more == 0;
        let seen = self.looks.last().is_some_and(|it| *it >= pairs);
        let ended = self.look.is_some_and(|it| it.is_last);
        let before = self.look.map_or(0.0, |it| it.share);
        let share = if is_last {
            1.0
        } else {
            real(pairs) / real(pairs + more)
        };
        let due = is_last || (!seen && share - before >= STEP);
        if pairs < MIN_PAIRS || ended || !due {
            return None;
        }
        let alpha = 2.0 * self.spending.as_mut()?.look(real(pairs), share)?;
        let look = Look {
            alpha,
            is_last,
            is_one_of_many: true,
            last_alpha: if is_last { alpha } else { LAST_ALPHA },
            share,
        };
        if !seen {
            self.looks.push(pairs);
        }
        self.look = Some(look);
        Some(look)
    }

    /// Returns how was looked last: at no level that anything passes, before the first look.
    pub fn last_look(&self) -> Look {
        self.look.unwrap_or(Look {
            alpha: 1e-9,
            is_last: false,
            is_one_of_many: true,
            last_alpha: LAST_ALPHA,
            share: 1.0,
        })
    }

    /// At how many pairs was looked, in ascending order.
    pub fn looks(&self) -> &[usize] {
        &self.looks
    }
}

impl Ending {
    /// Returns why that look was the last of the session, if it was, by what was decided and how each gate may still end.
    pub fn of(look: &Look, decided: &[Decided], outlooks: &[Option<Outlook>]) -> Option<Self> {
        let decisions = || decided.iter().filter_map(|it| it.decision);
        if decisions().any(|it| it == Decision::Regression) || !decisions().any(Decision::is_open) {
            return Some(Self::Decided);
        }
        if look.is_last {
            return Some(Self::Spent);
        }
        let gates = decided.iter().zip(outlooks);
        let mut open = gates
            .filter(|(it, _)| it.decision.is_some_and(Decision::is_open))
            .filter_map(|(_, outlook)| *outlook);
        let never_passes = open.any(|it| it.decided < HOPE);
        let worse: f64 = outlooks.iter().flatten().map(|it| it.worse).sum();
        let is_futile = look.share >= NOISE_KNOWN && never_passes && worse < FEAR;
        is_futile.then_some(Self::Futile)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::decision::Doubt;
    use super::*;

    const OPEN: Decision = Decision::Inconclusive(Doubt::TooNoisy);

    fn ending(budget: &Budget, gates: &[(Decision, Outlook)]) -> Option<Ending> {
        let decided = gates.iter().map(|(decision, _)| Decided {
            adjusted_p: 1.0,
            decision: Some(*decision),
        });
        let outlooks = gates.iter().map(|(_, outlook)| Some(*outlook));
        Ending::of(
            &budget.last_look(),
            &decided.collect::<Vec<_>>(),
            &outlooks.collect::<Vec<_>>(),
        )
    }

    fn after(pairs: usize, more: usize) -> Budget {
        let mut budget = Budget::new();
        budget.look(pairs, more).unwrap();
        budget
    }

    #[test]
    fn early_looks_have_little_and_the_last_one_most_of_the_level() {
        let mut budget = Budget::new();
        assert_eq!(budget.look(4, 16), None);
        let levels: Vec<f64> = (5..=20)
            .map(|pairs| budget.look(pairs, 20 - pairs).unwrap().alpha)
            .collect();
        assert!(levels.is_sorted(), "{levels:?}");
        // At a quarter of the evidence 0.05 / 4^4 is spent on either side.
        assert!((levels[0] - 2.0 * 0.05 / 256.0).abs() < 1e-6, "{levels:?}");
        assert!(levels[15] > 0.06 && levels[15] < 0.1, "{levels:?}");
        assert!(budget.last_look().is_last);
        assert_eq!(budget.looks().len(), 16);
        // It was the last.
        assert_eq!(budget.look(21, 0), None);
    }

    #[test]
    fn long_sessions_have_about_twenty_looks() {
        let mut budget = Budget::new();
        for pairs in 1..=1000 {
            budget.look(pairs, 1000 - pairs);
        }
        assert!(
            (15..=20).contains(&budget.looks().len()),
            "{:?}",
            budget.looks()
        );
        assert_eq!(budget.looks().last(), Some(&1000));
    }

    #[test]
    fn a_pair_that_did_not_fit_after_all_ends_it() {
        let mut budget = after(10, 2);
        assert_eq!(budget.look(10, 1), None);
        let look = budget.look(10, 0).unwrap();
        assert!(look.is_last && look.alpha > 0.05, "{look:?}");
        assert_eq!(budget.looks(), [10]);
        assert_eq!(budget.look(10, 0), None);
    }

    #[test]
    fn it_ends_for_a_regression_for_a_pass_and_for_want_of_hope() {
        let none = Outlook::HOPELESS;
        let open = Outlook::OPEN;
        let early = after(6, 12);
        let worse = (Decision::Regression, open);
        assert_eq!(
            ending(&early, &[(OPEN, open), worse]),
            Some(Ending::Decided)
        );
        let passed = [(Decision::Pass, none), (Decision::Improvement, none)];
        assert_eq!(ending(&early, &passed), Some(Ending::Decided));
        assert_eq!(ending(&early, &[(OPEN, open)]), None);
        let futile = [(OPEN, none), (Decision::Pass, none)];
        assert_eq!(ending(&early, &futile), Some(Ending::Futile));
        // Too early to know the noise.
        assert_eq!(ending(&after(5, 15), &futile), None);
        // The other gate may turn out worse, which is a verdict.
        assert_eq!(ending(&early, &[(OPEN, none), (OPEN, open)]), None);
        assert_eq!(ending(&after(6, 0), &[(OPEN, open)]), Some(Ending::Spent));
    }
}
