//! Draws from the distributions that sizes and numbers of layers have in common.

use rand::{Rng, RngExt as _};
use rand_distr::{Distribution as _, StandardNormal};

/// Draws a number in a range, in which each doubling is as likely as any other.
pub(super) fn log_uniform(min: f64, max: f64, rng: &mut impl Rng) -> f64 {
    let share: f64 = rng.random();
    min * (max / min).powf(share)
}

/// Draws a number whose logarithm has a normal distribution.
pub(super) fn log_normal(median: f64, sigma: f64, rng: &mut impl Rng) -> f64 {
    let normal: f64 = StandardNormal.sample(rng);
    median * (sigma * normal).exp()
}
