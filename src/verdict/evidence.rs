//! What a threshold was judged by, in a form that reports keep: enough to judge it again when shards are added up.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::micros;
use crate::measure::Observed;
use crate::plan::{Limit, Operator, Quantity, Statistic, Threshold};
use crate::schedule::Span;

/// Whether more samples may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// They may, or would have: the run goes on, or was ended before its time.
    Underway,
    /// The plan was done.
    Done,
}

/// What a threshold was judged by: what was counted for it, or a number of the target's side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Basis {
    /// What was counted.
    Counted(Evidence),
    /// What is asked of a number, which the report has.
    Server(ServerDemand),
}

/// What is asked of a number of the target's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerDemand {
    /// How the value stands to the limit when the threshold holds.
    pub operator: Operator,
    /// Of fewer samples nothing is concluded.
    pub min_samples: u64,
}

impl Basis {
    /// Returns what was counted, if anything was.
    pub const fn counted(&self) -> Option<&Evidence> {
        match self {
            Self::Counted(evidence) => Some(evidence),
            Self::Server(_) => None,
        }
    }

    /// Returns `true` if two are of the same demand, whatever was found.
    pub fn same_demand(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Counted(ours), Self::Counted(theirs)) => ours.same_demand(theirs),
            (Self::Server(ours), Self::Server(theirs)) => ours == theirs,
            _ => false,
        }
    }
}

/// What a threshold was judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What is computed from the samples.
    pub quantity: Quantity,
    /// Of a latency, which number stands for all.
    pub statistic: Option<Statistic>,
    /// How the value stands to the limit when the threshold holds.
    pub operator: Operator,
    /// Of fewer samples nothing is concluded.
    pub min_samples: u64,
    /// From when on a rate per second is counted, in microseconds since the measured window opened.
    pub span_from_us: u64,
    /// Until when; the end of the window when null.
    pub span_until_us: Option<u64>,
    /// Whether more samples would have come.
    pub moment: Moment,
    /// What was counted. The latencies are left out where none are judged.
    pub counted: Observed,
}

impl Evidence {
    pub(super) fn new(
        threshold: &Threshold,
        quantity: Quantity,
        observed: &Observed,
        span: Span,
        moment: Moment,
    ) -> Self {
        let counted = match quantity {
            Quantity::Latency => observed.clone(),
            _ => observed.without_latencies(),
        };
        let statistic = match threshold.expectation.limit() {
            Limit::Latency(statistic, _) => Some(statistic),
            _ => None,
        };
        Self {
            quantity,
            statistic,
            operator: threshold.expectation.operator(),
            min_samples: threshold.min_samples,
            span_from_us: micros(span.from),
            span_until_us: (span.until != Duration::MAX).then(|| micros(span.until)),
            moment,
            counted,
        }
    }

    pub(super) fn span(&self) -> Span {
        let until = self.span_until_us.map(Duration::from_micros);
        Span {
            from: Duration::from_micros(self.span_from_us),
            until: until.unwrap_or(Duration::MAX),
        }
    }

    /// Adds what another shard counted. The whole is done when every part of it is.
    pub(super) fn merge(&mut self, other: &Self) {
        self.counted.merge(&other.counted);
        if other.moment == Moment::Underway {
            self.moment = Moment::Underway;
        }
    }

    /// Returns `true` if two are of the same demand, whatever was counted.
    pub fn same_demand(&self, other: &Self) -> bool {
        (self.quantity, self.statistic, self.operator)
            == (other.quantity, other.statistic, other.operator)
            && self.min_samples == other.min_samples
            && self.span() == other.span()
    }
}
