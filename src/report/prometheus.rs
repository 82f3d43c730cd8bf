//! What Prometheus reads while a run goes on.
//!
//! Counters have a label for the period, so that each only ever grows while a load runs; a search begins anew with each trial,
//! which Prometheus takes for a restart. None of it is what verdicts are made of: that is the report.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::health::Latest;
use crate::measure::{Live, Outcomes, Period};
use crate::telemetry::{Number, SeriesKind};

use super::samples::{Samples, seconds};

/// Returns the edges of the buckets in microseconds: powers of two and one and a half times these, from 256 µs to 67 s.
fn edges() -> Vec<u64> {
    let powers = (8..=26).map(|power| 1_u64 << power);
    let mut edges: Vec<u64> = powers.flat_map(|edge| [edge, edge + edge / 2]).collect();
    edges.pop();
    edges
}

/// Returns which part of the run is under way.
pub fn period(is: Period) -> String {
    let mut samples = Samples::default();
    let name = "regstorm_period";
    let help = "The part of the run that is under way: 1 for the one that it is.";
    samples.family(name, "gauge", help);
    let names = Period::ALL.map(Period::name);
    samples.states(name, "period", &names, is.name());
    samples.finish()
}

/// Returns the counts of a load so far.
pub fn load(live: &Live) -> String {
    let mut samples = Samples::default();
    let periods = [Period::WarmUp, Period::Measure].map(|it| (it.name(), live.totals(it)));
    let name = "regstorm_starts_total";
    let help = "Iterations that were due: scheduled = started + dropped, but for those that wait.";
    samples.family(name, "counter", help);
    for (period, totals) in periods {
        for (kind, count) in [
            ("scheduled", totals.starts.scheduled),
            ("started", totals.starts.started),
            ("dropped", totals.starts.dropped),
        ] {
            let labels = [("period", period), ("kind", kind)];
            samples.sample(name, &labels, &count.to_string());
        }
    }
    let name = "regstorm_iterations_total";
    let help = "Iterations that ended, by outcome and by the period in which they were due.";
    samples.family(name, "counter", help);
    for (period, totals) in periods {
        outcomes(&mut samples, name, period, totals.iterations);
    }
    let name = "regstorm_exchanges_total";
    samples.family(name, "counter", "Requests that ended, likewise.");
    for (period, totals) in periods {
        outcomes(&mut samples, name, period, totals.exchanges);
    }
    let name = "regstorm_body_bytes_total";
    samples.family(name, "counter", "Bytes of the bodies of these requests.");
    for (period, totals) in periods {
        let bytes = totals.bytes;
        for (direction, count) in [("sent", bytes.sent), ("received", bytes.received)] {
            let labels = [("period", period), ("direction", direction)];
            samples.sample(name, &labels, &count.to_string());
        }
    }
    let name = "regstorm_active_iterations";
    let help = "Iterations under way: as many virtual users are busy.";
    samples.family(name, "gauge", help);
    samples.sample(name, &[], &live.active().to_string());
    response_time(&mut samples, live);
    samples.finish()
}

/// Returns the generator, as it was seen last.
pub fn generator(latest: &Latest) -> String {
    let mut samples = Samples::default();
    let name = "regstorm_generator_worst_lag_seconds";
    let help = "The worst lateness of an event loop or of the watchdog in the last second or so.";
    samples.family(name, "gauge", help);
    samples.sample(name, &[], &time(latest.worst_lag));
    for (name, help, value) in [
        (
            "regstorm_generator_machine_busy_ratio",
            "The share in which the cores of this machine had something to do.",
            latest.machine_busy,
        ),
        (
            "regstorm_generator_busiest_worker_ratio",
            "The share in which the busiest worker ran.",
            latest.busiest_worker,
        ),
    ] {
        samples.family(name, "gauge", help);
        let value = value.map_or("NaN".to_owned(), |it| it.to_string());
        samples.sample(name, &[], &value);
    }
    samples.finish()
}

/// Returns the target's own numbers, as each source gave them last.
pub fn server(sources: &BTreeMap<String, Vec<Number>>) -> String {
    let mut samples = Samples::default();
    for (kind, name, told, help) in [
        (
            SeriesKind::Gauge,
            "regstorm_server_reading",
            "gauge",
            "What the target uses: bytes, seconds, shares or things, as its source gave them last.",
        ),
        (
            SeriesKind::Counter,
            "regstorm_server_reading_total",
            "counter",
            "What the target has counted, likewise: it begins again when the target does.",
        ),
    ] {
        let numbers = sources.iter().flat_map(|(source, numbers)| {
            let numbers = numbers.iter().filter(|it| it.kind == kind);
            numbers.map(move |it| (source, it))
        });
        let mut numbers = numbers.peekable();
        if numbers.peek().is_some() {
            samples.family(name, told, help);
        }
        for (source, number) in numbers {
            let labels = [("source", source.as_str()), ("name", &number.name)];
            samples.sample(name, &labels, &number.value.to_string());
        }
    }
    samples.finish()
}

