//! The numbers of a run under names that are the same in every run of its plan: those of thresholds.

use crate::exchange::Phase;
use crate::measure::{LatencyHistogram, Outcomes};
use crate::result::{Document, JourneySection};
use crate::units::Quantile;

/// The percentiles that tables show.
pub(super) const QUANTILES: [Quantile; 5] = [
    Quantile::P50,
    Quantile::P90,
    Quantile::P95,
    Quantile::P99,
    Quantile::P999,
];

/// The same, with their names in thresholds.
pub(super) const PERCENTILES: [(&str, Quantile); 5] = [
    ("p(50)", Quantile::P50),
    ("p(90)", Quantile::P90),
    ("p(95)", Quantile::P95),
    ("p(99)", Quantile::P99),
    ("p(99.9)", Quantile::P999),
];

/// Something that was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow<'a> {
    /// A journey or an operation.
    pub(super) of: &'a str,
    pub(super) outcomes: Outcomes,
    /// Ok ones per second of the window.
    pub(super) per_s: f64,
    /// Bytes sent and received per second; of operations only.
    pub(super) bytes_per_s: Option<(f64, f64)>,
    /// How long the ok ones took: iterations by [`latency_of`], exchanges in total.
    pub(super) latency: Option<&'a LatencyHistogram>,
}

/// Journeys, and then operations.
pub(super) fn flows(document: &Document) -> Vec<Flow<'_>> {
    let mut flows = journeys(document);
    flows.extend(operations(document));
    flows
}

/// The journeys of a run.
pub(super) fn journeys(document: &Document) -> Vec<Flow<'_>> {
    let journeys = document.journeys.iter().map(|journey| Flow {
        of: &journey.name,
        outcomes: journey.counts.outcomes,
        per_s: journey.iterations_per_s,
        bytes_per_s: None,
        latency: Some(latency_of(journey, document.open_model)),
    });
    journeys.collect()
}

/// The operations of a run.
pub(super) fn operations(document: &Document) -> Vec<Flow<'_>> {
    let operations = document.operations.iter().map(|operation| Flow {
        of: operation.name.name(),
        outcomes: operation.counts.outcomes,
        per_s: operation.requests_per_s,
        bytes_per_s: Some((operation.sent_per_s, operation.received_per_s)),
        latency: operation.latencies.phases.get(Phase::Total),
    });
    operations.collect()
}

/// Returns the latency that tables of a journey show where there is room for one: response time in an open model, service time
/// in a closed one, where nothing is due before it starts.
pub(super) const fn latency_of(journey: &JourneySection, open_model: bool) -> &LatencyHistogram {
    if open_model {
        &journey.latencies.response_time
    } else {
        &journey.latencies.service_time
    }
}

/// Returns the share that failed of what ended; nothing of nothing.
#[expect(clippy::cast_precision_loss, reason = "no run has 2^53 iterations")]
pub(super) fn failed_share(outcomes: Outcomes) -> Option<f64> {
    let ended = outcomes.ended();
    (ended > 0).then(|| outcomes.failed as f64 / ended as f64)
}
