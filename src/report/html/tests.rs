//! The pages as a browser would get them, of documents whose numbers are made by hand.

mod beside;
mod live;
mod made;
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::exchange::Phase;
use crate::measure::{IterationClock, JourneyLatencies, Metric};
use crate::oci::Operation;
use crate::report::testing::{
    HOSTILE, break_a_sum, comparison, document, empty, invalidate, millis,
};
use crate::result::{JourneySection, LatencySeries, OperationSection, PairPoint};
use made::{assert_well_formed, attributes, full, packed, poisoned, windows};

#[test]
fn hostile_words_stay_words() {
    let mut whole = full();
    whole.plan.resolved = json!({"target": {"url": "x"}, HOSTILE: HOSTILE});
    whole.environment.labels = BTreeMap::from([(HOSTILE.into(), "x".into())]);
    whole.environment.ci = BTreeMap::from([(HOSTILE.into(), "x".into())]);
    whole.target.server = Some("x".into());
    break_a_sum(&mut whole);
    let (whole, taken) = poisoned(&whole);
    assert!(taken > 40, "{taken}");
    let html = render(&whole);
    assert_well_formed(&html);
    // Spelled out, it is there as words, many times.
    let spelled = "&lt;script&gt;alert(1)&lt;/script&gt;";
    assert!(html.matches(spelled).count() > 40);
    assert!(!html.contains("<script>alert"));

    let mut both = comparison();
    both.base = empty();
    both.candidate = empty();
    both.notes = vec!["x".into()];
    let (mut both, taken) = poisoned(&both);
    assert!(taken > 20, "{taken}");
    both.base = whole.clone();
    both.candidate = whole;
    let html = render_comparison(&both);
    assert_well_formed(&html);
    assert!(html.matches(spelled).count() > 80);
}

