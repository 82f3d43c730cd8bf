//! OpenMetrics text of a stored run, such as GitLab's metrics report compares between pipelines.
//!
//! Every series of a plan has the same labels in every run: neither times nor run ids are among them. All are gauges or
//! summaries, because nothing counts on in a run that is over. What is not known is `NaN`, never zero.

use crate::measure::{LatencyHistogram, Outcomes};
use crate::result::Document;
use crate::units::Quantile;
use crate::verdict::Status;

use super::samples::{Samples, seconds};

const VERDICTS: [&str; 5] = ["pass", "not-judged", "inconclusive", "fail", "invalid"];
const HEALTH: [&str; 3] = ["valid", "suspect", "invalid"];
const UNKNOWN: &str = "NaN";
const QUANTILES: [(&str, Quantile); 5] = [
    ("0.5", Quantile::P50),
    ("0.9", Quantile::P90),
    ("0.95", Quantile::P95),
    ("0.99", Quantile::P99),
    ("0.999", Quantile::P999),
];

/// Returns the whole of it, ended by `# EOF`.
pub fn render(document: &Document) -> String {
    let mut samples = Samples::default();
    whole(&mut samples, document);
    journeys(&mut samples, document);
    operations(&mut samples, document);
    server(&mut samples, document);
    samples.finish() + "# EOF\n"
}

fn whole(samples: &mut Samples, document: &Document) {
    let name = "regstorm_verdict";
    samples.family(
        name,
        "gauge",
        "What the run comes to: 1 for the state that it is in.",
    );
    samples.states(name, "verdict", &VERDICTS, document.verdict.name());
    let name = "regstorm_generator_health";
    samples.family(
        name,
        "gauge",
        "Whether the numbers are the target's: 1 for the state that it is in.",
    );
    let health = document.generator.health.verdict().name();
    samples.states(name, "health", &HEALTH, health);
    let name = "regstorm_sums_close";
    samples.family(
        name,
        "gauge",
        "1 when every sum of the run closes; otherwise trust no number of it.",
    );
    let closes = if document.closure.holds() { "1" } else { "0" };
    samples.sample(name, &[], closes);
    let name = "regstorm_window_seconds";
    samples.family(name, "gauge", "The length of the measured window.");
    samples.sample(name, &[], &seconds(document.window_us.into()));
    if !document.thresholds.is_empty() {
        let name = "regstorm_threshold_holds";
        samples.family(
            name,
            "gauge",
            "1 when the threshold holds, 0 when it is broken, NaN when that cannot be said.",
        );
        for result in &document.thresholds {
            let value = match result.status {
                Status::Pass => "1",
                Status::Fail => "0",
                Status::Inconclusive(_) => UNKNOWN,
            };
            samples.sample(name, &[("threshold", &result.name())], value);
        }
    }
}

fn journeys(samples: &mut Samples, document: &Document) {
    let journeys = &document.journeys;
    let name = "regstorm_starts";
    samples.family(
        name,
        "gauge",
        "Iterations that were due: what became of them.",
    );
    for journey in journeys {
        let starts = journey.counts.starts;
        for (kind, count) in [
            ("scheduled", starts.scheduled),
            ("started", starts.started),
            ("dropped", starts.dropped),
        ] {
            let labels = [("journey", journey.name.as_str()), ("kind", kind)];
            samples.sample(name, &labels, &count.to_string());
        }
    }
    let name = "regstorm_iterations";
    samples.family(name, "gauge", "Iterations that ended, by outcome.");
    for journey in journeys {
        outcomes(
            samples,
            name,
            ("journey", &journey.name),
            journey.counts.outcomes,
        );
    }
    let name = "regstorm_iterations_per_second";
    samples.family(
        name,
        "gauge",
        "Ok iterations that ended within the window, divided by its length.",
    );
    for journey in journeys {
        let labels = [("journey", journey.name.as_str())];
        samples.sample(name, &labels, &journey.iterations_per_s.to_string());
    }
    let name = "regstorm_response_time_seconds";
    samples.family(
        name,
        "summary",
        "From the scheduled start to the end, of ok iterations.",
    );
    for journey in journeys {
        let labels = [("journey", journey.name.as_str())];
        summary(samples, name, &labels, &journey.latencies.response_time);
    }
    let name = "regstorm_service_time_seconds";
    samples.family(
        name,
        "summary",
        "From the real start to the end, of ok iterations.",
    );
    for journey in journeys {
        let labels = [("journey", journey.name.as_str())];
        summary(samples, name, &labels, &journey.latencies.service_time);
    }
}

