//! Mean and spread of a handful of values.

use super::shift::real;

/// The first two moments of two values or more, all finite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub(super) mean: f64,
    /// Of the population that the values are a sample of (divided by n - 1). Zero only where all values are the same.
    pub(super) variance: f64,
    /// The squared standard error of the mean.
    pub(super) mean_variance: f64,
}

impl Moments {
    /// `None` for fewer than two values, for one that is not finite, and where a sum leaves the range of `f64`.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let (first, rest) = values.split_first()?;
        if rest.is_empty() || !values.iter().all(|it| it.is_finite()) {
            return None;
        }
        // A sum of equal values can be off by a rounding, which would pass for a spread.
        if is_constant(values) {
            return Some(Self {
                mean: *first,
                variance: 0.0,
                mean_variance: 0.0,
            });
        }
        let n = real(values.len());
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
        let variance = squares / (n - 1.0);
        // Values may differ by so little that the squares vanish: then the spread is not known, and certainly not zero.
        (mean.is_finite() && variance.is_finite() && variance > 0.0).then_some(Self {
            mean,
            variance,
            mean_variance: variance / n,
        })
    }

    pub(super) fn sd(&self) -> f64 {
        self.variance.sqrt()
    }

    /// Returns the standard error of the mean.
    pub(super) fn error(&self) -> f64 {
        self.mean_variance.sqrt()
    }
}

#[expect(clippy::float_cmp, reason = "asks for the very same value")]
pub(super) fn is_constant(values: &[f64]) -> bool {
    values.windows(2).all(|two| two[0] == two[1])
}
