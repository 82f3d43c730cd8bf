//! Whether two series over time move together, by ranks.

use super::ranks::doubled_ranks;
use super::shift::real;
use super::student::{two_sided_p, upper_quantile};

/// Of fewer steps nothing is said.
pub const MIN_STEPS: usize = 20;

/// Fewer independent steps than this say nothing, however many there are.
const MIN_INDEPENDENT: f64 = 6.0;

/// How two series move together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// Spearman's rho: 1 where both rise and fall together, -1 where one rises as the other falls.
    pub rho: f64,
    /// How probable so large a rho is, in either direction, if the two have nothing to do with each other.
    pub p: f64,
    /// How many independent steps theirs are worth.
    pub independent: f64,
}

/// Returns Spearman's rank correlation of two series, step by step; equal values share their mean rank.
///
/// Steps of one series are like their neighbours, and two series that drift seem to move together. So p counts only as many
/// steps as theirs are worth: n / (1 + 2 sum of r1(k) r2(k)), with the autocorrelations of both (Pyper and Peterman 1998),
/// by Student's t.
///
/// `None` for series of different lengths or fewer than 20 steps, for a value that is not finite, for a series that never
/// changes, and where the steps are worth fewer than 6.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<Correlation> {
    if a.len() != b.len() || a.len() < MIN_STEPS || !a.iter().chain(b).all(|it| it.is_finite()) {
        return None;
    }
    let (a, b) = (centered_ranks(a), centered_ranks(b));
    let (square_a, square_b) = (product(&a, &a), product(&b, &b));
    if square_a <= 0.0 || square_b <= 0.0 {
        return None;
    }
    let rho = (product(&a, &b) / (square_a * square_b).sqrt()).clamp(-1.0, 1.0);
    let n = real(a.len());
    let autocorrelation = |it: &[f64], square: f64, lag: usize| product(it, &it[lag..]) / square;
    let common = (1..a.len() / 2).map(|lag| {
        let both = autocorrelation(&a, square_a, lag) * autocorrelation(&b, square_b, lag);
        // Of long lags few pairs are left.
        both * (n - real(lag)) / n
    });
    // Noise that swings back makes a correlation no surer, as it does not for a mean.
    let common: f64 = common.sum::<f64>().max(0.0);
    let independent = n / (1.0 + 2.0 * common);
    if independent < MIN_INDEPENDENT {
        return None;
    }
    let freedom = independent - 2.0;
    let t = rho * (freedom / (1.0 - rho * rho)).sqrt();
    Some(Correlation {
        rho,
        p: two_sided_p(t, freedom)?,
        independent,
    })
}

/// Returns the size of rho that chance alone exceeds with that probability, of so many independent steps.
pub fn rho_of_chance(independent: f64, p: f64) -> Option<f64> {
    let freedom = independent - 2.0;
    let t = upper_quantile(p / 2.0, freedom)?;
    Some(t / t.mul_add(t, freedom).sqrt())
}

fn centered_ranks(values: &[f64]) -> Vec<f64> {
    let ranks = doubled_ranks(values);
    // Twice the mean rank.
    let mean = real(values.len() + 1);
    ranks.into_iter().map(|it| real(it) - mean).collect()
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn noise(count: usize, follows: f64, random: &mut Xoshiro256PlusPlus) -> Vec<f64> {
        let mut value = 0.0;
        let mut next = || {
            value = follows * value + random.random_range(-1.0..1.0);
            value
        };
        (0..count + 50).map(|_| next()).skip(50).collect()
    }

    /// Of 1 to 20 with the first two changed, rho is 1 - 6 * 2 / (20 * 399) by the formula of textbooks.
    #[test]
    fn rho_is_that_of_the_textbooks() {
        let a: Vec<f64> = (1..=20).map(f64::from).collect();
        let mut b: Vec<f64> = a.iter().map(|it| it.exp()).collect();
        b.swap(0, 1);
        // Series that rise all the way are worth few steps, so that p is not known.
        assert_eq!(spearman(&a, &b), None);
        // The same pairs in another order have the same rho.
        let order = [
            12, 3, 17, 8, 0, 14, 5, 19, 10, 2, 16, 7, 1, 11, 18, 4, 13, 6, 15, 9,
        ];
        let pick = |it: &[f64]| order.map(|at: usize| it[at]);
        let found = spearman(&pick(&a), &pick(&b)).unwrap();
        assert!(
            (found.rho - (1.0 - 12.0 / 7_980.0)).abs() < 1e-12,
            "{found:?}"
        );
        assert!(found.p < 1e-10);
    }

    /// Ranks 1.5, 1.5, 3.5, 3.5, ... against 1, 2, 3, 4, ...: by hand for four values, 2 / sqrt(5) = 0.894.
    #[test]
    fn equal_values_share_their_rank() {
        let ranks = |it: &[f64]| centered_ranks(it);
        let (a, b) = (ranks(&[1.0, 1.0, 2.0, 2.0]), ranks(&[1.0, 2.0, 3.0, 4.0]));
        let rho = product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt();
        assert!((rho - 2.0 / 5.0_f64.sqrt()).abs() < 1e-12, "{rho}");
    }

    /// 5 in 100, and a little more where series drift.
    #[test]
    fn independent_series_seldom_seem_to_move_together() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
        for follows in [0.0, 0.5, 0.9] {
            let seem = (0..600).filter(|_| {
                let (a, b) = (
                    noise(60, follows, &mut random),
                    noise(60, follows, &mut random),
                );
                spearman(&a, &b).is_some_and(|it| it.p <= 0.05)
            });
            let seem = seem.count();
            assert!(seem <= 54, "{seem} of 600 at {follows}");
        }
    }

    #[test]
    fn chance_has_the_rho_of_its_p() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
        let (a, b) = (noise(60, 0.5, &mut random), noise(60, 0.5, &mut random));
        let found = spearman(&a, &b).unwrap();
        let rho = rho_of_chance(found.independent, found.p).unwrap();
        assert!((rho - found.rho.abs()).abs() < 1e-6, "{rho} {found:?}");
        // The table of textbooks: of 20, 0.444 is passed by 5 in 100.
        assert!((rho_of_chance(20.0, 0.05).unwrap() - 0.444).abs() < 0.0005);
    }

    #[test]
    fn nonsense_has_no_answer() {
        let line: Vec<f64> = (0..30).map(|it| f64::from(it * 7 % 30)).collect();
        assert!(spearman(&line, &line).is_some());
        assert_eq!(spearman(&line[..19], &line[..19]), None);
        assert_eq!(spearman(&line, &line[1..]), None);
        assert_eq!(spearman(&line, &vec![1.0; 30]), None);
        assert_eq!(spearman(&line, &vec![f64::NAN; 30]), None);
        assert_eq!(rho_of_chance(2.0, 0.05), None);
    }
}
