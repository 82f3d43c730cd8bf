//! How a pair is cut, and when slices are too short for what is compared.

use std::time::Duration;

use super::error::Error;
use super::search::capacity_search;
use crate::compare::samples_needed;
use crate::plan::Plan;
use crate::units::{self, Quantile};

/// A side should be measured so long in a pair.
const ENOUGH: Duration = Duration::from_secs(30);

/// A slice should be so many times as long as an iteration, or most of what it measures is its own beginning and end.
const ITERATIONS: u32 = 10;

/// What slices may be lengthened by, in quarters of what they are.
const FACTORS: [u32; 9] = [4, 6, 8, 12, 16, 24, 32, 48, 64];

/// Longer slices leave at least so many pairs, or the spread of pairs is hardly known.
const PAIRS: usize = 8;

/// With so many pairs it may be worth having fewer, where each costs more time than its slices take.
const MANY_PAIRS: usize = 20;

/// How a pair is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The load is the same all the time, so any part of it will do.
    Slices {
        /// Slices of each side.
        slices: u32,
        /// How long each is measured.
        slice: Duration,
        /// What is thrown away at its start.
        settle: Duration,
        /// Whether that is what a user asked for: then a comparison with a budget does not make them longer.
        fixed: bool,
    },
    /// A slice is a whole run.
    Whole {
        /// Runs of each side.
        slices: u32,
    },
}

impl Cut {
    /// Returns the plans of one slice of the base and of the candidate.
    ///
    /// # Errors
    /// [`Error::Cut`] when a load changes over time.
    pub fn plans(self, base: &Plan, candidate: &Plan) -> Result<[Plan; 2], Error> {
        Ok([self.plan(base)?, self.plan(candidate)?])
    }

    fn plan(self, plan: &Plan) -> Result<Plan, Error> {
        match self {
            Self::Slices { slice, settle, .. } => plan.slice(slice, settle).ok_or(Error::Cut),
            // A search is judged by its thresholds.
            Self::Whole { .. } if capacity_search(plan).is_some() => Ok(plan.clone()),
            Self::Whole { .. } => Ok(plan.whole()),
        }
    }

    /// Slices of each side.
    pub(super) const fn slices(self) -> u32 {
        match self {
            Self::Slices { slices, .. } | Self::Whole { slices } => slices,
        }
    }

    /// Returns how long a slice is measured and what is thrown away before; nothing of whole runs.
    pub(super) const fn times(self) -> (Option<Duration>, Duration) {
        match self {
            Self::Slices { slice, settle, .. } => (Some(slice), settle),
            Self::Whole { .. } => (None, Duration::ZERO),
        }
    }

    /// Returns what a reader should know of slices that are short.
    pub(super) fn notes(self, iteration: Option<Duration>) -> Vec<String> {
        let Self::Slices { slices, slice, .. } = self else {
            return Vec::new();
        };
        let mut notes = Vec::new();
        if slice * slices < ENOUGH {
            let time = units::duration(slice * slices);
            notes.push(format!(
                "a side is measured for {time} in each pair; 30 s and more find smaller changes"
            ));
        }
        notes.extend(self.iteration_note(iteration));
        notes
    }

    /// Returns that iterations are long beside the slices, if they are.
    pub(super) fn iteration_note(self, iteration: Option<Duration>) -> Option<String> {
        let Self::Slices { slice, .. } = self else {
            return None;
        };
        let iteration = iteration.filter(|it| *it * ITERATIONS > slice)?;
        Some(format!(
            "half of the iterations take {} and more: slices of {} are short beside them, ten times as long would do (--slice)",
            units::duration(iteration),
            units::duration(slice)
        ))
    }

    /// Returns how long the loads of a pair take, with what is thrown away; `None` of whole runs.
    pub fn pair_time(self) -> Option<Duration> {
        match self {
            Self::Slices {
                slices,
                slice,
                settle,
                ..
            } => Some((slice + settle).saturating_mul(2 * slices)),
            Self::Whole { .. } => None,
        }
    }

