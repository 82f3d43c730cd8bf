//! What is refused, and in which words.

use std::fs;
use std::path::Path;
use std::process::Command;

use regstorm::embedded::Settings;
use regstorm::oci::Operation;
use regstorm::scenario::{self, Overrides};
use regstorm::trace::Timestamp;

use super::closed::closed;
use super::log::{Log, NONE, digest};
use super::round_trip::scenario;
use crate::support::registry;

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

/// The block of the requests of a trace that has one, and where its summary begins: the block has its kind, the length of its
/// content packed, and 20 more bytes before that.
fn block(trace: &[u8]) -> (usize, usize) {
    let begin = b"regstorm.trace/1\n".len();
    let length: [u8; 4] = trace[begin + 1..begin + 5].try_into().unwrap();
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap();
    (begin, begin + 25 + length)
}

/// A trace whose second block has earlier times than its first, and no other flaw.
fn backwards(directory: &Path) -> Vec<u8> {
    let path = directory.join("part.trace");
    let written = |log: &Log| {
        log.write(&path);
        fs::read(&path).unwrap()
    };
    let (mut early, mut late, mut both) = (pings(), pings(), pings());
    for request in &mut late.requests {
        request.start = Timestamp::from_nanos(request.start.nanos() + 60_000_000_000);
    }
    both.requests.append(&mut late.requests.clone());
    let [early, late, both] = [&mut early, &mut late, &mut both].map(|log| written(log));
    let (begin, end) = block(&early);
    let mut trace = late[..block(&late).1].to_vec();
    trace.extend_from_slice(&early[begin..end]);
    let place = trace.len() as u64;
    // The summary, without its place and the last mark.
    trace.extend_from_slice(&both[block(&both).1..both.len() - 16]);
    trace.extend_from_slice(&place.to_le_bytes());
    trace.extend_from_slice(b"regstorm");
    trace
}

#[test]
fn a_bad_trace_is_refused_before_anything_is_sent() {
    let registry = registry(Settings::default());
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let trace = directory.join("a.trace");
    pings().write(&trace);
    let whole = fs::read(&trace).unwrap();
    let mut changed = whole.clone();
    changed[60] ^= 1;
    let mut other = whole.clone();
    other[b"regstorm.trace/".len()] = b'2';
    for (bytes, journey, wanted) in [
        (backwards(directory), "", "(requests out of order)"),
        (changed, "", "is damaged at byte 17"),
        (whole[..whole.len() / 2].to_vec(), "", "was cut off"),
        (other, "", "has the format `regstorm.trace/2`"),
        (
            whole,
            "from = \"1h\"",
            "the slice has no requests: the trace has 3, in 3s",
        ),
    ] {
        fs::write(&trace, bytes).unwrap();
        let toml = scenario("a.trace".as_ref(), journey, "").replace("embedded", &registry.url());
        fs::write(directory.join("test.toml"), toml).unwrap();
        for command in ["check", "run"] {
            let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
                .args([command, "test.toml"])
                .current_dir(directory)
                .output()
                .unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(wanted), "{wanted}\n{said}");
            assert_eq!(said.matches("error").count(), 1, "{said}");
        }
    }
    assert_eq!(registry.counts().connections, 0);
}

#[test]
fn a_trace_without_sizes_is_replayed_with_one_size_and_check_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    let mut log = Log::default();
    // One client, all of it.
    let mut session = log.session(1, 1, 0);
    session.add(Operation::ManifestGet, digest(6), 200);
    for blob in [7, 8] {
        session.add(Operation::BlobGet, digest(blob), 200);
    }
    log.write(&trace);
    let toml = scenario(&trace, "scale = 0.5", "");
    fs::write(directory.path().join("test.toml"), toml).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["check", "test.toml"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    // Half of 64 KiB.
    let wanted = "2 blobs whose size the trace does not tell have 32.8 kB each";
    assert!(said.contains(wanted), "{said}");
    assert!(
        said.contains("3 requests of 1 sessions to 1 repositories"),
        "{said}"
    );
}

#[test]
fn a_slice_begins_with_its_first_request_and_ends_before_its_last_moment() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    let mut log = Log::default();
    // At 0, 100, ..., 400 ms; then another session from 1 s on.
    let mut push = log.session(1, 1, 0);
    push.upload(21, &[500]);
    push.add(Operation::ManifestPut, digest(6), 201);
    log.session(2, 1, 500).pull(5, 6, &[(21, 500)]);
    log.write(&trace);
    let check = |slice: &str| {
        fs::write(
            directory.path().join("test.toml"),
            scenario(&trace, slice, ""),
        )
        .unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(["check", "test.toml"])
            .current_dir(directory.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for (slice, wanted) in [
        ("", &["8 requests of 2 sessions"][..]),
        // The second session alone: from its first request on, and that is due at once.
        ("from = \"1s\"", &["3 requests of 1 sessions"]),
        ("from = \"1001ms\"", &["2 requests of 1 sessions"]),
        // The first one alone: the second begins at the end of the slice.
        ("until = \"1s\"", &["5 requests of 1 sessions"]),
        ("until = \"1001ms\"", &["6 requests of 2 sessions"]),
        // The upload has lost its beginning.
        (
            "from = \"200ms\"\nuntil = \"1s\"",
            &[
                "1 requests of 1 sessions",
                "left out: 2 requests (2 of uploads without a start)",
            ],
        ),
    ] {
        let said = check(slice);
        for words in wanted {
            assert!(said.contains(words), "{slice}: {words}\n{said}");
        }
    }
}

#[test]
fn users_without_a_session_and_limits_without_a_queue_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("a.trace");
    pings().write(&trace);
    for (toml, wanted) in [
        (closed(&trace, "vus = 4"), "the slice has 3 sessions"),
        (closed(&trace, ""), "missing key `vus`"),
        (closed(&trace, "vus = 1\nspeed = 0"), "from 0.001"),
        (closed(&trace, "vus = 1\nrate = 5"), "`rate`"),
        (closed(&trace, "vus = 1\npacing = \"1s\""), "`pacing`"),
        (
            scenario(&trace, "", "max_queue = 5"),
            "`max_queue` without a queue",
        ),
    ] {
        let told = problems(&toml);
        assert!(told.contains(wanted), "{wanted}\n{told}");
        assert_eq!(told.matches("error").count(), 1, "{told}");
    }
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
