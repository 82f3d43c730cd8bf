//! How pulled blobs are verified.

/// How a blob is verified while it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Every byte and the length. The first copy of a digest is hashed; later copies are compared with it by a
    /// [`Checksum`](super::Checksum), where clients share the checksums.
    #[default]
    Digest,
    /// Every byte and the length: each copy is hashed.
    EveryDigest,
    /// Only the length.
    Length,
    /// Nothing. A response that ends too early still fails.
    None,
}

impl Verify {
    /// Returns `true` if the bytes themselves are checked, not only their number.
    pub const fn reads_content(self) -> bool {
        match self {
            Self::Digest | Self::EveryDigest => true,
            Self::Length | Self::None => false,
        }
    }
}
