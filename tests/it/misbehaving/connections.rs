//! Connections that clients open and leave: each ends in one count, whichever side closes it, and none is left behind.

use std::thread;
use std::time::Duration;

use regstorm::embedded::{Running, Settings};
use regstorm::engine::Finished;
use regstorm::health::Limits;
use regstorm::measure::{LeftConnections, Period};
use regstorm::oci::Operation::ManifestHead;
use regstorm::session;

use super::{iterations, site};
use crate::support::{assert_closed, plan, registry, run, wait_for};

/// Two users poll.
fn scenario(habit: &str, more: &str, load: &str) -> String {
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\ntls.insecure = true\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"100B\"\n\
         [journey.j]\naction = \"poll\"\nmethod = \"head\"\nimages = \"web\"\n{more}\nleave_connections = {{ {habit} }}\n\
         [[load]]\njourney = \"j\"\nvus = 2\n{load}\n"
    )
}

const FIVE_EACH: &str = "executor = \"per-vu-iterations\"\niterations = 5\nmax_duration = \"5m\"";

/// Runs it: every sum closes, no iteration fails, and the registry has no open connection after it.
fn played(toml: &str, target: &Running) -> (Finished, LeftConnections) {
    let finished = run(&plan(toml, &target.url(), 2)).expect("a run");
    let left = left(&finished);
    let all = iterations(&finished);
    assert_eq!((all.failed, all.misbehaved), (0, 0));
    assert_eq!(finished.record.totals(Period::Measure).exchanges.failed, 0);
    wait_for(|| (target.counts().open_connections == 0).then_some(()));
    (finished, left)
}

fn left(finished: &Finished) -> LeftConnections {
    assert_closed(finished);
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    let left = series.counts.left_connections;
    // The sum that the report closes, of numbers counted at both ends of each.
    assert_eq!(left.begun, left.ended());
    left
}

#[test]
fn connections_that_the_registry_keeps_are_open_to_their_end() {
    // The load is over, or their time is.
    for time in ["", ", time = \"20ms\""] {
        for after in ["connect", "head"] {
            let target = site();
            let before = target.counts().connections;
            let habit = format!("after = \"{after}\", count = 5{time}");
            let toml = scenario(&habit, "think_time = \"10ms\"", FIVE_EACH);
            let (_, left) = played(&toml, &target);
            let kept = LeftConnections {
                begun: 10,
                kept: 10,
                ..LeftConnections::default()
            };
            assert_eq!(left, kept, "{after}{time}");
            // The registry has seen those ten, beside a few that were used.
            let seen = target.counts().connections - before;
            assert!((10 + 2..10 + 10).contains(&seen), "{after}{time}: {seen}");
        }
    }
}

#[test]
fn a_user_has_no_more_than_so_many_at_once() {
    let target = site();
    let (_, left) = played(&scenario("count = 3", "", FIVE_EACH), &target);
    assert_eq!((left.begun, left.kept), (6, 6));
}

#[test]
fn the_same_seed_leaves_the_same_connections() {
    let load = "executor = \"per-vu-iterations\"\niterations = 50\nmax_duration = \"5m\"";
    let toml = scenario("count = 50, share = 0.3", "", load);
    let counts = [0, 1].map(|_| played(&toml, &site()).1.begun);
    assert_eq!(counts[0], counts[1]);
    // Of a hundred; fewer than 10 or more than 50 come once in a hundred thousand seeds, and this is one.
    assert!((10..=50).contains(&counts[0]), "{counts:?}");
}

/// A registry gives a head its time, over plain connections and within TLS, in either version.
#[test]
fn connections_that_the_registry_closes_are_counted_with_their_time() {
    let head_timeout = Duration::from_millis(400);
    for (tls, http) in [(false, "1.1"), (false, "2"), (true, "1.1"), (true, "2")] {
        for after in ["connect", "head"] {
            let target = registry(Settings {
                head_timeout,
                tls,
                ..Settings::default()
            });
            let habit = format!("after = \"{after}\", count = 2");
            let more = format!("think_time = \"20ms\"\nhttp = \"{http}\"");
            let load = "executor = \"constant-vus\"\nduration = \"2s\"";
            let (_, left) = played(&scenario(&habit, &more, load), &target);
            let what = format!("{after} {tls} {http}: {left:?}");
            assert_eq!((left.failed, left.cancelled), (0, 0), "{what}");
            // Those of the first iterations at least, and others in their place.
            assert!(left.closed >= 4 && left.begun > 4, "{what}");
            // It was accepted a little before it was left. The end is no bet on a quick machine.
            let shortest = left.shortest_us.expect("one was closed");
            assert!(shortest >= 300_000, "{what}");
            assert!(left.longest_us >= Some(shortest), "{what}");
        }
    }
}

#[test]
fn connections_that_cannot_be_opened_are_counted_and_told() {
    let target = site();
    let load = "executor = \"constant-vus\"\nduration = \"4s\"";
    let toml = scenario("count = 2", "think_time = \"20ms\"", load);
    let planned = plan(&toml, &target.url(), 2);
    let running = thread::spawn(move || run(&planned).expect("a run"));
    wait_for(|| (target.counts().of(ManifestHead) > 10).then_some(()));
    drop(target);
    let finished = running.join().expect("no panic");
    let left = left(&finished);
    // The first ones ended with the registry, and the next found none.
    assert_eq!((left.closed, left.kept), (4, 0), "{left:?}");
    assert!(left.failed > 0, "{left:?}");
    let note = "× a connection that was to be left could not be opened: ";
    assert!(
        finished.notes.iter().any(|it| it.contains(note)),
        "{:?}",
        finished.notes
    );
}

#[test]
fn descriptors_are_forecast() {
    let forecast = |habit: &str| {
        let toml = scenario(habit, "", FIVE_EACH);
        plan(&toml, "http://127.0.0.1:1", 1)
    };
    // A poll has one connection.
    let few = forecast("count = 3");
    assert_eq!(few.forecast().connections, 2 + 2 * 3);
    let many = forecast("count = 4096");
    assert_eq!(many.forecast().connections, 2 + 2 * 4096);
    let limits = Limits {
        open_files_hard: Some(1024),
        ..Limits::default()
    };
    assert_eq!(session::preflight(&few, limits).len(), 0);
    let problems = session::preflight(&many, limits);
    assert_eq!(problems.len(), 1, "{problems:?}");
    // The plan is another, and says so.
    assert_ne!(few.fingerprint(), many.fingerprint());
}
