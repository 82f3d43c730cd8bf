//! `regstorm record` as a user runs it: between clients and a registry, and what the trace then says.
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

/// Clients that leave, and targets that break off.
mod aborted;
/// A recorder in front of a target, and its trace.
mod bench;
/// Whole pushes and pulls: the trace equals the registry's own log.
mod clients;
/// A disk without room for the trace, and more clients than there are places.
mod full;
/// What reaches the other side, to the byte.
mod passed;
/// What is refused, and how it is told.
mod refused;
/// What `trace show` says of a recording.
mod shown;
