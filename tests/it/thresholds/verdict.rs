//! One threshold against counts made by hand.

use std::time::Duration;

use regstorm::measure::{Bytes, Observed, Outcomes, Starts};
use regstorm::report::text;
use regstorm::schedule::Span;
use regstorm::verdict::{
    Figure, Moment, Observation, Overall, Reason, Status, ThresholdResult, judge,
};

use super::{latencies, threshold};

const SPAN: Duration = Duration::from_secs(10);

fn done(metric: &str, expect: &str, observed: &Observed) -> ThresholdResult {
    judge(
        &threshold(metric, expect),
        observed,
        Span::WINDOW,
        SPAN,
        Moment::Done,
    )
}

fn underway(metric: &str, expect: &str, observed: &Observed) -> Status {
    judge(
        &threshold(metric, expect),
        observed,
        Span::WINDOW,
        SPAN,
        Moment::Underway,
    )
    .status
}

const fn open(reason: Reason) -> Status {
    Status::Inconclusive(reason)
}

#[test]
fn a_latency_is_judged_by_its_nearest_rank() {
    let hundred = latencies(1..=100, []);
    for (expect, wanted) in [
        ("p(99) < 99.5ms", Status::Pass),
        ("p(99) < 98.5ms", Status::Fail),
        ("p(99) <= 98.5ms", Status::Fail),
        ("p(99) > 98.5ms", Status::Pass),
        ("p(99) >= 99.5ms", Status::Fail),
        // 99 ms is in a bucket of 98.944 to 99.007 ms.
        ("p(99) < 99ms", open(Reason::Precision)),
        ("p(99) == 99ms", open(Reason::Precision)),
        ("p(99) == 98ms", Status::Fail),
        ("p(99) != 98ms", Status::Pass),
        ("med < 50.5ms", Status::Pass),
        ("med > 50.5ms", Status::Fail),
        ("max < 101ms", Status::Pass),
        ("max < 99ms", Status::Fail),
        // Up to 2.047 ms a bucket is one microsecond.
        ("min == 1ms", Status::Pass),
        ("min < 1ms", Status::Fail),
        // 5,050 / 100
        ("avg < 50.6ms", Status::Pass),
        ("avg > 50.6ms", Status::Fail),
    ] {
        let found = done("response_time", expect, &hundred);
        assert_eq!(found.status, wanted, "{expect}");
        assert_eq!(found.samples, 100);
    }
    let found = done("response_time", "p(99) < 1s", &hundred);
    assert_eq!(found.observed_text, "99.0 ms");
    assert_eq!(found.limit, Figure::Micros(1_000_000));
}

/// 98 of 1, 2, ..., 98 ms, and two that were cut at 10 ms: p(99) is 97 ms if they had just been done, and without end
/// if they hung. p(98) is 96 ms then, or 98.
#[test]
fn the_unfinished_decide_only_between_floor_and_ceiling() {
    let cut = latencies(1..=98, [10, 10]);
    let they_decide = open(Reason::Unfinished {
        count: 2,
        dropped: 0,
    });
    for (expect, wanted) in [
        ("p(99) < 50ms", Status::Fail),
        ("p(99) < 96.5ms", Status::Fail),
        ("p(99) < 97.5ms", they_decide),
        ("p(99) < 59m", they_decide),
        ("p(99) > 96.5ms", Status::Pass),
        ("p(99) > 97.5ms", they_decide),
        ("p(98) < 95.5ms", Status::Fail),
        ("p(98) < 97ms", they_decide),
        ("p(98) < 98.5ms", Status::Pass),
        ("p(98) > 95.5ms", Status::Pass),
        ("p(98) > 98.5ms", Status::Fail),
        ("max < 97ms", Status::Fail),
        ("max < 59m", they_decide),
        ("min < 2ms", Status::Pass),
        // (4,851 + 20) / 100 at least.
        ("avg < 48.6ms", Status::Fail),
        ("avg < 59m", they_decide),
        ("avg > 48.6ms", Status::Pass),
    ] {
        let found = done("response_time", expect, &cut);
        assert_eq!(found.status, wanted, "{expect}");
        assert_eq!(found.samples, 100);
    }
    // 96 ms is in a bucket that begins at 1,500 * 64 µs, and 98 ms in one that ends at 98,047.
    let found = done("response_time", "p(98) < 97ms", &cut)
        .observed
        .unwrap();
    assert_eq!(found.at_least, Figure::Micros(96_000));
    assert_eq!(found.at_most, Some(Figure::Micros(98_047)));
    let text = |expect| done("response_time", expect, &cut).observed_text;
    assert_eq!(text("p(98) < 97ms"), "96 ms to 98.0 ms");
    assert_eq!(text("p(99) < 59m"), "at least 97.0 ms");
}

