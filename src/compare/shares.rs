//! Shares of what failed or never started: counts of all runs of a side, and the difference between them.

use crate::stats;

use super::reading::Reading;

/// Both sides' counts, added up over their runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    base: (u64, u64),
    candidate: (u64, u64),
}

impl Counts {
    pub(super) fn of(base: &[Reading], candidate: &[Reading]) -> Self {
        let sum = |readings: &[Reading]| {
            let parts = readings.iter().filter_map(|it| match *it {
                Reading::Share { part, of } => Some((part, of)),
                Reading::Value { .. } | Reading::Nothing { .. } => None,
            });
            parts.fold((0_u64, 0_u64), |sum, it| {
                (sum.0.saturating_add(it.0), sum.1.saturating_add(it.1))
            })
        };
        Self {
            base: sum(base),
            candidate: sum(candidate),
        }
    }

    /// Returns the difference of the shares by Agresti and Caffo; `None` where a side has nothing to have a share of.
    pub(super) fn shift(self, alpha: f64) -> Option<stats::Shift> {
        stats::shares(self.base, self.candidate, alpha)
    }
}
