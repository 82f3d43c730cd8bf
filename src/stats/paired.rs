//! Two builds by pairs of runs: each pair has met the same minutes of the machine, so its noise is in both and cancels.

use super::bootstrap::bootstrap_t;
use super::moments::Moments;
use super::ranks::{hodges_lehmann, outlier, wilcoxon_p};
use super::shift::{Interval, MIN_PAIRS, Shift, is_level, real};
use super::student::{two_sided_p, upper_quantile};

/// From so many pairs on the bootstrap has enough to draw from. With fewer, Student's t is wider and truer.
const BOOTSTRAP_PAIRS: usize = 20;

/// What pairs of runs say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// How many there are.
    pub pairs: usize,
    /// The standard deviation of the differences.
    pub sd: f64,
    /// Where the interval and its p come from.
    pub method: Method,
    /// The difference. Its ranks are by Hodges and Lehmann, and by Wilcoxon's signed ranks.
    pub shift: Shift,
    /// A pair that is not like the others, see [`outlier`]: its index.
    pub outlier: Option<usize>,
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Student's t over the differences: 5 to 19 pairs, and where it was asked for.
    StudentT,
    /// The studentised bootstrap over the pairs, 10,000 times: 20 pairs and more.
    BootstrapT,
}

/// Returns the mean of the differences, its interval at the level `1 - alpha`, and the cross-check by ranks.
///
/// The percentile bootstrap is never used: over few pairs it is too narrow.
/// Where all differences are the same value the interval is that point, and p is 0, or 1 where the value is 0: there is no
/// noise to doubt, and the ranks, which know only the number of pairs, still have their say.
///
/// `None` for fewer than [`MIN_PAIRS`] differences, for one that is not finite, for an `alpha` outside `(0, 1)`, or one
/// below 0.0002, which 10,000 resamples cannot distinguish from 0.
pub fn paired(differences: &[f64], alpha: f64, seed: u64) -> Option<Paired> {
    let method = if differences.len() < BOOTSTRAP_PAIRS {
        Method::StudentT
    } else {
        Method::BootstrapT
    };
    paired_by(method, differences, alpha, seed)
}

/// Returns the same by Student's t, however many pairs there are: for levels that resamples cannot distinguish from 0, as the
/// early looks of many have.
///
/// `None` as [`paired`], but for the lowest level.
pub fn paired_by_student(differences: &[f64], alpha: f64) -> Option<Paired> {
    paired_by(Method::StudentT, differences, alpha, 0)
}

fn paired_by(method: Method, differences: &[f64], alpha: f64, seed: u64) -> Option<Paired> {
    if differences.len() < MIN_PAIRS || !is_level(alpha) {
        return None;
    }
    let moments = Moments::of(differences)?;
    let (interval, p) = if moments.variance > 0.0 {
        match method {
            Method::StudentT => student(&moments, real(differences.len()) - 1.0, alpha)?,
            Method::BootstrapT => bootstrap_t(differences, &moments, alpha, seed)?,
        }
    } else {
        without_noise(moments.mean)
    };
    Some(Paired {
        pairs: differences.len(),
        sd: moments.sd(),
        method,
        shift: Shift {
            estimate: moments.mean,
            interval,
            p,
            rank_estimate: hodges_lehmann(differences)?,
            rank_p: wilcoxon_p(differences)?,
        },
        outlier: outlier(differences),
    })
}

/// Student's t for a mean with its standard error.
pub(super) fn student(moments: &Moments, freedom: f64, alpha: f64) -> Option<(Interval, f64)> {
    let error = moments.error();
    let reach = upper_quantile(alpha / 2.0, freedom)? * error;
    let interval = Interval {
        low: moments.mean - reach,
        high: moments.mean + reach,
    };
    Some((interval, two_sided_p(moments.mean / error, freedom)?))
}

/// Returns what is said of a difference that every time was the same.
pub(super) fn without_noise(difference: f64) -> (Interval, f64) {
    let p = if difference.abs() > 0.0 { 0.0 } else { 1.0 };
    (Interval::point(difference), p)
}

#[cfg(test)]
mod tests;
