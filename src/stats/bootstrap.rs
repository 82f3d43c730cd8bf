//! The studentised bootstrap (bootstrap-t) of a mean.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::moments::Moments;
use super::shift::{Interval, real};

const RESAMPLES: usize = 10_000;

/// Returns the interval of the mean at the level `1 - alpha`, and the two-sided p of a mean of 0 by the same resamples.
///
/// Each resample says how far, in its own standard errors, its mean lies from the mean it was drawn around. The interval
/// has the k-th outermost of these distances on either side, and p counts those beyond the observed one, itself included
/// (Davison and Hinkley 1997, 4.2.3); with k = alpha (resamples + 1) / 2 the one is not above alpha exactly where the
/// other leaves 0 out.
///
/// `None` where k is less than one. A resample without spread lies infinitely far, which can make an end infinite.
pub(super) fn bootstrap_t(
    values: &[f64],
    moments: &Moments,
    alpha: f64,
    seed: u64,
) -> Option<(Interval, f64)> {
    let mut distances = distances(values, moments, seed)?;
    distances.sort_unstable_by(f64::total_cmp);

    let p_of = |beyond: usize| 2.0 * real(beyond + 1) / real(RESAMPLES + 1);
    // The most resamples that may lie beyond 0 while p is not above alpha, and one more.
    let k = (0..RESAMPLES / 2)
        .take_while(|beyond| p_of(*beyond) <= alpha)
        .count();
    let outermost = k.checked_sub(1)?;
    let error = moments.error();
    let interval = Interval {
        low: moments.mean - distances[RESAMPLES - 1 - outermost] * error,
        high: moments.mean - distances[outermost] * error,
    };

    let observed = moments.mean / error;
    let below = distances.partition_point(|it| *it <= observed);
    let above = RESAMPLES - distances.partition_point(|it| *it < observed);
    Some((interval, p_of(below.min(above)).min(1.0)))
}

/// Returns how far the mean of each resample lies from the mean of all, in standard errors of the resample.
fn distances(values: &[f64], moments: &Moments, seed: u64) -> Option<Vec<f64>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut drawn = vec![0.0; values.len()];
    let mut distance = || {
        for place in &mut drawn {
            *place = values[random.random_range(0..values.len())];
        }
        let resample = Moments::of(&drawn)?;
        let off = resample.mean - moments.mean;
        // 0 / 0 is a mean that was met exactly: no distance.
        let is_off = off.abs() > 0.0;
        Some(if is_off { off / resample.error() } else { 0.0 })
    };
    (0..RESAMPLES).map(|_| distance()).collect()
}
