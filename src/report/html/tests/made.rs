//! Runs with something in every part of a page, and an eye that reads pages as strictly as a browser should.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{SCRIPT, STYLE};
use crate::measure::{PackedHistogram, TimeSeries};
use crate::report::testing::{HOSTILE, document, millis, thresholds};
use crate::result::{
    Document, FailureSection, LatencySeries, PairSection, SearchEnd, SearchSection, Side,
    TrialKind, TrialSection,
};

/// A time series of windows of that length, each with so many ok iterations of each of so many journeys, and failures.
pub(super) fn windows(seconds: u64, journeys: usize, counts: &[(u64, u64)]) -> TimeSeries {
    let windows: Vec<Value> = counts
        .iter()
        .map(|(ok, failed)| {
            let outcomes = json!({"ok": ok, "failed": failed, "cancelled": 0});
            let journey = json!({
                "iterations": outcomes,
                "service_time_sum_us": 0,
                "service_time_max_us": 0,
            });
            json!({
                "exchanges": outcomes,
                "bytes": {"sent": 0, "received": 1_000_000},
                "journeys": vec![journey; journeys],
            })
        })
        .collect();
    serde_json::from_value(json!({"window_s": seconds, "windows": windows})).unwrap()
}

pub(super) fn packed(millis: &[u64]) -> PackedHistogram {
    PackedHistogram::of_values(millis.iter().map(|it| Duration::from_millis(*it)))
}

/// A run with something in every part of the page.
pub(super) fn full() -> Document {
    let mut document = document();
    document.time_series = windows(2, 1, &[(10, 0), (20, 4), (0, 0)]);
    document.window_us = 5_000_000;
    document.latency_series = vec![
        LatencySeries {
            metric: "pull.response_time".parse().unwrap(),
            windows: vec![packed(&[40, 40, 40, 400]), packed(&[40, 50]), packed(&[])],
        },
        LatencySeries {
            metric: "blob-get.total".parse().unwrap(),
            windows: vec![packed(&[1, 2]), packed(&[3, 4]), packed(&[])],
        },
    ];
    document.thresholds = thresholds();
    document.notes = vec!["the target is on this machine".into()];
    document.pair = Some(PairSection {
        set: "a1".into(),
        number: 3,
        side: Side::Base,
        order: "ABBAAB".into(),
    });
    document.search = Some(SearchSection {
        low_per_s: Some(50.0),
        confirmed: true,
        high_per_s: Some(100.0),
        broke: Some("pull.response_time p(99) < 300ms".into()),
        end: SearchEnd::Converged,
        told: 1,
        trials: ["pass", "fail", "invalid"].map(trial).into(),
    });
    document
}

fn trial(outcome: &str) -> TrialSection {
    TrialSection {
        number: 1,
        kind: TrialKind::Grow,
        rate_per_s: 50.0,
        achieved_per_s: 49.5,
        outcome: outcome.into(),
        reason: Some("why".into()),
        margin: None,
        response_time: millis(1, 100),
        failed: 0,
        dropped: 0,
        periods: Vec::new(),
        failures: FailureSection::default(),
        sums_checked: 0,
        broken_sums: Vec::new(),
    }
}

/// The values of an attribute, in the order of the page.
pub(super) fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let values = html.split(&start).skip(1);
    values.filter_map(|rest| rest.split('"').next()).collect()
}

/// Ends the test unless every tag is one of ours, closed in its turn, with quoted attributes, and no word is raw.
#[track_caller]
pub(super) fn assert_well_formed(html: &str) {
    let mut open = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").unwrap();
    for ours in [STYLE, SCRIPT] {
        assert_eq!(html.matches(ours).count(), 1);
    }
    let without = rest.replace(STYLE, "").replace(SCRIPT, "");
    rest = &without;
    while let Some((words, tag)) = rest.split_once('<') {
        assert!(!words.contains(['>', '"', '\'']), "raw words: {words}");
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(
            name.trim_start_matches('/')
                .chars()
                .all(char::is_alphanumeric),
            "tag {name}"
        );
        assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
        assert!(!attributes.contains(['<', '\'']), "{tag}");
        for attribute in attributes.split('"').step_by(2) {
            let name = attribute.trim().trim_end_matches('=');
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
            assert!(name.chars().all(plain) && !name.starts_with("on"), "{tag}");
        }
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None if name == "meta" => {}
            None => open.push(name.to_owned()),
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!html.contains(control) && !html.contains('\u{202e}'));
}

/// The same with words of a hostile server wherever any words are taken. Counts them.
pub(super) fn poisoned<T>(of: &T) -> (T, usize)
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let mut value = serde_json::to_value(of).unwrap();
    let mut places = Vec::new();
    strings(&value, "", &mut places);
    let mut taken = 0;
    for place in places {
        let text = value.pointer_mut(&place).unwrap();
        let before = std::mem::replace(text, HOSTILE.into());
        if serde_json::from_value::<T>(value.clone()).is_ok() {
            taken += 1;
        } else {
            *value.pointer_mut(&place).unwrap() = before;
        }
    }
    (serde_json::from_value(value).unwrap(), taken)
}

fn strings(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(place.to_owned()),
        Value::Array(list) => {
            for (index, it) in list.iter().enumerate() {
                strings(it, &format!("{place}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (key, it) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                strings(it, &format!("{place}/{key}"), found);
            }
        }
        _ => {}
    }
}
