//! Looking at growing evidence as often as one likes: an error level that is spent bit by bit.
//!
//! Lan and `DeMets` (1983, "Discrete sequential boundaries for clinical trials", Biometrika 70): how much of the level has been
//! spent is a function of the share of the evidence that is there, fixed beforehand. When the looks are, and how many, may be
//! seen on the way, as long as it does not hang on what they show. The function is a power of the share (Kim and `DeMets` 1987).

use std::f64::consts::TAU;

use super::shift::{is_level, real};
use super::student::{normal_tail, normal_upper_quantile};

/// The level spent is the share of the evidence to this power: little is left to the early looks, for which there is little
/// evidence, and the last look has nearly all of it.
const POWER: i32 = 4;

/// Sums are followed on a grid of so many cells, from so many standard deviations below nothing up to the bound. A look
/// takes the square of the cells.
const CELLS: usize = 400;
const DEVIATIONS: f64 = 6.0;

/// No look has less than this: nothing is shown at a level that no test can tell from nothing.
const LEAST: f64 = 1e-9;

/// A one-sided level, and how much of it has been spent.
#[derive(Debug, Clone)]
pub struct Spending {
    level: f64,
    spent: f64,
    evidence: f64,
    /// Where sums of normal steps without drift lie that stayed within the bounds so far, with their probability; a step for
    /// each unit of evidence.
    within: Vec<(f64, f64)>,
}

impl Spending {
    /// Nothing is spent. `None` for a level outside `(0, 0.5]`.
    pub fn new(level: f64) -> Option<Self> {
        (is_level(level) && level <= 0.5).then(|| Self {
            level,
            spent: 0.0,
            evidence: 0.0,
            within: vec![(0.0, 1.0)],
        })
    }

    /// Returns the one-sided level of a look at that much evidence, which is `share` of all that there will be (1 and above:
    /// the last look). The unit of evidence is the caller's: a number of pairs.
    ///
    /// The same evidence may be looked at again, as when the last look turns out to have been the last: then its bound is
    /// lowered by what is left. `None` where the evidence or its share is not a positive finite number, and for less evidence
    /// than there was.
    pub fn look(&mut self, evidence: f64, share: f64) -> Option<f64> {
        let known = |it: f64| it.is_finite() && it > 0.0;
        if !known(evidence) || !known(share) {
            return None;
        }
        let more = evidence - self.evidence;
        if more < 0.0 {
            return None;
        }
        let target = self.level * share.min(1.0).powi(POWER);
        let spend = (target - self.spent).max(LEAST);
        let bound = if more > 0.0 {
            let bound = self.bound(more, spend)?;
            self.within = self.one_step_below(bound, more, evidence.sqrt());
            bound
        } else {
            self.cut_off(spend)?
        };
        self.spent += spend;
        self.evidence = evidence;
        Some(normal_tail(bound / evidence.sqrt()))
    }

    /// Takes that probability off the highest sums, and returns where the cut is.
    fn cut_off(&mut self, spend: f64) -> Option<f64> {
        let mut left = spend;
        while let Some((sum, weight)) = self.within.pop() {
            if weight > left {
                self.within.push((sum, weight - left));
                return Some(sum);
            }
            left -= weight;
        }
        None
    }

