//! The words of an HTTP exchange: its phases, what carried it and how the connection was set up.
//!
//! Values only. `transport` takes the times and fills these types in, `measure` counts them, and scenarios and profiles
//! choose among them, so each is defined here once.

mod connection;
mod misbehaviour;
mod ranges;
mod timings;
mod trace;

pub use connection::{ConnectionUse, Handshake, HttpVersion, Lookup, Protocol, Resumption};
pub use misbehaviour::Misbehaviour;
pub use ranges::{RangePurpose, RangeRequest, RangeResponse, is_byteranges};
pub use timings::{Phase, Timings};
pub use trace::TraceId;
