//! The counts of what happens outside the measured window: shown, never mixed into statistics.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::oci::Operation;

use super::{
    Bytes, ClassCounts, ExchangeSample, MisbehaviourCounts, OperationCounts, Outcome, Outcomes,
    StatusCounts,
};

/// Exchanges of one period by operation, without latencies, because they are no result. Stored as a list of the
/// operations that occurred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodTally {
    operations: Vec<OperationTally>,
}

/// Exchanges of one operation in one period.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OperationTally {
    /// How the exchanges ended.
    pub outcomes: Outcomes,
    /// The failed ones by class.
    pub failure_classes: ClassCounts,
    /// Those that misbehaved, by how.
    #[serde(default, skip_serializing_if = "MisbehaviourCounts::is_empty")]
    pub misbehaviours: MisbehaviourCounts,
    /// Responses by status.
    pub statuses: StatusCounts,
    /// Bytes of bodies.
    pub bytes: Bytes,
}

impl PeriodTally {
    pub(super) fn record(&mut self, sample: &ExchangeSample) {
        let tally = &mut self.operations[sample.operation.index()];
        tally.outcomes.count(sample.outcome);
        match sample.outcome {
            Outcome::Failed(class) => tally.failure_classes.count(class),
            Outcome::Misbehaved(how) => tally.misbehaviours.count(how),
            Outcome::Ok | Outcome::Cancelled => {}
        }
        tally.statuses.count(sample.status);
        tally.bytes.merge(sample.bytes());
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.operations.iter_mut().zip(&other.operations) {
            mine.merge(theirs);
        }
    }

    /// Returns the operations that occurred, in the order of [`Operation::ALL`].
    pub fn operations(&self) -> impl Iterator<Item = (Operation, &OperationTally)> {
        Operation::ALL
            .into_iter()
            .zip(&self.operations)
            .filter(|(_, tally)| tally.outcomes.ended() > 0)
    }
}

impl OperationTally {
    fn merge(&mut self, other: &Self) {
        self.outcomes.merge(other.outcomes);
        self.failure_classes.merge(&other.failure_classes);
        self.misbehaviours.merge(&other.misbehaviours);
        self.statuses.merge(&other.statuses);
        self.bytes.merge(other.bytes);
    }
}

impl From<&OperationCounts> for OperationTally {
    fn from(counts: &OperationCounts) -> Self {
        Self {
            outcomes: counts.outcomes,
            failure_classes: counts.failure_classes,
            misbehaviours: counts.misbehaviours,
            statuses: counts.statuses.clone(),
            bytes: counts.bytes,
        }
    }
}

impl Default for PeriodTally {
    fn default() -> Self {
        Self {
            operations: vec![OperationTally::default(); Operation::ALL.len()],
        }
    }
}

impl FromIterator<(Operation, OperationTally)> for PeriodTally {
    fn from_iter<I: IntoIterator<Item = (Operation, OperationTally)>>(tallies: I) -> Self {
        let mut all = Self::default();
        for (operation, tally) in tallies {
            all.operations[operation.index()].merge(&tally);
        }
        all
    }
}

/// One operation in a period outside the measured window.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PeriodOperation")]
struct Named<T> {
    /// The operation.
    name: Operation,
    #[serde(flatten)]
    tally: T,
}

impl Serialize for PeriodTally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = self.operations();
        serializer.collect_seq(named.map(|(name, tally)| Named { name, tally }))
    }
}

impl<'de> Deserialize<'de> for PeriodTally {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = Vec::<Named<OperationTally>>::deserialize(deserializer)?;
        Ok(named.into_iter().map(|it| (it.name, it.tally)).collect())
    }
}

impl JsonSchema for PeriodTally {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Vec::<Named<OperationTally>>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Named<OperationTally>>::json_schema(generator)
    }
}
