//! Hooks in words and rows, the same in every format for people.

use std::time::Duration;

use crate::hooks::HookRun;
use crate::result::{HookEffect, HookSection, HookSpan, Recovery};
use crate::units;

use super::words::number_of;

/// The columns of what hooks did to journeys: those of words, and those of numbers.
pub(super) const COLUMNS: [&str; 7] = [
    "hook",
    "journey",
    "",
    "before",
    "during",
    "after",
    "back to 1.2x of before",
];

/// Returns what came of a hook: `gc: 2 of 2 runs ok, at 30 s, 1m for 1.2 s, 0.9 s`.
pub(super) fn outcome(hook: &HookSection) -> String {
    let record = &hook.record;
    let counts = record.counts;
    let due = units::count(counts.due);
    let mut words = format!(
        "{}: {} of {due} runs ok",
        record.name,
        units::count(counts.ok)
    );
    if let Some(first) = record.runs.first() {
        let at = units::duration(Duration::from_micros(first.started_us));
        let took = units::duration(length(first));
        let longest = record.runs.iter().map(length).max().unwrap_or_default();
        if record.runs.len() == 1 {
            words.push_str(&[", at ", &at, ", took ", &took].concat());
        } else {
            let longest = units::duration(longest);
            words.push_str(&[", the first at ", &at, ", at most ", &longest, " long"].concat());
        }
    }
    words
}

fn length(run: &HookRun) -> Duration {
    Duration::from_micros(run.ended_us.saturating_sub(run.started_us))
}

/// Returns what was not as planned, and is missing for that reason.
pub(super) fn troubles(hook: &HookSection) -> Vec<String> {
    let record = &hook.record;
    let counts = record.counts;
    let mut words = Vec::new();
    for (count, what) in [
        (counts.failed, "failed"),
        (counts.timed_out, "ended at the time limit"),
        (counts.not_started, "not started"),
        (counts.stopped, "stopped with the run"),
        (
            counts.missed,
            "left out, because the run before had not ended",
        ),
        (counts.unreached, "not reached: the load ended before"),
    ] {
        if count > 0 {
            words.push(format!(
                "{}: {} {what}",
                record.name,
                number_of(count, "run")
            ));
        }
    }
    if let Some(run) = record.runs.iter().find(|it| !it.end.is_ok()) {
        let last = run.output.lines().last().map(str::trim).unwrap_or_default();
        let said = if last.is_empty() {
            String::new()
        } else {
            format!(", and printed last: {last}")
        };
        words.push(format!(
            "{}: the first of them: {}{said}",
            record.name, run.end
        ));
    }
    let outlasted = record.runs.iter().filter(|it| it.outlasted_load);
    words.extend(outlasted.map(|run| {
        let time = units::duration(length(run));
        format!(
            "{}: the load ended before a run did, which took {time}",
            record.name
        )
    }));
    words
}

/// Returns the rows of what a hook did to its journeys.
pub(super) fn rows(hook: &HookSection) -> Vec<[String; 7]> {
    let effects = hook.effects.iter().enumerate();
    let rows = effects.flat_map(|(place, effect)| {
        let name = if place == 0 {
            hook.record.name.as_str()
        } else {
            ""
        };
        rows_of(name, effect)
    });
    rows.collect()
}

fn rows_of(hook: &str, effect: &HookEffect) -> [[String; 7]; 3] {
    let spans = [effect.before, effect.during, effect.after];
    let time = |of: fn(&HookSpan) -> Option<u64>| {
        spans.map(|it| {
            let known = of(&it).map(Duration::from_micros);
            known.map_or("-".to_owned(), units::duration)
        })
    };
    let failed = spans.map(|it| {
        let all = it.ok.saturating_add(it.failed);
        format!("{} of {}", units::count(it.failed), units::count(all))
    });
    let row =
        |hook: &str, journey: &str, what: &str, [before, during, after]: [String; 3], back| {
            let words = [hook, journey, what].map(str::to_owned);
            let [hook, journey, what] = words;
            [hook, journey, what, before, during, after, back]
        };
    [
        row(
            hook,
            &effect.journey,
            "p50",
            time(|it| it.p50_us),
            recovery(&effect.recovery_p50),
        ),
        row(
            "",
            "",
            "p99",
            time(|it| it.p99_us),
            recovery(&effect.recovery_p99),
        ),
        row("", "", "failed", failed, String::new()),
    ]
}

/// `after 2.5 s`, `not by the end`, or the same of several runs.
fn recovery(recovery: &Recovery) -> String {
    let longest = recovery.longest_us.map(|it| match it {
        0 => "at once".to_owned(),
        micros => format!("after {}", units::duration(Duration::from_micros(micros))),
    });
    match *recovery {
        Recovery {
            recovered: 1,
            not_recovered: 0,
            unknown: 0,
            ..
        } => longest.unwrap_or_default(),
        Recovery {
            recovered: 0,
            not_recovered: 1,
            unknown: 0,
            ..
        } => "not by the end".to_owned(),
        Recovery {
            recovered: 0,
            not_recovered: 0,
            ..
        } => "too few samples".to_owned(),
        Recovery {
            recovered,
            not_recovered,
            unknown,
            ..
        } => {
            let mut parts = Vec::new();
            if let Some(longest) = longest {
                parts.push(format!("{recovered} of them, the last {longest}"));
            }
            if not_recovered > 0 {
                parts.push(format!("{not_recovered} not before the next or the end"));
            }
            if unknown > 0 {
                parts.push(format!("{unknown} with too few samples"));
            }
            parts.join(", ")
        }
    }
}

/// Returns what a hook did to its journeys as numbers, each with its name, such as `pull.during.p(99)_us`.
pub(super) fn numbers(hook: &HookSection) -> Vec<(String, Option<u64>)> {
    let mut numbers = Vec::new();
    for effect in &hook.effects {
        let journey = &effect.journey;
        for (span, it) in [
            ("before", effect.before),
            ("during", effect.during),
            ("after", effect.after),
        ] {
            for (what, value) in [
                ("p(50)_us", it.p50_us),
                ("p(99)_us", it.p99_us),
                ("ok", Some(it.ok)),
                ("failed", Some(it.failed)),
            ] {
                numbers.push((format!("{journey}.{span}.{what}"), value));
            }
        }
        for (what, it) in [
            ("p(50)", effect.recovery_p50),
            ("p(99)", effect.recovery_p99),
        ] {
            numbers.push((format!("{journey}.recovery.{what}_us"), it.longest_us));
        }
    }
    numbers
}

/// What stands below the rows.
pub(super) const MEANING: &str = "before and after: up to a minute beside each run of the hook; back: from its end to the first windows that are";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_says_what_is_known() {
        let of = |recovered, not_recovered, unknown, longest_us| {
            recovery(&Recovery {
                recovered,
                not_recovered,
                unknown,
                longest_us,
            })
        };
        assert_eq!(of(1, 0, 0, Some(0)), "at once");
        assert_eq!(of(1, 0, 0, Some(2_500_000)), "after 2.50 s");
        assert_eq!(of(0, 1, 0, None), "not by the end");
        assert_eq!(of(0, 0, 3, None), "too few samples");
        assert_eq!(
            of(3, 1, 1, Some(4_100_000)),
            "3 of them, the last after 4.10 s, 1 not before the next or the end, 1 with too few samples"
        );
        assert_eq!(of(0, 2, 0, None), "2 not before the next or the end");
    }
}