/// 1, 2, ..., 90 ms, and ten that never began. Of all hundred, the p(50) is 40 ms if those took no time, and 50 ms if
/// they took for ever; the p(95) is 85 ms at the least.
#[test]
fn the_dropped_decide_only_between_floor_and_ceiling() {
    let mut observed = latencies(1..=90, []);
    observed.starts = Starts {
        scheduled: 100,
        started: 90,
        dropped: 10,
    };
    let they_decide = open(Reason::Unfinished {
        count: 0,
        dropped: 10,
    });
    for (expect, wanted) in [
        ("p(50) < 39.5ms", Status::Fail),
        ("p(50) < 45ms", they_decide),
        ("p(50) < 50.5ms", Status::Pass),
        ("p(50) > 39.5ms", Status::Pass),
        ("p(95) < 84.5ms", Status::Fail),
        ("p(95) < 59m", they_decide),
        ("max < 89ms", Status::Fail),
        ("max < 59m", they_decide),
        ("min < 2ms", Status::Pass),
        ("min > 0.5ms", they_decide),
    ] {
        for metric in ["response_time", "service_time"] {
            let found = done(metric, expect, &observed);
            assert_eq!(found.status, wanted, "{metric} {expect}");
            assert_eq!(found.samples, 90, "what never began is no sample");
            assert!(found.accounts_for_dropped());
        }
    }
    // 40 ms is in a bucket that begins at 1,250 * 32 µs, and 50 ms in one that ends at 1,563 * 32 less one.
    let found = done("response_time", "p(50) < 45ms", &observed);
    assert_eq!(found.observed_text, "40 ms to 50.0 ms");
    let Status::Inconclusive(reason) = found.status else {
        panic!("{:?}", found.status);
    };
    assert_eq!(reason.to_string(), "10 were dropped; they decide");
    let both = Reason::Unfinished {
        count: 1,
        dropped: 2,
    };
    let told = both.to_string();
    assert_eq!(
        told,
        "1 was cut or timed out and 2 were dropped; they decide"
    );
    // A share of failed ones is of those that ended, and exchanges know nothing of starts.
    observed.outcomes.ok = 90;
    assert_eq!(done("errors", "rate < 1%", &observed).status, Status::Pass);
    assert!(!done("errors", "rate < 1%", &observed).accounts_for_dropped());
    observed.starts = Starts::default();
    let exchanges = done("blob-get.total", "p(90) < 81.5ms", &observed);
    assert_eq!(exchanges.status, Status::Pass);
    assert!(!exchanges.accounts_for_dropped());
}

#[test]
fn too_few_samples_are_never_a_pass() {
    let few = latencies(1..=99, []);
    let found = done("response_time", "p(99) < 1s", &few);
    assert_eq!(found.status, open(Reason::TooFewSamples { needed: 100 }));
    assert_eq!((found.observed, found.observed_text.as_str()), (None, "-"));
    // Nor a fail.
    let found = done("response_time", "p(99) < 1ms", &few);
    assert_eq!(found.status, open(Reason::TooFewSamples { needed: 100 }));
    let mut wary = threshold("response_time", "avg < 1s");
    wary.min_samples = 100;
    let found = judge(&wary, &few, Span::WINDOW, SPAN, Moment::Done);
    assert_eq!(found.status, open(Reason::TooFewSamples { needed: 100 }));
    assert!(found.observed.is_some());
    let nothing = Observed::default();
    for (metric, expect) in [
        ("response_time", "max < 1s"),
        ("response_time", "p(99) < 1s"),
        ("errors", "rate < 1%"),
        ("errors", "count == 0"),
        ("dropped", "rate < 1%"),
        ("dropped", "count == 0"),
        ("iterations", "rate > 1/s"),
        ("requests", "count < 5"),
        ("bytes_sent", "rate < 1GiB/s"),
    ] {
        let found = done(metric, expect, &nothing);
        assert_eq!(found.status, open(Reason::NoSamples), "{metric} {expect}");
    }
}

