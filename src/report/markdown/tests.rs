use std::time::Duration;

use super::*;
use crate::report::testing;
use crate::result::RunVerdict;
use crate::result::{ComparisonVerdict, Decision};

fn rows_of<'a>(text: &'a str, begin: &str) -> Vec<&'a str> {
    let found = text.lines().find(|line| line.starts_with(begin));
    let row = found.unwrap_or_else(|| panic!("no row {begin}: {text}"));
    row.trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn a_run_says_its_verdict_first_and_then_why() {
    let mut document = testing::document();
    document.thresholds = testing::thresholds();
    document.verdict = RunVerdict::Fail;
    let text = run(&document);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("## regstorm: FAIL, rollout"));
    assert_eq!(
        lines.find(|it| !it.is_empty()),
        Some("- 1 of 3 thresholds broken")
    );
    let threshold = "| pull.response&#95;time p(99) &#60; 300ms |";
    let statuses: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(threshold))
        .collect();
    assert_eq!(
        statuses,
        [
            " 212 ms | 1,000 | pass |",
            " 412 ms | 1,000 | **FAIL** |",
            " - | 1,000 | inconclusive: too few samples&#58; it takes 100 |",
        ]
    );
    // 1,001 to 2,000 ms: p99 is the 990th value, which a histogram of three digits shows as 1.99 s.
    assert_eq!(
        rows_of(&text, "| pull |"),
        [
            "pull", "1,008", "1,000", "6", "2", "2", "49.9/s", "1.50 s", "1.90 s", "1.99 s",
            "2.00 s", "2.00 s"
        ]
    );
    assert!(text.contains("**Generator**: valid"));
    assert!(text.contains(
        "| 6 | measure | blob-get | unavailable 503 UNAVAILABLE | no backend | 2026-01-02T03&#58;04&#58;52.310000Z registry&#58;5000 /v2/app/blobs/sha256&#58;9c1f request 3f2a |"
    ));
    assert!(text.contains("| build | 1.4.2 |"));
    assert!(text.trim_end().ends_with("</details>"));
}

#[test]
fn every_decision_has_its_row() {
    let text = comparison(&testing::comparison());
    assert!(text.starts_with("## regstorm: REGRESSION, rollout\n"));
    let row = |name: &str| rows_of(&text, &format!("| {name} |"));
    assert_eq!(
        row("pull.response&#95;time p(99)"),
        [
            "pull.response&#95;time p(99)",
            "400 ms",
            "450 ms",
            "+12.5%",
            "+8.1% to +16.9%",
            "5%",
            "**regression**"
        ]
    );
    // No change is shown where the interval reaches from worse to better.
    assert_eq!(
        row("pull.response&#95;time p(50)")[3..5],
        ["&#126;", "-1% to +3%"]
    );
    assert_eq!(row("pull.response&#95;time p(50)")[6], "**pass**");
    assert_eq!(row("blob-get.total p(50)")[6], "**improvement**");
    let open = row("pull.response&#95;time p(90)")[6];
    assert!(open.starts_with("**inconclusive**: the interval"), "{open}");
    assert_eq!(
        row("pull.errors rate")[3..6],
        ["+0.2 pp", "+0.15 pp to +0.25 pp", "0.1 pp"]
    );
    assert_eq!(row("blob-get.total p(99)")[6], "not gated");
    assert!(text.contains("- pair 3&#58; the generator was the limit"));
}

#[test]
fn an_invalid_comparison_says_so_and_why() {
    let text = comparison(&testing::invalid_comparison());
    assert!(text.starts_with("## regstorm: INVALID, rollout\n\n- the plans differ\n"));
    assert!(text.contains("- plan&#58; base aaaa, candidate bbbb\n"));
    assert!(text.contains("**Generator, base**: valid"));
    assert!(
        text.contains("**Generator, candidate**: invalid\n\n- worker-cpu of worker 1&#58; 99.8%")
    );
}

#[test]
fn a_run_that_says_nothing_is_not_called_good() {
    let mut document = testing::empty();
    document.verdict = RunVerdict::Inconclusive;
    assert!(run(&document).contains("- no iteration succeeded\n"));
    testing::break_a_sum(&mut document);
    assert!(run(&document).contains("- 1 sums DO NOT CLOSE&#58; a defect of regstorm"));
    testing::invalidate(&mut document);
    let text = run(&document);
    assert!(text.starts_with("## regstorm: INVALID"));
    assert!(text.contains("- the generator was the limit"));
}

