//! What a pull-through cache has fetched from its upstream, which is this process.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::telemetry::{FigureUnit, ServerFigure, ServerMetric};

/// What was fetched from the upstream while the target was loaded.
///
/// A fetch is a `GET` of a blob, or of a range of it, that found it. A cache that fetches each blob once has as many fetches as blobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpstreamSection {
    /// Where it was: a URL.
    pub url: String,
    /// Requests of all kinds, without those of preparation.
    pub requests: u64,
    /// Blobs that were fetched.
    pub blobs: u64,
    /// Fetches of them.
    pub fetches: u64,
    /// Fetches divided by blobs, to three decimals; null where no blob was fetched.
    pub fetches_per_blob: Option<f64>,
    /// The most fetches of one blob.
    pub most: u64,
    /// Blobs that were fetched more than once.
    pub more_than_once: u64,
}

impl UpstreamSection {
    /// Returns what fetches come to; `counts` are those of each blob that was fetched.
    pub fn new(url: String, requests: u64, counts: &[u64]) -> Self {
        let blobs = counts.len() as u64;
        let fetches = counts.iter().sum();
        Self {
            url,
            requests,
            blobs,
            fetches,
            fetches_per_blob: mean(fetches, blobs),
            most: counts.iter().copied().max().unwrap_or(0),
            more_than_once: counts.iter().filter(|it| **it > 1).count() as u64,
        }
    }

    /// Returns the number that thresholds judge and comparisons compare.
    pub(super) fn figure(&self) -> ServerFigure {
        ServerFigure {
            metric: ServerMetric::fetches_per_blob(),
            source: "upstream".to_owned(),
            unit: FigureUnit::Number,
            value: self.fetches_per_blob,
            interval: None,
            samples: self.blobs,
            why: (self.blobs == 0).then(|| "no blob was fetched".to_owned()),
        }
    }
}

/// To three decimals, so that a JSON reader gets back the number that was written.
#[expect(clippy::cast_precision_loss, reason = "it has three decimals")]
fn mean(fetches: u64, blobs: u64) -> Option<f64> {
    (blobs > 0).then(|| (fetches as f64 / blobs as f64 * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetches_are_counted_by_blob() {
        let it = UpstreamSection::new("http://127.0.0.1:1".into(), 9, &[1, 4, 1, 2]);
        assert_eq!(
            (it.blobs, it.fetches, it.most, it.more_than_once),
            (4, 8, 4, 2)
        );
        assert_eq!(it.fetches_per_blob, Some(2.0));
        assert_eq!(
            UpstreamSection::new(String::new(), 0, &[]).fetches_per_blob,
            None
        );
        assert_eq!(
            UpstreamSection::new(String::new(), 0, &[1, 1, 2]).fetches_per_blob,
            Some(1.333)
        );
    }
}
