//! What hooks did to latencies, by windows made by hand.

use serde_json::{Value, json};

use super::*;
use crate::hooks::{HookCounts, HookEnd, HookRecord, HookRun};
use crate::measure::PackedHistogram;
use crate::result::{HookEffect, HookSpan};

const SECOND: u64 = 1_000_000;

/// One window a second, each with so many good iterations of that many milliseconds, and so many that failed.
fn course(windows: &[(usize, u64, u64)]) -> Document {
    let mut document = Document::new(&record(&[1]), facts());
    let listed: Vec<Value> = windows
        .iter()
        .map(|(ok, _, failed)| {
            let outcomes = json!({"ok": ok, "failed": failed, "cancelled": 0});
            let journey = json!({
                "iterations": outcomes, "service_time_sum_us": 0, "service_time_max_us": 0,
            });
            json!({
                "exchanges": outcomes, "bytes": {"sent": 0, "received": 0}, "journeys": [journey],
            })
        })
        .collect();
    let series: TimeSeries =
        serde_json::from_value(json!({"window_s": 1, "windows": listed})).unwrap();
    document.time_series = series;
    document.window_us = windows.len() as u64 * SECOND;
    document.latency_series = vec![LatencySeries {
        metric: "pull.response_time".parse().unwrap(),
        windows: windows
            .iter()
            .map(|(ok, millis, _)| {
                PackedHistogram::of_values(std::iter::repeat_n(Duration::from_millis(*millis), *ok))
            })
            .collect(),
    }];
    document
}

fn hook(name: &str, runs: &[(u64, u64)]) -> HookRecord {
    let runs = runs.iter().map(|(from, until)| HookRun {
        due_us: from * SECOND,
        started_us: from * SECOND + 1000,
        ended_us: until * SECOND + 500_000,
        opened_us: 0,
        closed_us: None,
        end: HookEnd::Exit(0),
        outlasted_load: false,
        output: String::new(),
    });
    let runs: Vec<HookRun> = runs.collect();
    HookRecord {
        name: name.to_owned(),
        command: vec!["sync".to_owned()],
        timeout_us: SECOND,
        counts: HookCounts {
            due: runs.len() as u64,
            ok: runs.len() as u64,
            ..HookCounts::default()
        },
        runs,
    }
}

fn effect(document: &Document) -> &HookEffect {
    &document.hooks[0].effects[0]
}

/// Ten good seconds, three slow ones of which the first two are the hook's, and good ones again.
#[test]
fn before_during_and_after_are_told_apart_and_recovery_is_counted_from_the_end() {
    let mut windows = vec![(600, 10, 0); 10];
    windows.extend([
        (600, 50, 4),
        (600, 50, 0),
        (600, 50, 1),
        (600, 11, 0),
        (600, 10, 0),
    ]);
    let mut document = course(&windows);
    document.set_hooks(vec![hook("gc", &[(10, 11)])]);
    assert!(document.closure.holds());
    let it = effect(&document);
    assert_eq!(
        (it.before.seconds, it.before.ok, it.before.failed),
        (10, 6000, 0)
    );
    assert_eq!(
        (it.during.seconds, it.during.ok, it.during.failed),
        (2, 1200, 4)
    );
    assert_eq!((it.after.seconds, it.after.failed), (3, 1));
    let near = |micros: Option<u64>, wanted: u64| {
        micros.is_some_and(|it| it.abs_diff(wanted) <= wanted / 50)
    };
    assert!(
        near(it.before.p50_us, 10_000) && near(it.before.p99_us, 10_000),
        "{it:?}"
    );
    assert!(near(it.during.p50_us, 50_000), "{it:?}");
    // It ended at 11.5 s, and the window from 13 s on is the first that is good.
    for recovery in [it.recovery_p50, it.recovery_p99] {
        assert_eq!(recovery.longest_us, Some(1_500_000));
        assert_eq!(
            (recovery.recovered, recovery.not_recovered, recovery.unknown),
            (1, 0, 0)
        );
    }
}

#[test]
fn a_target_that_is_gone_has_not_recovered() {
    let mut windows = vec![(600, 10, 0); 5];
    windows.extend([(0, 0, 90), (0, 0, 90), (3, 5, 90)]);
    let mut document = course(&windows);
    // The window goes on after the last that counted anything.
    document.window_us = 12 * SECOND;
    document.set_hooks(vec![hook("restart", &[(5, 5)])]);
    let it = effect(&document);
    assert_eq!(
        it.after,
        HookSpan {
            seconds: 6,
            ok: 3,
            failed: 180,
            ..it.after
        }
    );
    assert_eq!(it.after.p50_us.is_some(), it.after.ok >= 2);
    assert_eq!(it.after.p99_us, None);
    assert_eq!(
        (it.recovery_p50.recovered, it.recovery_p50.not_recovered),
        (0, 1)
    );
    assert_eq!(it.recovery_p50.longest_us, None);
}

#[test]
fn too_few_values_say_nothing() {
    // 4 a second: 20 for a median take five windows, 500 for p(99) are not to be had.
    let mut document = course(&[(4, 10, 0); 30]);
    document.set_hooks(vec![hook("gc", &[(10, 10)])]);
    let it = effect(&document);
    assert_eq!(
        (it.recovery_p50.recovered, it.recovery_p50.longest_us),
        (1, Some(0))
    );
    assert_eq!((it.recovery_p99.unknown, it.recovery_p99.recovered), (1, 0));
    // At the very end there is nothing after it.
    let mut late = course(&[(600, 10, 0); 30]);
    late.set_hooks(vec![hook("gc", &[(29, 29)])]);
    assert_eq!(effect(&late).after.seconds, 0);
    assert_eq!(effect(&late).recovery_p50.unknown, 1);
}

#[test]
fn a_run_reaches_neither_into_the_next_nor_over_a_minute() {
    let mut document = course(&[(600, 10, 0); 200]);
    let others = hook("restart", &[(90, 91)]);
    document.set_hooks(vec![hook("gc", &[(80, 80), (190, 190)]), others]);
    let it = effect(&document);
    // 60 before the first, and 60 of the 98 between 92 and 190; 9 after the first, 9 after the second.
    assert_eq!(
        (it.before.seconds, it.during.seconds, it.after.seconds),
        (120, 2, 18)
    );
    assert_eq!(it.recovery_p50.recovered, 2);
}

#[test]
fn slices_keep_their_hooks_apart() {
    let mut first = course(&[(600, 10, 0); 10]);
    first.set_hooks(vec![hook("gc", &[(5, 5)])]);
    let mut second = course(&[(600, 20, 0); 8]);
    second.set_hooks(vec![hook("gc", &[(4, 4)])]);
    first.append(second).unwrap();
    let record = &first.hooks[0].record;
    assert_eq!((record.counts.due, record.counts.ok), (2, 2));
    assert_eq!(record.runs[1].started_us, 14 * SECOND + 1000);
    let it = effect(&first);
    // 5 and 4 before, 4 and 3 after: none of the other slice.
    assert_eq!((it.before.seconds, it.after.seconds), (9, 7));
    assert!(first.closure.holds());
}
