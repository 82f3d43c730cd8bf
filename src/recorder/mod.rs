//! A proxy between clients and a registry that records each request in a trace.
//!
//! Each client's connection has one to the target of its own, in the same version of HTTP. Heads pass with the order and the
//! case of their fields, bodies frame by frame: whoever is slower slows down the other one, and no body is held. What changes is
//! in `headers.rs` and `origins.rs`. An exchange is a row of the trace when its response has ended, however it ended.
//!
//! Not here: the files of the command, and the format of a trace ([`crate::trace`]).
//!
//! The decision behind it: hyper on both sides, on one thread (docs/decisions/recorder.md). A proxy that passes bytes on and
//! reads along would change less, and could not mend an address that leads past it.

mod behind;
mod body;
mod client;
mod exchange;
mod headers;
mod journal;
mod origins;
mod proxy;
mod row;
mod settings;
mod socket;

pub use journal::Tally;
pub use proxy::{Recorded, Recorder};
pub use settings::{RecorderError, Settings, Stop};