/// 1,000 due, 10 of them dropped; 980 ok, 7 failed, 3 cut. 500 ended well within the 10 s.
fn counts() -> Observed {
    Observed {
        starts: Starts {
            scheduled: 1000,
            started: 990,
            dropped: 10,
        },
        outcomes: Outcomes {
            ok: 980,
            failed: 7,
            cancelled: 3,
            misbehaved: 0,
        },
        bytes: Bytes {
            sent: 1000,
            received: 3000,
        },
        within: 500,
        bytes_within: Bytes {
            sent: 400,
            received: 2000,
        },
        ..Observed::default()
    }
}

#[test]
fn counts_and_rates_are_of_what_they_say() {
    for (metric, expect, wanted, shown) in [
        ("pull.iterations", "count == 990", Status::Pass, "990"),
        ("pull.iterations", "count > 990", Status::Fail, "990"),
        ("pull.iterations", "rate == 50/s", Status::Pass, "50/s"),
        ("pull.iterations", "rate > 50", Status::Fail, "50/s"),
        ("requests", "rate >= 50/s", Status::Pass, "50/s"),
        // 7 of 987; 0.709...%
        ("errors", "rate < 0.71%", Status::Pass, "0.709%"),
        ("errors", "rate < 0.7%", Status::Fail, "0.709%"),
        ("pull.errors", "count <= 7", Status::Pass, "7"),
        ("pull.errors", "count == 0", Status::Fail, "7"),
        // 10 of 1,000
        ("dropped", "rate <= 1%", Status::Pass, "1%"),
        ("dropped", "rate == 0.01", Status::Pass, "1%"),
        ("dropped", "rate < 1%", Status::Fail, "1%"),
        ("pull.dropped", "count == 0", Status::Fail, "10"),
        ("bytes_sent", "count == 1kB", Status::Pass, "1 kB"),
        ("bytes_received", "count < 3kB", Status::Fail, "3 kB"),
        ("bytes_sent", "rate == 40B/s", Status::Pass, "40 B/s"),
        ("bytes_received", "rate > 200B/s", Status::Fail, "200 B/s"),
    ] {
        let found = done(metric, expect, &counts());
        let found = (found.status, found.observed_text.as_str());
        assert_eq!(found, (wanted, shown), "{metric} {expect}");
    }
    // A share as it is written and the same share as counted are one number.
    let mut seven = counts();
    (seven.outcomes.ok, seven.outcomes.failed) = (993, 7);
    let found = done("errors", "rate <= 0.7%", &seven);
    assert_eq!(found.status, Status::Pass);
    // Everything hung: nothing came through, and that is known.
    let mut hung = counts();
    hung.outcomes = Outcomes {
        ok: 0,
        failed: 0,
        cancelled: 990,
        misbehaved: 0,
    };
    hung.within = 0;
    let found = done("iterations", "rate > 50/s", &hung);
    assert_eq!(found.status, Status::Fail);
    let found = done("errors", "rate < 1%", &hung);
    assert_eq!(found.status, open(Reason::NoSamples));
}

#[test]
fn a_count_that_can_grow_is_not_broken_yet() {
    let underway = |expect| underway("iterations", expect, &counts());
    let could = open(Reason::Underway);
    for (expect, wanted) in [
        ("count > 989", Status::Pass),
        ("count > 990", could),
        ("count >= 991", could),
        ("count == 991", could),
        ("count == 990", Status::Pass),
        ("count == 989", Status::Fail),
        ("count != 990", could),
        ("count != 991", Status::Pass),
        ("count < 991", Status::Pass),
        ("count < 990", Status::Fail),
        ("count <= 989", Status::Fail),
        // What is no count can be broken at any time.
        ("rate > 51/s", Status::Fail),
    ] {
        assert_eq!(underway(expect), wanted, "{expect}");
    }
    for expect in ["count > 990", "count == 991", "count != 990"] {
        let found = done("iterations", expect, &counts());
        assert_eq!(found.status, Status::Fail, "{expect}");
    }
}

#[test]
fn a_rate_needs_time() {
    let threshold = threshold("iterations", "rate < 50/s");
    let found = judge(
        &threshold,
        &counts(),
        Span::WINDOW,
        Duration::ZERO,
        Moment::Underway,
    );
    assert_eq!(found.status, open(Reason::NoTime));
    assert_eq!(found.observed, None);
    let seconds = Duration::from_secs;
    let span = Span {
        from: seconds(10),
        until: seconds(30),
    };
    let lengths = [0, 10, 25, 40].map(|at| span.length_at(seconds(at)).as_secs());
    assert_eq!(lengths, [0, 0, 15, 20]);
    assert_eq!(Span::WINDOW.length_at(seconds(7)), seconds(7));
}

