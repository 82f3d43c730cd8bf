//! Bencher Metric Format: benchmarks, their measures, and a value for each.
//!
//! Times are nanoseconds and rates are per second, as Bencher's own measures `latency` and `throughput` are. One run has no
//! interval, so there are no bounds. Of a run whose numbers are not the target's there is nothing, as in
//! [`benchmark_action`](super::benchmark_action).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::result::Document;

use super::figures::{PERCENTILES, failed_share, flows};

#[derive(Debug, Serialize)]
struct Metric {
    value: f64,
}

/// Each latency is a benchmark with the measures `latency-p50` to `latency-p99-9`, each journey and operation one with
/// `throughput` and `failed-share`.
pub fn render(document: &Document) -> String {
    let mut benchmarks: BTreeMap<String, BTreeMap<String, Metric>> = BTreeMap::new();
    for (metric, histogram) in document.latencies() {
        for (percentile, quantile) in PERCENTILES {
            if let Some(time) = histogram.quantile(quantile) {
                let measure = percentile.replace("p(", "latency-p").replace('.', "-");
                let measure = measure.trim_end_matches(')').to_owned();
                let value = super::millis(time) * 1e6;
                let metrics = benchmarks.entry(metric.to_string()).or_default();
                metrics.insert(measure, Metric { value });
            }
        }
    }
    for flow in flows(document) {
        let metrics = benchmarks.entry(flow.of.to_owned()).or_default();
        metrics.insert("throughput".into(), Metric { value: flow.per_s });
        if let Some(value) = failed_share(flow.outcomes) {
            metrics.insert("failed-share".into(), Metric { value });
        }
    }
    if !super::counts(document) {
        benchmarks.clear();
    }
    json(&benchmarks)
}

fn json(benchmarks: &BTreeMap<String, BTreeMap<String, Metric>>) -> String {
    serde_json::to_string_pretty(benchmarks).expect("every key is a text") + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::testing;

    #[test]
    fn a_value_for_each_measure() {
        let mut document = testing::document();
        let json: Value = serde_json::from_str(&render(&document)).unwrap();
        let value = |benchmark: &str, measure: &str| json[benchmark][measure]["value"].as_f64();
        assert_eq!(value("pull", "throughput"), Some(49.9));
        let share = value("pull", "failed-share").unwrap();
        assert!((share - 6.0 / 1_008.0).abs() < 1e-12);
        for (measure, low, high) in [
            ("latency-p50", 500e6, 500.5e6),
            ("latency-p99", 990e6, 991e6),
            ("latency-p99-9", 999e6, 1_000e6),
        ] {
            let value = value("pull.service_time", measure).unwrap();
            assert!((low..=high).contains(&value), "{measure} {value}");
        }
        assert_eq!(value("blob-get.first-byte", "latency-p99"), None);
        testing::invalidate(&mut document);
        assert_eq!(render(&document), "{}\n");
    }
}
