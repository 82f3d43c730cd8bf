//! Tests of what regstorm can do, from outside, with nothing but this repository.

/// The embedded registry on the wire: every endpoint, every trap that a real registry sets, every scripted fault.
mod embedded;

/// `regstorm pull` and `regstorm push` against the embedded registry: every form, every source, every bad input.
mod oneshot;
