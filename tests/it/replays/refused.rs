//! What is refused, and in which words.

use std::fs;
use std::path::Path;

use regstorm::oci::Operation;
use regstorm::scenario::{self, Overrides};

use super::log::{Log, NONE, digest};
use super::round_trip::scenario;

/// What is said of a scenario.
fn problems(toml: &str) -> String {
    let loaded = scenario::load(
        toml,
        "test.toml",
        Path::new(""),
        &Overrides::default(),
        &|_| None,
    );
    loaded.expect_err("a mistake").render(false)
}

/// Three sessions of one ping each, at 0 s, 1 s and 3 s.
pub(super) fn pings() -> Log {
    let mut log = Log::default();
    for (session, pause) in [(1, 0), (2, 900), (3, 1_900)] {
        let mut session = log.session(session, 1, pause);
        session.add(Operation::Ping, NONE, 200);
    }
    log
}

#[test]
fn what_cannot_be_replayed_is_refused_by_one_message() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    pings().write(&trace);
    for (journey, load, wanted) in [
        (
            "from = \"4s\"",
            "",
            "the slice has no requests: the trace has 3, in 3s",
        ),
        (
            "from = \"1500ms\"\nuntil = \"2s\"",
            "",
            "the slice has no requests",
        ),
        (
            "from = \"2s\"\nuntil = \"1s\"",
            "",
            "the slice ends before it begins",
        ),
        ("pick = \"random\"", "", "`pick` needs images"),
        ("scale = -1", "", "from 0"),
        ("max_blob = \"10B\"", "", "from 64"),
        (
            "",
            "speed = 2\nrate = 5",
            "`speed` and `rate` exclude each other",
        ),
        ("", "speed = 0", "from 0.001"),
        ("", "rate = 0", "from 0.001"),
        (
            "until = \"1s\"",
            "rate = 5",
            "all requests are at one instant: they have no rate",
        ),
        ("", "speed = 0.001\nwarmup = \"1s\"", "warmup"),
        ("until = \"2s\"", "rate = 0.001", "times as fast"),
    ] {
        let told = problems(&scenario(&trace, journey, load));
        assert!(told.contains(wanted), "{wanted}\n{told}");
        assert_eq!(told.matches("error").count(), 1, "{told}");
    }
    let told = problems(&scenario(&trace, "images = \"web\"", ""));
    assert!(told.contains("a replay has no image set"), "{told}");
}

#[test]
fn a_trace_that_is_none_is_refused_where_it_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    pings().write(&trace);
    let whole = fs::read(&trace).unwrap();
    let missing = directory.path().join("missing");
    let told = problems(&scenario(&missing, "", ""));
    assert!(told.contains("cannot read"), "{told}");
    for (bytes, wanted) in [
        (&whole[..whole.len() - 1], "was cut off"),
        (
            b"regstorm.trace/9\n".as_slice(),
            "has the format `regstorm.trace/9`",
        ),
        (b"{}", "is not a trace"),
    ] {
        fs::write(&trace, bytes).unwrap();
        let told = problems(&scenario(&trace, "", ""));
        assert!(told.contains(wanted), "{told}");
        assert!(told.contains("test.toml:6"), "{told}");
    }
    // Requests of which none can be sent again.
    let mut log = Log::default();
    log.session(1, 1, 0)
        .add(Operation::ManifestPut, digest(1), 403);
    log.write(&trace);
    let told = problems(&scenario(&trace, "", ""));
    let wanted = "no request of the slice can be replayed (1 refused by the registry)";
    assert!(told.contains(wanted), "{told}");
}

#[test]
fn the_executor_and_the_action_go_together() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    pings().write(&trace);
    let good = scenario(&trace, "", "");
    let other = good.replace(
        "executor = \"replay\"\nmax_vus = 20",
        "executor = \"constant-vus\"\nvus = 1\nduration = \"1s\"",
    );
    assert!(problems(&other).contains("the journey `day` replays a trace"));
    let catalog = good + "[journey.list]\naction = \"catalog\"\n";
    let other = catalog.replace("journey = \"day\"", "journey = \"list\"");
    assert!(problems(&other).contains("the journey `list` replays no trace"));
    let both = catalog.replace("journey = \"day\"", "mix = { day = 1, list = 1 }");
    assert!(problems(&both).contains("a replay does one journey"));
    let again = catalog.replace(
        "[journey.list]\naction = \"catalog\"",
        &format!(
            "[journey.night]\naction = \"replay\"\ntrace = \"{}\"",
            trace.display()
        ),
    );
    assert!(problems(&again).contains("two replays have their repositories at one place"));
}
