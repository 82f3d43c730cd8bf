//! Shards of a replay, as processes: together they send what one does, and their reports become that of one.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use regstorm::embedded::{RequestRecord, Running, Settings};
use regstorm::oci::Operation;
use regstorm::result::{Document, ReplaySection};

use super::closed::closed;
use super::log::{Log, NONE, digest, tag};
use super::round_trip::{counted, logged, recorded, scenario};
use crate::support::{registry, settled};

/// Sessions of which none reads what another one stores.
fn apart() -> Log {
    let mut log = Log::default();
    let layers = [(11, 300), (12, 50_000), (13, 70_000)];
    for session in 0..5 {
        log.session(session, 1, 50).pull(5, 6, &layers);
    }
    for session in 5..9 {
        // Repositories are numbered in the order in which they come.
        let mut push = log.session(session, session - 3, 50);
        push.upload(20 + session, &[4_000, 2_500]);
        push.add(Operation::ManifestPut, tag(5), 201).sent = Some(600);
    }
    let mut lost = log.session(9, 3, 50);
    lost.add(Operation::BlobHead, digest(99), 404);
    lost.add(Operation::TagsList, NONE, 404);
    log
}

/// Runs a command in a directory.
fn regstorm(directory: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(directory)
        .env("XDG_STATE_HOME", directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// The exit code and what was said.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test says when shards start, as a script does"
)]
fn seconds_from_now(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    format!("@{}", now.unwrap().as_secs() + seconds)
}

/// A run in shards, and what the registry has logged of its load.
fn in_shards(directory: &Path, shards: usize) -> (ReplaySection, Vec<RequestRecord>) {
    for seconds in [2, 4, 8, 16, 32] {
        let registry = registry(Settings {
            record_requests: Some(100_000),
            ..Settings::default()
        });
        if run(directory, shards, (&registry.url(), seconds)) {
            settled(&registry);
            return (merged(directory, shards), without_pings(&registry));
        }
    }
    panic!("no shards were ready in time");
}

/// Returns `false` if one of them was not ready in time.
fn run(directory: &Path, shards: usize, (url, seconds): (&str, u64)) -> bool {
    let start = seconds_from_now(seconds);
    let children: Vec<Child> = (0..shards)
        .map(|index| {
            let out = format!("{index}.json");
            let shard = format!("{index}/{shards}");
            let mut run = vec![
                "run",
                "test.toml",
                "--target",
                url,
                "--quiet",
                "--out",
                &out,
            ];
            if shards > 1 {
                run.extend(["--shard", &shard, "--start-at", &start]);
            }
            regstorm(directory, &run)
        })
        .collect();
    let ends: Vec<_> = children.into_iter().map(ended).collect();
    ends.iter().all(|(code, said)| {
        let is_late = *code == Some(5) && said.contains("too late");
        // A small machine may be suspect of not keeping up, which says nothing against what was sent.
        assert!(matches!(code, Some(0 | 4)) || is_late, "{code:?} {said}");
        !is_late
    })
}

/// The replay of all reports.
fn merged(directory: &Path, shards: usize) -> ReplaySection {
    let names: Vec<String> = (0..shards).map(|index| format!("{index}.json")).collect();
    let mut merge = vec!["merge"];
    merge.extend(names.iter().map(String::as_str));
    merge.extend(["--out", "all.json"]);
    let all = if shards > 1 {
        let (code, said) = ended(regstorm(directory, &merge));
        assert!(matches!(code, Some(0 | 4)), "{code:?} {said}");
        "all.json"
    } else {
        "0.json"
    };
    let document = Document::load(&directory.join(all)).unwrap();
    assert!(document.closure.holds());
    let [replay] = <[_; 1]>::try_from(document.replays).unwrap();
    replay
}

/// What the registry has logged, but for the pings before each load.
fn without_pings(registry: &Running) -> Vec<RequestRecord> {
    let requests = registry.requests().into_iter();
    requests
        .filter(|it| it.operation != Some(Operation::Ping))
        .collect()
}

#[test]
fn any_number_of_shards_sends_the_trace_and_reports_it_as_one() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let log = apart();
    log.write(&directory.join("a.trace"));
    let open = scenario(Path::new("a.trace"), "", "speed = 20");
    let shared = closed(Path::new("a.trace"), "vus = 6\nspeed = 20");
    for toml in [open, shared] {
        let toml = toml.replace("\"embedded\"", "\"http://127.0.0.1:1\"");
        fs::write(directory.join("test.toml"), toml).unwrap();
        let (one, of_one) = in_shards(directory, 1);
        let wanted = counted(log.requests.iter().map(recorded));
        let sent = |records: &[RequestRecord]| {
            let mut sent = counted(records.iter().map(logged));
            // What prepares the load is the same in each.
            sent.retain(|line, _| wanted.contains_key(line));
            sent
        };
        for (line, count) in &wanted {
            assert!(sent(&of_one)[line] >= *count, "{line:?}");
        }
        for shards in [2, 3] {
            let (all, of_all) = in_shards(directory, shards);
            assert_eq!(sent(&of_all), sent(&of_one), "{shards} shards");
            assert_eq!(all.recorded, one.recorded, "{shards} shards");
            assert_eq!(counts(&all), counts(&one), "{shards} shards");
            assert_eq!(
                (all.speed, all.left_out, all.recorded_us),
                (one.speed, one.left_out, one.recorded_us)
            );
        }
    }
}

/// What is the same in each run: all but times.
fn counts(section: &ReplaySection) -> Vec<u64> {
    let sent = &section.replayed;
    let mut counts = vec![
        sent.count,
        sent.as_recorded,
        sent.too_early,
        sent.bytes,
        sent.blobs,
        sent.popular,
        sent.gaps.count(),
        sent.late.count(),
        sent.parts.iter().sum(),
    ];
    for operation in &sent.operations {
        counts.extend([
            operation.name as u64,
            operation.count,
            operation.time.count(),
        ]);
        counts.extend(operation.classes);
    }
    counts
}
