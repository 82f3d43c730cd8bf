//! Replays whose sessions are shared by users, and sessions that wait for a user.

use std::time::Duration;

use regstorm::measure::Period;
use regstorm::oci::Operation;

use super::log::{Log, NONE};
use super::round_trip::{counted, day, logged, recorded, replayed, scenario};

/// A scenario of users who share the sessions.
pub(super) fn closed(trace: &std::path::Path, load: &str) -> String {
    let open = scenario(trace, "", load);
    open.replace(
        "executor = \"replay\"\nmax_vus = 20",
        "executor = \"closed-replay\"",
    )
}

#[test]
fn one_user_sends_the_whole_trace_in_its_order() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    let log = day();
    log.write(&trace);
    for workers in [1, 3] {
        let (plan, finished, records) = replayed(&closed(&trace, "vus = 1\nspeed = 50"), workers);
        // The sessions lie half a minute apart, and none waits for that.
        assert!(finished.record.window() < Duration::from_secs(20));
        assert_eq!(plan.forecast().loads[0].iterations, Some(5));
        let iterations = finished.record.totals(Period::Measure).iterations;
        assert_eq!((iterations.ok, iterations.ended()), (5, 5));
        let wanted = counted(log.requests.iter().map(recorded));
        assert_eq!(counted(records.iter().map(logged)), wanted);
        let sent = &finished.replays[0].replayed;
        assert_eq!(
            (sent.count, sent.as_recorded),
            (log.requests.len() as u64, sent.count)
        );
        // It has no timetable to keep.
        assert_eq!(sent.parts.iter().sum::<u64>(), 0);
    }
}

#[test]
fn users_together_do_each_session_once() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    let mut log = Log::default();
    for session in 0..40 {
        log.session(session, 1, 10_000)
            .pull(session, 1_000 + session, &[(1, 300)]);
    }
    log.write(&trace);
    for (vus, workers) in [(40, 2), (7, 2), (2, 3)] {
        let load = format!("vus = {vus}\nspeed = 1000");
        let (_, finished, records) = replayed(&closed(&trace, &load), workers);
        let iterations = finished.record.totals(Period::Measure).iterations;
        assert_eq!((iterations.ok, iterations.ended()), (40, 40), "{vus} users");
        let wanted = counted(log.requests.iter().map(recorded));
        assert_eq!(counted(records.iter().map(logged)), wanted, "{vus} users");
    }
}

#[test]
fn a_user_thinks_as_long_as_was_recorded_after_each_request() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    let mut log = Log::default();
    let mut session = log.session(1, 1, 0);
    session.add(Operation::Ping, NONE, 200).duration = Some(Duration::from_millis(20));
    session.add(Operation::Ping, NONE, 200).duration = None;
    session.add(Operation::Ping, NONE, 200);
    log.write(&trace);
    let (_, finished, _) = replayed(&closed(&trace, "vus = 1\nspeed = 0.5"), 1);
    // 100 ms between starts: 80 ms after the first has ended; of the second nothing tells when it did. At half the speed these
    // are 160 ms and 200 ms, and each request took some time besides.
    let gaps = &finished.replays[0].replayed.gaps;
    assert_eq!(gaps.count(), 2);
    // A bucket is a thousandth wide.
    let (least, most) = (gaps.min().unwrap(), gaps.max().unwrap());
    assert!(least >= Duration::from_millis(159), "{least:?}");
    assert!(most >= Duration::from_millis(199), "{most:?}");
    // What it thought is a pause, and no time of the registry.
    let (_, _, sessions) = finished.record.journeys().next().unwrap();
    let pauses = sessions.counts.time.pauses;
    assert!(pauses >= Duration::from_millis(360), "{pauses:?}");
}

#[test]
fn sessions_without_a_free_user_may_wait_for_one() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    // Each of them waits 600 ms between its two requests; all begin within 300 ms.
    let log = Log::of_three(200);
    log.write(&trace);
    let toml = scenario(&trace, "", "on_no_vu = \"queue\"");
    let toml = toml.replace("max_vus = 20", "max_vus = 1");
    let (_, finished, records) = replayed(&toml, 1);
    assert_eq!(records.len(), 6);
    let (_, _, sessions) = finished.record.journeys().next().unwrap();
    let starts = &sessions.counts.starts;
    assert_eq!((starts.scheduled, starts.dropped), (3, 0));
    // The second and the third were late: they began when the one before was done.
    let sent = &finished.replays[0].replayed;
    assert!(sent.on_time < 6, "{}", sent.on_time);
    let full = toml.replace("\"queue\"", "\"queue\"\nmax_queue = 1");
    let (_, finished, records) = replayed(&full, 1);
    let (_, _, sessions) = finished.record.journeys().next().unwrap();
    let starts = &sessions.counts.starts;
    assert_eq!((starts.scheduled, starts.dropped, records.len()), (3, 1, 4));
}
