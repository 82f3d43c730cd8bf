//! How a blob travels: in which requests it is pushed, and what is checked of it when it is pulled.

use crate::units::ByteSize;

/// The requests that carry a blob into a registry.
///
/// # Spec
/// distribution-spec, "Pushing blobs".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushMethod {
    /// One `POST` with everything. A registry that answers 202 gets the bytes by `PUT`.
    Post,
    /// `POST`, then `PUT` with everything.
    Put,
    /// `POST`, one `PATCH` with everything and its length, then `PUT` without a body.
    Patch,
    /// The same with chunked transfer encoding, as a client that does not know the length.
    PatchChunked,
    /// `POST`, a `PATCH` for each range of this size (or of what the registry needs at least), then `PUT` without a
    /// body.
    Chunks {
        /// The size of each chunk but the last, 1 KiB to 5 GiB.
        size: ByteSize,
    },
}

/// How much of a blob is checked as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Every byte is hashed and the digest compared; the length too.
    #[default]
    Digest,
    /// Only the length is compared.
    Length,
    /// Nothing is compared; an answer that ends too early still fails.
    None,
}