#[test]
fn one_that_is_broken_breaks_all() {
    let good = done("errors", "rate < 1%", &counts());
    let bad = done("errors", "rate < 0.1%", &counts());
    let unknown = done("response_time", "med < 1s", &counts());
    let of = |results: &[&ThresholdResult]| {
        let results: Vec<_> = results.iter().copied().cloned().collect();
        Overall::of(&results)
    };
    assert_eq!(of(&[]), Overall::Pass);
    assert_eq!(of(&[&good, &good]), Overall::Pass);
    assert_eq!(of(&[&good, &unknown, &good]), Overall::Inconclusive);
    assert_eq!(of(&[&unknown, &bad, &good]), Overall::Fail);
}

#[test]
fn reports_keep_a_result_as_it_is() {
    let cut = latencies(1..=98, [10, 10]);
    let mut filtered = threshold("pull.response_time", "p(98) < 97ms");
    filtered.stage = Some("hold".into());
    filtered.until = Some(Duration::from_secs(2));
    let found = judge(&filtered, &cut, Span::WINDOW, SPAN, Moment::Done);
    let mut json = serde_json::to_value(&found).unwrap();
    let mut evidence = json["evidence"].take();
    let counted = evidence["counted"].take();
    let judged_by = serde_json::json!({
        "quantity": "latency",
        "statistic": { "quantile": 98.0 },
        "operator": "<",
        "min_samples": 50,
        "span_from_us": 0,
        "span_until_us": null,
        "moment": "done",
        "counted": null,
    });
    assert_eq!(evidence, judged_by);
    assert_eq!(counted["outcomes"]["ok"], 98);
    assert_eq!(counted["latency"]["count"], 98);
    assert_eq!(counted["unfinished"]["count"], 2);
    let wanted = serde_json::json!({
        "metric": "pull.response_time",
        "expect": "p(98) < 97ms",
        "stage": "hold",
        "from_us": 0,
        "until_us": 2_000_000,
        "limit": { "unit": "us", "value": 97_000 },
        "observed": {
            "at_least": { "unit": "us", "value": 96_000 },
            "at_most": { "unit": "us", "value": 98_047 },
        },
        "observed_text": "96 ms to 98.0 ms",
        "samples": 100,
        "status": "inconclusive",
        "reason": { "kind": "unfinished", "count": 2, "dropped": 0 },
        "ended_run": false,
        "evidence": null,
    });
    assert_eq!(json, wanted);
    let rate = serde_json::to_value(done("errors", "rate < 1%", &counts())).unwrap();
    assert!(rate["evidence"]["counted"].get("latency").is_none());
    let results = [
        found,
        done("errors", "rate < 1%", &counts()),
        done("bytes_sent", "rate < 1B/s", &counts()),
        done("total", "p(99) < 1s", &Observed::default()),
    ];
    for result in results {
        let text = serde_json::to_string(&result).unwrap();
        assert_eq!(
            serde_json::from_str::<ThresholdResult>(&text).unwrap(),
            result
        );
    }
    let open = Observation {
        at_least: Figure::Micros(5),
        at_most: None,
    };
    assert!(serde_json::to_value(open).unwrap()["at_most"].is_null());
}

#[test]
fn a_person_sees_a_line_for_each() {
    let cut = latencies(1..=98, [10, 10]);
    let mut filtered = threshold("response_time", "p(99) < 2s");
    filtered.stage = Some("hold".into());
    filtered.from = Duration::from_secs(30);
    let mut ended = done("pull.errors", "rate < 0.1%", &counts());
    ended.ended_run = true;
    let results = [
        done("response_time", "med < 1s", &latencies(1..=98, [])),
        ended,
        judge(&filtered, &cut, Span::WINDOW, SPAN, Moment::Done),
        done("total", "p(99) < 1s", &Observed::default()),
    ];
    let wanted = "\
thresholds  ✓ response_time med < 1s                      49.0 ms
            ✗ pull.errors rate < 0.1%                     0.709%  ended the run
            ? response_time p(99) < 2s in hold, from 30s  at least 97.0 ms  inconclusive: 2 were cut or timed out; they decide
            ? total p(99) < 1s                            -  inconclusive: no samples
";
    assert_eq!(text::thresholds(&results, false), wanted);
    assert_eq!(text::thresholds(&[], false), "");
    let mut painted = text::thresholds(&results, true);
    assert!(painted.contains("\x1b[31m✗\x1b[0m") && painted.contains("\x1b[32m✓\x1b[0m"));
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m"] {
        painted = painted.replace(code, "");
    }
    assert_eq!(painted, wanted);
}
