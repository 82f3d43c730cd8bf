//! The difference between two shares of failures.

use super::shift::{Interval, Shift, is_level};
use super::student::{normal_two_sided_p, normal_upper_quantile};

/// Returns the interval of Agresti and Caffo (2000) for `failed_b / of_b - failed_a / of_a`, at the level `1 - alpha`:
/// Wald's, after one failure and one success were added on each side. Unlike Wald's it has a width where nothing failed.
///
/// It takes the trials for independent. Failures come in bursts, so of requests of one run it is too narrow.
///
/// `None` where a side has no trials, or more failures than trials, and for an `alpha` outside `(0, 1)`.
pub fn agresti_caffo(
    failed_a: u64,
    of_a: u64,
    failed_b: u64,
    of_b: u64,
    alpha: f64,
) -> Option<Interval> {
    let has_trials = of_a > 0 && of_b > 0;
    if !has_trials || failed_a > of_a || failed_b > of_b || !is_level(alpha) {
        return None;
    }
    let (a, variance_a) = with_one_of_each(failed_a, of_a);
    let (b, variance_b) = with_one_of_each(failed_b, of_b);
    let reach = normal_upper_quantile(alpha / 2.0)? * (variance_a + variance_b).sqrt();
    Some(Interval {
        low: (b - a - reach).max(-1.0),
        high: (b - a + reach).min(1.0),
    })
}

/// Returns the difference between the shares `(failed, of)` of two sides with the interval of [`agresti_caffo`] and the p
/// that goes with it. The estimate is the plain difference. There are no ranks, so theirs repeat it.
///
/// `None` as there.
pub fn shares(base: (u64, u64), candidate: (u64, u64), alpha: f64) -> Option<Shift> {
    let interval = agresti_caffo(base.0, base.1, candidate.0, candidate.1, alpha)?;
    let (a, variance_a) = with_one_of_each(base.0, base.1);
    let (b, variance_b) = with_one_of_each(candidate.0, candidate.1);
    let p = normal_two_sided_p((b - a) / (variance_a + variance_b).sqrt());
    let estimate = share(candidate) - share(base);
    Some(Shift {
        estimate,
        interval,
        p,
        rank_estimate: estimate,
        rank_p: p,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share needs no more than fifteen digits"
)]
const fn share((failed, of): (u64, u64)) -> f64 {
    failed as f64 / of as f64
}

/// Returns the share after one failure and one success were added, and its variance.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share needs no more than fifteen digits"
)]
fn with_one_of_each(failed: u64, of: u64) -> (f64, f64) {
    let trials = of as f64 + 2.0;
    let share = (failed as f64 + 1.0) / trials;
    (share, share * (1.0 - share) / trials)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 7 of 34 against 1 of 34: 8/36 - 2/36 = 0.166667, of variance (8 * 28 + 2 * 34) / 36^3 = 0.0062586, so that the interval is
    /// 0.011612 to 0.321722. The same by statsmodels 0.14, `confint_proportions_2indep(7, 34, 1, 34, method="agresti-caffo")`.
    #[test]
    fn it_is_the_interval_that_statsmodels_gives() {
        let found = agresti_caffo(1, 34, 7, 34, 0.05).unwrap();
        assert!((found.low - 0.011_611_670).abs() < 1e-8, "{found:?}");
        assert!((found.high - 0.321_721_663).abs() < 1e-8, "{found:?}");
        let turned = agresti_caffo(7, 34, 1, 34, 0.05).unwrap();
        assert!((turned.high + 0.011_611_670).abs() < 1e-8, "{turned:?}");
    }

    /// 1/12 on each side, of variance (11/144)/12 each: 1.959964 sqrt(11/864) = 0.221150.
    #[test]
    fn no_failure_at_all_is_not_certainty() {
        let found = agresti_caffo(0, 10, 0, 10, 0.05).unwrap();
        assert!((found.high - 0.221_150).abs() < 1e-6, "{found:?}");
        assert!((found.low + 0.221_150).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn nonsense_has_no_answer() {
        for (failed_a, of_a, failed_b, of_b, alpha) in [
            (0, 0, 0, 10, 0.05),
            (0, 10, 0, 0, 0.05),
            (11, 10, 0, 10, 0.05),
            (0, 10, 11, 10, 0.05),
            (0, 10, 0, 10, 0.0),
            (0, 10, 0, 10, f64::NAN),
        ] {
            assert_eq!(agresti_caffo(failed_a, of_a, failed_b, of_b, alpha), None);
        }
        // Shares do not differ by more than all.
        let all = agresti_caffo(u64::MAX, u64::MAX, 0, 1, 1e-9).unwrap();
        assert!((all.low + 1.0).abs() < 1e-12 && all.high <= 1.0, "{all:?}");
    }
}