    /// Returns with which slices a pair is to be made again that has shown this, if they can be longer.
    pub(super) fn too_short(self, shown: &Shown) -> Option<TooShort> {
        let Self::Slices {
            slices,
            slice,
            settle,
            fixed: false,
        } = self
        else {
            return None;
        };
        let overhead = shown.took.saturating_sub(self.pair_time()?);
        let longer = |factor: u32| Self::Slices {
            slices,
            slice: slice * factor / 4,
            settle,
            fixed: false,
        };
        let pairs = |factor: u32| {
            let pair = longer(factor).pair_time().unwrap_or_default() + overhead;
            usize::try_from(shown.left.as_nanos() / pair.as_nanos().max(1)).unwrap_or(usize::MAX)
        };
        let fit = || FACTORS.into_iter().filter(|it| pairs(*it) >= PAIRS);
        // What has enough, and what the time is too short for, asks for nothing.
        let few = shown
            .percentiles
            .iter()
            .copied()
            .filter_map(|(quantile, samples)| {
                let enough = |factor: &u32| {
                    samples * u64::from(*factor) / 4 >= samples_needed(quantile, pairs(*factor))
                };
                let why = format!(
                    "p({}) of a run had {samples} samples",
                    100.0 * quantile.get()
                );
                fit().find(enough).map(|factor| (factor, why))
            });
        let long = shown.iteration.and_then(|iteration| {
            let why = format!(
                "half of the iterations took {} and more",
                units::duration(iteration)
            );
            let enough = |factor: &u32| slice * *factor / 4 >= iteration * ITERATIONS;
            fit()
                .find(enough)
                .or_else(|| fit().next_back())
                .map(|it| (it, why))
        });
        let idle = FACTORS.into_iter().find(|factor| {
            longer(*factor).pair_time().is_some_and(|it| it >= overhead)
                || pairs(*factor) < MANY_PAIRS
        });
        let idle = idle.filter(|it| pairs(*it) >= PAIRS).map(|factor| {
            let time = units::duration(overhead);
            (factor, format!("a pair took {time} beside its slices"))
        });
        let (factor, why) = few
            .chain(long)
            .chain(idle)
            .max_by_key(|(factor, _)| *factor)?;
        let cut = longer(factor);
        let (before, after) = (units::duration(slice), units::duration(slice * factor / 4));
        (factor > FACTORS[0]).then(|| TooShort {
            cut,
            why: format!("slices are now {after} instead of {before}: {why}"),
        })
    }
}

/// What the first pair has shown.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// How long it took with all that belongs to it.
    pub(super) took: Duration,
    /// How much time there is for further ones.
    pub(super) left: Duration,
    /// The longest median of an iteration.
    pub(super) iteration: Option<Duration>,
    /// The percentiles to be gated, and how many samples of each a run had.
    pub(super) percentiles: Vec<(Quantile, u64)>,
}

/// Slices that are to be longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooShort {
    /// How pairs are cut from now on.
    pub cut: Cut,
    /// What they were too short for, in words.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Two slices of 3 s after 1 s on either side: 16 s a pair.
    const CUT: Cut = Cut::Slices {
        slices: 2,
        slice: Duration::from_secs(3),
        settle: SECOND,
        fixed: false,
    };

    fn shown(samples: u64) -> Shown {
        Shown {
            took: 16 * SECOND,
            left: 900 * SECOND,
            iteration: Some(SECOND / 10),
            percentiles: vec![(Quantile::P50, samples), (Quantile::P99, samples)],
        }
    }

    fn slice(shown: &Shown) -> Option<Duration> {
        match CUT.too_short(shown)?.cut {
            Cut::Slices { slice, .. } => Some(slice),
            Cut::Whole { .. } => None,
        }
    }

    #[test]
    fn a_percentile_asks_for_slices_that_have_its_samples() {
        // 56 pairs of 600: 5 beyond p(99) in each take 500.
        assert_eq!(slice(&shown(600)), None);
        // 300 take twice as long: 32 pairs of 28 s, for which 500 do; 450 of one and a half times would not.
        assert_eq!(slice(&shown(300)), Some(6 * SECOND));
        let why = CUT.too_short(&shown(300)).unwrap().why;
        assert!(why.contains("p(99)") && why.contains("300"), "{why}");
        // 20 are never enough in eight pairs of a quarter of an hour, and p(50) has enough: nothing to be had by it.
        assert_eq!(slice(&shown(20)), None);
        assert_eq!(
            slice(&Shown {
                left: 100 * SECOND,
                ..shown(300)
            }),
            None
        );
    }

    #[test]
    fn long_iterations_and_slow_hooks_ask_for_longer_slices() {
        let long = Shown {
            iteration: Some(SECOND),
            ..shown(600)
        };
        assert_eq!(slice(&long), Some(12 * SECOND));
        // Restarts of half a minute: slices of a pair take as long with 2 * 2 * (7.5 + 1) = 34 s, and with 4.5 s or 6 s not yet.
        let hook = Shown {
            took: 46 * SECOND,
            left: 3600 * SECOND,
            ..shown(600)
        };
        assert_eq!(slice(&hook), Some(9 * SECOND));
    }

    #[test]
    fn what_a_user_asked_for_stays() {
        let Cut::Slices {
            slices,
            slice,
            settle,
            ..
        } = CUT
        else {
            unreachable!()
        };
        let cut = Cut::Slices {
            slices,
            slice,
            settle,
            fixed: true,
        };
        assert_eq!(cut.too_short(&shown(100)), None);
        assert_eq!(Cut::Whole { slices: 1 }.too_short(&shown(100)), None);
    }
}
