//! One threshold against what was counted for it.

use std::time::Duration;

use super::bounds::{Bounds, Decision};
use super::evidence::{Basis, Evidence, Moment};
use super::latency;
use super::number::{micros, real};
use super::server;
use super::threshold_result::{Figure, Observation, Reason, Status, ThresholdResult};
use crate::measure::{Bytes, Observed};
use crate::plan::{Direction, Judged, Operator, Quantity, Statistic, Threshold};
use crate::schedule::Span;

/// Judges a threshold by what was counted for it.
///
/// `span` is the time it is judged over, as far as it lies before `elapsed`, which is counted from the opening of the
/// measured window. While a run is under way the verdict is that of the samples so far. A count that is below its lower
/// limit is then inconclusive and not broken, because counts grow; one that is above its upper limit is broken for good.
pub fn judge(
    threshold: &Threshold,
    observed: &Observed,
    span: Span,
    elapsed: Duration,
    moment: Moment,
) -> ThresholdResult {
    let Judged::Load(metric) = &threshold.metric else {
        return server::unread(threshold, moment);
    };
    let evidence = Evidence::new(threshold, metric.quantity(), observed, span, moment);
    let limit = threshold.expectation.limit().into();
    let found = Found::by(&evidence, limit, elapsed);
    ThresholdResult {
        metric: threshold.metric.clone(),
        expect: threshold.expectation.to_string(),
        stage: threshold.stage.clone(),
        from_us: micros(threshold.from),
        until_us: threshold.until.map(micros),
        limit,
        observed_text: found.text(),
        observed: found.observation,
        samples: found.samples,
        status: found.status,
        ended_run: false,
        evidence: Basis::Counted(evidence),
    }
}

impl ThresholdResult {
    /// Adds what another shard of the same run counted for the same threshold, and judges both together over a window of
    /// that length.
    ///
    /// One that ended the run of a shard stays as it was when it did, whatever the others saw: they were to go on.
    pub fn merge(&mut self, other: Self, window: Duration) {
        if self.ended_run {
            return;
        }
        if other.ended_run {
            *self = other;
            return;
        }
        let (Basis::Counted(mine), Basis::Counted(theirs)) = (&mut self.evidence, &other.evidence)
        else {
            // The document judges by the numbers of both.
            return;
        };
        mine.merge(theirs);
        let found = Found::by(mine, self.limit, window);
        self.observed_text = found.text();
        self.observed = found.observation;
        self.samples = found.samples;
        self.status = found.status;
    }
}

/// What the evidence says.
struct Found {
    samples: u64,
    status: Status,
    observation: Option<Observation>,
}

impl Found {
    fn by(evidence: &Evidence, limit: Figure, elapsed: Duration) -> Self {
        let observed = &evidence.counted;
        let samples = samples(evidence.quantity, observed);
        let finding = Finding::of(evidence, limit, elapsed);
        let needed = evidence.min_samples;
        let status = if samples == 0 {
            Status::Inconclusive(Reason::NoSamples)
        } else if samples < needed {
            Status::Inconclusive(Reason::TooFewSamples { needed })
        } else {
            let missing = Missing::of(observed);
            let status = |it: &Finding| it.status(evidence.operator, missing, evidence.moment);
            let no_time = Status::Inconclusive(Reason::NoTime);
            finding.as_ref().map_or(no_time, status)
        };
        // Of too few samples, a percentile is another name for the maximum.
        let known = finding.filter(|_| samples >= evidence.statistic.map_or(1, Statistic::needs));
        Self {
            samples,
            status,
            observation: known.map(|it| it.observation(Missing::of(observed))),
        }
    }

    fn text(&self) -> String {
        let observation = self.observation;
        observation.map_or_else(|| "-".to_owned(), |it| it.to_string())
    }
}

/// What a latency is not known of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Missing {
    /// Was cut or timed out.
    unfinished: u64,
    /// Never began.
    dropped: u64,
}

impl Missing {
    fn of(observed: &Observed) -> Self {
        Self {
            unfinished: observed.unfinished.count(),
            dropped: observed.starts.dropped,
        }
    }

    const fn is_nothing(self) -> bool {
        self.unfinished == 0 && self.dropped == 0
    }
}

/// Returns how many samples a value is of.
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

/// Returns what was counted, for a quantity that is one.
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
    fn of(evidence: &Evidence, limit: Figure, elapsed: Duration) -> Option<Self> {
        let (quantity, observed) = (evidence.quantity, &evidence.counted);
        let seconds = evidence.span().length_at(elapsed).as_secs_f64();
        let ratio = |part: u64, of: f64, limit: f64, figure: fn(f64) -> Figure| {
            (of > 0.0).then(|| Self::Ratio {
                value: real(part) / of,
                limit,
                figure,
            })
        };
        let count = |limit: u64, figure: fn(u64) -> Figure| Self::Count {
            count: counted(quantity, observed),
            limit,
            figure,
        };
        match limit {
            Figure::Micros(limit) => {
                let (finished, unfinished) = (&observed.latency, &observed.unfinished);
                let dropped = observed.starts.dropped;
                let bounds = latency::bounds(evidence.statistic?, finished, unfinished, dropped);
                bounds.map(|bounds| Self::Latency {
                    bounds,
                    limit: Duration::from_micros(limit),
                })
            }
            Figure::Count(limit) => Some(count(limit, Figure::Count)),
            Figure::Bytes(limit) => Some(count(limit, Figure::Bytes)),
            Figure::Share(limit) => {
                let of = real(samples(quantity, observed));
                ratio(counted(quantity, observed), of, limit, Figure::Share)
            }
            Figure::PerSecond(limit) => ratio(observed.within, seconds, limit, Figure::PerSecond),
            Figure::BytesPerSecond(limit) => {
                let Quantity::Bytes(direction) = quantity else {
                    return None;
                };
                let part = bytes(direction, observed.bytes_within);
                ratio(part, seconds, limit, Figure::BytesPerSecond)
            }
            // Of numbers of the target's side, of which nothing is counted.
            Figure::Seconds(_)
            | Figure::Cores(_)
            | Figure::SecondsPerSecond(_)
            | Figure::Amount(_)
            | Figure::Number(_) => None,
        }
    }

    fn status(&self, operator: Operator, missing: Missing, moment: Moment) -> Status {
        let decision = match *self {
            Self::Latency { bounds, limit } => bounds.against(operator, limit),
            Self::Count { count, limit, .. } => return grown(count, operator, limit, moment),
            Self::Ratio { value, limit, .. } => Bounds::exactly(value).against(operator, limit),
        };
        match decision {
            Decision::Holds => Status::Pass,
            Decision::Broken => Status::Fail,
            Decision::Open => Status::Inconclusive(match missing {
                _ if missing.is_nothing() => Reason::Precision,
                Missing {
                    unfinished: count,
                    dropped,
                } => Reason::Unfinished { count, dropped },
            }),
        }
    }

    fn observation(&self, missing: Missing) -> Observation {
        match *self {
            Self::Latency { bounds, .. } => match bounds.high {
                // The figure that tables of latencies show.
                Some(high) if missing.is_nothing() => Observation::exactly(high.into()),
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

/// Returns what is said of a count, which only grows.
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
