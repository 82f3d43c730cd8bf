//! Counts by the values of an enum. Stored as a map of those that occurred.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::{array, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::exchange::Misbehaviour;

use super::{DropCause, DropReason, FailureClass};

/// An enum whose values are counted.
pub trait CountKey: Copy + Ord + 'static {
    /// Every value, in the order of reports, which is that of its declaration.
    const VALUES: &'static [Self];

    /// Returns the place among all values.
    fn place(self) -> usize;
}

/// A saturating count for each value of an enum of `N` values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CountsBy<K, const N: usize> {
    counts: [u64; N],
    key: PhantomData<K>,
}

/// Failures by class.
pub type ClassCounts = CountsBy<FailureClass, { FailureClass::ALL.len() }>;

/// What ended because a client misbehaves on purpose, by how.
pub type MisbehaviourCounts = CountsBy<Misbehaviour, { Misbehaviour::ALL.len() }>;

/// Iterations that were due and never began, by reason.
pub type ReasonCounts = CountsBy<DropReason, { DropReason::ALL.len() }>;

/// Iterations that were due and never began, by cause.
pub type CauseCounts = CountsBy<DropCause, { DropCause::ALL.len() }>;

impl CountKey for FailureClass {
    const VALUES: &'static [Self] = &Self::ALL;

    fn place(self) -> usize {
        self.index()
    }
}

impl CountKey for Misbehaviour {
    const VALUES: &'static [Self] = &Self::ALL;

    fn place(self) -> usize {
        self as usize
    }
}

impl CountKey for DropReason {
    const VALUES: &'static [Self] = &Self::ALL;

    fn place(self) -> usize {
        self.index()
    }
}

impl CountKey for DropCause {
    const VALUES: &'static [Self] = &Self::ALL;

    fn place(self) -> usize {
        self.index()
    }
}

impl<K: CountKey, const N: usize> CountsBy<K, N> {
    pub(super) fn count(&mut self, key: K) {
        self.add(key, 1);
    }

    fn add(&mut self, key: K, more: u64) {
        let count = &mut self.counts[key.place()];
        *count = count.saturating_add(more);
    }

    /// Returns the count of one value.
    pub fn of(&self, key: K) -> u64 {
        self.counts[key.place()]
    }

    /// Returns the count of all values.
    pub fn sum(&self) -> u64 {
        let counts = self.counts.into_iter();
        counts.fold(0, u64::saturating_add)
    }

    /// Returns `true` if nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts == [0; N]
    }

    /// Returns the values that occurred with their counts, in the order of [`CountKey::VALUES`].
    pub fn iter(&self) -> impl Iterator<Item = (K, u64)> {
        let counts = K::VALUES.iter().copied().zip(self.counts);
        counts.filter(|(_, count)| *count > 0)
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine = mine.saturating_add(theirs);
        }
    }
}

impl<K, const N: usize> Default for CountsBy<K, N> {
    fn default() -> Self {
        Self {
            counts: array::from_fn(|_| 0),
            key: PhantomData,
        }
    }
}

impl<K: CountKey, const N: usize> FromIterator<(K, u64)> for CountsBy<K, N> {
    fn from_iter<I: IntoIterator<Item = (K, u64)>>(counts: I) -> Self {
        let mut all = Self::default();
        for (key, count) in counts {
            all.add(key, count);
        }
        all
    }
}

impl<K: CountKey + fmt::Debug, const N: usize> fmt::Debug for CountsBy<K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: CountKey + Serialize, const N: usize> Serialize for CountsBy<K, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, K: CountKey + Deserialize<'de>, const N: usize> Deserialize<'de> for CountsBy<K, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts = BTreeMap::<K, u64>::deserialize(deserializer)?;
        Ok(counts.into_iter().collect())
    }
}

impl<K: JsonSchema, const N: usize> JsonSchema for CountsBy<K, N> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        BTreeMap::<K, u64>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<K, u64>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_occurred_is_stored_and_read_back() {
        let mut counts = ReasonCounts::default();
        counts.count(DropReason::Cut);
        counts.add(DropReason::NoVu, u64::MAX);
        counts.count(DropReason::NoVu);
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"no-vu":18446744073709551615,"cut":1}"#);
        assert_eq!(serde_json::from_str::<ReasonCounts>(&json).unwrap(), counts);
        assert_eq!(counts.of(DropReason::QueueFull), 0);
        assert_eq!(counts.sum(), u64::MAX);
    }
}
