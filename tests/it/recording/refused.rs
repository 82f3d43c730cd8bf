//! What is refused, and how it is told.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use super::bench::{Peer, Recording};
use crate::support::registry;
use regstorm::embedded::Settings;

#[test]
fn what_cannot_work_is_told_before_it_listens() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("short"), "secret").unwrap();
    fs::write(place.path().join("ca.pem"), "no certificate").unwrap();
    let target = "http://127.0.0.1:1";
    for (arguments, words) in [
        (
            ["--target", "localhost:5000", "--out", "x"].as_slice(),
            "with its scheme",
        ),
        (
            &["--target", "http://u:s3cr3t@h", "--out", "x"],
            "give credentials on their own",
        ),
        (
            &["--target", "http://h/base", "--out", "x"],
            "leave out `/base/`",
        ),
        (&["--target", "ftp://h", "--out", "x"], "ftp"),
        (&["--target", target, "--out", "-"], "a trace is a file"),
        (&["--target", target, "--out", "no/x"], "No such file"),
        (&["--target", target, "--out", "."], "directory"),
        (
            &["--target", target, "--out", "x", "--tls", "--ca-out", "x"],
            "would be one file",
        ),
        (
            &["--target", target, "--out", "short", "--key-file", "short"],
            "would overwrite",
        ),
        (
            &["--target", target, "--out", "x", "--key-file", "short"],
            "6 bytes can be guessed",
        ),
        (
            &["--target", target, "--out", "x", "--ca", "ca.pem"],
            "BEGIN CERTIFICATE",
        ),
        (
            &["--target", target, "--out", "x", "--listen", "localhost:1"],
            "IP address and a port",
        ),
        (
            &["--target", target, "--out", "x", "--listen", "192.0.2.1:0"],
            "cannot listen on 192.0.2.1:0",
        ),
        (
            &["--target", target, "--out", "x", "--session-gap", "1ms"],
            "whole seconds",
        ),
        (
            &["--target", target, "--out", "x", "--tls-name", "a"],
            "--tls",
        ),
        (
            &["--target", target, "--out", "x", "--tls", "--tls-name", "é"],
            "cannot make a certificate",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .arg("record")
            .args(arguments)
            .current_dir(place.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(
            !said.contains("s3cr3t") && !said.contains("panicked"),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
    let mut left: Vec<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["ca.pem", "short"], "nothing was written");
}

#[test]
fn without_a_request_no_trace_is_written_and_what_was_there_stays() {
    let peer = Peer::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let recording = Recording::start(&peer.url, &[]);
    fs::write(recording.path("x.trace"), "another").unwrap();
    let got = recording.send("GET /metrics HTTP/1.1\r\nHost: r\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
    recording.interrupt();
    let path = recording.path("x.trace");
    let kept = wait_for_end(recording);
    assert_eq!(kept.0, 1, "{}", kept.1);
    assert!(
        kept.1.contains("1 request to paths outside")
            && kept.1.contains("point a client at http://"),
        "{}",
        kept.1
    );
    drop(path);
}

/// The exit code and the words of a recorder whose trace cannot be read.
fn wait_for_end(recording: Recording) -> (i32, String) {
    let path = recording.path("x.trace");
    let before = fs::read(&path).unwrap();
    fs::rename(&path, recording.path("kept")).unwrap();
    let ended = recording.ended();
    assert_eq!(before, b"another");
    (ended.code, ended.said)
}

#[test]
fn garbage_and_too_long_heads_end_their_connection_alone() {
    let registry = registry(Settings::default());
    let recording = Recording::start(&registry.url(), &[]);
    for garbage in [
        "\0\u{1}\u{2}\r\n\r\n".to_owned(),
        "hello\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}".repeat(10),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "GET /v2/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
        format!(
            "GET /v2/ HTTP/1.1\r\nHost: r\r\nX: {}\r\n\r\n",
            "x".repeat(1 << 20)
        ),
        format!(
            "GET /v2/{} HTTP/1.1\r\nHost: r\r\n\r\n",
            "x".repeat(1 << 20)
        ),
        format!(
            "GET /v2/ HTTP/1.1\r\nHost: r\r\n{}\r\n",
            "X: 1\r\n".repeat(2000)
        ),
        "CONNECT other:443 HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n".to_owned(),
    ] {
        let mut stream = recording.connect();
        // It may be refused before all of it is sent.
        let _ = stream.write_all(garbage.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let got = super::bench::all(&stream);
        assert!(got.is_empty() || got.starts_with("HTTP/1.1 4"), "{got}");
    }
    let got = recording.send(
        "GET http://other.test/v2/ HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n",
    );
    assert!(
        got.starts_with("HTTP/1.1 200 "),
        "it is passed to the one target: {got}"
    );
    let recorded = recording.end().says(&["1 whole"]);
    assert_eq!(recorded.lines(), ["ping 200 0 2"]);
}
