//! The embedded registry, spoken to over a plain socket: no client of ours stands between the test and the bytes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod attacks;
mod auth;
mod discovery;
mod faults;
mod manifests;
mod observation;
mod pull;
mod push;
mod serve;
mod wire;
