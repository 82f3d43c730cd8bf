//! The numbers of a run under names that are the same in every run of its plan: those of thresholds.

use crate::measure::{LatencyHistogram, Outcomes};
use crate::result::Document;
use crate::units::Quantile;

/// The percentiles that are told, with their names in thresholds.
pub(super) const PERCENTILES: [(&str, Quantile); 5] = [
    ("p(50)", Quantile::P50),
    ("p(90)", Quantile::P90),
    ("p(95)", Quantile::P95),
    ("p(99)", Quantile::P99),
    ("p(99.9)", Quantile::P999),
];

/// One latency of ok iterations or exchanges (start lag: of all that started).
#[derive(Debug, Clone)]
pub(super) struct Latency<'a> {
    /// A journey or an operation.
    pub(super) of: &'a str,
    /// Which of its clocks: `response_time`, `first-byte`.
    pub(super) clock: &'static str,
    pub(super) histogram: &'a LatencyHistogram,
}

impl Latency<'_> {
    /// `pull.response_time`, `blob-get.total`
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.of, self.clock)
    }
}

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
}

/// Every latency: those of journeys, in the order of the plan, and then those of operations, of all journeys together.
pub(super) fn latencies(document: &Document) -> Vec<Latency<'_>> {
    let journeys = document.journeys.iter().flat_map(|journey| {
        let clocks = [
            ("response_time", &journey.latencies.response_time),
            ("service_time", &journey.latencies.service_time),
            ("start_lag", &journey.latencies.start_lag),
        ];
        clocks.map(|(clock, histogram)| Latency {
            of: &journey.name,
            clock,
            histogram,
        })
    });
    let operations = document.operations.iter().flat_map(|operation| {
        let phases = operation.latencies.phases.iter();
        phases.map(|(phase, histogram)| Latency {
            of: operation.name.name(),
            clock: phase.name(),
            histogram,
        })
    });
    journeys.chain(operations).collect()
}

/// Journeys, and then operations.
pub(super) fn flows(document: &Document) -> Vec<Flow<'_>> {
    let journeys = document.journeys.iter().map(|journey| Flow {
        of: &journey.name,
        outcomes: journey.counts.outcomes,
        per_s: journey.iterations_per_s,
        bytes_per_s: None,
    });
    let operations = document.operations.iter().map(|operation| Flow {
        of: operation.name.name(),
        outcomes: operation.counts.outcomes,
        per_s: operation.requests_per_s,
        bytes_per_s: Some((operation.sent_per_s, operation.received_per_s)),
    });
    journeys.chain(operations).collect()
}

/// The share that failed of what ended; nothing of nothing.
#[expect(clippy::cast_precision_loss, reason = "no run has 2^53 iterations")]
pub(super) fn failed_share(outcomes: Outcomes) -> Option<f64> {
    let ended = outcomes.ended();
    (ended > 0).then(|| outcomes.failed as f64 / ended as f64)
}
