//! Looking at a test more than once without being wrong more often.

/// Returns the two-sided level at each of that many looks at growing evidence, such that a false alarm comes at any of them
/// in 5% of sessions: Pocock (1977), "Group sequential methods in the design and analysis of clinical trials", Biometrika
/// 64.
///
/// The constants are of looks at equal distances and of a known variance. `None` for no look and for more than five.
pub const fn pocock(looks: usize) -> Option<f64> {
    match looks {
        1 => Some(0.05),
        2 => Some(0.0294),
        3 => Some(0.0221),
        4 => Some(0.0182),
        5 => Some(0.0158),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::shift::real;
    use super::super::student::normal_upper_quantile;
    use super::*;

    /// How often one of the looks at a sum of normal steps goes beyond its bound, where nothing is there: the recursion of
    /// Armitage and others (1969, "Repeated significance tests on accumulating data"), which follows the density of the sums that stayed within so far, on a grid.
    fn alarms(looks: &[f64], level: f64) -> f64 {
        const CELLS: usize = 600;
        let bound = normal_upper_quantile(level / 2.0).unwrap();
        let density = |x: f64, variance: f64| {
            (-x * x / (2.0 * variance)).exp() / (std::f64::consts::TAU * variance).sqrt()
        };
        // The middle of each cell of the sums within the bound at a look, and what lies in the cell.
        let mut within = vec![(0.0, 1.0)];
        let mut before = 0.0;
        for look in looks {
            let width = 2.0 * bound * look.sqrt() / real(CELLS);
            let cells = (0..CELLS).map(|cell| {
                let at = (real(cell) + 0.5) * width - bound * look.sqrt();
                let from = within.iter();
                let came = from.map(|(sum, weight)| weight * density(at - sum, look - before));
                (at, width * came.sum::<f64>())
            });
            within = cells.collect();
            before = *look;
        }
        1.0 - within.iter().map(|(_, weight)| weight).sum::<f64>()
    }

    #[test]
    fn all_looks_together_raise_five_false_alarms_in_a_hundred() {
        for looks in 1..=5 {
            let equal: Vec<f64> = (1..=looks).map(real).collect();
            let found = alarms(&equal, pocock(looks).unwrap());
            // The table has three digits of the level: a part in 200 of 0.0158 and the others.
            assert!((found - 0.05).abs() < 0.0005, "{looks} {found}");
        }
    }

    /// Pocock's looks are at equal distances, those of a session at 6, 10 and 16 pairs.
    #[test]
    fn the_distances_of_the_looks_hardly_matter() {
        let found = alarms(&[6.0, 10.0, 16.0], pocock(3).unwrap());
        assert!((found - 0.05).abs() < 0.002, "{found}");
    }

    #[test]
    fn there_is_no_level_for_other_numbers_of_looks() {
        assert_eq!(pocock(0), None);
        assert_eq!(pocock(6), None);
    }
}
