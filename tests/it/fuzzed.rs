//! A short run of `benches/fuzz`, and what longer ones have found.

use std::fs::File;
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use regstorm::oci::Operation;
use regstorm::report::text;
use regstorm::trace::{
    Agent, Lines, Method, NameTable, Naming, Overview, Pseudonym, Reader, Reference, Request,
    Source, Summary, Timestamp, Unreadable, Writer,
};

#[path = "../../benches/fuzz/cases.rs"]
mod cases;
#[path = "../../benches/fuzz/logs.rs"]
mod logs;
#[path = "../../benches/fuzz/metrics.rs"]
mod metrics;
#[path = "../../benches/fuzz/mutate.rs"]
mod mutate;
#[path = "../../benches/fuzz/traces.rs"]
mod traces;

#[test]
fn changed_metrics_are_read_or_refused() {
    for number in 0..2000 {
        cases::metrics(number).unwrap_or_else(|why| panic!("metrics --case {number}: {why}"));
    }
}

#[test]
fn changed_logs_are_imported_or_refused() {
    for number in 0..300 {
        cases::import(number).unwrap_or_else(|why| panic!("import --case {number}: {why}"));
    }
}

#[test]
fn changed_traces_are_read_or_refused() {
    for number in 0..300 {
        cases::read(number).unwrap_or_else(|why| panic!("read --case {number}: {why}"));
    }
}

/// A blob that was fetched whole, of so many bytes.
fn fetched(bytes: u64) -> Request {
    Request {
        start: Timestamp::from_nanos(1),
        client: Pseudonym::new(1),
        session: 0,
        method: Method::Get,
        operation: Some(Operation::BlobGet),
        repository: Some(Pseudonym::new(2)),
        reference: Some(Reference::Digest(Pseudonym::new(3))),
        upload: None,
        from: None,
        status: NonZeroU16::new(200),
        sent: Some(0),
        received: Some(bytes),
        duration: None,
        agent: Agent::Docker,
        added: false,
    }
}

/// What is shown of a trace of some requests.
fn shown(requests: &[Request], summary: Summary) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.trace");
    let mut writer = Writer::new(File::create(&path).expect("a file")).expect("a writer");
    for request in requests {
        writer.push(request, &NameTable::default()).expect("order");
    }
    writer.finish(summary).expect("an end");
    let overview = Overview::read(Reader::open(&path).expect("a trace")).expect("a trace");
    text::trace(&overview, Some(200), false, Path::new("a.trace"))
}

/// A log can say any number, and a sum that overflows ends the program.
#[test]
fn sums_of_sizes_that_no_blob_has_are_shown() {
    let summary = Summary::new(Naming::Kept, Duration::from_mins(1));
    let blobs = [fetched(u64::MAX), fetched(u64::MAX), fetched(7)];
    let words = shown(&blobs, summary.clone());
    assert!(words.contains("above 1.07 GB"), "{words}");
    let lines = Lines {
        requests: u64::MAX,
        empty: 1,
        ..Lines::default()
    };
    let source = Source {
        files: 1,
        ..Source::default()
    };
    let words = shown(
        &blobs,
        Summary {
            source,
            lines,
            ..summary
        },
    );
    assert!(words.contains("18,446,744,073,709,551,615"), "{words}");
}

/// A trace may come from anywhere, and a terminal obeys what is written to it.
#[test]
fn what_a_trace_says_of_itself_controls_no_terminal() {
    let evil = || "a\u{1b}[2J\u{202e}\nb".to_owned();
    let summary = Summary {
        source: Source {
            formats: vec![evil()],
            ..Source::default()
        },
        unreadable: vec![Unreadable {
            file: evil(),
            line: 1,
            reason: evil(),
            shape: evil(),
        }],
        ..Summary::new(
            Naming::Pseudonyms { key: evil() },
            Duration::from_secs(u64::MAX),
        )
    };
    let words = shown(&[fetched(1)], summary);
    assert!(words.contains("a [2J b"), "{words}");
    assert!(!words.contains(['\u{1b}', '\u{202e}']), "{words:?}");
}