fn operations(samples: &mut Samples, document: &Document) {
    let operations = &document.operations;
    let name = "regstorm_exchanges";
    samples.family(name, "gauge", "Requests that ended, by outcome.");
    for operation in operations {
        let label = ("operation", operation.name.name());
        outcomes(samples, name, label, operation.counts.outcomes);
    }
    let name = "regstorm_exchanges_per_second";
    samples.family(
        name,
        "gauge",
        "Ok requests that ended within the window, divided by its length.",
    );
    for operation in operations {
        let labels = [("operation", operation.name.name())];
        samples.sample(name, &labels, &operation.requests_per_s.to_string());
    }
    let name = "regstorm_body_bytes_per_second";
    samples.family(
        name,
        "gauge",
        "Bytes of the bodies of these, divided by the length of the window.",
    );
    for operation in operations {
        for (direction, value) in [
            ("sent", operation.sent_per_s),
            ("received", operation.received_per_s),
        ] {
            let labels = [
                ("operation", operation.name.name()),
                ("direction", direction),
            ];
            samples.sample(name, &labels, &value.to_string());
        }
    }
    let name = "regstorm_exchange_seconds";
    samples.family(
        name,
        "summary",
        "Latency of ok requests by phase, the whole being total.",
    );
    for operation in operations {
        for (phase, histogram) in operation.latencies.phases.iter() {
            let labels = [
                ("operation", operation.name.name()),
                ("phase", phase.name()),
            ];
            summary(samples, name, &labels, histogram);
        }
    }
}

/// The numbers of the target's side, where it was read.
fn server(samples: &mut Samples, document: &Document) {
    if document.server.is_empty() {
        return;
    }
    let name = "regstorm_server";
    samples.family(
        name,
        "gauge",
        "What the target used, by the metric of the report, in seconds, bytes, shares or things, or these in a second.",
    );
    for figure in &document.server {
        let metric = figure.metric.to_string();
        let labels = [("metric", metric.as_str()), ("source", &figure.source)];
        let value = figure.value.map_or(UNKNOWN.to_owned(), |it| it.to_string());
        samples.sample(name, &labels, &value);
    }
}

fn outcomes(samples: &mut Samples, name: &str, of: (&str, &str), outcomes: Outcomes) {
    for (outcome, count) in [
        ("ok", outcomes.ok),
        ("failed", outcomes.failed),
        ("cancelled", outcomes.cancelled),
        ("misbehaved", outcomes.misbehaved),
    ] {
        if outcome == "misbehaved" && count == 0 {
            continue; // only where a scenario asks for it
        }
        samples.sample(name, &[of, ("outcome", outcome)], &count.to_string());
    }
}

/// The quantiles, the maximum as the quantile 1, and the count. There is no sum: a histogram does not know it exactly.
fn summary(samples: &mut Samples, name: &str, of: &[(&str, &str)], histogram: &LatencyHistogram) {
    let known = QUANTILES.map(|(label, quantile)| (label, histogram.quantile(quantile)));
    for (label, time) in known.into_iter().chain([("1", histogram.max())]) {
        let mut labels = of.to_vec();
        labels.push(("quantile", label));
        let value = time.map_or(UNKNOWN.to_owned(), |it| seconds(it.as_micros()));
        samples.sample(name, &labels, &value);
    }
    let count = histogram.count().to_string();
    samples.sample(&format!("{name}_count"), of, &count);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn tells_what_is_known_and_names_what_is_not() {
        let mut document = testing::document();
        document.thresholds = testing::thresholds();
        let text = render(&document);
        for line in [
            "regstorm_verdict{verdict=\"pass\"} 1",
            "regstorm_verdict{verdict=\"fail\"} 0",
            "regstorm_generator_health{health=\"valid\"} 1",
            "regstorm_sums_close 1",
            "regstorm_window_seconds 20",
            "regstorm_threshold_holds{threshold=\"pull.response_time p(99) < 300ms\"} NaN",
            "regstorm_starts{journey=\"pull\",kind=\"dropped\"} 2",
            "regstorm_iterations{journey=\"pull\",outcome=\"failed\"} 6",
            "regstorm_iterations_per_second{journey=\"pull\"} 49.9",
            "regstorm_service_time_seconds_count{journey=\"pull\"} 1000",
            "regstorm_exchange_seconds{operation=\"blob-get\",phase=\"first-byte\",quantile=\"0.99\"} NaN",
            "regstorm_exchange_seconds_count{operation=\"blob-get\",phase=\"first-byte\"} 50",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
        let median = "regstorm_service_time_seconds{journey=\"pull\",quantile=\"0.5\"} ";
        let median = text.lines().find_map(|it| it.strip_prefix(median)).unwrap();
        let median: f64 = median.parse().unwrap();
        assert!((0.5..=0.5005).contains(&median), "{median}");
    }

    #[test]
    fn the_target_has_a_family() {
        let text = render(&testing::observed());
        for line in [
            "# TYPE regstorm_server gauge",
            "regstorm_server{metric=\"server.cpu\",source=\"registry\"} 0.5",
            "regstorm_server{metric=\"server.restarts\",source=\"registry\"} 1",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
        assert!(!render(&testing::document()).contains("regstorm_server"));
    }

    #[test]
    fn labels_are_those_of_the_plan_only() {
        let series = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|it| !it.starts_with('#'));
            let name = |it: &str| it.rsplit_once(' ').unwrap().0.to_owned();
            lines.map(name).collect()
        };
        let one = testing::document();
        let mut other = testing::document();
        testing::invalidate(&mut other);
        testing::break_a_sum(&mut other);
        other.environment.started = "2027-01-01T00:00:00Z".into();
        other.plan.seed = 7;
        assert_eq!(series(&render(&one)), series(&render(&other)));
        let text = render(&other);
        assert!(text.contains("regstorm_generator_health{health=\"invalid\"} 1"));
        assert!(text.contains("regstorm_sums_close 0"));
    }
}
