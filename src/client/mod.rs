//! The sequences of a client: which requests it sends to pull, push or copy an image, and to poll, list and delete; in
//! which order, and how many in parallel.
//!
//! All of this is data, the habits of the emulated client ([`Habits`](crate::profile::Habits)); no code is for one
//! client. The caller says what to pull or push.
//!
//! The verbs are in `registry`. The caller decides where pulled bytes go ([`Store`]), so that a virtual user which
//! discards them and `regstorm pull` which keeps them send the same requests. A sequence stops at its first failure;
//! transfers under way are dropped then and count as cancelled.

mod attach;
mod choose;
mod chunks;
mod copy;
mod delete;
mod deliberate;
mod error;
mod estargz;
mod fetch;
mod lazy_layer;
mod lazy_pull;
mod lists;
mod poll;
mod pull;
mod push;
mod push_job;
mod resolve;
mod soci;
mod soci_index;
mod source;
mod store;
mod upload;
mod zstd_chunked;

pub use attach::attach;
pub use copy::copy;
pub use delete::delete;
pub use error::Error;
pub use lazy_layer::LazyOptions;
pub use lazy_pull::lazy_pull;
pub use lists::*;
pub use poll::poll;
pub use pull::{PullOptions, Pulled, PulledImage, pull};
pub use push::{Pushed, Tally, push, tag};
pub use push_job::{Known, PushOptions, Uploaded, Watch};
pub use store::{BlobSlot, Discard, Store};
