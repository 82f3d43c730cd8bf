//! What `trace show` says of a recording.

use std::fs;
use std::process::Command;

use super::bench::{Peer, Recording};

#[test]
fn a_recording_is_shown_as_one_and_not_as_a_log() {
    let peer = Peer::saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let recording = Recording::start(&peer.url, &[]);
    for path in ["/v2/", "/v2/a/tags/list", "/metrics"] {
        recording.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: r\r\nUser-Agent: docker/1\r\nConnection: close\r\n\r\n"
        ));
    }
    let recorded = recording.end().says(&[]);
    let place = tempfile::tempdir().unwrap();
    let trace = place.path().join("x.trace");
    fs::write(&trace, &recorded.bytes).unwrap();
    let shown = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["trace", "show"])
        .arg(&trace)
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for words in [
        "recorded as it passed",
        "3 requests = 2 to the API + 1 outside the API",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    for words in ["0 files", "unreadable", "lacks"] {
        assert!(!shown.contains(words), "{words}\n{shown}");
    }
}
