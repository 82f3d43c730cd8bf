//! All thresholds of a run while it goes on: which of them end it, and when.

use std::time::Duration;

use regstorm::measure::{Catalogue, Observed, Outcomes};
use regstorm::schedule::Span;
use regstorm::verdict::{Moment, Reason, Status, Watch};

use super::{latencies, plan};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn whole(_: &str) -> Option<Span> {
    None
}

fn errors(ok: u64, failed: u64) -> Observed {
    Observed {
        outcomes: Outcomes {
            ok,
            failed,
            cancelled: 0,
            misbehaved: 0,
        },
        within: ok,
        ..Observed::default()
    }
}

#[test]
fn a_breach_ends_the_run_after_its_delay_and_with_its_samples() {
    let plan = plan(&[&[
        "metric = \"errors\"",
        "expect = \"rate < 10%\"",
        "from = \"5s\"",
        "abort_on_fail = true",
        "delay_abort_eval = \"10s\"",
        "min_samples = 20",
    ]]);
    let mut watch = Watch::new(&plan, whole);
    let mut at = |time, observed: Observed| {
        let result = watch.evaluate(&[observed], seconds(time)).remove(0);
        (result.status, result.ended_run)
    };
    let few = Status::Inconclusive(Reason::TooFewSamples { needed: 20 });
    assert_eq!(at(14, errors(10, 9)), (few, false));
    // Broken, and the delay counts from where the span opens.
    assert_eq!(at(14, errors(10, 10)), (Status::Fail, false));
    assert_eq!(at(15, errors(10, 9)), (few, false));
    // Better again before it could be the end.
    assert_eq!(at(15, errors(100, 10)), (Status::Pass, false));
    assert_eq!(at(16, errors(100, 20)), (Status::Fail, true));
    // It stays what it was.
    assert_eq!(at(17, errors(1000, 20)), (Status::Fail, true));
    let end = watch.conclude(&[errors(1000, 20)], seconds(20), Moment::Underway);
    assert_eq!((end[0].status, end[0].ended_run), (Status::Fail, true));
    // 20 of 120
    assert_eq!(end[0].observed_text, "16.7%");
}

#[test]
fn what_may_not_end_a_run_does_not() {
    let plan = plan(&[
        &["metric = \"errors\"", "expect = \"rate < 10%\""],
        &["metric = \"iterations\"", "expect = \"count > 1000\""],
    ]);
    let mut watch = Watch::new(&plan, whole);
    let found = watch.evaluate(&[errors(0, 10), errors(10, 0)], seconds(9));
    assert!(found.iter().all(|it| !it.ended_run));
    assert_eq!(found[0].status, Status::Fail);
    assert_eq!(found[1].status, Status::Inconclusive(Reason::Underway));
    let end = |moment| {
        let end = watch.conclude(&[errors(100, 1), errors(10, 0)], seconds(9), moment);
        [end[0].status, end[1].status]
    };
    // The count was never reached. In a run that was ended early nobody knows whether it would have been.
    assert_eq!(end(Moment::Done), [Status::Pass, Status::Fail]);
    let could = Status::Inconclusive(Reason::Underway);
    assert_eq!(end(Moment::Underway), [Status::Pass, could]);
}

#[test]
fn a_rate_that_is_too_low_ends_the_run_when_its_delay_has_passed() {
    let plan = plan(&[&[
        "metric = \"iterations\"",
        "expect = \"rate > 50/s\"",
        "stage = \"load-0\"",
        "abort_on_fail = true",
        "delay_abort_eval = \"10s\"",
    ]]);
    let stage = |name: &str| {
        let span = Span {
            from: seconds(20),
            until: seconds(60),
        };
        (name == "load-0").then_some(span)
    };
    let mut watch = Watch::new(&plan, stage);
    let mut at = |time, ok| {
        let result = watch.evaluate(&[errors(ok, 0)], seconds(time)).remove(0);
        (result.status, result.ended_run, result.observed_text)
    };
    let no_time = Status::Inconclusive(Reason::NoTime);
    assert_eq!(at(20, 1), (no_time, false, "-".into()));
    assert_eq!(at(29, 90), (Status::Fail, false, "10/s".into()));
    assert_eq!(at(30, 600), (Status::Pass, false, "60/s".into()));
    // The stage is over at 60 s; 2,000 in 40 s are not more than 50.
    assert_eq!(at(90, 2000), (Status::Fail, true, "50/s".into()));
}

#[test]
fn a_latency_ends_the_run_by_what_has_ended() {
    let plan = plan(&[&[
        "metric = \"response_time\"",
        "expect = \"p(99) < 50ms\"",
        "abort_on_fail = true",
    ]]);
    let mut watch = Watch::new(&plan, whole);
    let found = watch.evaluate(&[latencies(1..=99, [])], seconds(1));
    assert!(!found[0].ended_run, "too few");
    // 100 that are fast and some that hang: the percentile could be anything, and ends nothing.
    let hanging = latencies(std::iter::repeat_n(1, 100), [1; 5]);
    let found = watch.evaluate(&[hanging], seconds(1));
    assert_eq!(
        found[0].status,
        Status::Inconclusive(Reason::Unfinished {
            count: 5,
            dropped: 0
        })
    );
    assert!(!found[0].ended_run);
    let found = watch.evaluate(&[latencies(1..=100, [])], seconds(1));
    assert!(found[0].ended_run);
}

#[test]
fn there_is_a_view_for_each_threshold() {
    let plan = plan(&[
        &["metric = \"pull.errors\"", "expect = \"count == 0\""],
        &[
            "metric = \"requests\"",
            "expect = \"rate > 1/s\"",
            "until = \"5s\"",
        ],
    ]);
    let catalogue = Catalogue::new(vec![("pull".into(), vec![]), ("push".into(), vec![])]);
    let views = Watch::new(&plan, whole).views(&catalogue);
    let tracks: Vec<usize> = views.iter().map(|it| it.tracks.len()).collect();
    assert_eq!(tracks, [1, 2]);
    assert_eq!(views[1].until, seconds(5));
}

#[test]
#[should_panic(expected = "other views")]
fn observations_of_other_views_are_a_defect() {
    let plan = plan(&[&["metric = \"errors\"", "expect = \"count == 0\""]]);
    Watch::new(&plan, whole).evaluate(&[], seconds(1));
}