#[test]
fn every_section_is_there_in_its_order() {
    let html = render(&full());
    assert_well_formed(&html);
    let ids = [
        "thresholds",
        "failures",
        "generator",
        "journeys",
        "search",
        "operations",
        "percentiles",
        "course",
        "heat",
        "environment",
        "plan",
        "sums",
    ];
    assert_eq!(attributes(&html, "id"), ids);
    // Search, journeys, one operation; iterations, failures, bytes; latency of a journey and an operation; a heat map.
    assert_eq!(html.matches("role=\"img\"").count(), 9);
    assert!(
        attributes(&html, "aria-label")
            .iter()
            .all(|it| !it.is_empty())
    );
    for words in [
        "pair</span> 3 of set a1, order ABBAAB",
        "the target is on this machine",
        "1.4.2",
    ] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn nothing_is_fetched() {
    for html in [render(&full()), render_comparison(&comparison())] {
        for outside in [
            "http:", "https:", "//", "src=", "url(", "@import", "fetch", "XMLHttp",
        ] {
            let found = html.replace(SCRIPT, &without_comments(SCRIPT));
            assert!(!found.contains(outside), "{outside}");
        }
        assert!(html.contains("content=\"default-src &#39;none&#39;; style-src"));
        assert!(html.len() < 200_000, "{}", html.len());
    }
}

fn without_comments(script: &str) -> String {
    let lines = script
        .lines()
        .filter(|it| !it.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_of_nothing_shows_no_number() {
    let html = render(&empty());
    assert_well_formed(&html);
    assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    assert!(!html.contains("role=\"img\""), "a chart of nothing");
    assert!(html.contains("no samples") && html.contains("nothing ended in the measured window"));
}

#[test]
fn what_few_samples_do_not_know_is_unknown() {
    let mut run = document();
    run.journeys[0].latencies.response_time = millis(1, 50);
    let html = render(&run);
    let row = html.split("class=\"short\">response time").nth(1).unwrap();
    let cells: Vec<&str> = row.split("</tr>").next().unwrap().split("</td>").collect();
    // Of 50 values p95 is known (20 are enough) and p99 (100) is not; the largest is 50 ms.
    let shown = |index: usize| cells[index].rsplit('>').next().unwrap();
    assert_eq!(
        (shown(3), shown(4), shown(5), shown(6)),
        ("48.0 ms", "-", "-", "50.0 ms")
    );
    // An operation without a sample of a phase has none of it. An iteration without a retry had no pauses, which is known.
    let (before, parts) = html.split_once("Where the time of an iteration").unwrap();
    let (_, behind) = parts.split_once("</table>").unwrap();
    for rest in [before, behind] {
        assert!(!rest.contains(">0 µs<"), "zero is not unknown");
    }
}

#[test]
fn charts_read_what_was_counted() {
    let html = render(&full());
    let readings = attributes(&html, "data-readings");
    // 10, 20 and 0 in windows of 2 s; 4 failed in the second.
    assert!(readings.contains(&"5/s|10/s|0/s"), "{readings:?}");
    assert!(readings.contains(&"0/s|2/s|0/s"), "{readings:?}");
    assert!(
        readings.contains(&"500 kB/s|500 kB/s|500 kB/s"),
        "{readings:?}"
    );
    // Of 40, 40, 40 and 400 ms the median is 40; of 40 and 50 it is 40; two values know the median, none know nothing.
    let medians = readings
        .iter()
        .find(|it| it.starts_with("40.") && it.ends_with("|-"));
    assert!(medians.is_some(), "{readings:?}");
    // The window ends at 5 s, the last of the series at 6 s: five sixths of 994 (1080 - 72 - 14) are 828.3, and 72 before.
    assert!(html.contains("<rect x=\"900.3\""), "the shade");
    assert!(html.contains("0:04 to 0:06"));
}

#[test]
fn the_heat_map_counts_every_value_once() {
    let html = render(&full());
    let columns = attributes(&html, "data-columns")[0];
    let sums: Vec<u64> = columns
        .split('|')
        .map(|it| it.split(',').filter_map(|it| it.parse::<u64>().ok()).sum())
        .collect();
    assert_eq!(sums, [4, 2, 0]);
    let rows: Vec<&str> = attributes(&html, "data-rows")[0].split('|').collect();
    let first: Vec<&str> = columns.split('|').next().unwrap().split(',').collect();
    assert_eq!((rows.len(), first.len()), (40, 40));
    // The values lie between 40 and 400 ms, so the axis goes from 20 to 500 ms: 25 times in 40 rows.
    assert!(
        rows[0].starts_with("20") && rows[39].ends_with("500 ms"),
        "{rows:?}"
    );
    // ln(40/20) / ln 25 * 40 = 8.6; ln(400/20) / ln 25 * 40 = 37.2.
    assert_eq!((first[8], first[37]), ("3", "1"));
}

#[test]
fn what_makes_numbers_doubtful_stands_before_them() {
    let mut run = document();
    break_a_sum(&mut run);
    run.interrupted = true;
    run.clamped = 3;
    let html = render(&run);
    let head = html.split("<main>").next().unwrap();
    for words in [
        "DO NOT CLOSE",
        "Interrupted",
        "3 durations were more than 1 h",
    ] {
        assert!(head.contains(words), "{words}");
    }
    assert!(html.contains("pull: scheduled = started + dropped"));
    let mut both = comparison();
    break_a_sum(&mut both.candidate);
    let html = render_comparison(&both);
    assert!(
        html.split("<main>")
            .next()
            .unwrap()
            .contains("DO NOT CLOSE")
    );
}

#[test]
fn a_long_run_stays_small() {
    let mut run = document();
    run.window_us = 3_600_000_000;
    let journey = run.journeys[0].clone();
    let operation = run.operations[0].clone();
    let names = ["pull", "push", "poll"];
    run.journeys = names
        .map(|name| JourneySection {
            name: name.into(),
            ..journey.clone()
        })
        .into();
    run.operations = Operation::ALL[..12]
        .iter()
        .map(|name| OperationSection {
            name: *name,
            ..operation.clone()
        })
        .collect();
    for journey in &mut run.journeys {
        journey.operations = run.operations.clone();
    }
    run.time_series = windows(8, 3, &[(1234, 5); 600]);
    // Values that fill all rows of the map in every window.
    let spread: Vec<u64> = (0..400).map(|it| 1 + it * it % 977 * 7).collect();
    let windows = vec![packed(&spread); 600];
    let metrics = names
        .map(|it| Metric::of_journey(it, IterationClock::Response))
        .into_iter();
    let totals = run.operations.iter();
    let totals = totals.map(|it| Metric::of_operation(it.name, Phase::Total));
    run.latency_series = metrics
        .chain(totals)
        .map(|metric| LatencySeries {
            metric,
            windows: windows.clone(),
        })
        .collect();
    let html = render(&run);
    assert!(html.len() < 3 << 20, "{} bytes", html.len());
    let maps = attributes(&html, "data-columns");
    assert_eq!(maps.len(), 3);
    assert!(maps.iter().all(|it| it.split('|').count() == 150));
}

#[test]
fn a_comparison_shows_the_evidence() {
    let mut both = comparison();
    both.metrics[0].pairs = vec![PairPoint {
        number: 3,
        base: 400_000.0,
        candidate: 450_000.0,
        change: 0.125,
    }];
    let html = render_comparison(&both);
    assert_well_formed(&html);
    assert!(html.contains("<span class=\"word\">REGRESSION</span>"));
    for decision in [
        "✗ regression",
        "✓ pass",
        "✓ improvement",
        "? inconclusive",
        "not gated",
    ] {
        assert!(html.contains(&format!(">{decision}</span>")), "{decision}");
    }
    // A chart of ratios and one of shares; then the curves of a journey and an operation, two lines each.
    assert_eq!(html.matches("role=\"img\"").count(), 4);
    assert_eq!(html.matches("data-name=\"candidate\"").count(), 2);
    assert!(html.contains("pair 3, order ABBAAB: 400 ms and 450 ms, +12.5%"));
    for words in [
        "14 pairs would decide",
        "the generator was the limit",
        "0.1.1",
        "allowed",
    ] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn a_histogram_of_nothing_has_no_curve() {
    let mut run = document();
    run.journeys[0].latencies = JourneyLatencies::default();
    assert!(render(&run).contains("no samples"));
}

/// Four iterations of 10 s in all: 6 s in exchanges, 3 s in pauses, and the rest.
#[test]
fn the_parts_of_an_iterations_time_are_shown() {
    let mut whole = document();
    let journey = &mut whole.journeys[0];
    journey.counts.outcomes = crate::measure::Outcomes {
        ok: 3,
        failed: 1,
        cancelled: 0,
        misbehaved: 0,
    };
    journey.counts.time.total = Duration::from_secs(10);
    journey.counts.time.operations = Duration::from_secs(6);
    journey.counts.time.pauses = Duration::from_secs(3);
    journey.counts.time.rest = Duration::from_secs(1);
    journey.counts.time.retries = 17;
    let html = render(&whole);
    let (_, table) = html
        .split_once("Where the time of an iteration went")
        .expect("a table");
    let (table, _) = table.split_once("</table>").expect("its end");
    for shown in ["2.50 s", "1.50 s", "750 ms", "250 ms", "17"] {
        assert!(table.contains(shown), "no {shown} in {table}");
    }
}

/// Two workers with one advice: the banner gives it once, and so does the table.
#[test]
fn an_advice_is_given_once() {
    let mut run = document();
    invalidate(&mut run);
    let reasons = &mut run.generator.health.reasons;
    let mut second = reasons[0].clone();
    second.subject = Some("worker 2".into());
    reasons.push(second);
    let html = render(&run);
    assert!(html.matches("worker 1").count() >= 2 && html.matches("worker 2").count() >= 2);
    assert_eq!(html.matches("use more workers").count(), 2);
}
