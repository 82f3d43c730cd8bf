//! The names behind pseudonyms, where they are kept.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::request::Pseudonym;

/// Maps by pseudonym. A pseudonym is a hash already.
pub(super) type ByPseudonym<T> = HashMap<Pseudonym, T, BuildHasherDefault<Hashed>>;

/// Takes a number that is a hash as it is.
#[derive(Debug, Default)]
pub(super) struct Hashed(u64);

/// Maps by a pair of pseudonyms.
pub(super) type ByPair<T> = HashMap<(Pseudonym, Pseudonym), T, BuildHasherDefault<Hashed>>;

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        // A pair of hashes is one, too, and the other order another one.
        self.0 = self.0.rotate_left(20) ^ value;
    }
}

/// The most bytes of a name that is kept; longer ones are cut.
pub(super) const LONGEST: usize = 512;

/// The names behind some pseudonyms.
#[derive(Debug, Clone, Default)]
pub struct NameTable(ByPseudonym<Box<str>>);

impl NameTable {
    /// Returns the name behind a pseudonym, if it is known here.
    pub fn get(&self, pseudonym: Pseudonym) -> Option<&str> {
        self.0.get(&pseudonym).map(AsRef::as_ref)
    }

    /// Keeps a name. Of more than 512 bytes the first are kept.
    pub fn insert(&mut self, pseudonym: Pseudonym, name: &str) {
        let name = &name[..name.floor_char_boundary(LONGEST)];
        self.0.entry(pseudonym).or_insert_with(|| name.into());
    }

    /// Forgets all names.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The number of names.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` without names.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn extend(&mut self, other: impl IntoIterator<Item = (Pseudonym, Box<str>)>) {
        self.0.extend(other);
    }
}
