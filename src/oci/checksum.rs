//! A fast checksum. It tells apart copies that differ by accident, and proves nothing against an attacker.

use std::fmt;

use twox_hash::XxHash3_128;

/// The length of some content and its 128-bit XXH3.
///
/// Two contents that differ by accident have the same checksum once in 2^128, but an attacker can make such a pair. A
/// checksum therefore compares copies, and never names content as a [`Digest`](super::Digest) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checksum {
    length: u64,
    xxh3: u128,
}

impl Checksum {
    /// The 128-bit XXH3.
    pub const fn xxh3(self) -> u128 {
        self.xxh3
    }
}

/// Computes a checksum. Its state, some 600 bytes, is on the heap: it exists only while content arrives.
pub struct Checksummer {
    length: u64,
    state: Box<XxHash3_128>,
}

impl Checksummer {
    /// Makes a checksummer without input.
    pub fn new() -> Self {
        Self {
            length: 0,
            state: Box::new(XxHash3_128::new()),
        }
    }

    /// Takes the next bytes. Allocates nothing.
    pub fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.state.write(bytes);
    }

    /// Returns the checksum of all input.
    pub fn finish(self) -> Checksum {
        Checksum {
            length: self.length,
            xxh3: self.state.finish_128(),
        }
    }
}

impl Default for Checksummer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Checksummer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checksummer")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checksum(pieces: &[&[u8]]) -> Checksum {
        let mut summer = Checksummer::new();
        for piece in pieces {
            summer.update(piece);
        }
        summer.finish()
    }

    /// What `xxhsum -H2` says of an empty file.
    #[test]
    fn is_the_xxh3_that_others_compute() {
        let nothing = checksum(&[]);
        assert_eq!(nothing.xxh3, 0x99aa_06d3_0147_98d8_6001_c324_468d_497f);
        assert_eq!(nothing.length, 0);
    }

    proptest! {
        #[test]
        fn is_the_same_however_content_comes(
            content in prop::collection::vec(any::<u8>(), 0..3000),
            cut: prop::sample::Index,
        ) {
            let (start, end) = content.split_at(cut.index(content.len() + 1));
            prop_assert_eq!(checksum(&[&content]), checksum(&[start, end]));
        }

        #[test]
        fn changes_with_every_byte(
            content in prop::collection::vec(any::<u8>(), 1..3000),
            place: prop::sample::Index,
            flipped in 1..=u8::MAX,
        ) {
            let mut other = content.clone();
            other[place.index(content.len())] ^= flipped;
            prop_assert_ne!(checksum(&[&content]), checksum(&[&other]));
            prop_assert_ne!(checksum(&[&content]), checksum(&[&content[1..]]));
        }
    }
}
