//! What two builds are compared by, and how much worse the second may be.

use std::fmt;

use crate::units::Quantile;

use super::threshold::Statistic;
use crate::measure::{Metric, Quantity};
use crate::telemetry::ServerMetric;

/// One number of a run that two builds are compared by, and the change for the worse that is too much.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// What is compared.
    pub comparand: Comparand,
    /// The change for the worse that is a regression, and below which it must be shown to lie to pass: a share of the
    /// base's value, or a difference of shares where the value is a share itself. In `(0, 1]`.
    pub margin: f64,
    /// Below which change it must be shown to lie to pass when there is no time for more evidence: the margin or more, in
    /// the same unit.
    pub tolerance: f64,
}

impl Gate {
    /// The gate with the usual margin and tolerance.
    pub fn usual(comparand: Comparand) -> Self {
        Self {
            margin: comparand.usual_margin(),
            tolerance: comparand.usual_tolerance(),
            comparand,
        }
    }
}

/// One number of a run. Printed as gates write it: `pull.response_time p(99)`, `errors rate`, `capacity`.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparand {
    /// A statistic of a latency: never its least or its most, which are one request each.
    Latency(Metric, Statistic),
    /// How many, or how many bytes, in a second; or which share failed or never started.
    Rate(Metric),
    /// The highest rate that a capacity search has confirmed.
    Capacity,
    /// A number of the target's side.
    Server(ServerMetric),
}

impl Comparand {
    /// The margin where a gate names none: 3% up to the median, 5% up to p(95), 10% beyond; 3% of a rate or a capacity;
    /// a tenth of a percentage point of a share; 5% of processor time and 10% of other numbers of the target's side.
    pub fn usual_margin(&self) -> f64 {
        match self {
            Self::Latency(_, Statistic::Quantile(quantile)) if *quantile > Quantile::P95 => 0.1,
            Self::Latency(_, Statistic::Quantile(quantile)) if *quantile > Quantile::P50 => 0.05,
            Self::Rate(metric) if is_share(metric) => 0.001,
            Self::Server(metric) if metric.is_cpu() => 0.05,
            Self::Server(_) => 0.1,
            _ => 0.03,
        }
    }

    /// The tolerance where a gate names neither it nor a margin, which is what noise that is usual on shared machines leaves
    /// undecided in a quarter of an hour: 5% up to the median, 8% up to p(95), 15% beyond; 5% of a rate or a capacity; half a
    /// percentage point of a share; 8% of processor time and 15% of other numbers of the target's side.
    pub fn usual_tolerance(&self) -> f64 {
        match self {
            Self::Latency(_, Statistic::Quantile(quantile)) if *quantile > Quantile::P95 => 0.15,
            Self::Latency(_, Statistic::Quantile(quantile)) if *quantile > Quantile::P50 => 0.08,
            Self::Rate(metric) if is_share(metric) => 0.005,
            Self::Server(metric) if metric.is_cpu() => 0.08,
            Self::Server(_) => 0.15,
            _ => 0.05,
        }
    }

    /// Returns whether its value is a share, in `[0, 1]`.
    pub fn is_share(&self) -> bool {
        matches!(self, Self::Rate(metric) if is_share(metric))
    }
}

const fn is_share(metric: &Metric) -> bool {
    matches!(metric.quantity(), Quantity::Failed | Quantity::Dropped)
}

impl fmt::Display for Comparand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(metric, statistic) => write!(f, "{metric} {statistic}"),
            Self::Rate(metric) => write!(f, "{metric} rate"),
            Self::Capacity => f.write_str("capacity"),
            Self::Server(metric) => write!(f, "{metric}"),
        }
    }
}
