//! The checksums of blobs whose digest was verified.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use crate::oci::{Checksum, Digest};

/// The most digests: some 10 MiB, and more than the images of a load have.
const MOST: usize = 65_536;

/// The checksums of blobs whose digest was verified, for the clients that share it: later copies are compared with
/// them ([`Verify::Digest`](crate::oci::Verify::Digest)).
///
/// It grows to 65,536 digests; further blobs are hashed each time.
#[derive(Default)]
pub struct VerifiedCopies(RefCell<BTreeMap<Digest, Checksum>>);

impl VerifiedCopies {
    /// The checksum of that digest; `None` until a copy was verified.
    pub(super) fn checksum(&self, digest: &Digest) -> Option<Checksum> {
        self.0.borrow().get(digest).copied()
    }

    /// Returns `true` if there is room for one more.
    pub(super) fn has_room(&self) -> bool {
        self.0.borrow().len() < MOST
    }

    /// Remembers the checksum of a verified copy.
    pub(super) fn remember(&self, digest: Digest, checksum: Checksum) {
        if self.has_room() {
            self.0.borrow_mut().insert(digest, checksum);
        }
    }
}

impl fmt::Debug for VerifiedCopies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedCopies({})", self.0.borrow().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Checksummer;

    fn checksum(content: &[u8]) -> Checksum {
        let mut summer = Checksummer::new();
        summer.update(content);
        summer.finish()
    }

    fn digest(number: usize) -> Digest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
        Digest::Sha256(bytes)
    }

    #[test]
    fn remembers_each_digest_by_itself() {
        let copies = VerifiedCopies::default();
        copies.remember(digest(1), checksum(b"one"));
        copies.remember(digest(2), checksum(b"two"));
        assert_eq!(copies.checksum(&digest(1)), Some(checksum(b"one")));
        assert_eq!(copies.checksum(&digest(2)), Some(checksum(b"two")));
        assert_eq!(copies.checksum(&digest(3)), None);
    }

    #[test]
    fn is_bounded_and_keeps_what_came_first() {
        let copies = VerifiedCopies::default();
        for number in 0..MOST {
            assert!(copies.has_room());
            copies.remember(digest(number), checksum(b"known"));
        }
        assert!(!copies.has_room());
        copies.remember(digest(MOST), checksum(b"too many"));
        assert_eq!(copies.checksum(&digest(MOST)), None);
        assert_eq!(copies.checksum(&digest(0)), Some(checksum(b"known")));
        assert_eq!(copies.0.borrow().len(), MOST);
    }
}
