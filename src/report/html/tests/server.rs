//! The target's side on the page of a run, of several and of a comparison.

use super::super::*;
use super::made::{assert_well_formed, attributes};
use crate::report::testing::{comparison, observed};

#[test]
fn every_chart_over_time_has_the_same_steps() {
    let html = render(&observed());
    assert_well_formed(&html);
    assert!(attributes(&html, "id").contains(&"server"));
    let charts: Vec<&str> = html.split("<svg role=\"img\"").skip(1).collect();
    let over_time = charts
        .iter()
        .filter(|it| it.contains("data-steps=\"windows\""));
    let shares: Vec<&str> = over_time
        .clone()
        .map(|it| attributes(it, "data-share")[0])
        .collect();
    // Iterations, bytes, latency, the map; processor time, memory, goroutines, repositories.
    assert_eq!(shares.len(), 8);
    assert!(shares.iter().all(|it| *it == shares[0]), "{shares:?}");
    for chart in over_time {
        let words = attributes(chart, "data-words")[0];
        assert_eq!(words.split('|').count(), 60);
        assert!(
            words.contains("0:30 to 0:31 · restart of registry|"),
            "{words}"
        );
        assert_eq!(chart.matches("class=\"event\"").count(), 1);
    }
}

#[test]
fn what_was_not_read_is_a_gap() {
    let html = render(&observed());
    let (_, chart) = html
        .split_once("aria-label=\"memory of the target over time\"")
        .unwrap();
    let (chart, _) = chart.split_once("</svg>").unwrap();
    // Four windows, the rest of the first life, and the second.
    let line = attributes(chart, "d")[0];
    assert_eq!(line.matches('M').count(), 3, "{line}");
    let readings = attributes(chart, "data-readings")[0];
    let readings: Vec<&str> = readings.split('|').collect();
    assert_eq!(
        (readings.len(), readings[3], readings[4]),
        (60, "100 MB", "-")
    );
    assert!(chart.contains(">50 MB</text>"), "{chart}");
}

#[test]
fn numbers_hints_and_readings_are_told() {
    let html = render(&observed());
    for words in [
        ">server.cpu_per_pull</th>",
        ">30.1 ms</td>",
        "600 kB/min to 600 kB/min",
        "moved with p99 of pull.response_time: goroutines +1.00",
        "need not be cause and effect",
        "connection refused (once)",
        "Marked in every chart: restart of registry at 0:30.",
        "server.metrics.zot_repos",
    ] {
        assert!(html.contains(words), "{words}: {html}");
    }
}

#[test]
fn runs_and_sides_have_their_numbers() {
    let (first, mut second) = (observed(), observed());
    let mut telemetry = second.telemetry.take().unwrap();
    telemetry.sources[0].series[0].increase = Some(59.0);
    second.set_telemetry(telemetry);
    let named = [("a", &first), ("b", &second)].map(|(name, document)| NamedRun { name, document });
    let html = render_runs(&named);
    assert_well_formed(&html);
    // Twice the processor time.
    assert!(
        html.contains("60.1 ms <span class=\"difference\">+100%</span>"),
        "{html}"
    );
    let text = crate::report::text::runs(&named, None, false);
    assert!(text.contains("60.1 ms (+100%)"), "{text}");
    let markdown = crate::report::markdown::runs(&named);
    assert!(markdown.contains("60.1 ms (+100%)"), "{markdown}");
    let mut both = comparison();
    (both.base, both.candidate) = (first, second);
    let html = render_comparison(&both);
    assert_well_formed(&html);
    assert!(html.contains(">30.1 ms</td>") && html.contains(">60.1 ms</td>"));
}
