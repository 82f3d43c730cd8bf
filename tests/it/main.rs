//! Tests of what regstorm can do, from outside, with nothing but this repository.

/// The embedded registry on the wire: every endpoint, every trap that a real registry sets, every scripted fault.
mod embedded;
