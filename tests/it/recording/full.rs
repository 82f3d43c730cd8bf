//! A recorder that runs out of something: of the disk for its trace, and of places for connections.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use regstorm::embedded::Settings;

use super::bench::{Recording, all, head};
use crate::support::registry;

/// A shell that does this and then runs regstorm.
fn shell(before: &str) -> Command {
    let script = format!("{before} && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_regstorm")]);
    command
}

/// In a mount namespace of its own, which the system may refuse to this user.
#[test]
fn a_full_disk_ends_it_and_every_request_is_in_the_trace() {
    let namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script]);
        command
    };
    let small = "mount -t tmpfs -o size=320k none /mnt";
    if !namespace(small).status().is_ok_and(|it| it.success()) {
        return; // what the sorter does without room is held beside it
    }
    let registry = registry(Settings::default());
    let script = format!(
        "{small} && here=$PWD && cd /mnt || exit 99; \"$0\" \"$@\"; code=$?; cp x.trace \"$here\"; exit $code"
    );
    let mut command = namespace(&script);
    command.arg(env!("CARGO_BIN_EXE_regstorm"));
    let recording = Recording::by(command, &registry.url(), &[]);
    let mut stream = recording.connect();
    let mut answered = 0;
    for number in 0..100_000 {
        let request = format!("HEAD /v2/a/blobs/sha256:{number:064x} HTTP/1.1\r\nHost: r\r\n\r\n");
        // The recorder ends between two requests, or within one.
        if stream.write_all(request.as_bytes()).is_err() || head(&stream).is_empty() {
            break;
        }
        answered += 1;
    }
    let recorded = recording.ended();
    assert_eq!(recorded.code, 1, "{}", recorded.said);
    for words in [
        "x.trace: the recording ended",
        "No space left on device",
        "--out",
    ] {
        assert!(recorded.said.contains(words), "{}", recorded.said);
    }
    assert!(answered > 500, "{answered}");
    let whole = recorded.rows.iter().filter(|it| it.status == 404).count();
    assert!(
        whole == answered || whole == answered + 1,
        "{whole} {answered}"
    );
}

/// Opens all connections before the first request is sent.
#[track_caller]
fn assert_served(recording: &Recording, count: usize) {
    let clients: Vec<TcpStream> = (0..count).map(|_| recording.connect()).collect();
    for mut client in &clients {
        let request = b"GET /v2/ HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n";
        client.write_all(request).unwrap();
    }
    for client in &clients {
        let got = all(client);
        assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
    }
}

#[test]
fn few_files_are_told_and_all_clients_are_served() {
    let registry = registry(Settings::default());
    let recording = Recording::by(shell("ulimit -n 100"), &registry.url(), &[]);
    assert_served(&recording, 60);
    let recorded = recording.end().says(&[
        "18 connections of clients at once",
        "this process may open 100 files",
        "ulimit -Hn",
        "60 whole",
        "times all connections were open",
    ]);
    assert_eq!(recorded.rows.len(), 60);
    let args = ["record", "--target", &registry.url(), "--out", "x.trace"];
    let refused = shell("cd \"${TMPDIR:-/tmp}\" && ulimit -n 65")
        .args(args)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("may open 65 files: raise"), "{said}");
}

/// More than have a place, and no more than the system lets wait.
#[test]
fn two_thousand_clients_at_once_are_all_served() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    // Each has two ends here, one of them in the registry.
    let count = usize::try_from(hard / 3).unwrap().min(2000);
    let registry = registry(Settings::default());
    let recording = Recording::start(&registry.url(), &[]);
    assert_served(&recording, count);
    let recorded = recording.end();
    assert_eq!(
        (recorded.code, recorded.rows.len()),
        (0, count),
        "{}",
        recorded.said
    );
}
