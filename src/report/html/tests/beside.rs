//! The page of several runs.

use std::time::Duration;

use super::super::shape::LOOKS;
use super::super::*;
use super::made::{assert_well_formed, attributes, full, poisoned, windows};
use crate::measure::LatencyHistogram;
use crate::oci::Digest;
use crate::report::MOST_RUNS;
use crate::report::testing::{HOSTILE, document, empty, invalidate};

fn named<'a>(runs: &[(&'a str, &'a Document)]) -> Vec<NamedRun<'a>> {
    let runs = runs.iter();
    runs.map(|(name, document)| NamedRun { name, document })
        .collect()
}

/// The shown words of a row's cells, by the words it begins with.
fn row<'a>(html: &'a str, begin: &str) -> Vec<&'a str> {
    let begin = format!("<tr><th scope=\"row\">{begin}");
    let (_, row) = html.split_once(&begin).expect("a row");
    let (row, _) = row.split_once("</tr>").expect("its end");
    let cells = row.split("<td").skip(1);
    cells
        .map(|it| it.split_once('>').expect("a cell").1)
        .map(|it| it.trim_end_matches("</td>"))
        .collect()
}

#[test]
fn every_run_has_its_column_its_rows_and_its_lines() {
    let (first, mut second) = (full(), full());
    second.operations[0].requests_per_s = 74.85;
    let html = render_runs(&named(&[("monday", &first), ("tuesday", &second)]));
    assert_well_formed(&html);
    assert_eq!(
        attributes(&html, "id"),
        [
            "runs",
            "differences",
            "journeys",
            "operations",
            "percentiles",
            "course",
            "failures"
        ]
    );
    assert!(html.contains("rollout: 2 runs beside each other</h1>"));
    assert!(html.contains("This is no comparison: differences are to monday"));
    assert_eq!(row(&html, "labels</th>"), ["build=1.4.2"; 2]);
    // 49.9 and 74.85 a second: half as much again.
    let rows = html.split("scope=\"row\">blob-get</th>").skip(1);
    let rows: Vec<&str> = rows.collect();
    assert!(rows[0].contains("49.9/s <span class=\"difference\"></span>"));
    assert!(
        rows[1].contains("74.8/s <span class=\"difference\">+50%</span>"),
        "{}",
        rows[1]
    );
    // Iterations and failures; two percentiles of a journey, of which two values know no p99, and of an operation; two curves.
    for (name, lines) in [("monday", 6), ("tuesday", 6)] {
        let drawn = html.matches(&format!("data-name=\"{name}\"")).count();
        assert_eq!(drawn, lines, "{name}");
    }
    assert!(html.contains("No exchange failed") || html.contains("unavailable 503 UNAVAILABLE"));
}

#[test]
fn what_differs_stands_before_the_numbers() {
    let (first, mut second) = (document(), document());
    second.plan.fingerprint = Digest::sha256(b"another");
    second.regstorm = "9.9.9".into();
    invalidate(&mut second);
    let html = render_runs(&named(&[("a", &first), ("b", &second)]));
    let head = html.split("<main>").next().expect("a head");
    for words in [
        "Another plan than a: b",
        "Another version of regstorm than a: b",
        "INVALID, as the generator was the limit",
    ] {
        assert!(head.contains(words), "{words}");
    }
    let versions = row(&html, "regstorm</th>");
    assert_eq!(versions[1], "9.9.9");
    // Of two numbers of which one is not the target's no difference is shown.
    assert!(!html.contains("<span class=\"difference\">+"));
    let same = render_runs(&named(&[("a", &first), ("b", &first)]));
    assert!(!same.contains("role=\"alert\""));
    assert!(same.contains("None: plan, machine, version"));
}

#[test]
fn runs_of_any_length_are_on_one_axis() {
    let (mut short, mut long) = (full(), full());
    short.time_series = windows(1, 1, &[(10, 0); 4]);
    long.time_series = windows(2, 1, &[(30, 0); 4]);
    (short.window_us, long.window_us) = (4_000_000, 8_000_000);
    let html = render_runs(&named(&[("short", &short), ("long", &long)]));
    let readings = attributes(&html, "data-readings");
    // Ten a second in both of its windows of two seconds; thirty in two seconds, four times.
    assert!(readings.contains(&"10/s|10/s"), "{readings:?}");
    assert!(readings.contains(&"15/s|15/s|15/s|15/s"), "{readings:?}");
    assert!(html.contains("0:06 to 0:08"));
}

#[test]
fn hostile_words_stay_words() {
    let (first, _) = poisoned(&full());
    let html = render_runs(&named(&[(HOSTILE, &first), ("x", &full())]));
    assert_well_formed(&html);
    assert!(!html.contains("<script>alert"));
}

#[test]
fn runs_of_nothing_show_no_number() {
    let (nothing, some) = (empty(), document());
    for runs in [[&nothing, &nothing], [&nothing, &some], [&some, &nothing]] {
        let html = render_runs(&named(&[("a", runs[0]), ("b", runs[1])]));
        assert_well_formed(&html);
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    }
}

/// The most runs, each as long as it may be.
#[test]
fn many_long_runs_stay_small() {
    let mut run = full();
    run.window_us = 600_000_000;
    run.time_series = windows(1, 1, &[(1_234, 5); 600]);
    let mut wide = LatencyHistogram::new();
    for value in 1..=20_000 {
        wide.record(Duration::from_micros(value * 7));
    }
    let operation = run.operations[0].clone();
    run.operations = crate::oci::Operation::ALL[..6]
        .iter()
        .map(|name| {
            let mut operation = operation.clone();
            operation.name = *name;
            let phases = [(crate::exchange::Phase::Total, wide.clone())];
            operation.latencies.phases = phases.into_iter().collect();
            operation
        })
        .collect();
    let spread: Vec<u64> = (0..400).map(|it| 1 + it * it % 977 * 7).collect();
    let totals = run.operations.iter();
    let totals = totals
        .map(|it| crate::measure::Metric::of_operation(it.name, crate::exchange::Phase::Total));
    run.latency_series = totals
        .map(|metric| crate::result::LatencySeries {
            metric,
            windows: vec![super::made::packed(&spread); 600],
        })
        .collect();
    let names: Vec<String> = (1..=MOST_RUNS).map(|it| format!("run-{it}")).collect();
    let runs: Vec<NamedRun<'_>> = names
        .iter()
        .map(|name| NamedRun {
            name,
            document: &run,
        })
        .collect();
    let html = render_runs(&runs);
    assert!(html.len() < 3 << 20, "{} bytes", html.len());
    // Each has a look of its own.
    const { assert!(MOST_RUNS <= LOOKS) };
}
