//! What a replay sends: the sessions of a slice of a trace, and the content that they are about.
//!
//! [`Sessions::read`] reads a trace once. Names become numbers: equal names have equal ones, and what the registry had is
//! told apart from what it had not. The content behind a number is made by the caller; here are its sizes, which blobs a
//! manifest names, and what must be in the registry before the first request.

mod absent;
mod blobs;
mod build;
mod error;
mod fresh;
mod left_out;
mod manifests;
mod needs;
mod read;
mod sessions;
mod slice;
mod step;
mod uploads;

pub use blobs::Untold;
pub use error::ReplayError;
pub use fresh::Fresh;
pub use left_out::LeftOut;
pub use manifests::ManifestShape;
pub use needs::{NeededBlob, NeededManifest, Needs};
pub use sessions::{Session, Sessions};
pub use slice::{MOST_REQUESTS, Slice};
pub use step::{Act, Name, Recorded, Step};
pub use uploads::{Part, Upload};

#[cfg(test)]
mod tests;