    /// Returns the sum that is exceeded after the step with the probability to be spent, by halving.
    fn bound(&self, more: f64, spend: f64) -> Option<f64> {
        let deviation = more.sqrt();
        let exceeds = |bound: f64| -> f64 {
            let cells = self.within.iter();
            let cells = cells.map(|(sum, weight)| weight * normal_tail((bound - sum) / deviation));
            cells.sum()
        };
        let far = normal_upper_quantile(LEAST)?;
        let highest = self.within.last().map_or(0.0, |(sum, _)| *sum).max(0.0);
        let (mut low, mut high) = (
            -far * (self.evidence + more).sqrt(),
            highest + far * deviation,
        );
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if exceeds(middle) > spend {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(high)
    }

    /// Returns the sums that stayed below the bound, one step on (the recursion of Armitage and others, 1969).
    fn one_step_below(&self, bound: f64, more: f64, spread: f64) -> Vec<(f64, f64)> {
        let lowest = -DEVIATIONS * spread;
        let width = (bound - lowest) / real(CELLS);
        let density = |off: f64| (-off * off / (2.0 * more)).exp() / (TAU * more).sqrt();
        let cells = (0..CELLS).map(|cell| {
            let at = lowest + (real(cell) + 0.5) * width;
            let from = self.within.iter();
            let came: f64 = from.map(|(sum, weight)| weight * density(at - sum)).sum();
            (at, width * came)
        });
        cells.collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_distr::{Distribution as _, StandardNormal};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn levels(level: f64, looks: usize) -> Vec<f64> {
        let mut spending = Spending::new(level).unwrap();
        let look = |it| spending.look(real(it), real(it) / real(looks)).unwrap();
        (1..=looks).map(look).collect()
    }

    #[test]
    fn one_look_has_the_whole_level() {
        let found = levels(0.05, 1)[0];
        assert!((found - 0.05).abs() < 1e-6, "{found}");
    }

    /// What that function leaves to two looks, by hand: at half of the evidence 0.05 / 16 is spent. The second
    /// bound is beyond the z of the whole level, and below that of both looks without their dependence.
    #[test]
    fn an_early_look_has_what_its_share_leaves_it() {
        let found = levels(0.05, 2);
        assert!((found[0] - 0.003_125).abs() < 1e-6, "{found:?}");
        assert!(found[1] < 0.05 && found[1] > 0.05 - 0.003_125, "{found:?}");
    }

    /// Where nothing is there, one of the looks is beyond its bound as often as the level says, whenever the looks are.
    #[test]
    fn all_looks_together_have_the_level() {
        const SESSIONS: usize = 40_000;
        for looks in [&[5.0, 6.0, 7.0, 8.0, 12.0][..], &[1.0, 2.0, 9.0, 30.0]] {
            let all = looks.last().unwrap();
            let mut spending = Spending::new(0.05).unwrap();
            let bounds: Vec<f64> = looks
                .iter()
                .map(|it| {
                    let level = spending.look(*it, it / all).unwrap();
                    normal_upper_quantile(level).unwrap() * it.sqrt()
                })
                .collect();
            let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
            let mut alarm = || {
                let (mut sum, mut before) = (0.0, 0.0);
                looks.iter().zip(&bounds).any(|(look, bound)| {
                    let step: f64 = StandardNormal.sample(&mut random);
                    sum += step * f64::sqrt(look - before);
                    before = *look;
                    sum > *bound
                })
            };
            let alarms = (0..SESSIONS).filter(|_| alarm()).count();
            let rate = real(alarms) / real(SESSIONS);
            // Five standard deviations of a share of 5% of so many.
            assert!((rate - 0.05).abs() < 0.0055, "{looks:?} {rate}");
        }
    }

    #[test]
    fn nonsense_has_no_level() {
        for level in [0.0, 0.6, 1.0, f64::NAN] {
            assert!(Spending::new(level).is_none(), "{level}");
        }
        let mut spending = Spending::new(0.05).unwrap();
        assert_eq!(spending.look(0.0, 0.5), None);
        assert_eq!(spending.look(1.0, f64::NAN), None);
        assert!(spending.look(5.0, 0.5).is_some());
        assert_eq!(spending.look(4.0, 0.6), None);
        assert!(spending.look(6.0, 7.0).is_some());
    }

    /// No pair came after the second of three looks: it gets what was left, and then has as much as if that had been known. A
    /// cell of the grid is a fortieth of a standard deviation, which at this level is a part in twenty of it.
    #[test]
    fn what_turns_out_to_be_the_last_look_gets_the_rest() {
        let mut surprised = Spending::new(0.05).unwrap();
        surprised.look(5.0, 0.4).unwrap();
        surprised.look(10.0, 0.8).unwrap();
        let found = surprised.look(10.0, 1.0).unwrap();
        let mut known = Spending::new(0.05).unwrap();
        known.look(5.0, 0.4).unwrap();
        let expected = known.look(10.0, 1.0).unwrap();
        assert!((found / expected - 1.0).abs() < 0.06, "{found} {expected}");
    }
}
