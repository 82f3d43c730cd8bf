//! What is checked of a blob when it is pulled.

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
