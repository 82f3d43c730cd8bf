//! Tests and estimates from ranks: what one wild value cannot move.

use super::moments::is_constant;
use super::shift::real;
use super::student::normal_two_sided_p;

/// Up to so many values every outcome is counted. 2^50 of them is still a whole number in an `f64`.
const MOST_COUNTED: usize = 50;

/// Returns the two-sided p of Wilcoxon's signed-rank test that the differences lie around 0.
///
/// Differences of 0 are dropped, as Wilcoxon has it, and equal sizes share their mean rank. Up to 50 differences that are
/// left, p is exact: all 2^n signs of these very ranks are counted. Above, it is the normal approximation with corrections
/// for ties and continuity. 1 where every difference is 0; `None` without differences, or for one that is not finite.
pub fn wilcoxon_p(differences: &[f64]) -> Option<f64> {
    if differences.is_empty() || !differences.iter().all(|it| it.is_finite()) {
        return None;
    }
    let differences: Vec<f64> = differences
        .iter()
        .copied()
        .filter(|it| *it != 0.0)
        .collect();
    let sizes: Vec<f64> = differences.iter().map(|it| it.abs()).collect();
    let ranks = doubled_ranks(&sizes);
    let positive = differences.iter().zip(&ranks).filter(|(it, _)| **it > 0.0);
    let positive: usize = positive.map(|(_, rank)| rank).sum();
    let total: usize = ranks.iter().sum();
    if differences.len() <= MOST_COUNTED {
        let mut ways = vec![0.0; total + 1];
        ways[0] = 1.0;
        for rank in ranks {
            for sum in (rank..=total).rev() {
                ways[sum] += ways[sum - rank];
            }
        }
        return Some(two_sided(&ways, positive));
    }
    let squares: f64 = ranks.iter().map(|rank| real(*rank).powi(2)).sum();
    let variance = squares / 4.0;
    Some(approximate(real(positive) - real(total) / 2.0, variance))
}

/// Returns the two-sided p of the test of Mann and Whitney (Wilcoxon's rank sum) that two samples come from the same
/// distribution.
///
/// Equal values share their mean rank. Up to 50 values of both together, p is exact: all ways to deal these very ranks to
/// the two sides are counted. Three a side cannot have a p below 0.1, nor four below 0.029. Above, it is the normal
/// approximation with corrections for ties and continuity. `None` where a side is empty, or for a value that is not finite.
pub fn mann_whitney_p(a: &[f64], b: &[f64]) -> Option<f64> {
    let pooled = [a, b].concat();
    if a.is_empty() || b.is_empty() || !pooled.iter().all(|it| it.is_finite()) {
        return None;
    }
    let ranks = doubled_ranks(&pooled);
    let (of_a, of_b) = ranks.split_at(a.len());
    let fewer = if of_a.len() <= of_b.len() { of_a } else { of_b };
    let (sum, total): (usize, usize) = (fewer.iter().sum(), ranks.iter().sum());
    if pooled.len() <= MOST_COUNTED {
        return Some(two_sided(&ways_to_deal(&ranks, fewer.len()), sum));
    }
    let (n, k) = (real(pooled.len()), real(fewer.len()));
    let mean = real(total) / n;
    let squares: f64 = ranks.iter().map(|rank| (real(*rank) - mean).powi(2)).sum();
    // Of a sum of k ranks out of n, drawn without putting back. Ties are in the ranks already.
    let variance = squares * k * (n - k) / (n * (n - 1.0));
    Some(approximate(real(sum) - k * mean, variance))
}

/// Returns the median of the means of every two differences, each with itself included (Hodges and Lehmann 1963).
///
/// `None` without differences, or for one that is not finite.
pub fn hodges_lehmann(differences: &[f64]) -> Option<f64> {
    let pairs = differences.iter().enumerate();
    let means = pairs.flat_map(|(at, a)| differences[at..].iter().map(|b| f64::midpoint(*a, *b)));
    median(means.collect())
}

/// Returns the median of every value of `b` minus every value of `a` (Hodges and Lehmann 1963).
///
/// `None` where a side is empty, or for a value that is not finite.
pub fn hodges_lehmann_shift(a: &[f64], b: &[f64]) -> Option<f64> {
    median(
        b.iter()
            .flat_map(|b| a.iter().map(move |a| b - a))
            .collect(),
    )
}

/// Returns the index of the value whose modified z score is the largest, and above 3.5 (Iglewicz and Hoaglin 1993): its
/// distance from the median, in units of the median distance.
///
/// Where more than half of the values are the same the median distance is 0; then the mean distance stands in for it.
pub fn outlier(values: &[f64]) -> Option<usize> {
    const MOST: f64 = 3.5;
    const MEDIAN_DISTANCES: f64 = 1.482_602; // in a standard deviation of normal values: 1 / 0.6745
    const MEAN_DISTANCES: f64 = 1.253_314; // the same: sqrt(pi / 2)
    let center = median(values.to_vec())?;
    let distances: Vec<f64> = values.iter().map(|it| (it - center).abs()).collect();
    let spread = match median(distances.clone())? * MEDIAN_DISTANCES {
        spread if spread > 0.0 => spread,
        _ => distances.iter().sum::<f64>() / real(values.len()) * MEAN_DISTANCES,
    };
    let farthest = distances.iter().enumerate();
    let (index, distance) = farthest.max_by(|a, b| a.1.total_cmp(b.1))?;
    (*distance > MOST * spread).then_some(index)
}

/// Twice the rank of each value, so that the mean rank of equal values is a whole number.
pub(super) fn doubled_ranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0; values.len()];
    let mut below = 0;
    for equal in order.chunk_by(|a, b| is_constant(&[values[*a], values[*b]])) {
        for index in equal {
            ranks[*index] = 2 * below + equal.len() + 1; // (below + 1) + (below + equal)
        }
        below += equal.len();
    }
    ranks
}

/// In how many ways `chosen` of the ranks have each sum.
fn ways_to_deal(ranks: &[usize], chosen: usize) -> Vec<f64> {
    let total: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0; total + 1]; chosen + 1];
    ways[0][0] = 1.0;
    for &rank in ranks {
        for count in (1..=chosen).rev() {
            let (fewer, these) = ways.split_at_mut(count);
            for (sum, ways) in these[0].iter_mut().enumerate().skip(rank) {
                *ways += fewer[count - 1][sum - rank];
            }
        }
    }
    ways.swap_remove(chosen)
}

/// Twice the smaller tail, the observed sum included.
fn two_sided(ways: &[f64], observed: usize) -> f64 {
    let all: f64 = ways.iter().sum();
    let below: f64 = ways.iter().take(observed + 1).sum();
    let above: f64 = ways.iter().skip(observed).sum();
    (2.0 * below.min(above) / all).min(1.0)
}

/// Returns the normal approximation for a sum of doubled ranks, which moves in steps of two.
fn approximate(off: f64, variance: f64) -> f64 {
    let off = (off.abs() - 1.0).max(0.0);
    if off > 0.0 {
        normal_two_sided_p(off / variance.sqrt())
    } else {
        1.0
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    if !values.iter().all(|it| it.is_finite()) {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests;
