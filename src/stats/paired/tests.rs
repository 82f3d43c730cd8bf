use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_distr::{Distribution as _, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

/// Student's data of 1908, by pairs: how much longer each of ten patients slept with the second drug. R prints for
/// `t.test(Pair(extra.1, extra.2) ~ 1)`: t = -4.0621, df = 9, p-value = 0.002833, and the interval -2.4598858 to -0.7001142.
#[test]
fn student_is_that_of_his_own_example() {
    let longer = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
    let found = paired(&longer, 0.05, 1).unwrap();
    let near = |a: f64, b: f64, within: f64| assert!((a - b).abs() < within, "{found:?}");
    near(found.shift.estimate, 1.58, 1e-12);
    near(
        found.shift.estimate / (found.sd / 10.0_f64.sqrt()),
        4.0621,
        0.000_05,
    );
    near(found.shift.p, 0.002_833, 0.000_000_5);
    near(found.shift.interval.low, 0.700_114_2, 1e-7);
    near(found.shift.interval.high, 2.459_885_8, 1e-7);
    assert_eq!((found.pairs, found.method), (10, Method::StudentT));
    // Median 1.3, distances from it 0, 0, 0.1, 0.1, 0.3, 0.5, 0.5, 1.1, 1.3 and 3.3: their median is 0.4, and 3.3 is 5.6 of it.
    assert_eq!(found.outlier, Some(8));
}

/// A skewed sample: the logarithms' opposites of 0.025, 0.075, .. 0.975, shifted.
fn skewed(shift: f64) -> Vec<f64> {
    let share = |i: i32| (f64::from(i) + 0.5) / 20.0;
    (0..20).map(|i| -share(i).ln() - shift).collect()
}

/// Against the same method with 4,000,000 resamples in numpy: 0.6771 to 1.4832, and p = 0.0385 for a mean of 0.6. (Student's t has
/// 0.087, and the percentile bootstrap 0.662 to 1.339.) Of 10,000 resamples about 500 lie beyond an end, give or take 22.
#[test]
fn the_bootstrap_is_studentised() {
    let found = paired(&skewed(0.0), 0.1, 7).unwrap();
    assert_eq!(found.method, Method::BootstrapT);
    let interval = found.shift.interval;
    assert!((interval.low - 0.6771).abs() < 0.02, "{interval:?}");
    assert!((interval.high - 1.4832).abs() < 0.04, "{interval:?}");
    let p = paired(&skewed(0.6), 0.1, 7).unwrap().shift.p;
    assert!((p - 0.0385).abs() < 0.01, "{p}");
}

/// Of samples of 20 of an exponential distribution, nine of ten intervals at 0.9 have its mean in them: 72 of 80, give or take
/// three standard deviations of 2.7; and not all.
#[test]
fn the_bootstrap_covers_what_it_says() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
    let covers = (0..80).filter(|seed| {
        let sample: Vec<f64> = (0..20).map(|_| Exp1.sample(&mut random)).collect();
        let found = paired(&sample, 0.1, *seed).unwrap();
        found.shift.interval.contains(1.0)
    });
    let covers = covers.count();
    assert!((64..=79).contains(&covers), "{covers}");
}

#[test]
fn the_same_seed_gives_the_same_answer() {
    let values = skewed(0.5);
    assert_eq!(paired(&values, 0.05, 3), paired(&values, 0.05, 3));
    assert_ne!(paired(&values, 0.05, 3), paired(&values, 0.05, 4));
}

/// Differences that never change have no noise; ranks still know only how many there are: 2 of 2^5.
#[test]
fn without_noise_there_is_no_doubt() {
    for (value, p, rank_p) in [
        (0.1, 0.0, 2.0 / 32.0),
        (-0.1, 0.0, 2.0 / 32.0),
        (0.0, 1.0, 1.0),
    ] {
        let found = paired(&[value; 5], 0.05, 1).unwrap();
        assert_eq!(found.shift.interval, Interval::point(value));
        assert!((found.shift.p - p).abs() < 1e-12, "{found:?}");
        assert!((found.shift.rank_p - rank_p).abs() < 1e-12, "{found:?}");
        assert_eq!(found.outlier, None);
    }
    assert_eq!(
        paired(&[0.1; 30], 0.05, 1).unwrap().shift.interval,
        Interval::point(0.1)
    );
}

/// One pair of twenty moves. More than a third of the resamples miss it, have no noise and lie infinitely far below: nothing
/// bounds the mean from above.
#[test]
fn an_end_that_nothing_bounds_is_infinite() {
    let mut values = [0.0; 20];
    values[7] = 1.0;
    let found = paired(&values, 0.05, 1).unwrap();
    assert!(found.shift.interval.high.is_infinite(), "{found:?}");
    assert!(found.shift.interval.contains(0.0) && found.shift.p > 0.05);
    assert_eq!(found.outlier, Some(7));
}

#[test]
fn nonsense_has_no_answer() {
    let good = [1.0, 2.0, 3.0, 4.0, 5.0];
    assert!(paired(&good, 0.05, 1).is_some());
    assert_eq!(paired(&good[..4], 0.05, 1), None);
    assert_eq!(paired(&[], 0.05, 1), None);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
        assert_eq!(paired(&[1.0, 2.0, 3.0, 4.0, bad], 0.05, 1), None);
    }
    for alpha in [0.0, 1.0, -0.5, f64::NAN] {
        assert_eq!(paired(&good, alpha, 1), None);
    }
    // Ten thousand resamples do not reach so far out.
    assert_eq!(paired(&skewed(0.0), 0.000_1, 1), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_interval_and_its_p_agree(
        values in prop::collection::vec(-1.0..1.5_f64, 5..24),
        alpha in prop::sample::select(vec![0.01, 0.0221, 0.05, 0.1, 0.3]),
    ) {
        let found = paired(&values, alpha, 5).unwrap();
        prop_assert_eq!(found.shift.p <= alpha, !found.shift.interval.contains(0.0), "{:?}", found);
        prop_assert!(found.shift.interval.contains(found.shift.estimate));
        prop_assert!((0.0..=1.0).contains(&found.shift.p) && (0.0..=1.0).contains(&found.shift.rank_p));
    }

    #[test]
    fn the_other_way_round_is_the_mirror_image(values in prop::collection::vec(-1.0..1.5_f64, 5..24)) {
        let turned: Vec<f64> = values.iter().map(|it| -it).collect();
        let (found, turned) = (paired(&values, 0.05, 5).unwrap(), paired(&turned, 0.05, 5).unwrap());
        prop_assert!((found.shift.p - turned.shift.p).abs() < 1e-12);
        prop_assert!((found.shift.rank_p - turned.shift.rank_p).abs() < 1e-12);
        prop_assert!((found.shift.interval.low + turned.shift.interval.high).abs() < 1e-12);
        prop_assert_eq!(found.outlier, turned.outlier);
    }

    #[test]
    fn anything_goes_in_without_a_panic(values in prop::collection::vec(any::<f64>(), 0..24), alpha in any::<f64>()) {
        let _ = paired(&values, alpha, 1);
        let _ = paired(&values, 0.05, 1);
        let _ = super::super::unpaired(&values, &values, 0.05);
    }
}
