//! A wall clock that nobody has set, as faketime shows it: before 1970.

use crate::support::{Finished, Program, Served, scratch};

/// Runs regstorm in 1960.
fn in_1960(arguments: &[&str]) -> Finished {
    Program::new("faketime")
        .args(["-f", "@1960-01-01 00:00:00", env!("CARGO_BIN_EXE_regstorm")])
        .args(arguments)
        .run()
}

#[test]
fn the_registry_refuses_to_serve() {
    let finished = in_1960(&["serve", "--listen", "127.0.0.1:0"]).ends_with(2);
    assert!(finished.stderr.contains("set the clock"), "{finished}");
    assert!(!finished.stderr.contains("panicked"), "{finished}");
}

/// The server is never asked: what it is to prove cannot be judged.
#[test]
fn no_certificate_is_judged() {
    let dir = scratch();
    let ca = dir.path().join("ca.pem");
    let ca = ca.to_str().expect("a plain path");
    let served = Served::start(&["--tls", "--ca-out", ca], "");
    let into = dir.path().join("image");
    let into = into.to_str().expect("a plain path");
    let pull = ["pull", served.url(), "a:1", into, "--ca", ca];
    let finished = in_1960(&pull).ends_with(5);
    assert!(finished.stderr.contains("is the clock"), "{finished}");
    assert!(!finished.stderr.contains("panicked"), "{finished}");
}
