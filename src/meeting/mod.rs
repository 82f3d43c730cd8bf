//! The meeting point of the shards of one run: they start at one instant, and what each measures becomes one run while it
//! goes on.
//!
//! The first shard is the [`Host`] and listens; the others are [`Guest`]s and connect. They prove to each other that they know
//! one token, compare what they are to do, and measure each other's clocks. Then the host says when all start, hears from each
//! four times a second, tells all to stop, and receives their reports.
//!
//! This room moves what others make: it knows what a shard measures, and neither how a load is made nor what is done with a
//! report. Everything happens on a thread of its own; the thread that makes the load asks it, and never waits for a socket.
//!
//! The decision that shaped it: a peer is either heard of or lost. Whoever is silent for five seconds is lost, is told so if it
//! can still hear, and is never taken back: a load that was in part somewhere else for a while is not the planned one. Refused:
//! to elect another host. Every shard writes its own report, from which the run can be merged.

mod attend;
mod book;
mod clock;
mod door;
mod ending;
mod frame;
mod guest;
mod handshake;
mod host;
mod host_error;
mod line;
mod listen;
mod message;
mod settings;
mod token;

pub use ending::{End, Ended, Latest};
pub use guest::{Guest, GuestError};
pub use host::{Gathering, Host};
pub use host_error::HostError;
pub use message::{Identity, Part, Refusal};
pub use settings::{GuestSettings, HostSettings, Settings, Token};
