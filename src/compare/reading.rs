//! One number of a stored run, and whether the run has enough samples for it to be compared.

use crate::measure::{Outcomes, Subject};
use crate::plan::{Direction, Metric, Quantity, Statistic};
use crate::result::{Document, MetricUnit};
use crate::scenario::Comparand;
use crate::telemetry::{FigureUnit, ServerMetric};
use crate::units::Quantile;

/// So many samples must be expected beyond a percentile, in all pairs together, before two of it are compared.
const BEYOND: f64 = 100.0;

/// And so many in each run, at the least and at the most: p(99) of 500 to 2,000.
const BEYOND_IN_A_RUN: (f64, f64) = (5.0, 20.0);

/// The run did nothing that it is of.
const NOTHING: Reading = Reading::Nothing { samples: 0 };

/// What a run says of a comparand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reading {
    /// A number, of so many samples: microseconds, things or bytes in a second.
    Value { value: f64, samples: u64 },
    /// So many of so many.
    Share { part: u64, of: u64 },
    /// No number: of so few samples it is not known, or no search was confirmed.
    Nothing { samples: u64 },
}

impl Reading {
    /// Reads a stored run.
    pub(super) fn of(document: &Document, comparand: &Comparand) -> Self {
        match comparand {
            Comparand::Capacity => capacity(document),
            Comparand::Latency(metric, statistic) => latency(document, metric, *statistic),
            Comparand::Rate(metric) => rate(document, metric),
            Comparand::Server(metric) => server(document, metric),
        }
    }

    /// Returns the number; of a share, the part of all.
    pub(super) fn value(self) -> Option<f64> {
        match self {
            Self::Value { value, .. } => Some(value),
            Self::Share { part, of } if of > 0 => Some(real(part) / real(of)),
            Self::Share { .. } | Self::Nothing { .. } => None,
        }
    }

    /// Returns how many samples it is of.
    pub(super) const fn samples(self) -> u64 {
        match self {
            Self::Value { samples, .. } | Self::Nothing { samples } => samples,
            Self::Share { of, .. } => of,
        }
    }
}

/// Returns the fewest samples of a run for which a percentile is compared over so many pairs. Runs that are no pairs count as
/// five of them.
pub fn samples_needed(quantile: Quantile, pairs: usize) -> u64 {
    let (least, most) = BEYOND_IN_A_RUN;
    let beyond = (BEYOND / real(pairs as u64)).clamp(least, most);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 5, and beyond the range only for percentiles that no run has samples for"
    )]
    // p99 takes 2,000 in five pairs, though 1 - 0.99 is a little more than a hundredth.
    let samples = (beyond / (1.0 - quantile.get()) - 1e-6).ceil() as u64;
    samples
}

/// Returns the fewest samples of a run for which a comparand is compared over so many pairs.
pub(super) fn needed(comparand: &Comparand, pairs: usize) -> u64 {
    match comparand {
        Comparand::Latency(_, Statistic::Quantile(quantile)) => samples_needed(*quantile, pairs),
        Comparand::Latency(..) => 20,
        Comparand::Rate(_) | Comparand::Capacity | Comparand::Server(_) => 1,
    }
}

/// Returns what the values of a comparand are.
pub(super) fn unit(comparand: &Comparand) -> MetricUnit {
    match comparand {
        Comparand::Latency(..) => MetricUnit::Micros,
        Comparand::Capacity => MetricUnit::PerSecond,
        Comparand::Server(metric) => match metric.unit() {
            Some(FigureUnit::Seconds) => MetricUnit::Micros,
            Some(FigureUnit::Bytes) => MetricUnit::Bytes,
            Some(FigureUnit::BytesPerSecond) => MetricUnit::BytesPerSecond,
            Some(FigureUnit::PerSecond) => MetricUnit::PerSecond,
            Some(FigureUnit::Cores) => MetricUnit::Cores,
            Some(FigureUnit::Share | FigureUnit::SecondsPerSecond | FigureUnit::Number) | None => {
                MetricUnit::Number
            }
        },
        Comparand::Rate(metric) => match metric.quantity() {
            Quantity::Bytes(_) => MetricUnit::BytesPerSecond,
            Quantity::Failed | Quantity::Dropped => MetricUnit::Share,
            Quantity::Latency | Quantity::Ended => MetricUnit::PerSecond,
        },
    }
}

