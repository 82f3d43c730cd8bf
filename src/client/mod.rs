//! What a client does to pull or push an image: which requests, in which order, how many at once.
//!
//! The verbs are `registry`'s; where pulled bytes go is the caller's ([`Store`]), so that a virtual user which throws
//! them away and `regstorm pull` which keeps them send the same requests. A sequence stops at its first failure;
//! transfers still under way are dropped then and count as cancelled.

mod error;
mod pull;
mod push;
mod upload;

pub use error::Error;
pub use pull::{BlobSlot, Discard, PullHabits, Pulled, Store, pull};
pub use push::{PushHabits, Pushed, Tally, Watch, push};
pub use upload::Uploaded;
