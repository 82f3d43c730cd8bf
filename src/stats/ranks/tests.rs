use proptest::prelude::*;

use super::*;

fn assert_near(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
}

/// Hollander and Wolfe (1973), page 29: depression scores of nine patients before and after a tranquilizer. V = 40, so that 5
/// is on the other side: 10 of 512 signs have 5 or less. R prints 0.01953 for one side.
#[test]
#[expect(clippy::approx_constant, reason = "a score of 3.14 is not pi")]
fn signed_ranks_are_those_of_a_published_example() {
    let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
    let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
    let differences: Vec<f64> = after.iter().zip(before).map(|(a, b)| a - b).collect();
    assert_near(wilcoxon_p(&differences), 20.0 / 512.0);
    // The estimate that the book gives for these data.
    assert_near(hodges_lehmann(&differences), -0.46);
}

/// Hollander and Wolfe (1973), page 69: permeability of a membrane at term and earlier. W = 35 with p = 0.1272 on one side, as
/// R prints it: 382 of 3003 ways to deal. Their estimate of the shift is -0.305.
#[test]
fn rank_sums_are_those_of_a_published_example() {
    let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    let early = [1.15, 0.88, 0.90, 0.74, 1.21];
    assert_near(mann_whitney_p(&term, &early), 2.0 * 382.0 / 3003.0);
    assert_near(mann_whitney_p(&early, &term), 2.0 * 382.0 / 3003.0);
    assert_near(hodges_lehmann_shift(&term, &early), -0.305);
}

/// All differences of one sign: one of 2^n on either side. All values of one side below the other's: one of (2n over n).
#[test]
fn few_values_cannot_say_much() {
    assert_near(wilcoxon_p(&[1.0, 2.0, 3.0, 4.0]), 2.0 / 16.0);
    assert_near(wilcoxon_p(&[1.0, 2.0, 3.0, 4.0, 5.0]), 2.0 / 32.0);
    assert_near(
        wilcoxon_p(&[-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]),
        2.0 / 64.0,
    );
    assert_near(mann_whitney_p(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 0.1);
    let four = mann_whitney_p(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]);
    assert_near(four, 2.0 / 70.0); // 0.029
}

/// Ranks 1.5, 1.5 and 3, of which the positive ones have 4.5 of 6. Of the eight signs, the sums are 0, 1.5, 1.5, 3, 3, 4.5,
/// 4.5 and 6: three are 4.5 or more.
#[test]
fn ties_share_a_rank_and_zeros_are_dropped() {
    assert_near(wilcoxon_p(&[1.0, -1.0, 2.0]), 6.0 / 8.0);
    assert_near(wilcoxon_p(&[0.0, 1.0, -1.0, -0.0, 2.0]), 6.0 / 8.0);
    assert_near(wilcoxon_p(&[0.0, 0.0]), 1.0);
    assert_near(mann_whitney_p(&[1.0, 1.0], &[1.0, 1.0, 1.0]), 1.0);
}

/// By scipy 1.17: `wilcoxon(d, correction=True, method="approx")`, and `mannwhitneyu(a, b, method="asymptotic")`.
#[test]
fn approximations_are_those_of_scipy() {
    let with_zero: Vec<f64> = (0..61)
        .map(|i| f64::from((i * 37) % 61 - 25) / 10.0)
        .collect();
    assert_near(wilcoxon_p(&with_zero), 0.041_416_432_905_328_03);
    let with_ties: Vec<f64> = (0..60).map(|i| f64::from((i * i) % 17 - 6)).collect();
    assert_near(wilcoxon_p(&with_ties), 0.020_862_775_336_149_844);
    let a: Vec<f64> = (0..30).map(|i| f64::from((i * i) % 23)).collect();
    let b: Vec<f64> = (0..28).map(|i| f64::from((i * i) % 19 + 4)).collect();
    assert_near(mann_whitney_p(&a, &b), 0.007_317_673_326_443_013);
}

/// As many as are counted, by scipy 1.17 with `method="exact"`.
#[test]
fn the_largest_counts_are_those_of_scipy() {
    let sign = |i: i32| if i % 3 == 0 { -1.0 } else { 1.0 };
    let differences: Vec<f64> = (1..=50).map(|i| f64::from(i) * sign(i)).collect();
    assert_near(wilcoxon_p(&differences), 0.026_166_968_171_196_46);
    let a: Vec<f64> = (0..25)
        .map(|i| f64::from((i * i) % 101) + f64::from(i) / 1000.0)
        .collect();
    let b: Vec<f64> = (0..25)
        .map(|i| f64::from((i * i * 3) % 97 + 12) + f64::from(i) / 997.0)
        .collect();
    assert_near(mann_whitney_p(&a, &b), 0.297_576_525_957_175_3);
}

