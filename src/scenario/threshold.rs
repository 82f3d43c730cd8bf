//! Limits on what a run may show, and what each looks at.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::telemetry::FigureUnit;
use crate::units::{ByteSize, Quantile};

use super::judged::Judged;

/// A limit on one metric of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What is looked at.
    pub metric: Judged,
    /// What must hold of it. It fits the metric.
    pub expectation: Expectation,
    /// Only what was due in stages of that name, of any load. There is one.
    pub stage: Option<String>,
    /// Only what was due from then on, since the measured window opened.
    pub from: Duration,
    /// Only what was due before then; later than `from`. The end of the window when absent.
    pub until: Option<Duration>,
    /// Whether a breach ends the run.
    pub abort: Abort,
    /// Of fewer samples nothing is concluded; at least [`Limit::needs`].
    pub min_samples: u64,
}

/// Whether a breach ends the run before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abort {
    /// It is reported at the end.
    Never,
    /// It ends the run. The limit can be broken for good before the end: it is no lower limit of a count.
    OnFail {
        /// Not before the threshold's span has been open that long; not zero where the limit is of a rate per second,
        /// which begins at nothing.
        after: Duration,
    },
}

/// What must hold of a metric: `p(99) < 250ms`. Printed as it was written, but for blanks.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    pub(super) operator: Operator,
    pub(super) limit: Limit,
    pub(super) written: String,
}

impl Expectation {
    /// Returns the expectation of a number of the target's side.
    pub(super) const fn of_server(operator: Operator, limit: Limit, written: String) -> Self {
        Self {
            operator,
            limit,
            written,
        }
    }

    /// How the value stands to the limit when the expectation holds.
    pub const fn operator(&self) -> Operator {
        self.operator
    }

    /// What is computed of the metric, and what it is compared with.
    pub const fn limit(&self) -> Limit {
        self.limit
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Operator {
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    LessOrEqual,
    /// `>`
    #[serde(rename = ">")]
    Greater,
    /// `>=`
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// `==`, which k6 also writes `===`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    NotEqual,
}

/// What is computed of a metric, and the value that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// A latency: whole microseconds, less than the hour up to which latencies are told apart.
    Latency(Statistic, Duration),
    /// `count` of things.
    Count(u64),
    /// `rate` of things: how many in a second.
    PerSecond(f64),
    /// `rate` of failed or dropped ones: a share in `[0, 1]`, the nearest number to what was written.
    Share(f64),
    /// `count` of bytes.
    Bytes(ByteSize),
    /// `rate` of bytes: how many in a second.
    BytesPerSecond(ByteSize),
    /// A number of the target's side, in its unit.
    Server(FigureUnit, f64),
}

/// One number for many latencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// `avg`, the arithmetic mean.
    Mean,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `p(99.9)`, and `med` for `p(50)`: the nearest rank, never a value between two.
    Quantile(Quantile),
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("avg"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Quantile(quantile) => write!(f, "p({})", quantile.percentile()),
        }
    }
}

impl Limit {
    /// The fewest samples of which the value is known: p(99) takes 100.
    pub fn needs(self) -> u64 {
        match self {
            Self::Latency(statistic, _) => statistic.needs(),
            _ => 1,
        }
    }
}

impl Statistic {
    /// The fewest latencies of which it is known.
    pub fn needs(self) -> u64 {
        match self {
            Self::Quantile(quantile) => quantile.fewest(),
            Self::Mean | Self::Min | Self::Max => 1,
        }
    }
}
