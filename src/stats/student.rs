//! Tails of Student's t and of the normal distribution.
//!
//! Quantiles are found by halving on the distribution function, so that an interval and the p beside it come from the same
//! numbers. Refused: the inverse of `statrs`, an iteration whose accuracy is not stated.

use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};
use statrs::function::erf::erfc;

/// Returns the probability of a t beyond that one, on both sides together. 0 for an infinite one.
pub(super) fn two_sided_p(t: f64, freedom: f64) -> Option<f64> {
    if t.is_infinite() {
        return Some(0.0);
    }
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    (!t.is_nan()).then(|| (2.0 * student.cdf(-t.abs())).min(1.0))
}

/// Returns the t that is exceeded with that probability, in `(0, 0.5]`.
pub(super) fn upper_quantile(tail: f64, freedom: f64) -> Option<f64> {
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    solve(tail, |t| student.cdf(-t))
}

/// Returns the standard normal value that is exceeded with that probability; `None` for one outside `(0, 0.5]`.
pub fn normal_upper_quantile(tail: f64) -> Option<f64> {
    let normal = Normal::standard();
    solve(tail, |z| normal.cdf(-z))
}

/// Returns the probability of a standard normal value above that one.
pub fn normal_tail(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// Returns the probability of a standard normal value beyond that one, on both sides together.
pub(super) fn normal_two_sided_p(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2).min(1.0)
}

/// Returns where a falling tail has that height, to the last digit that halving gives.
fn solve(height: f64, tail: impl Fn(f64) -> f64) -> Option<f64> {
    if !(0.0 < height && height <= 0.5) {
        return None;
    }
    let mut low = 0.0;
    let mut high = 1.0;
    while tail(high) > height {
        low = high;
        high *= 2.0;
        if !f64::is_finite(high) {
            return None;
        }
    }
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return Some(high);
        }
        if tail(middle) > height {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: Option<f64>, expected: f64, within: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() <= within, "{found} {expected}");
    }

    /// The tables of any textbook: t at 0.975, and at 0.8.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, t) in [(1.0, 12.706), (4.0, 2.776), (9.0, 2.262), (30.0, 2.042)] {
            assert_near(upper_quantile(0.025, freedom), t, 0.0006);
        }
        assert_near(upper_quantile(0.2, 9.0), 0.883, 0.0006);
        assert_near(normal_upper_quantile(0.025), 1.959_964, 1e-6);
        assert_near(normal_upper_quantile(0.005), 2.575_829, 1e-6);
    }

    /// With one degree of freedom t is Cauchy's: its tail beyond t is 1/2 - atan(t)/pi. With two it is
    /// (1 - t / sqrt(2 + t^2)) / 2.
    #[test]
    fn tails_are_those_of_the_closed_forms() {
        for t in [0.1, 1.0, 3.0, 40.0_f64] {
            let cauchy = 1.0 - 2.0 * t.atan() / std::f64::consts::PI;
            assert_near(two_sided_p(t, 1.0), cauchy, 1e-12);
            assert_near(two_sided_p(-t, 1.0), cauchy, 1e-12);
            let two = 1.0 - t / (2.0 + t * t).sqrt();
            assert_near(two_sided_p(t, 2.0), two, 1e-12);
        }
        let tail = 1e-9; // cot(pi tail)
        let t = 1.0 / (std::f64::consts::PI * tail).tan();
        assert_near(upper_quantile(tail, 1.0), t, t * 1e-9);
    }

    #[test]
    fn nonsense_has_no_answer() {
        assert_eq!(upper_quantile(0.0, 5.0), None);
        assert_eq!(upper_quantile(0.6, 5.0), None);
        assert_eq!(upper_quantile(f64::NAN, 5.0), None);
        assert_eq!(upper_quantile(0.1, 0.0), None);
        assert_eq!(two_sided_p(f64::NAN, 5.0), None);
        assert_eq!(two_sided_p(f64::INFINITY, 5.0), Some(0.0));
    }
}
