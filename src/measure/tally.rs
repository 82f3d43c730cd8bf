//! The counts of what happens outside the measured window: shown, never mixed into statistics.

use crate::oci::Operation;

use super::{Bytes, ClassCounts, ExchangeSample, Outcomes, StatusCounts};

/// Exchanges of one period by operation. There are no latencies: nobody may take them for a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodTally {
    operations: Vec<OperationTally>,
}

/// Exchanges of one operation in one period.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OperationTally {
    /// How they ended.
    pub outcomes: Outcomes,
    /// The failed ones by class.
    pub classes: ClassCounts,
    /// Responses by status.
    pub statuses: StatusCounts,
    /// Bytes of bodies.
    pub bytes: Bytes,
}

impl PeriodTally {
    pub(super) fn new() -> Self {
        Self {
            operations: vec![OperationTally::default(); Operation::ALL.len()],
        }
    }

    pub(super) fn record(&mut self, sample: &ExchangeSample) {
        let tally = &mut self.operations[sample.operation.index()];
        tally.outcomes.count(sample.outcome);
        tally.classes.count(sample.outcome);
        tally.statuses.count(sample.status);
        tally.bytes.merge(sample.bytes());
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.operations.iter_mut().zip(&other.operations) {
            mine.outcomes.merge(theirs.outcomes);
            mine.classes.merge(&theirs.classes);
            mine.statuses.merge(&theirs.statuses);
            mine.bytes.merge(theirs.bytes);
        }
    }

    /// The operations that occurred, in the order of [`Operation::ALL`].
    pub fn operations(&self) -> impl Iterator<Item = (Operation, &OperationTally)> {
        Operation::ALL
            .into_iter()
            .zip(&self.operations)
            .filter(|(_, tally)| tally.outcomes.ended() > 0)
    }
}
