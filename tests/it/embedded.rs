//! The embedded registry, spoken to over a plain socket: no client of ours stands between the test and the bytes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

/// Who gets in, and with what.
mod auth;
/// Lists: tags, repositories, referrers.
mod discovery;
/// Scripted misbehaviour, seen from the client's end.
mod faults;
/// Manifests in and out.
mod manifests;
/// What the registry says about itself: counts, records, limits, life and death.
mod observation;
/// Blobs out.
mod pull;
/// Blobs in.
mod push;
/// The `serve` command.
mod serve;
/// A socket that speaks HTTP/1.1.
mod wire;
