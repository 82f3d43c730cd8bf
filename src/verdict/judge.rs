//! One threshold against what was counted for it.

use std::time::Duration;

use super::bounds::{Bounds, Decision};
use super::latency;
use super::threshold_result::{Figure, Observation, Reason, Status, ThresholdResult, micros, real};
use crate::measure::{Bytes, Observed};
use crate::plan::{Direction, Limit, Operator, Quantity, Threshold};

/// Whether more samples may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// They may, or would have: the run goes on, or was ended before its time.
    Underway,
    /// The plan was done.
    Done,
}

/// Judges a threshold by what was counted for it.
///
/// `span` is the length of the time it is judged over, as far as it has passed ([`super::Span::length_at`]). While a run
/// is under way the verdict is that of the samples so far. A count that is below its lower limit is then inconclusive
/// and not broken, because counts grow; one that is above its upper limit is broken for good.
pub fn judge(
    threshold: &Threshold,
    observed: &Observed,
    span: Duration,
    moment: Moment,
) -> ThresholdResult {
    let limit = threshold.expectation.limit();
    let samples = samples(threshold.metric.quantity(), observed);
    let finding = Finding::of(threshold, observed, span);
    let status = if samples == 0 {
        Status::Inconclusive(Reason::NoSamples)
    } else if samples < threshold.min_samples {
        let needed = threshold.min_samples;
        Status::Inconclusive(Reason::TooFewSamples { needed })
    } else {
        let operator = threshold.expectation.operator();
        let unfinished = observed.unfinished.count();
        let status = |finding: &Finding| finding.status(operator, unfinished, moment);
        let no_time = Status::Inconclusive(Reason::NoTime);
        finding.as_ref().map_or(no_time, status)
    };
    // Of too few samples, a percentile is another name for the maximum.
    let known = finding.filter(|_| samples >= limit.needs());
    let observation = known.map(|finding| finding.observation(observed.unfinished.count()));
    ThresholdResult {
        metric: threshold.metric.to_string(),
        expect: threshold.expectation.to_string(),
        stage: threshold.stage.clone(),
        from_us: micros(threshold.from),
        until_us: threshold.until.map(micros),
        limit: limit.into(),
        observed_text: observation.map_or_else(|| "-".to_owned(), |it| it.to_string()),
        observed: observation,
        samples,
        status,
        ended_run: false,
    }
}

/// How many samples a value is of.
fn samples(quantity: Quantity, observed: &Observed) -> u64 {
    let outcomes = observed.outcomes;
    match quantity {
        Quantity::Latency => {
            let finished = observed.latency.count();
            finished.saturating_add(observed.unfinished.count())
        }
        Quantity::Ended | Quantity::Bytes(_) => outcomes.ended(),
        Quantity::Failed => outcomes.ok.saturating_add(outcomes.failed),
        Quantity::Dropped => observed.starts.scheduled,
    }
}

/// What was counted, for a quantity that is one.
fn counted(quantity: Quantity, observed: &Observed) -> u64 {
    match quantity {
        Quantity::Latency => observed.latency.count(),
        Quantity::Ended => observed.outcomes.ended(),
        Quantity::Failed => observed.outcomes.failed,
        Quantity::Dropped => observed.starts.dropped,
        Quantity::Bytes(direction) => bytes(direction, observed.bytes),
    }
}

const fn bytes(direction: Direction, bytes: Bytes) -> u64 {
    match direction {
        Direction::Sent => bytes.sent,
        Direction::Received => bytes.received,
    }
}

/// What was found, beside what it is compared with.
enum Finding {
    Latency {
        bounds: Bounds<Duration>,
        limit: Duration,
    },
    Count {
        count: u64,
        limit: u64,
        figure: fn(u64) -> Figure,
    },
    Ratio {
        value: f64,
        limit: f64,
        figure: fn(f64) -> Figure,
    },
}

impl Finding {
    /// `None` where there is nothing to compute a value from.
    fn of(threshold: &Threshold, observed: &Observed, span: Duration) -> Option<Self> {
        let quantity = threshold.metric.quantity();
        let ratio = |part: u64, of: f64, limit: f64, figure: fn(f64) -> Figure| {
            (of > 0.0).then(|| Self::Ratio {
                value: real(part) / of,
                limit,
                figure,
            })
        };
        match threshold.expectation.limit() {
            Limit::Latency(statistic, limit) => {
                let bounds = latency::bounds(statistic, &observed.latency, &observed.unfinished);
                bounds.map(|bounds| Self::Latency { bounds, limit })
            }
            Limit::Count(limit) => Some(Self::Count {
                count: counted(quantity, observed),
                limit,
                figure: Figure::Count,
            }),
            Limit::Bytes(limit) => Some(Self::Count {
                count: counted(quantity, observed),
                limit: limit.get(),
                figure: Figure::Bytes,
            }),
            Limit::Share(limit) => {
                let part = counted(quantity, observed);
                ratio(
                    part,
                    real(samples(quantity, observed)),
                    limit,
                    Figure::Share,
                )
            }
            Limit::PerSecond(limit) => ratio(
                observed.within,
                span.as_secs_f64(),
                limit,
                Figure::PerSecond,
            ),
            Limit::BytesPerSecond(limit) => {
                let Quantity::Bytes(direction) = quantity else {
                    return None;
                };
                let part = bytes(direction, observed.bytes_within);
                let limit = real(limit.get());
                ratio(part, span.as_secs_f64(), limit, Figure::BytesPerSecond)
            }
        }
    }

    fn status(&self, operator: Operator, unfinished: u64, moment: Moment) -> Status {
        let decision = match *self {
            Self::Latency { bounds, limit } => bounds.against(operator, limit),
            Self::Count { count, limit, .. } => return grown(count, operator, limit, moment),
            Self::Ratio { value, limit, .. } => Bounds::exactly(value).against(operator, limit),
        };
        match decision {
            Decision::Holds => Status::Pass,
            Decision::Broken => Status::Fail,
            Decision::Open => Status::Inconclusive(match unfinished {
                0 => Reason::Precision,
                count => Reason::Unfinished { count },
            }),
        }
    }

    fn observation(&self, unfinished: u64) -> Observation {
        match *self {
            Self::Latency { bounds, .. } => match bounds.high {
                // The figure that tables of latencies show.
                Some(high) if unfinished == 0 => Observation::exactly(high.into()),
                high => Observation {
                    at_least: bounds.low.into(),
                    at_most: high.map(Into::into),
                },
            },
            Self::Count { count, figure, .. } => Observation::exactly(figure(count)),
            Self::Ratio { value, figure, .. } => Observation::exactly(figure(value)),
        }
    }
}

/// What is said of a count, which only grows.
fn grown(count: u64, operator: Operator, limit: u64, moment: Moment) -> Status {
    let upper = matches!(operator, Operator::Less | Operator::LessOrEqual);
    match Bounds::exactly(count).against(operator, limit) {
        Decision::Holds => Status::Pass,
        _ if moment == Moment::Underway && !upper && count <= limit => {
            Status::Inconclusive(Reason::Underway)
        }
        _ => Status::Fail,
    }
}
