//! JSON for github-action-benchmark, whose files are either of numbers that should be small or of such that should be large.
//!
//! Of a run whose generator was the limit, or whose sums do not close, there is nothing: these files become a history
//! that could not tell such numbers from those of the target, and the action refuses an empty one aloud.

use serde::Serialize;

use crate::measure::{IterationClock, Metric, Subject};
use crate::result::Document;
use crate::units;

use super::figures::{PERCENTILES, failed_share, flows};

/// One number, as the action reads it. Its `range` is left out: one run has no interval.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    extra: String,
}

/// `customSmallerIsBetter`: the known percentiles of latencies in milliseconds, and shares that failed in percent. Start
/// lag is the generator's and not among them.
pub fn smaller(document: &Document) -> String {
    let mut entries = Vec::new();
    let is_start_lag = |it: &Metric| it.subject() == Subject::Iterations(IterationClock::StartLag);
    let latencies = document.latencies();
    for (metric, histogram) in latencies.filter(|(metric, _)| !is_start_lag(metric)) {
        let samples = histogram.count();
        for (percentile, quantile) in PERCENTILES {
            if let Some(time) = histogram.quantile(quantile) {
                entries.push(Entry {
                    name: format!("{metric} {percentile}"),
                    unit: "ms",
                    value: super::millis(time),
                    extra: extra(document, samples),
                });
            }
        }
    }
    for flow in flows(document) {
        if let Some(share) = failed_share(flow.outcomes) {
            entries.push(Entry {
                name: format!("{} failed", flow.of),
                unit: "%",
                value: share * 100.0,
                extra: extra(document, flow.outcomes.ended()),
            });
        }
    }
    json(document, &entries)
}

/// `customBiggerIsBetter`: iterations, exchanges and bytes per second.
pub fn larger(document: &Document) -> String {
    let mut entries = Vec::new();
    for flow in flows(document) {
        let mut add = |what: &str, unit, value| {
            entries.push(Entry {
                name: format!("{} {what}", flow.of),
                unit,
                value,
                extra: extra(document, flow.outcomes.ok),
            });
        };
        add("rate", "1/s", flow.per_s);
        let (sent, received) = flow.bytes_per_s.unwrap_or_default();
        // An operation that moves nothing one way has no rate there that could be better.
        for (what, bytes) in [("sent", sent), ("received", received)] {
            if bytes > 0.0 {
                add(what, "B/s", bytes);
            }
        }
    }
    json(document, &entries)
}

fn extra(document: &Document, samples: u64) -> String {
    let fingerprint: String = document.plan.fingerprint.to_hex().chars().take(7).collect();
    format!(
        "{} samples, plan {fingerprint}, generator {}",
        units::count(samples),
        document.generator.health.verdict()
    )
}

fn json(document: &Document, entries: &[Entry]) -> String {
    let told = if super::counts(document) {
        entries
    } else {
        &[]
    };
    serde_json::to_string_pretty(told).expect("numbers and texts") + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::testing;

    fn entry(text: &str, name: &str) -> Value {
        let all: Vec<Value> = serde_json::from_str(text).unwrap();
        let mut found = all.into_iter().filter(|it| it["name"] == name);
        let entry = found.next().unwrap_or_else(|| panic!("no {name}: {text}"));
        assert!(found.next().is_none(), "{name} twice");
        entry
    }

    #[test]
    fn small_is_good_for_times_and_failures() {
        let text = smaller(&testing::document());
        let p99 = entry(&text, "pull.service_time p(99)");
        assert_eq!(p99["unit"], "ms");
        let value = p99["value"].as_f64().unwrap();
        assert!((990.0..=991.0).contains(&value), "{value}");
        assert_eq!(p99["extra"], "1,000 samples, plan e3b0c44, generator valid");
        let failed = entry(&text, "pull failed")["value"].as_f64().unwrap();
        assert!((failed - 600.0 / 1_008.0).abs() < 1e-9, "{failed}");
        // 50 first bytes do not know their p99.
        assert!(text.contains("blob-get.first-byte p(95)"));
        assert!(!text.contains("blob-get.first-byte p(99)"));
        assert!(!text.contains("start_lag"));
    }

    #[test]
    fn large_is_good_for_rates() {
        let text = larger(&testing::document());
        let rate = entry(&text, "pull rate");
        assert_eq!(
            (rate["unit"].as_str(), rate["value"].as_f64()),
            (Some("1/s"), Some(49.9))
        );
        let received = entry(&text, "blob-get received");
        assert_eq!(received["value"].as_f64(), Some(70_710_678.1));
        assert!(!text.contains("blob-get sent"));
    }

    #[test]
    fn nothing_is_told_of_a_run_that_says_nothing() {
        let mut invalid = testing::document();
        testing::invalidate(&mut invalid);
        let mut broken = testing::document();
        testing::break_a_sum(&mut broken);
        for document in [invalid, broken] {
            assert_eq!(smaller(&document), "[]\n");
            assert_eq!(larger(&document), "[]\n");
        }
    }
}
