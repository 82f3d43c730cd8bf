//! Holding a blob against what was wanted, while it comes.

use super::client::Client;
use super::error::Kind;
use super::verified::VerifiedCopies;
use crate::oci::{Checksum, Checksummer, Digest, Hasher, Verify};

/// A blob that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its name, and what its bytes must hash to.
    pub digest: Digest,
    /// Bytes, as the manifest says; schema 1 says nothing.
    pub size: Option<u64>,
    /// How much of that is checked.
    pub verify: Verify,
}

/// A blob that is coming, and what it is held against.
#[derive(Debug)]
pub struct Check<'a> {
    wanted: Wanted,
    size: u64, // bytes of the blob so far
    means: Means<'a>,
    is_rest: bool, // an earlier check saw its beginning
}

/// By what the content is judged.
#[derive(Debug)]
enum Means<'a> {
    /// It is not.
    None,
    /// Its digest.
    Digest(Hasher),
    /// Its digest; if it is the right one, the checksum that was taken on the way is what later copies must have.
    First(Hasher, Checksummer, &'a VerifiedCopies),
    /// The checksum of a copy that had the digest.
    Later(Checksummer, Checksum),
}

impl Client {
    /// The check of a blob of which nothing has come yet.
    ///
    /// By [`Verify::Digest`] it is hashed unless a copy of it is among those that this client
    /// [shares](Client::sharing_copies). Who does not bring it to its end has verified nothing, and nothing is remembered.
    pub fn check(&self, wanted: Wanted) -> Check<'_> {
        let hasher = || wanted.digest.algorithm().hasher();
        let means = match (wanted.verify, self.copies()) {
            (Verify::Length | Verify::None, _) => Means::None,
            (Verify::EveryDigest, _) | (Verify::Digest, None) => Means::Digest(hasher()),
            (Verify::Digest, Some(copies)) => match copies.checksum(&wanted.digest) {
                Some(verified) => Means::Later(Checksummer::new(), verified),
                None if copies.has_room() => Means::First(hasher(), Checksummer::new(), copies),
                None => Means::Digest(hasher()),
            },
        };
        Check {
            wanted,
            size: 0,
            means,
            is_rest: false,
        }
    }
}

impl Check<'_> {
    /// The check of the rest of a blob, whose first `size` bytes are in `hasher`. A checksum of the whole cannot be made of
    /// that: it is hashed.
    pub(super) fn of_rest(wanted: Wanted, (size, hasher): (u64, Hasher)) -> Self {
        let means = if wanted.verify.reads_content() {
            Means::Digest(hasher)
        } else {
            Means::None
        };
        Self {
            wanted,
            size,
            means,
            is_rest: true,
        }
    }

    /// Whether it is of a rest, whose beginning came before.
    pub(super) const fn is_rest(&self) -> bool {
        self.is_rest
    }

    /// Returns `true` if it reads the bytes, not only counts them.
    pub(super) const fn looks(&self) -> bool {
        !matches!(self.means, Means::None)
    }

    /// Takes in the next bytes.
    ///
    /// # Errors
    /// When there are more than there should be. A peer that sends more than it may is stopped at once, not when it is
    /// done.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Box<Kind>> {
        self.size += bytes.len() as u64;
        if let Some(expected) = self.expected_size()
            && self.size > expected
        {
            return Err(self.wrong_size(expected));
        }
        match &mut self.means {
            Means::None => {}
            Means::Digest(hasher) => hasher.update(bytes),
            Means::First(hasher, checksummer, _) => {
                hasher.update(bytes);
                checksummer.update(bytes);
            }
            Means::Later(checksummer, _) => checksummer.update(bytes),
        }
        Ok(())
    }

    /// Judges the blob, now that all of it has come, and gives its size in bytes.
    ///
    /// # Errors
    /// When it is not the wanted one.
    pub fn finish(self) -> Result<u64, Box<Kind>> {
        if let Some(expected) = self.expected_size()
            && self.size != expected
        {
            return Err(self.wrong_size(expected));
        }
        let expected = self.wanted.digest;
        let compare = |hasher: Hasher| match hasher.finish() {
            found if found == expected => Ok(()),
            found => Err(Box::new(Kind::Digest { expected, found })),
        };
        match self.means {
            Means::None => {}
            Means::Digest(hasher) => compare(hasher)?,
            Means::First(hasher, checksummer, copies) => {
                compare(hasher)?;
                copies.remember(expected, checksummer.finish());
            }
            Means::Later(checksummer, verified) => {
                if checksummer.finish() != verified {
                    return Err(Box::new(Kind::UnlikeVerified { expected }));
                }
            }
        }
        Ok(self.size)
    }

    fn expected_size(&self) -> Option<u64> {
        let size = self.wanted.size;
        size.filter(|_| self.wanted.verify != Verify::None)
    }

    fn wrong_size(&self, expected: u64) -> Box<Kind> {
        Box::new(Kind::Size {
            expected,
            found: self.size,
        })
    }
}
