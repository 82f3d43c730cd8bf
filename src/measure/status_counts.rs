//! Responses by status.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Responses by status. Stored as a map of those that occurred.
#[derive(Clone, Default)]
pub struct StatusCounts {
    /// Status and count, in the order in which they came; a status of 0 is none.
    few: [(u16, u64); StatusCounts::FEW],
    /// Those for which there was no room.
    more: BTreeMap<u16, u64>,
}

impl StatusCounts {
    // More than an operation has on most registries; any further one costs an allocation at its first sight.
    const FEW: usize = 8;
    // Every status that HTTP can carry has three digits, the first of them not zero.
    const FIRST: u16 = 100;
    const LAST: u16 = 999;

    pub(super) fn count(&mut self, status: Option<u16>) {
        if let Some(status) = status {
            self.add(status, 1);
        }
    }

    fn add(&mut self, status: u16, count: u64) {
        let status = status.clamp(Self::FIRST, Self::LAST);
        for (known, counted) in &mut self.few {
            if *known == 0 {
                *known = status;
            }
            if *known == status {
                *counted = counted.saturating_add(count);
                return;
            }
        }
        let counted = self.more.entry(status).or_default();
        *counted = counted.saturating_add(count);
    }

    /// Returns the count of one status.
    pub fn of(&self, status: u16) -> u64 {
        let found = self.iter().find(|(known, _)| *known == status);
        found.map_or(0, |(_, count)| count)
    }

    /// Returns the count of all statuses.
    pub fn sum(&self) -> u64 {
        let counts = self.iter().map(|(_, count)| count);
        counts.fold(0, u64::saturating_add)
    }

    /// Returns the statuses that occurred with their counts, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + use<> {
        let mut all: Vec<_> = self
            .few
            .into_iter()
            .filter(|(known, _)| *known > 0)
            .collect();
        all.extend(self.more.iter().map(|(status, count)| (*status, *count)));
        all.sort_unstable();
        all.into_iter()
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (status, count) in other.iter() {
            self.add(status, count);
        }
    }
}

impl FromIterator<(u16, u64)> for StatusCounts {
    fn from_iter<I: IntoIterator<Item = (u16, u64)>>(counts: I) -> Self {
        let mut all = Self::default();
        for (status, count) in counts {
            all.add(status, count);
        }
        all
    }
}

impl PartialEq for StatusCounts {
    /// In whatever order they came.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for StatusCounts {}

impl fmt::Debug for StatusCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for StatusCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for StatusCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts = BTreeMap::<Status, u64>::deserialize(deserializer)?;
        Ok(counts.into_iter().map(|(key, it)| (key.0, it)).collect())
    }
}

/// A status as the key of an object, which is a text: within a flattened struct serde does not take it for a number.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Status(u16);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfText;

        impl Visitor<'_> for OfText {
            type Value = Status;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status of three digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Status, E> {
                let status = text.parse().ok();
                let status =
                    status.filter(|it| (StatusCounts::FIRST..=StatusCounts::LAST).contains(it));
                status
                    .map(Status)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(OfText)
    }
}

impl JsonSchema for StatusCounts {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        BTreeMap::<u16, u64>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<u16, u64>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_place() {
        let mut counts = StatusCounts::default();
        for status in [Some(100), Some(404), Some(404), Some(999), None] {
            counts.count(status);
        }
        let counted: Vec<_> = counts.iter().collect();
        assert_eq!(counted, [(100, 1), (404, 2), (999, 1)]);
        assert_eq!((counts.of(404), counts.of(405), counts.sum()), (2, 0, 4));
    }

    #[test]
    fn there_is_room_for_all_statuses_in_any_order() {
        let (mut up, mut down) = (StatusCounts::default(), StatusCounts::default());
        for status in 100..=999 {
            up.count(Some(status));
            down.count(Some(1099 - status));
        }
        assert_eq!(up, down);
        up.merge(&down);
        let counted: Vec<_> = up.iter().collect();
        assert_eq!(counted, (100..=999).map(|it| (it, 2)).collect::<Vec<_>>());
        assert_ne!(up, down);
        let json = serde_json::to_string(&up).unwrap();
        assert!(json.starts_with(r#"{"100":2,"101":2,"#), "{json:.40}");
        assert_eq!(serde_json::from_str::<StatusCounts>(&json).unwrap(), up);
    }

    #[test]
    fn a_key_that_is_no_status_is_refused() {
        for key in ["", "99", "1000", "2e2", "+200 ", "ok"] {
            let json = format!(r#"{{"{key}":1}}"#);
            assert!(
                serde_json::from_str::<StatusCounts>(&json).is_err(),
                "{key}"
            );
        }
    }
}
