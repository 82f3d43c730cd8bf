//! A latency in steps of the measured window, and series in the same steps.

use crate::stats::{self, Correlation};
use crate::telemetry::{Series, Telemetry};
use crate::units::Quantile;

/// How often a run has a hint that is chance.
pub(super) const LEVEL: f64 = 0.05;

/// A latency in steps of the measured window; `None` where too few values know it.
pub(super) struct Course {
    pub(super) quantile: Quantile,
    pub(super) step_s: u64,
    pub(super) steps: Vec<Option<f64>>,
}

impl Course {
    /// Returns how a series moves with it, over the steps in which both are known.
    pub(super) fn moves_with(&self, series: &[Option<f64>]) -> Option<Correlation> {
        let both = series.iter().zip(&self.steps);
        let (a, b): (Vec<f64>, Vec<f64>) = both.filter_map(|(a, b)| (*a).zip(*b)).unzip();
        stats::spearman(&a, &b)
    }
}

/// Returns a series in the steps of a latency: the mean of the windows that begin in each.
pub(super) fn steps_of(
    series: &Series,
    telemetry: &Telemetry,
    course: &Course,
) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0_u32); course.steps.len()];
    for (index, value) in series.windows.iter().enumerate() {
        let begins = (index as u64).saturating_mul(telemetry.window_s);
        let step = usize::try_from(begins / course.step_s).unwrap_or(usize::MAX);
        if let (Some(sum), Some(value)) = (sums.get_mut(step), value) {
            *sum = (sum.0 + value, sum.1 + 1);
        }
    }
    let mean = |(sum, count): (f64, u32)| (count > 0).then(|| sum / f64::from(count));
    sums.into_iter().map(mean).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a number of series or steps")]
pub(super) const fn real(count: usize) -> f64 {
    count as f64
}
