//! Tests of what regstorm can do, from outside, with nothing but this repository.

/// The embedded registry on the wire: every endpoint, every trap that a real registry sets, every scripted fault.
mod embedded;
/// Whole runs against the embedded registry: what is sent, what is counted, and that both agree under every fault.
mod engine;
/// A registry in this process, a scenario in a few lines, and what came of it.
mod support;
