//! The latencies of an operation by phase.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::LatencyHistogram;
use crate::exchange::{Phase, Timings};

/// Latencies of ok exchanges by phase. Stored as a map of the phases that occurred.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PhaseLatencies([LatencyHistogram; Phase::ALL.len()]);

impl PhaseLatencies {
    pub(super) const HISTOGRAMS: usize = Phase::ALL.len();

    pub(super) fn record(&mut self, timings: &Timings) {
        timings.each(|phase, time| self.0[phase.index()].record(time));
    }

    /// Returns the latencies of one phase, of the exchanges that had it.
    pub fn of(&self, phase: Phase) -> &LatencyHistogram {
        &self.0[phase.index()]
    }

    /// Returns the latencies of one phase, or `None` if no exchange had it.
    pub fn get(&self, phase: Phase) -> Option<&LatencyHistogram> {
        Some(self.of(phase)).filter(|it| !it.is_empty())
    }

    /// Returns the phases that occurred, in the order of [`Phase::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Phase, &LatencyHistogram)> {
        let all = Phase::ALL.into_iter().zip(&self.0);
        all.filter(|(_, histogram)| !histogram.is_empty())
    }

    pub(super) fn histograms(&self) -> impl Iterator<Item = &LatencyHistogram> {
        self.0.iter()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.merge(theirs);
        }
    }
}

impl FromIterator<(Phase, LatencyHistogram)> for PhaseLatencies {
    fn from_iter<I: IntoIterator<Item = (Phase, LatencyHistogram)>>(phases: I) -> Self {
        let mut all = Self::default();
        for (phase, histogram) in phases {
            all.0[phase.index()].merge(&histogram);
        }
        all
    }
}

impl Serialize for PhaseLatencies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for PhaseLatencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let phases = BTreeMap::<Phase, LatencyHistogram>::deserialize(deserializer)?;
        Ok(phases.into_iter().collect())
    }
}

impl JsonSchema for PhaseLatencies {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        BTreeMap::<Phase, LatencyHistogram>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<Phase, LatencyHistogram>::json_schema(generator)
    }
}
