//! What a number of pairs can show, and how many pairs it takes to show something.

use super::shift::{MIN_PAIRS, is_level, real};
use super::student::upper_quantile;

/// Four out of five times a change of that size is found.
const MISSED: f64 = 0.2;

/// More pairs take too long to be worth a number.
const MOST_PAIRS: usize = 1000;

/// Returns the smallest mean difference that `pairs` pairs call a change at the level `alpha` in four of five sessions,
/// where `sd` is the standard deviation of the differences: (t(1 - alpha/2) + t(0.80)) sd / sqrt(pairs), in the unit of
/// `sd`.
///
/// `None` for fewer than two pairs, for an `sd` that is negative or not finite, and for an `alpha` outside `(0, 1)`.
pub fn detectable_effect(sd: f64, pairs: usize, alpha: f64) -> Option<f64> {
    if pairs < 2 || !is_level(alpha) || !sd.is_finite() || sd < 0.0 {
        return None;
    }
    let freedom = real(pairs) - 1.0;
    let errors = upper_quantile(alpha / 2.0, freedom)? + upper_quantile(MISSED, freedom)?;
    Some(errors * sd / real(pairs).sqrt())
}

/// Returns the fewest pairs whose [detectable effect](detectable_effect) is not above `effect`, but not fewer than
/// [`MIN_PAIRS`].
///
/// `None` where 1000 do not do, and for what has no detectable effect.
pub fn pairs_needed(sd: f64, effect: f64, alpha: f64) -> Option<usize> {
    let does = |pairs| Some(detectable_effect(sd, pairs, alpha)? <= effect);
    // More pairs show smaller changes, so the first that do are found by halving.
    let (mut too_few, mut enough) = (MIN_PAIRS - 1, MOST_PAIRS);
    if !does(enough)? {
        return None;
    }
    while enough - too_few > 1 {
        let middle = usize::midpoint(too_few, enough);
        if does(middle)? {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tables of t with 9 degrees of freedom: (2.262157 + 0.883404) / sqrt(10) = 0.994714.
    #[test]
    fn ten_pairs_show_about_one_standard_deviation() {
        let found = detectable_effect(1.0, 10, 0.05).unwrap();
        assert!((found - 0.994_714).abs() < 1e-6, "{found}");
    }

    /// So ten pairs are needed for 0.9948 standard deviations, and one more for a hair less than ten can show.
    #[test]
    fn pairs_needed_are_the_fewest_that_do() {
        assert_eq!(pairs_needed(0.02, 0.02 * 0.9948, 0.05), Some(10));
        assert_eq!(pairs_needed(0.02, 0.02 * 0.9946, 0.05), Some(11));
        for effect in [0.3, 0.5, 0.7, 1.1] {
            let pairs = pairs_needed(1.0, effect, 0.0221).unwrap();
            assert!(detectable_effect(1.0, pairs, 0.0221).unwrap() <= effect);
            assert!(detectable_effect(1.0, pairs - 1, 0.0221).unwrap() > effect);
        }
    }

    #[test]
    fn it_can_be_hopeless_or_trivial() {
        assert_eq!(pairs_needed(1.0, 0.01, 0.05), None); // (1.96 + 0.84)^2 / 0.01^2 = 78,400
        assert_eq!(pairs_needed(1.0, 0.0, 0.05), None);
        assert_eq!(pairs_needed(1.0, f64::NAN, 0.05), None);
        assert_eq!(pairs_needed(0.0, 0.01, 0.05), Some(MIN_PAIRS));
        assert_eq!(detectable_effect(f64::NAN, 10, 0.05), None);
        assert_eq!(detectable_effect(-1.0, 10, 0.05), None);
        assert_eq!(detectable_effect(1.0, 1, 0.05), None);
        assert_eq!(detectable_effect(1.0, 10, 1.0), None);
    }
}
