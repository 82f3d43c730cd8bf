//! Replays of traces: what the registry logs is what the trace says.
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

use std::path::Path;

/// Users that share the sessions, and sessions that wait for a user.
mod closed;
/// The replay beside its trace, in every form of the report and over shards.
mod fidelity;
/// A trace, written by hand.
mod log;
/// A log with the moments that IBM's traces are published with.
mod published;
/// What is refused, and in which words.
mod refused;
/// What the registry logs of a replay, held against the trace.
mod round_trip;
/// The trace inside the program.
mod sample;
/// Shards, as processes.
mod shards;
/// Reads of what the replay has not stored yet.
mod too_early;

/// Writes a small trace.
pub(crate) fn write_trace(path: &Path) {
    round_trip::day().write(path);
}