fn capacity(document: &Document) -> Reading {
    let search = document.search.as_ref().filter(|it| it.confirmed);
    let found = search.and_then(|it| it.low_per_s);
    found.map_or(NOTHING, |value| Reading::Value { value, samples: 1 })
}

/// Processor time is in microseconds, as latencies are.
fn server(document: &Document, metric: &ServerMetric) -> Reading {
    let Some(figure) = document.server_figure(metric) else {
        return NOTHING;
    };
    let scale = if figure.unit == FigureUnit::Seconds && metric.unit().is_some() {
        1e6
    } else {
        1.0
    };
    let samples = figure.samples;
    figure
        .value
        .map_or(Reading::Nothing { samples: 0 }, |value| Reading::Value {
            value: value * scale,
            samples,
        })
}

fn latency(document: &Document, metric: &Metric, statistic: Statistic) -> Reading {
    let Some(histogram) = document.latency(metric) else {
        return NOTHING;
    };
    let value = match statistic {
        Statistic::Mean => histogram.mean(),
        Statistic::Min => histogram.min(),
        Statistic::Max => histogram.max(),
        Statistic::Quantile(quantile) => histogram.quantile(quantile),
    };
    let samples = histogram.count();
    value.map_or(Reading::Nothing { samples }, |value| Reading::Value {
        value: value.as_secs_f64() * 1e6,
        samples,
    })
}

fn rate(document: &Document, metric: &Metric) -> Reading {
    let seconds = document.window().as_secs_f64();
    let per_second = |count: u64| {
        if seconds > 0.0 {
            Reading::Value {
                value: real(count) / seconds,
                samples: count,
            }
        } else {
            NOTHING
        }
    };
    let is_of_iterations = matches!(metric.subject(), Subject::Iterations(_));
    match metric.quantity() {
        Quantity::Ended if is_of_iterations => per_second(
            document
                .journeys_of(metric)
                .map(|it| it.counts.within_window)
                .sum(),
        ),
        Quantity::Ended => per_second(
            document
                .operations_of(metric)
                .map(|it| it.counts.within_window)
                .sum(),
        ),
        Quantity::Bytes(direction) => {
            let bytes = document.operations_of(metric).map(|it| match direction {
                Direction::Sent => it.counts.bytes_within_window.sent,
                Direction::Received => it.counts.bytes_within_window.received,
            });
            per_second(bytes.sum())
        }
        Quantity::Failed if is_of_iterations => {
            failed(document.journeys_of(metric).map(|it| it.counts.outcomes))
        }
        Quantity::Failed => failed(document.operations_of(metric).map(|it| it.counts.outcomes)),
        Quantity::Dropped => {
            let mut share = (0, 0);
            for journey in document.journeys_of(metric) {
                share.0 += journey.counts.starts.dropped;
                share.1 += journey.counts.starts.scheduled;
            }
            Reading::Share {
                part: share.0,
                of: share.1,
            }
        }
        Quantity::Latency => NOTHING,
    }
}

fn failed(outcomes: impl Iterator<Item = Outcomes>) -> Reading {
    let (mut part, mut of) = (0, 0);
    for it in outcomes {
        part += it.failed;
        of += it.ok + it.failed;
    }
    Reading::Share { part, of }
}

#[expect(clippy::cast_precision_loss, reason = "a few digits are used of it")]
pub(super) const fn real(count: u64) -> f64 {
    count as f64
}
