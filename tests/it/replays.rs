//! Replays of traces: what the registry logs is what the trace says.

use std::path::Path;

/// The replay beside its trace, in every form of the report and over shards.
mod fidelity;
/// A trace, written by hand.
mod log;
/// What is refused, and in which words.
mod refused;
/// The trace inside the program.
mod sample;
/// What the registry logs of a replay, held against the trace.
mod round_trip;

/// Writes a small trace.
pub(crate) fn write_trace(path: &Path) {
    round_trip::day().write(path);
}
