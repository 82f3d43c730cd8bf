//! Verification of a blob while it arrives.

use super::client::Client;
use super::error::Kind;
use super::verified::VerifiedCopies;
use crate::oci::{Checksum, Checksummer, Digest, Hasher, Verify};

/// A blob to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its name, and the digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes, as in the manifest; schema 1 has none.
    pub size: Option<u64>,
    /// What is verified.
    pub verify: Verify,
}

/// A blob that is arriving, and what it is compared with.
#[derive(Debug)]
pub struct Check<'a> {
    wanted: Wanted,
    size: u64, // bytes of the blob so far
    means: Means<'a>,
    is_rest: bool, // an earlier check saw its beginning
}

/// How the content is verified.
#[derive(Debug)]
enum Means<'a> {
    /// Not at all.
    None,
    /// By its digest.
    Digest(Hasher),
    /// By its digest. If it is right, the checksum taken on the way is what later copies must have.
    First(Hasher, Checksummer, &'a VerifiedCopies),
    /// By the checksum of a verified copy.
    Later(Checksummer, Checksum),
}

impl Client {
    /// Starts the check of a blob.
    ///
    /// With [`Verify::Digest`] it is hashed, unless a copy of it is among those that this client
    /// [shares](Client::sharing_copies). A check that is not finished has verified nothing, and nothing is
    /// remembered.
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
    /// Starts the check of the rest of a blob, whose first `size` bytes are in `hasher`. It is hashed: there is no
    /// checksum of the whole.
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

    /// Returns `true` for the rest of a blob.
    pub(super) const fn is_rest(&self) -> bool {
        self.is_rest
    }

    /// Returns `true` if it reads the bytes, not only counts them.
    pub(super) const fn looks(&self) -> bool {
        !matches!(self.means, Means::None)
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Fails as soon as there are more bytes than expected.
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

    /// Finishes the check, and returns the size in bytes.
    ///
    /// # Errors
    /// Fails if the blob is not the wanted one.
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
