//! What a client does to pull or push an image, and to poll, list and delete: which requests, in which order, how many
//! at once.
//!
//! All of that is the habit of the client that is emulated ([`Habits`](crate::profile::Habits)), and is read from it; there is no code for any one
//! client. What is pulled or pushed is said by the caller.
//!
//! The verbs are `registry`'s; where pulled bytes go is the caller's ([`Store`]), so that a virtual user which throws
//! them away and `regstorm pull` which keeps them send the same requests. A sequence stops at its first failure;
//! transfers still under way are dropped then and count as cancelled.

mod attach;
mod choose;
mod delete;
mod error;
mod fetch;
mod lists;
mod poll;
mod pull;
mod push;
mod push_job;
mod resolve;
mod store;
mod upload;

pub use attach::attach;
pub use delete::delete;
pub use error::Error;
pub use lists::{catalog, list_tags, referrers};
pub use poll::poll;
pub use pull::{PullOptions, Pulled, PulledImage, pull};
pub use push::{Pushed, Tally, push, tag};
pub use push_job::{Known, PushOptions, Uploaded, Watch};
pub use store::{BlobSlot, Discard, Store};
