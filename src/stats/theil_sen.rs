//! How fast a number grows over time, whatever single values do, and how sure that is where neighbours are alike.

use super::blocks::autocorrelation_time;
use super::shift::{Interval, is_level, real};
use super::student::upper_quantile;

/// Of fewer points no line is concluded.
const MIN_POINTS: usize = 20;

/// Nor of points that are worth fewer independent ones than these.
const MIN_INDEPENDENT: f64 = 12.0;

/// A line through its own points leaves them less alike than they are; by so much more they are taken to be.
const MORE_ALIKE: f64 = 1.5;

/// How fast a number grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// The median of the slopes between every two points of a group (Theil 1950, Sen 1968).
    pub estimate: f64,
    /// Between what it lies at the level.
    pub interval: Interval,
}

/// Returns the slope that groups of points have in common, each group at a height of its own. Points are place and value, in
/// ascending order of place.
///
/// The interval is Sen's, by the ranks of the slopes. Kendall's variance behind it is for independent points; it is taken
/// times the [autocorrelation time](autocorrelation_time) of what the line leaves, and Student's t stands in for the normal
/// distribution. Of 60 values of a random walk, which has no slope, it is then 95 in 100 that nothing is concluded, and of
/// autoregressive noise (0.5 to 0.95) the interval misses 0 in 4 to 6 of 100.
///
/// `None` for fewer than 20 points, for points that are worth fewer than 12 independent ones, where the interval has no
/// end, for a value that is not finite, and for a level outside (0, 1).
pub fn theil_sen(groups: &[Vec<(f64, f64)>], alpha: f64) -> Option<Slope> {
    let points = groups.iter().map(Vec::len).sum::<usize>();
    let is_known = |it: &(f64, f64)| it.0.is_finite() && it.1.is_finite();
    if points < MIN_POINTS || !is_level(alpha) || !groups.iter().flatten().all(is_known) {
        return None;
    }
    let mut slopes: Vec<f64> = groups.iter().flat_map(|it| slopes(it)).collect();
    slopes.sort_unstable_by(f64::total_cmp);
    let estimate = middle(&slopes)?;
    let left: Vec<f64> = groups.iter().flat_map(|it| left_by(it, estimate)).collect();
    let alike = 1.0 + MORE_ALIKE * (autocorrelation_time(&left)? - 1.0);
    let independent = real(points) / alike;
    if independent < MIN_INDEPENDENT {
        return None;
    }
    let variance: f64 = groups.iter().map(|it| kendall(real(it.len()))).sum();
    let t = upper_quantile(alpha / 2.0, independent - 2.0)?;
    let half = t * (variance * alike).sqrt();
    let all = real(slopes.len());
    let low = ((all - half) / 2.0).floor();
    let high = f64::midpoint(all, half).ceil();
    if low < 0.0 || high >= all {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of slopes"
    )]
    let at = |rank: f64| slopes.get(rank as usize).copied();
    Some(Slope {
        estimate,
        interval: Interval {
            low: at(low)?,
            high: at(high)?,
        },
    })
}

/// Returns the slopes between every two points.
fn slopes(points: &[(f64, f64)]) -> impl Iterator<Item = f64> {
    let firsts = points.iter().enumerate();
    firsts.flat_map(|(index, a)| {
        let later = points[index + 1..].iter().filter(|b| b.0 > a.0);
        later.map(|b| (b.1 - a.1) / (b.0 - a.0))
    })
}

/// Returns how far each point is from a line of that slope through the middle of all.
fn left_by(points: &[(f64, f64)], slope: f64) -> Vec<f64> {
    let left: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
    let mut sorted = left.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let height = middle(&sorted).unwrap_or(0.0);
    left.into_iter().map(|it| it - height).collect()
}

/// Returns the variance of Kendall's score of so many independent points.
fn kendall(n: f64) -> f64 {
    n * (n - 1.0) * 2.0_f64.mul_add(n, 5.0) / 18.0
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let high = *sorted.get(sorted.len() / 2)?;
    let low = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(low, high))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn group(from: u32, values: impl IntoIterator<Item = f64>) -> Vec<(f64, f64)> {
        (from..).map(f64::from).zip(values).collect()
    }

    /// A value that follows the one before, by that share of it.
    fn noise(count: usize, follows: f64, random: &mut Xoshiro256PlusPlus) -> Vec<f64> {
        let mut value = 0.0;
        let mut next = || {
            value = follows * value + random.random_range(-1.0..1.0);
            value
        };
        (0..count + 50).map(|_| next()).skip(50).collect()
    }

    #[test]
    fn a_line_has_its_slope_whatever_one_value_does() {
        let mut values: Vec<f64> = (0..40).map(|it| 3.0 * f64::from(it) + 7.0).collect();
        values[20] = 1e9;
        let slope = theil_sen(&[group(0, values)], 0.05).unwrap();
        assert!((slope.estimate - 3.0).abs() < 1e-9, "{slope:?}");
        assert!(slope.interval.low <= 3.0 && slope.interval.high >= 3.0);
    }

    /// Two lives of a process that grows by 2: the second begins low again, and a line through both would fall.
    #[test]
    fn groups_have_a_slope_in_common_and_heights_of_their_own() {
        let line = |from: u32| (from..from + 15).map(|it| 2.0 * f64::from(it));
        let lives = [group(0, line(0)), group(15, line(0))];
        let slope = theil_sen(&lives, 0.05).unwrap();
        assert!((slope.estimate - 2.0).abs() < 1e-9, "{slope:?}");
    }

    #[test]
    fn a_cycle_is_no_slope() {
        // A collector that lets memory grow for ten windows.
        let saw = (0..60).map(|it| f64::from(it % 10));
        let slope = theil_sen(&[group(0, saw)], 0.05).unwrap();
        let Interval { low, high } = slope.interval;
        assert!(low <= 0.0 && high >= 0.0, "{slope:?}");
    }

    /// Of 300 runs of noise without a slope, about 5 in 100 may be taken for one; of a walk nothing is concluded.
    #[test]
    fn noise_is_seldom_taken_for_a_slope() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
        for follows in [0.0, 0.5, 0.8, 1.0] {
            let misses = (0..300).filter(|_| {
                let points = group(0, noise(60, follows, &mut random));
                let slope = theil_sen(&[points], 0.05);
                slope.is_some_and(|it| it.interval.low > 0.0 || it.interval.high < 0.0)
            });
            let misses = misses.count();
            assert!(misses <= 27, "{misses} of 300 at {follows}");
        }
    }

    #[test]
    fn a_slope_beside_noise_is_found() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
        let mut values = noise(60, 0.5, &mut random);
        for (index, value) in values.iter_mut().enumerate() {
            *value += 0.2 * real(index);
        }
        let slope = theil_sen(&[group(0, values)], 0.05).unwrap();
        assert!(
            slope.interval.low > 0.1 && slope.interval.high < 0.3,
            "{slope:?}"
        );
    }

    #[test]
    fn too_little_has_no_slope() {
        let line = |count: u32| group(0, (0..count).map(f64::from));
        assert_eq!(theil_sen(&[line(19)], 0.05), None);
        assert!(theil_sen(&[line(20)], 0.05).is_some());
        // As many points, and no two of one group.
        let apart: Vec<_> = (0..30).map(|it| group(it, [1.0])).collect();
        assert_eq!(theil_sen(&apart, 0.05), None);
        assert_eq!(theil_sen(&[group(0, vec![f64::NAN; 30])], 0.05), None);
        assert_eq!(theil_sen(&[line(30)], 0.0), None);
        assert_eq!(theil_sen(&[], 0.05), None);
    }
}