/// The median is 3, the distances 2, 1, 0, 1 and 97, their median 1: 0.6745 * 97 is far above 3.5.
#[test]
fn an_outlier_is_far_from_the_median() {
    assert_eq!(outlier(&[1.0, 2.0, 3.0, 4.0, 100.0]), Some(4));
    assert_eq!(outlier(&[-100.0, 2.0, 3.0, 4.0, 5.0]), Some(0));
    // The last is 5 median distances away, 3.4 of its standard deviations; then 5.2 of them, 3.51.
    assert_eq!(outlier(&[-1.0, -1.0, 0.0, 1.0, 5.0]), None);
    assert_eq!(outlier(&[-1.0, -1.0, 0.0, 1.0, 5.2]), Some(4));
    // More than half are the same. The mean distance is 1/10, and the last is 8 of its standard deviations away.
    let mostly_same = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    assert_eq!(outlier(&mostly_same), Some(9));
    assert_eq!(outlier(&[3.0; 6]), None);
    assert_eq!(outlier(&[]), None);
}

#[test]
fn nonsense_has_no_answer() {
    for values in [&[][..], &[1.0, f64::NAN], &[1.0, f64::NEG_INFINITY]] {
        assert_eq!(wilcoxon_p(values), None);
        assert_eq!(mann_whitney_p(values, &[1.0]), None);
        assert_eq!(mann_whitney_p(&[1.0], values), None);
        assert_eq!(hodges_lehmann(values), None);
        assert_eq!(hodges_lehmann_shift(values, &[1.0]), None);
        assert_eq!(outlier(values), None);
    }
}

/// Mean ranks by their definition: those below, and half of those that are the same, itself included.
fn mean_rank(values: &[f64], of: f64) -> f64 {
    let below = values.iter().filter(|it| **it < of).count();
    let not_above = values.iter().filter(|it| **it <= of).count();
    (real(below) + real(not_above) + 1.0) / 2.0
}

/// Twice the smaller tail of all outcomes, each as likely.
fn smaller_tail(outcomes: &[f64], observed: f64) -> f64 {
    let below = outcomes.iter().filter(|it| **it <= observed).count();
    let above = outcomes.iter().filter(|it| **it >= observed).count();
    (2.0 * real(below.min(above)) / real(outcomes.len())).min(1.0)
}

proptest! {
    /// By writing every outcome down.
    #[test]
    fn signed_ranks_are_counted(whole in prop::collection::vec(-4..=4_i32, 1..9)) {
        let differences: Vec<f64> = whole.iter().map(|it| f64::from(*it)).collect();
        let sizes: Vec<f64> = differences.iter().filter(|it| **it != 0.0).map(|it| it.abs()).collect();
        let sum = |is_positive: &dyn Fn(usize) -> bool| -> f64 {
            let ranks = sizes.iter().enumerate().filter(|(at, _)| is_positive(*at));
            ranks.map(|(_, size)| mean_rank(&sizes, *size)).sum()
        };
        let outcomes: Vec<f64> = (0..1_u32 << sizes.len()).map(|signs| sum(&|at| signs >> at & 1 == 1)).collect();
        let positive: Vec<bool> = whole.iter().filter(|it| **it != 0).map(|it| *it > 0).collect();
        let expected = smaller_tail(&outcomes, sum(&|at| positive[at]));
        prop_assert!((wilcoxon_p(&differences).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn rank_sums_are_counted(a in prop::collection::vec(0..6_i32, 1..6), b in prop::collection::vec(0..6_i32, 1..6)) {
        let real = |of: &[i32]| of.iter().map(|it| f64::from(*it)).collect::<Vec<f64>>();
        let (a, b) = (real(&a), real(&b));
        let pooled = [a.clone(), b.clone()].concat();
        let sum = |dealt: u32| -> f64 {
            let ranks = pooled.iter().enumerate().filter(|(at, _)| dealt >> at & 1 == 1);
            ranks.map(|(_, value)| mean_rank(&pooled, *value)).sum()
        };
        let all = 0..1_u32 << pooled.len();
        let outcomes: Vec<f64> = all.filter(|it| it.count_ones() as usize == a.len()).map(sum).collect();
        let expected = smaller_tail(&outcomes, sum((1 << a.len()) - 1));
        prop_assert!((mann_whitney_p(&a, &b).unwrap() - expected).abs() < 1e-12);
    }
}
