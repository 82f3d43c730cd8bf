//! A quantile.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share in `[0, 1)`: the value that this share of all values does not exceed. It is printed as a percentile,
/// `p99.9`, and stored as one, 99.9.
#[derive(Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
pub struct Quantile {
    // In [0, 100), as it is written, because 99.9 / 100 is not quite 0.999.
    percentile: f64,
}

/// A number that is not a quantile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a percentile: write a number from 0 up to, but not, 100")]
pub struct QuantileError(String);

impl TryFrom<f64> for Quantile {
    type Error = QuantileError;

    fn try_from(percentile: f64) -> Result<Self, QuantileError> {
        Self::from_percentile(percentile)
    }
}

impl From<Quantile> for f64 {
    fn from(quantile: Quantile) -> Self {
        quantile.percentile
    }
}

impl Quantile {
    /// One in ten.
    pub const P10: Self = Self { percentile: 10.0 };
    /// The median.
    pub const P50: Self = Self { percentile: 50.0 };
    /// Nine in ten.
    pub const P90: Self = Self { percentile: 90.0 };
    /// Nineteen in twenty.
    pub const P95: Self = Self { percentile: 95.0 };
    /// All but one in a hundred.
    pub const P99: Self = Self { percentile: 99.0 };
    /// All but one in a thousand.
    pub const P999: Self = Self { percentile: 99.9 };

    /// Makes the quantile of a percentile: 99.9 is [`Quantile::P999`].
    ///
    /// # Errors
    /// Fails if the number is not finite or not in `[0, 100)`. 100 is the maximum, which is no quantile.
    pub fn from_percentile(percentile: f64) -> Result<Self, QuantileError> {
        if (0.0..100.0).contains(&percentile) {
            Ok(Self { percentile })
        } else {
            Err(QuantileError(percentile.to_string()))
        }
    }

    /// The percentile, in `[0, 100)`: 99.9 for p99.9.
    pub const fn percentile(self) -> f64 {
        self.percentile
    }

    /// The share, in `[0, 1)`.
    pub const fn get(self) -> f64 {
        self.percentile / 100.0
    }

    /// Returns `true` if that many values say anything about this quantile: at least one must be expected above it,
    /// which takes 1/(1-q) values. Of 50 values, the 99.9th percentile is only another name for the maximum.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the answer changes near small numbers, which are exact"
    )]
    pub fn is_known_from(self, values: u64) -> bool {
        // 100 - 99.9 is a little less than a tenth; a thousand values are enough all the same.
        values as f64 * (100.0 - self.percentile) >= 100.0 - 1e-6
    }

    /// The fewest values that determine it: p99 takes 100, p99.9 takes 1,000.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number below 2^53: no two numbers near 100 are closer than 2^-46"
    )]
    pub fn fewest(self) -> u64 {
        ((100.0 - 1e-6) / (100.0 - self.percentile)).ceil() as u64
    }

    /// Returns the rank of this quantile among that many ascending values, counted from 1 (nearest rank): of 1,000
    /// values p99.9 is the 999th. Never more than `values`; 0 only without values.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "no run has 2^53 values"
    )]
    pub fn rank(self, values: u64) -> u64 {
        // The product in floating point may be a little more than 999.
        let rank = (self.get() - 1e-12) * values as f64;
        (rank.ceil() as u64).max(1).min(values)
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("p{}", self.percentile))
    }
}

impl fmt::Debug for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_values_know_little() {
        let first_known = [
            (Quantile::P50, 2),
            (Quantile::P90, 10),
            (Quantile::P95, 20),
            (Quantile::P99, 100),
            (Quantile::P999, 1000),
        ];
        for (quantile, values) in first_known {
            assert!(
                !quantile.is_known_from(values - 1),
                "{quantile} of {values} - 1"
            );
            assert!(quantile.is_known_from(values), "{quantile} of {values}");
        }
        for (quantile, values) in first_known {
            assert_eq!(quantile.fewest(), values, "{quantile}");
        }
        let lowest = Quantile::from_percentile(0.0).unwrap();
        assert_eq!(lowest.fewest(), 1);
        assert!(!lowest.is_known_from(0));
        assert!(lowest.is_known_from(1));
    }

    proptest! {
        #[test]
        fn the_fewest_are_just_enough(percentile in 0.0..99.9999) {
            let quantile = Quantile::from_percentile(percentile).unwrap();
            let fewest = quantile.fewest();
            prop_assert!(quantile.is_known_from(fewest));
            prop_assert!(!quantile.is_known_from(fewest - 1));
        }
    }

    #[test]
    fn ranks_are_counted_from_one() {
        // The nearest rank: the smallest n with n / values >= q.
        let cases = [
            (Quantile::P50, [(0, 0), (1, 1), (2, 1), (3, 2), (1000, 500)]),
            (
                Quantile::P99,
                [(0, 0), (1, 1), (100, 99), (101, 100), (1000, 990)],
            ),
            (
                Quantile::P999,
                [
                    (0, 0),
                    (999, 999),
                    (1000, 999),
                    (1001, 1000),
                    (10_000, 9990),
                ],
            ),
        ];
        for (quantile, ranks) in cases {
            for (values, rank) in ranks {
                assert_eq!(quantile.rank(values), rank, "{quantile} of {values}");
            }
        }
        let lowest = Quantile::from_percentile(0.0).unwrap();
        assert_eq!(lowest.rank(7), 1);
    }

    #[test]
    fn is_printed_as_a_percentile() {
        let shown = [Quantile::P50, Quantile::P99, Quantile::P999].map(|it| it.to_string());
        assert_eq!(shown, ["p50", "p99", "p99.9"]);
        assert_eq!(Quantile::from_percentile(99.9), Ok(Quantile::P999));
        for bad in [-1.0, 100.0, f64::NAN, f64::INFINITY] {
            assert!(Quantile::from_percentile(bad).is_err(), "{bad}");
        }
    }
}
