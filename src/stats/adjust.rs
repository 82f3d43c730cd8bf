//! Many tests at once: p values that say how surprising the most surprising of them is.

use super::shift::real;

/// Holm's adjusted p values, in the order given: those not above a level are false alarms, one or more of them, no more
/// often than that level, however the tests depend on each other. NaN counts as 1, a test that says nothing.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut highest = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        highest = highest.max(probability(p[index]) * real(p.len() - rank));
        adjusted[index] = highest.min(1.0);
    }
    adjusted
}

/// Adjusted p values of Benjamini and Hochberg, in the order given: of those not above a level, that part is false alarms
/// on average. NaN counts as 1.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut lowest = 1.0_f64;
    for (rank, index) in order.into_iter().enumerate().rev() {
        lowest = lowest.min(probability(p[index]) * real(p.len()) / real(rank + 1));
        adjusted[index] = lowest;
    }
    adjusted
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| probability(p[*a]).total_cmp(&probability(p[*b])));
    order
}

fn probability(p: f64) -> f64 {
    if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of Benjamini and Hochberg (1995): 15 p values of treatments after a heart attack. At 0.05 they reject four
    /// hypotheses; Bonferroni's correction, and Holm's, which begins with it, reject three.
    const HEART: [f64; 15] = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
        0.5719, 0.6528, 0.7590, 1.000,
    ];

    fn assert_near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f64::max) < 1e-12, "{found:?} {expected:?}");
    }

    /// Sorted: 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 * 1, which is not below the one before.
    #[test]
    fn holm_steps_down() {
        assert_near(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]);
        let rejected = |p: Vec<f64>| p.into_iter().filter(|p| *p <= 0.05).count();
        assert_eq!(rejected(holm(&HEART)), 3);
        assert_eq!(rejected(benjamini_hochberg(&HEART)), 4);
    }

    /// Sorted, from the last: 0.04 * 4 / 4, 0.03 * 4 / 3, 0.01 * 4 / 2, 0.005 * 4 / 1.
    #[test]
    fn benjamini_hochberg_steps_up() {
        let adjusted = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005]);
        assert_near(&adjusted, &[0.02, 0.04, 0.04, 0.02]);
    }

    #[test]
    fn a_test_that_says_nothing_is_still_one_of_them() {
        assert_near(&holm(&[f64::NAN, 0.02]), &[1.0, 0.04]);
        assert_near(&benjamini_hochberg(&[f64::NAN, 0.02]), &[1.0, 0.04]);
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn order_is_kept_and_holm_is_the_stricter(p in prop::collection::vec(0.0..=1.0_f64, 1..20)) {
            let (holm, bh) = (holm(&p), benjamini_hochberg(&p));
            for i in 0..p.len() {
                prop_assert!(p[i] <= bh[i] + 1e-15 && bh[i] <= holm[i] + 1e-15 && holm[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || (holm[i] <= holm[j] && bh[i] <= bh[j]));
                }
            }
        }
    }
}
