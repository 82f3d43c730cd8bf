//! Limits on what a run may show, and what each looks at.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::Phase;
use crate::measure::{IterationClock, Subject};
use crate::oci::Operation;
use crate::units::{ByteSize, Quantile};

/// A limit on one metric of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What is looked at.
    pub metric: Metric,
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

/// What a threshold looks at. Printed as scenarios write it: `pull.response_time`, `blob-get.first-byte`,
/// `pull.blob-get.errors`, `dropped`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    pub(super) journey: Option<String>,
    pub(super) subject: Subject,
    pub(super) quantity: Quantity,
}

/// What is computed from the samples of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// How long they took, by the clock of the subject.
    Latency,
    /// How many ended, whatever their outcome, or how many ok ones in a second.
    Ended,
    /// How many failed, or which share of those that were ok or failed. What was cancelled is in neither.
    Failed,
    /// How many were due and never started, or which share of those that were due. Of iterations only.
    Dropped,
    /// Bytes of bodies, of every outcome, or of ok ones in a second.
    Bytes(Direction),
}

/// The way of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From regstorm to the target.
    Sent,
    /// From the target to regstorm.
    Received,
}

impl Metric {
    /// The journey whose samples it is of; all journeys when absent.
    pub fn journey(&self) -> Option<&str> {
        self.journey.as_deref()
    }

    /// Iterations or exchanges. Where the quantity is not a latency, the clock means nothing.
    pub const fn subject(&self) -> Subject {
        self.subject
    }

    /// What is computed.
    pub const fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// The last word of the metric.
    pub const fn word(&self) -> &'static str {
        match (self.quantity, self.subject) {
            (Quantity::Latency, Subject::Iterations(clock)) => match clock {
                IterationClock::Response => "response_time",
                IterationClock::Service => "service_time",
                IterationClock::StartLag => "start_lag",
            },
            (Quantity::Latency, Subject::Exchanges { phase, .. }) => phase.name(),
            (Quantity::Ended, Subject::Iterations(_)) => "iterations",
            (Quantity::Ended, Subject::Exchanges { .. }) => "requests",
            (Quantity::Failed, _) => "errors",
            (Quantity::Dropped, _) => "dropped",
            (Quantity::Bytes(Direction::Sent), _) => "bytes_sent",
            (Quantity::Bytes(Direction::Received), _) => "bytes_received",
        }
    }

    /// A latency of a journey.
    pub fn of_journey(journey: &str, clock: IterationClock) -> Self {
        Self {
            journey: Some(journey.to_owned()),
            subject: Subject::Iterations(clock),
            quantity: Quantity::Latency,
        }
    }

    /// A latency of an operation, of all journeys.
    pub const fn of_operation(operation: Operation, phase: Phase) -> Self {
        Self {
            journey: None,
            subject: Subject::Exchanges {
                operation: Some(operation),
                phase,
            },
            quantity: Quantity::Latency,
        }
    }

    /// The iterations of a journey.
    pub fn iterations_of(journey: &str) -> Self {
        Self {
            quantity: Quantity::Ended,
            ..Self::of_journey(journey, IterationClock::Response)
        }
    }

    /// The iterations of a journey that failed.
    pub fn errors_of(journey: &str) -> Self {
        Self {
            quantity: Quantity::Failed,
            ..Self::of_journey(journey, IterationClock::Response)
        }
    }

    /// Every metric of iterations, of all journeys. What is of both is of iterations only where a journey is named.
    pub(super) fn of_iterations() -> impl Iterator<Item = Self> {
        const CLOCKS: [IterationClock; 3] = [
            IterationClock::Response,
            IterationClock::Service,
            IterationClock::StartLag,
        ];
        let latencies = CLOCKS.map(|clock| (clock, Quantity::Latency));
        let others = [
            Quantity::Ended,
            Quantity::Failed,
            Quantity::Dropped,
            Quantity::Bytes(Direction::Sent),
            Quantity::Bytes(Direction::Received),
        ];
        let others = others.map(|quantity| (IterationClock::Response, quantity));
        let all = latencies.into_iter().chain(others);
        all.map(|(clock, quantity)| Self {
            journey: None,
            subject: Subject::Iterations(clock),
            quantity,
        })
    }

    /// Every metric of exchanges of an operation, or of all.
    pub(super) fn of_exchanges(operation: Option<Operation>) -> impl Iterator<Item = Self> {
        let latencies = Phase::ALL.map(|phase| (phase, Quantity::Latency));
        let others = [
            Quantity::Ended,
            Quantity::Failed,
            Quantity::Bytes(Direction::Sent),
            Quantity::Bytes(Direction::Received),
        ];
        let others = others.map(|quantity| (Phase::Total, quantity));
        let all = latencies.into_iter().chain(others);
        all.map(move |(phase, quantity)| Self {
            journey: None,
            subject: Subject::Exchanges { operation, phase },
            quantity,
        })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(journey) = &self.journey {
            write!(f, "{journey}.")?;
        }
        if let Subject::Exchanges {
            operation: Some(operation),
            ..
        } = self.subject
        {
            write!(f, "{operation}.")?;
        }
        f.write_str(self.word())
    }
}

/// What must hold of a metric: `p(99) < 250ms`. Printed as it was written, but for blanks.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    pub(super) operator: Operator,
    pub(super) limit: Limit,
    pub(super) written: String,
}

impl Expectation {
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
