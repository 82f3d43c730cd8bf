//! What became of a threshold, in a form that reports keep.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::Basis;
use super::number::{micros, real};
use crate::measure::Quantity;
use crate::plan::{Judged, Limit};
use crate::units;

/// One threshold and what the run says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdResult {
    /// What was looked at, as the scenario has it: `pull.response_time`.
    pub metric: Judged,
    /// What was expected of it: `p(99) < 2s`.
    pub expect: String,
    /// The stage whose samples were looked at; of all stages when absent.
    pub stage: Option<String>,
    /// From when on, in microseconds since the measured window opened.
    pub from_us: u64,
    /// Until when; the end of the window when absent.
    pub until_us: Option<u64>,
    /// The value that is expected not to be passed, or to be reached.
    pub limit: Figure,
    /// What was found; `None` where too few samples say nothing.
    pub observed: Option<Observation>,
    /// The same for people, `1.06 s` or `at least 1.06 s`; `-` for nothing.
    pub observed_text: String,
    /// How many samples the value is of.
    pub samples: u64,
    /// Whether it holds.
    #[serde(flatten)]
    pub status: Status,
    /// Whether the run was ended because of it. Then all of this is as it was at that moment.
    pub ended_run: bool,
    /// What it was judged by.
    pub evidence: Basis,
}

/// Whether a threshold holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", content = "reason", rename_all = "kebab-case")]
pub enum Status {
    /// It holds.
    Pass,
    /// It is broken.
    Fail,
    /// That cannot be said.
    Inconclusive(Reason),
}

/// Why nothing can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// Nothing was seen that the threshold is of.
    NoSamples,
    /// Too little was seen.
    TooFewSamples {
        /// How many it takes.
        needed: u64,
    },
    /// The span of time it is judged over has not begun, or has no length.
    NoTime,
    /// What was cut or timed out, or never began, may have been on either side of the limit.
    Unfinished {
        /// How many were cut or timed out.
        count: u64,
        /// How many never began.
        #[serde(default)]
        dropped: u64,
    },
    /// The limit is as near to the value as the histogram's precision, a part in a thousand.
    Precision,
    /// The run is not over, or was ended early; what is missing could have come.
    Underway,
    /// It is of all shards, and this is the report of one.
    OneShard,
    /// It is of the target's side, and judged when the run is over.
    AtTheEnd,
    /// No source gave the number of the target's side.
    NotRead,
    /// The number of the target's side is not known; the report says why.
    NotKnown,
    /// The number of the target's side is counted in something else than the limit.
    OtherUnit,
    /// The limit is within the interval of the estimate.
    Uncertain,
}

/// A value with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "unit", content = "value", rename_all = "kebab-case")]
pub enum Figure {
    /// Microseconds.
    #[serde(rename = "us")]
    Micros(u64),
    /// A number of things.
    Count(u64),
    /// Things in a second.
    PerSecond(f64),
    /// A part of all, in `[0, 1]`.
    Share(f64),
    /// Bytes.
    Bytes(u64),
    /// Bytes in a second.
    BytesPerSecond(f64),
    /// Seconds that need not be whole microseconds.
    Seconds(f64),
    /// Processors kept busy.
    Cores(f64),
    /// Seconds in a second, of all that goes on at a time.
    SecondsPerSecond(f64),
    /// Bytes that need not be whole, or below zero.
    Amount(f64),
    /// A number of things that need not be whole.
    Number(f64),
}

/// Where a value lies. A percentile that nothing unfinished makes uncertain is one figure, that of the report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// It is not less.
    pub at_least: Figure,
    /// It is not more; `None` where nothing is known above.
    pub at_most: Option<Figure>,
}

/// What all thresholds of a run come to. Ordered from good to bad.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// All hold, or there are none.
    Pass,
    /// None is broken, and of one or more nothing can be said.
    Inconclusive,
    /// One or more are broken.
    Fail,
}

impl Overall {
    /// Returns the worst of all; [`Overall::Pass`] of none.
    pub fn of(results: &[ThresholdResult]) -> Self {
        let each = results.iter().map(|result| match result.status {
            Status::Pass => Self::Pass,
            Status::Inconclusive(_) => Self::Inconclusive,
            Status::Fail => Self::Fail,
        });
        each.max().unwrap_or(Self::Pass)
    }
}

