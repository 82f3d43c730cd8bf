//! Metrics: the names under which the numbers of a run are found, in scenarios, gates and reports.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::Phase;
use crate::oci::Operation;
use crate::units::stored_as_written;

/// What a number is of. Written `[JOURNEY.][OPERATION.]WORD`: `pull.response_time`, `blob-get.first-byte`,
/// `pull.blob-get.errors`, `dropped`.
///
/// Writing and reading are inverse, but for a journey with the name of an operation: a word that both have is read as the
/// operation's. Scenarios refuse such a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    journey: Option<String>,
    subject: Subject,
    quantity: Quantity,
}

/// What is looked at, and by which clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Iterations.
    Iterations(IterationClock),
    /// Exchanges of one operation, or of all.
    Exchanges {
        /// Which operation; `None`: all.
        operation: Option<Operation>,
        /// Which latency.
        phase: Phase,
    },
}

/// A latency of an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IterationClock {
    /// From start to end.
    Service,
    /// From the scheduled start to the end.
    Response,
    /// From the scheduled to the real start.
    StartLag,
}

impl IterationClock {
    /// Every clock, in the order of reports.
    pub const ALL: [Self; 3] = [Self::Response, Self::Service, Self::StartLag];

    /// Returns the name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Response => "response_time",
            Self::Service => "service_time",
            Self::StartLag => "start_lag",
        }
    }
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

/// A text that is no metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a metric: write [JOURNEY.][OPERATION.]WORD, such as pull.response_time")]
pub struct MetricError(String);

impl Metric {
    /// Returns the metric of a word, such as `response_time`, of that journey and operation, or `None` if it has no such
    /// word. Words that iterations and exchanges share are of iterations where a journey alone is named, else of exchanges.
    pub fn of_word(
        journey: Option<String>,
        operation: Option<Operation>,
        word: &str,
    ) -> Option<Self> {
        let is_it = |it: &Self| it.word() == word;
        let iterations = || Self::of_iterations().find(is_it);
        let exchanges = || Self::of_exchanges(operation).find(is_it);
        let found = match (&journey, operation) {
            (Some(_), None) => iterations().or_else(exchanges),
            (None, None) => exchanges().or_else(iterations),
            (_, Some(_)) => exchanges(),
        };
        found.map(|it| Self { journey, ..it })
    }

    /// Returns a latency of a journey.
    pub fn of_journey(journey: &str, clock: IterationClock) -> Self {
        Self {
            journey: Some(journey.to_owned()),
            subject: Subject::Iterations(clock),
            quantity: Quantity::Latency,
        }
    }

    /// Returns a latency of an operation, of all journeys.
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

    /// Returns the number of iterations of a journey.
    pub fn iterations_of(journey: &str) -> Self {
        Self {
            quantity: Quantity::Ended,
            ..Self::of_journey(journey, IterationClock::Response)
        }
    }

    /// Returns the failed iterations of a journey.
    pub fn errors_of(journey: &str) -> Self {
        Self {
            quantity: Quantity::Failed,
            ..Self::of_journey(journey, IterationClock::Response)
        }
    }

    /// Returns every metric of iterations, of all journeys.
    pub fn of_iterations() -> impl Iterator<Item = Self> {
        let latencies = IterationClock::ALL.map(|clock| (clock, Quantity::Latency));
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

    /// Returns every metric of exchanges of an operation, or of all.
    pub fn of_exchanges(operation: Option<Operation>) -> impl Iterator<Item = Self> {
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

    /// Returns the journey whose samples it is of, or `None` if it is of all.
    pub fn journey(&self) -> Option<&str> {
        self.journey.as_deref()
    }

    /// Returns whether it is of iterations or exchanges. Where the quantity is not a latency, the clock means nothing.
    pub const fn subject(&self) -> Subject {
        self.subject
    }

    /// Returns the operation whose exchanges it is of, or `None` if it is of all or of iterations.
    pub const fn operation(&self) -> Option<Operation> {
        match self.subject {
            Subject::Exchanges { operation, .. } => operation,
            Subject::Iterations(_) => None,
        }
    }

    /// Returns what is computed.
    pub const fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// Returns the last word of its name.
    pub const fn word(&self) -> &'static str {
        match (self.quantity, self.subject) {
            (Quantity::Latency, Subject::Iterations(clock)) => clock.name(),
            (Quantity::Latency, Subject::Exchanges { phase, .. }) => phase.name(),
            (Quantity::Ended, Subject::Iterations(_)) => "iterations",
            (Quantity::Ended, Subject::Exchanges { .. }) => "requests",
            (Quantity::Failed, _) => "errors",
            (Quantity::Dropped, _) => "dropped",
            (Quantity::Bytes(Direction::Sent), _) => "bytes_sent",
            (Quantity::Bytes(Direction::Received), _) => "bytes_received",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(journey) = &self.journey {
            write!(f, "{journey}.")?;
        }
        if let Some(operation) = self.operation() {
            write!(f, "{operation}.")?;
        }
        f.write_str(self.word())
    }
}

impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        let (prefix, word) = match text.rsplit_once('.') {
            Some((prefix, word)) => (Some(prefix), word),
            None => (None, text),
        };
        let of_operation = || {
            let prefix = prefix?;
            let (journey, last) = match prefix.rsplit_once('.') {
                Some((journey, last)) => (Some(journey.to_owned()), last),
                None => (None, prefix),
            };
            Self::of_word(journey, Some(Operation::from_name(last)?), word)
        };
        let of_journey = || Self::of_word(prefix.map(str::to_owned), None, word);
        let found = of_operation().or_else(of_journey);
        found.ok_or_else(|| MetricError(text.chars().take(60).collect()))
    }
}

stored_as_written!(Metric);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let journeys = [None, Some("pull"), Some("a.b"), Some("pull, all\n")];
        for journey in journeys.map(|it| it.map(str::to_owned)) {
            let operations = Operation::ALL.into_iter().map(Some).chain([None]);
            let exchanges = operations.flat_map(Metric::of_exchanges);
            for metric in exchanges.chain(Metric::of_iterations()) {
                let metric = Metric {
                    journey: journey.clone(),
                    ..metric
                };
                // A shared word is of exchanges where nothing is named, and of iterations where a journey alone is.
                let (operation, word) = (metric.operation(), metric.word());
                let known =
                    Metric::of_word(journey.clone(), operation, word) == Some(metric.clone());
                assert_eq!(
                    metric.to_string().parse() == Ok(metric.clone()),
                    known,
                    "{metric}"
                );
                let shared = ["errors", "bytes_sent", "bytes_received"].contains(&word);
                assert!(known || (shared && operation.is_none()), "{metric}");
            }
        }
    }

    #[test]
    fn a_name_tells_journeys_from_operations() {
        let of = |text: &str| -> Metric { text.parse().unwrap() };
        for (text, journey, operation) in [
            ("pull.response_time", Some("pull"), None),
            ("blob-get.total", None, Some(Operation::BlobGet)),
            (
                "pull.blob-get.errors",
                Some("pull"),
                Some(Operation::BlobGet),
            ),
            // Operations have no such word.
            ("blob-get.iterations", Some("blob-get"), None),
            ("dropped", None, None),
        ] {
            let metric = of(text);
            assert_eq!(
                (metric.journey(), metric.operation()),
                (journey, operation),
                "{text}"
            );
        }
    }

    #[test]
    fn what_has_no_known_word_is_refused() {
        for text in ["", ".", "pull", "pull.", "pull.responsetime", "blob-get"] {
            assert!(text.parse::<Metric>().is_err(), "{text}");
        }
    }
}
