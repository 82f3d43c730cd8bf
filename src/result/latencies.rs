//! The latencies of a run by the metric that names them.

use std::borrow::Cow;

use super::{Document, JourneySection, LatencySeries, OperationSection};
use crate::measure::{IterationClock, LatencyHistogram, Metric, Subject};

impl Document {
    /// Returns every latency with its metric: those of journeys, in the order of the plan, and then those of operations, of
    /// all journeys together.
    pub fn latencies(&self) -> impl Iterator<Item = (Metric, &LatencyHistogram)> {
        let journeys = self.journeys.iter().flat_map(|journey| {
            let of = |clock| {
                let metric = Metric::of_journey(&journey.name, clock);
                (metric, journey.latencies.of(clock))
            };
            IterationClock::ALL.map(of)
        });
        let operations = self.operations.iter().flat_map(|operation| {
            let phases = operation.latencies.phases.iter();
            phases.map(|(phase, latency)| (Metric::of_operation(operation.name, phase), latency))
        });
        journeys.chain(operations)
    }

    /// Returns the latencies of a metric, or `None` if the run has none. A metric of several journeys or operations has those
    /// of all of them.
    pub fn latency(&self, metric: &Metric) -> Option<Cow<'_, LatencyHistogram>> {
        match metric.subject() {
            Subject::Iterations(clock) => {
                let journeys = self.journeys_of(metric);
                merged(journeys.map(|it| it.latencies.of(clock)))
            }
            Subject::Exchanges { phase, .. } => {
                let operations = self.operations_of(metric);
                merged(operations.filter_map(|it| it.latencies.phases.get(phase)))
            }
        }
    }

    /// Returns the latencies of a metric over time, or `None` if they are not kept.
    pub fn latency_over_time(&self, metric: &Metric) -> Option<&LatencySeries> {
        self.latency_series.iter().find(|it| it.metric == *metric)
    }

    /// Returns the journeys that a metric is of.
    pub fn journeys_of(&self, metric: &Metric) -> impl Iterator<Item = &JourneySection> {
        let journeys = self.journeys.iter();
        journeys.filter(move |it| metric.journey().is_none_or(|name| name == it.name))
    }

    /// Returns the operations that a metric is of: of its journey, or of all.
    pub fn operations_of(&self, metric: &Metric) -> impl Iterator<Item = &OperationSection> {
        let lists: Vec<&[OperationSection]> = if metric.journey().is_some() {
            let journeys = self.journeys_of(metric);
            journeys.map(|it| it.operations.as_slice()).collect()
        } else {
            vec![self.operations.as_slice()]
        };
        let wanted = metric.operation();
        let operations = lists.into_iter().flatten();
        operations.filter(move |it| wanted.is_none_or(|wanted| wanted == it.name))
    }
}

fn merged<'a>(
    mut parts: impl Iterator<Item = &'a LatencyHistogram>,
) -> Option<Cow<'a, LatencyHistogram>> {
    let mut all = Cow::Borrowed(parts.next()?);
    for part in parts {
        all.to_mut().merge(part);
    }
    Some(all)
}
