//! What a threshold looks at: the load, or the target's side.

use std::fmt;
use std::str::FromStr;

use crate::measure::{Metric, MetricError};
use crate::telemetry::ServerMetric;
use crate::units::stored_as_written;

/// What a threshold looks at. Written as the metric is: `pull.response_time`, `server.memory.slope`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// A metric of the load.
    Load(Metric),
    /// A number of the target's side, of the whole measured window.
    Server(ServerMetric),
}

impl Judged {
    /// Returns the metric of the load, if it is one.
    pub const fn load(&self) -> Option<&Metric> {
        match self {
            Self::Load(metric) => Some(metric),
            Self::Server(_) => None,
        }
    }
}

impl From<Metric> for Judged {
    fn from(metric: Metric) -> Self {
        Self::Load(metric)
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(metric) => metric.fmt(f),
            Self::Server(metric) => metric.fmt(f),
        }
    }
}

impl FromStr for Judged {
    type Err = MetricError;

    /// A journey may be called `server`; then words that metrics of loads have are its.
    fn from_str(text: &str) -> Result<Self, MetricError> {
        let load = text.parse::<Metric>();
        let server = || text.parse().ok().map(Self::Server);
        match load {
            Ok(metric) if metric.journey() == Some("server") => Ok(Self::Load(metric)),
            Ok(metric) => Ok(server().unwrap_or(Self::Load(metric))),
            Err(error) => server().ok_or(error),
        }
    }
}

stored_as_written!(Judged);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journey_may_be_called_server() {
        for (text, is_load) in [
            ("pull.response_time", true),
            ("server.response_time", true),
            ("server.blob-get.errors", true),
            ("server.cpu_per_pull", false),
            ("server.memory.slope", false),
            ("server.zot.errors", false),
            ("server.zot.zot_http_requests_total", false),
        ] {
            let judged: Judged = text.parse().unwrap();
            assert_eq!(judged.load().is_some(), is_load, "{text}");
            assert_eq!(judged.to_string(), text);
        }
        assert!("servers.cpu".parse::<Judged>().is_err());
    }
}
