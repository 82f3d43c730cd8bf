//! What is checked of a blob when it is pulled.

/// How much of a blob is checked as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Every byte and the length. The first copy of a digest is hashed and the digest compared; a later one is held
    /// against it by a [`Checksum`](super::Checksum), where somebody remembers the first.
    #[default]
    Digest,
    /// Every byte of every copy is hashed and the digest compared; the length too.
    EveryDigest,
    /// Only the length is compared.
    Length,
    /// Nothing is compared; an answer that ends too early still fails.
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