impl ThresholdResult {
    /// Returns `true` if both are of one threshold, whatever came of it.
    pub fn is_of_same(&self, other: &Self) -> bool {
        (&self.metric, &self.stage, self.limit) == (&other.metric, &other.stage, other.limit)
            && (self.from_us, self.until_us) == (other.from_us, other.until_us)
            && self.evidence.same_demand(&other.evidence)
    }

    /// Returns `true` if iterations that were due and never began are part of what it was judged by.
    pub fn accounts_for_dropped(&self) -> bool {
        let evidence = self.evidence.counted();
        evidence.is_some_and(|it| match it.quantity {
            Quantity::Dropped => true,
            // Those of exchanges know nothing of starts.
            Quantity::Latency => it.counted.starts.scheduled > 0,
            _ => false,
        })
    }

    /// Returns the threshold in one line: `pull.response_time p(99) < 2s in hold, from 30s`.
    pub fn name(&self) -> String {
        let mut name = format!("{} {}", self.metric, self.expect);
        let time = |micros| humantime::format_duration(Duration::from_micros(micros)).to_string();
        let mut filters = Vec::new();
        filters.extend(self.stage.as_ref().map(|stage| format!("in {stage}")));
        filters.extend((self.from_us > 0).then(|| format!("from {}", time(self.from_us))));
        filters.extend(self.until_us.map(|until| format!("until {}", time(until))));
        if !filters.is_empty() {
            name.push(' ');
            name.push_str(&filters.join(", "));
        }
        name
    }
}

impl Observation {
    pub(super) const fn exactly(figure: Figure) -> Self {
        Self {
            at_least: figure,
            at_most: Some(figure),
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = self.at_least.to_string();
        match self.at_most.map(|it| it.to_string()) {
            None => write!(f, "at least {low}"),
            Some(high) if high == low => f.write_str(&low),
            Some(high) => write!(f, "{low} to {high}"),
        }
    }
}

impl From<Limit> for Figure {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Latency(_, limit) => limit.into(),
            Limit::Count(limit) => Self::Count(limit),
            Limit::PerSecond(limit) => Self::PerSecond(limit),
            Limit::Share(limit) => Self::Share(limit),
            Limit::Bytes(limit) => Self::Bytes(limit.get()),
            Limit::BytesPerSecond(limit) => Self::BytesPerSecond(real(limit.get())),
            Limit::Server(unit, limit) => Self::of_server(unit, limit),
        }
    }
}

impl From<Duration> for Figure {
    fn from(time: Duration) -> Self {
        Self::Micros(micros(time))
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match *self {
            Self::Micros(value) => units::duration(Duration::from_micros(value)),
            Self::Count(value) => units::count(value),
            Self::PerSecond(value) => units::per_second(value, ""),
            Self::Share(value) => units::share(value),
            Self::Bytes(value) => units::bytes(value),
            Self::BytesPerSecond(value) => units::per_second(value, "B"),
            Self::Seconds(value) => units::seconds(value),
            Self::Cores(value) => format!("{} cores", units::number(value)),
            Self::SecondsPerSecond(value) => format!("{} s/s", units::number(value)),
            Self::Amount(value) => units::amount(value),
            Self::Number(value) => units::number(value),
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSamples => f.write_str("no samples"),
            Self::TooFewSamples { needed } => {
                write!(f, "too few samples: it takes {}", units::count(*needed))
            }
            Self::NoTime => f.write_str("its span has no time in it"),
            Self::Unfinished { count, dropped } => {
                let were = |count: u64, what: &str| {
                    let verb = if count == 1 { "was" } else { "were" };
                    (count > 0).then(|| format!("{} {verb} {what}", units::count(count)))
                };
                let parts = [were(*count, "cut or timed out"), were(*dropped, "dropped")];
                let parts: Vec<String> = parts.into_iter().flatten().collect();
                let decide = match count.saturating_add(*dropped) {
                    1 => "it decides",
                    _ => "they decide",
                };
                write!(f, "{}; {decide}", parts.join(" and "))
            }
            Self::Precision => f.write_str("nearer to the limit than is measured"),
            Self::Underway => f.write_str("not reached, which more time could change"),
            Self::OneShard => f.write_str("one shard's part, judged with the others"),
            Self::AtTheEnd => f.write_str("judged when the run is over"),
            Self::NotRead => f.write_str("no source gave it"),
            Self::NotKnown => f.write_str("it is not known"),
            Self::OtherUnit => f.write_str("it is counted in another unit than the limit"),
            Self::Uncertain => f.write_str("the limit is within its interval"),
        }
    }
}