#[test]
fn words_of_others_stay_words() {
    let mut document = testing::document();
    document.plan.name = testing::HOSTILE.into();
    document.failures.exchanges.kinds[0].example.text = testing::HOSTILE.into();
    document.failures.exchanges.kinds[0].code = Some(testing::HOSTILE.into());
    document.notes.push(testing::HOSTILE.into());
    let text = run(&document);
    for broken in ["<script", "`", "\u{1b}", "\u{202e}", "\0", "@team", "\r"] {
        assert!(!text.contains(broken), "{broken:?}");
    }
    // No cell was torn apart.
    assert_eq!(rows_of(&text, "| 6 | measure").len(), 6);
    // What a reader sees is what was said.
    assert!(text.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
    assert!(text.contains("@<!-- -->team"));
}

#[test]
fn a_comment_has_room_for_it_whatever_was_said() {
    let mut all = testing::comparison();
    let hostile = "<".repeat(10_000);
    let metric = all.metrics[0].clone();
    for number in 0..1_000 {
        let mut metric = metric.clone();
        metric.metric = format!("{number}{hostile}");
        metric.why = Some(hostile.clone());
        all.metrics.push(metric);
        all.notes.push(hostile.clone());
        all.reasons.push(hostile.clone());
        let labels = &mut all.candidate.environment.labels;
        labels.insert(number.to_string(), hostile.clone());
    }
    let text = comparison(&all);
    assert!(text.len() <= 65_536, "{}", text.len());
    assert!(text.starts_with("## regstorm: REGRESSION"));
    assert!(text.contains("and 961 more, see the report"));
    assert!(text.contains("More did not fit here"));
}

#[test]
fn every_verdict_has_a_word() {
    for (verdict, word) in [
        (ComparisonVerdict::Pass, "PASS"),
        (ComparisonVerdict::Inconclusive, "INCONCLUSIVE"),
        (ComparisonVerdict::Invalid, "INVALID"),
    ] {
        let mut all = testing::comparison();
        all.verdict = verdict;
        all.metrics.retain(|it| it.decision == Decision::Pass);
        assert!(comparison(&all).starts_with(&format!("## regstorm: {word},")));
    }
}

/// Four iterations of 10 s in all: 6 s in exchanges, 3 s in pauses, and the rest.
#[test]
fn the_parts_of_an_iterations_time_are_shown() {
    let mut document = testing::document();
    let counts = &mut document.journeys[0].counts;
    counts.outcomes.ok = 3;
    counts.outcomes.failed = 1;
    counts.outcomes.cancelled = 0;
    counts.time.total = Duration::from_secs(10);
    counts.time.operations = Duration::from_secs(6);
    counts.time.pauses = Duration::from_secs(3);
    counts.time.rest = Duration::from_secs(1);
    counts.time.retries = 17;
    counts.time.paused_iterations = 2;
    let text = run(&document);
    let (_, table) = text
        .split_once("**Where the time of an iteration went, on average**")
        .expect("a table");
    assert_eq!(
        rows_of(table, "| pull |"),
        [
            "pull", "2.50 s", "1.50 s", "750 ms", "250 ms", "17", "2", "-"
        ]
    );
}

/// Blobs of 1 to 1,000 ms, whose first byte came after 1 to 50 ms: too few of those for a p99.
#[test]
fn a_run_says_what_is_slow_and_what_failed() {
    let text = run(&testing::document());
    assert!(
        text.contains("- slowest&#58; blob-get, p99 990 ms, mostly first-byte p50 25.0 ms\n"),
        "{text}"
    );
    // 6 of 1,008 are 0.595%.
    let failed = "- failed&#58; 6 of 1,008 exchanges (0.595%)&#58; 6 unavailable
- most in blob-get, where 6 of 1,008 failed (0.595%)
- 6 of 1,008 iterations (0.595%), 2 of 1,010 starts dropped
";
    assert!(text.contains(failed), "{text}");
    let (_, table) = text.split_once("**Operations**").expect("a table");
    assert_eq!(
        rows_of(table, "| blob-get |"),
        [
            "blob-get",
            "1,008",
            "6",
            "49.9/s",
            "500 ms",
            "950 ms",
            "990 ms",
            "999 ms",
            "1.00 s",
            "first-byte p50 25.0 ms"
        ]
    );
}

/// In its margins: ln 1.3 / ln 1.05 = 5.4 of the p(99) that is not gated, and less of all others.
#[test]
fn a_comparison_names_what_moved_most_gated_or_not() {
    let mut all = testing::comparison();
    let moved = "**Moved most**: blob-get.total p(99)&#58; 400 ms, now 450 ms (+30%), not gated";
    assert!(comparison(&all).contains(&format!("{moved}\n")));
    // What is shown stands before what may be chance, however large that is.
    for metric in &mut all.metrics {
        metric.p = (metric.metric == "pull.errors rate").then_some(0.01);
    }
    let text = comparison(&all);
    assert!(
        text.contains("**Moved most**: pull.errors rate&#58; 0.1%, now 0.3% (+0.2 pp)\n"),
        "{text}"
    );
    for metric in &mut all.metrics {
        metric.p = None;
    }
    assert!(comparison(&all).contains(&format!("{moved}, which may be chance\n")));
}
