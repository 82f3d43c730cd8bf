//! Two builds by runs that were not made in pairs, as those of stored reports.

use super::moments::Moments;
use super::paired::{student, without_noise};
use super::ranks::{hodges_lehmann_shift, mann_whitney_p};
use super::shift::{MIN_PAIRS, Shift, is_level, real};

/// What runs without pairs say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unpaired {
    /// How many runs of the base there are.
    pub base: usize,
    /// How many of the candidate.
    pub candidate: usize,
    /// Welch's degrees of freedom; infinite where neither side has any spread.
    pub freedom: f64,
    /// Candidate minus base, by Welch's t. Its ranks are by Hodges and Lehmann, and by Mann and Whitney.
    pub shift: Shift,
}

/// Returns the difference of the means, its interval at the level `1 - alpha`, and the cross-check by ranks. Latencies are
/// given as logarithms.
///
/// It takes the runs of one side for independent, also of when they were made. Runs made one side after the other are not:
/// what the machine did meanwhile looks like a difference between the builds, and p does not know of it.
///
/// Where neither side has any spread the interval is a point, as with [`paired`](super::paired).
///
/// `None` for fewer than [`MIN_PAIRS`] runs on a side, for a value that is not finite, and for an `alpha` outside `(0, 1)`.
pub fn unpaired(base: &[f64], candidate: &[f64], alpha: f64) -> Option<Unpaired> {
    if base.len().min(candidate.len()) < MIN_PAIRS || !is_level(alpha) {
        return None;
    }
    let (a, b) = (Moments::of(base)?, Moments::of(candidate)?);
    let difference = Moments {
        mean: b.mean - a.mean,
        variance: a.variance + b.variance,
        mean_variance: a.mean_variance + b.mean_variance,
    };
    // Welch and Satterthwaite, by each side's part of the variance, which cannot leave the range of `f64`.
    let share = |side: &Moments, runs: usize| {
        (side.mean_variance / difference.mean_variance).powi(2) / (real(runs) - 1.0)
    };
    let (freedom, (interval, p)) = if difference.mean_variance > 0.0 {
        let freedom = 1.0 / (share(&a, base.len()) + share(&b, candidate.len()));
        (freedom, student(&difference, freedom, alpha)?)
    } else {
        (f64::INFINITY, without_noise(difference.mean))
    };
    if !interval.low.is_finite() || !interval.high.is_finite() {
        return None;
    }
    Some(Unpaired {
        base: base.len(),
        candidate: candidate.len(),
        freedom,
        shift: Shift {
            estimate: difference.mean,
            interval,
            p,
            rank_estimate: hodges_lehmann_shift(base, candidate)?,
            rank_p: mann_whitney_p(base, candidate)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Student's data of 1908: hours of sleep that ten patients gained by each of two drugs.
    const FIRST: [f64; 10] = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    const SECOND: [f64; 10] = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];

    /// As R prints it for `t.test(extra ~ group, data = sleep)`: t = -1.8608, df = 17.776, p-value = 0.07939, and the interval
    /// -3.3654832 to 0.2054832, of the first minus the second.
    #[test]
    fn welch_is_that_of_a_published_example() {
        let found = unpaired(&FIRST, &SECOND, 0.05).unwrap();
        let near = |a: f64, b: f64, within: f64| assert!((a - b).abs() < within, "{found:?}");
        near(found.shift.estimate, 1.58, 1e-12);
        near(found.freedom, 17.776, 0.0005);
        near(found.shift.p, 0.079_39, 0.000_005);
        near(found.shift.interval.low, -0.205_483_2, 1e-7);
        near(found.shift.interval.high, 3.365_483_2, 1e-7);
        assert_eq!((found.base, found.candidate), (10, 10));
    }

    #[test]
    fn without_noise_there_is_no_doubt() {
        let same = unpaired(&[2.0; 5], &[2.0; 6], 0.05).unwrap();
        assert!(same.shift.p >= 1.0 && same.shift.interval.contains(0.0));
        let other = unpaired(&[2.0; 5], &[3.0; 6], 0.05).unwrap();
        assert!(other.shift.p <= 0.0 && other.shift.interval.contains(1.0));
        assert!(!other.shift.interval.contains(0.999));
        // One side without noise is as good as endless runs of it: Student's t of the other, with its own freedom.
        let half = unpaired(&[2.0; 5], &[1.0, 2.0, 3.0, 4.0, 5.0], 0.05).unwrap();
        assert!((half.freedom - 4.0).abs() < 1e-12, "{half:?}");
    }

    #[test]
    fn nonsense_has_no_answer() {
        assert_eq!(unpaired(&FIRST[..4], &SECOND, 0.05), None);
        assert_eq!(unpaired(&FIRST, &SECOND[..4], 0.05), None);
        assert_eq!(unpaired(&[], &[], 0.05), None);
        assert_eq!(unpaired(&[f64::NAN; 5], &SECOND, 0.05), None);
        assert_eq!(unpaired(&FIRST, &[f64::INFINITY; 5], 0.05), None);
        assert_eq!(unpaired(&FIRST, &SECOND, 0.0), None);
        assert_eq!(unpaired(&[-f64::MAX; 5], &[f64::MAX; 5], 0.05), None);
    }
}
