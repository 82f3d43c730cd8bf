//! Renderers of a stored result, one file per format.
//!
//! A renderer is a pure function of a [`crate::result::Document`], of several ([`NamedRun`]), or of a
//! [`crate::result::Comparison`]: it measures nothing, judges nothing and prints nothing. What the document does not know is shown as unknown (`-`, `no samples`), never as
//! zero. Words that came from a server are made harmless before they reach a terminal.

pub mod bencher;
pub mod benchmark_action;
pub mod csv;
pub mod hgrm;
pub mod hlog;
mod hooks;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod openmetrics;
pub mod prometheus;
pub mod text;

mod addresses;
mod change;
mod figures;
mod headline;
mod logged;
mod on_purpose;
mod promises;
mod ranges;
mod reasons;
mod runs;
mod samples;
mod server;
mod shards;
mod slow;
mod slowest;
mod table;
mod upstream;
mod words;

#[cfg(test)]
mod testing;

pub use runs::{MOST_RUNS, NamedRun};

use std::time::Duration;

use crate::health::Verdict;
use crate::result::Document;

/// Returns whether the numbers are those of the target. Formats that have no word for "invalid" leave out what is not.
fn counts(document: &Document) -> bool {
    document.generator.health.verdict() != Verdict::Invalid && document.closure.holds()
}

/// In milliseconds.
fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