fn outcomes(samples: &mut Samples, name: &str, period: &str, outcomes: Outcomes) {
    for (outcome, count) in [
        ("ok", outcomes.ok),
        ("failed", outcomes.failed),
        ("cancelled", outcomes.cancelled),
        ("misbehaved", outcomes.misbehaved),
    ] {
        if outcome == "misbehaved" && count == 0 {
            continue; // only where a scenario asks for it
        }
        let labels = [("period", period), ("outcome", outcome)];
        samples.sample(name, &labels, &count.to_string());
    }
}

fn response_time(samples: &mut Samples, live: &Live) {
    let name = "regstorm_response_time_seconds";
    let help = "From the scheduled start to the end, of ok iterations that were due in the measured window. The counts \
                are exact; percentiles made of them are as coarse as the buckets.";
    samples.family(name, "histogram", help);
    let bucket = format!("{name}_bucket");
    let edges = edges();
    for (edge, count) in edges.iter().zip(live.response_times_below(&edges)) {
        let labels = [("le", seconds(u128::from(*edge)))];
        let labels = labels
            .each_ref()
            .map(|(label, text)| (*label, text.as_str()));
        samples.sample(&bucket, &labels, &count.to_string());
    }
    let all = live.response_times().to_string();
    samples.sample(&bucket, &[("le", "+Inf")], &all);
    let sum = time(live.response_time_sum());
    samples.sample(&format!("{name}_sum"), &[], &sum);
    samples.sample(&format!("{name}_count"), &[], &all);
}

fn time(value: Duration) -> String {
    seconds(value.as_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Unit;

    #[test]
    fn nothing_yet_is_a_run_that_can_be_scraped() {
        let text = load(&Live::new());
        assert!(text.contains("regstorm_exchanges_total{period=\"measure\",outcome=\"ok\"} 0\n"));
        assert!(text.contains("regstorm_response_time_seconds_bucket{le=\"0.000256\"} 0\n"));
        assert!(text.contains("regstorm_response_time_seconds_bucket{le=\"0.000384\"} 0\n"));
        assert!(text.contains("regstorm_response_time_seconds_bucket{le=\"67.108864\"} 0\n"));
        assert!(text.contains("regstorm_response_time_seconds_sum 0\n"));
        assert!(!text.contains("le=\"100.663296\""));
    }

    #[test]
    fn what_is_not_known_is_no_number() {
        let latest = Latest {
            worst_lag: Duration::from_micros(1_500),
            machine_busy: Some(0.5),
            ..Latest::default()
        };
        let text = generator(&latest);
        assert!(text.contains("regstorm_generator_worst_lag_seconds 0.0015\n"));
        assert!(text.contains("regstorm_generator_machine_busy_ratio 0.5\n"));
        assert!(text.contains("regstorm_generator_busiest_worker_ratio NaN\n"));
    }

    #[test]
    fn what_a_source_gave_has_its_name_and_that_of_the_source() {
        let number = |name: &'static str, kind, value| Number {
            name: name.into(),
            unit: Unit::Plain,
            kind,
            value,
        };
        let sources = BTreeMap::from([
            (
                "registry".to_owned(),
                vec![
                    number("cpu", SeriesKind::Counter, 1.5),
                    number("memory", SeriesKind::Gauge, 4_096.0),
                ],
            ),
            ("silent".to_owned(), Vec::new()),
        ]);
        let text = server(&sources);
        let samples: Vec<&str> = text.lines().filter(|it| !it.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "regstorm_server_reading{source=\"registry\",name=\"memory\"} 4096",
                "regstorm_server_reading_total{source=\"registry\",name=\"cpu\"} 1.5",
            ]
        );
        assert_eq!(server(&BTreeMap::new()), "");
    }

    #[test]
    fn one_period_is_under_way() {
        let text = period(Period::WarmUp);
        let ones: Vec<&str> = text.lines().filter(|it| it.ends_with(" 1")).collect();
        assert_eq!(ones, ["regstorm_period{period=\"warm-up\"} 1"]);
    }
}
