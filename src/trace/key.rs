//! The key of pseudonyms.

use std::hash::Hasher as _;

use sha2::{Digest as _, Sha256};
use siphasher::sip::SipHasher24;

use super::request::Pseudonym;
use crate::units::Secret;

/// The kinds of names: equal names of two kinds have two pseudonyms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    Client = b'c' as isize,
    Repository = b'r' as isize,
    Tag = b't' as isize,
    Digest = b'd' as isize,
    Upload = b'u' as isize,
}

/// The key of pseudonyms: SipHash-2-4 with 128 bits, which cannot be undone or guessed without it.
#[derive(Clone)]
pub struct Key {
    hasher: SipHasher24,
    fingerprint: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }
}

impl Key {
    /// The least bytes of a secret that a key is made of: a shorter one could be guessed.
    pub const LEAST: usize = 16;

    /// Makes the key of a secret.
    ///
    /// # Errors
    /// The length of the secret if it is below [`Key::LEAST`].
    pub fn new(secret: &Secret) -> Result<Self, usize> {
        let secret = secret.expose().as_bytes();
        if secret.len() < Self::LEAST {
            return Err(secret.len());
        }
        Ok(Self::of(secret))
    }

    /// Makes a key that no other trace has.
    ///
    /// # Errors
    /// Errors of the system's random numbers.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self::of(&bytes))
    }

    fn of(secret: &[u8]) -> Self {
        let part = |purpose: &[u8]| -> [u8; 32] {
            let hash = Sha256::new().chain_update(purpose).chain_update(secret);
            hash.finalize().into()
        };
        let key = part(b"regstorm trace key\n");
        let key: [u8; 16] = std::array::from_fn(|index| key[index]);
        let fingerprint = part(b"regstorm trace fingerprint\n");
        let hex = fingerprint[..8].iter().map(|byte| format!("{byte:02x}"));
        Self {
            hasher: SipHasher24::new_with_key(&key),
            fingerprint: hex.collect(),
        }
    }

    /// What two traces with the same key have in common, from which the key cannot be computed: 16 hexadecimal digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns the pseudonym of a name that has several parts, such as a repository below a base path.
    pub(super) fn pseudonym(&self, kind: NameKind, parts: &[&str]) -> Pseudonym {
        let mut hasher = self.hasher;
        hasher.write_u8(kind as u8);
        for part in parts {
            hasher.write(part.as_bytes());
            hasher.write_u8(0xff); // in no text
        }
        Pseudonym::new(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_pseudonym_by_key_and_kind() {
        let key = Key::new(&Secret::new("sixteen letters!".to_owned())).unwrap();
        let other = Key::new(&Secret::new("sixteen letters?".to_owned())).unwrap();
        let name = |key: &Key, kind| key.pseudonym(kind, &["team", "app"]);
        assert_eq!(name(&key, NameKind::Tag), name(&key, NameKind::Tag));
        assert_ne!(name(&key, NameKind::Tag), name(&key, NameKind::Repository));
        assert_ne!(name(&key, NameKind::Tag), name(&other, NameKind::Tag));
        assert_ne!(
            key.pseudonym(NameKind::Tag, &["te", "amapp"]),
            name(&key, NameKind::Tag)
        );
        assert_ne!(key.fingerprint(), other.fingerprint());
        assert_ne!(
            Key::random().unwrap().fingerprint(),
            Key::random().unwrap().fingerprint()
        );
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert_eq!(
            Key::new(&Secret::new("15 letters long".to_owned())).err(),
            Some(15)
        );
    }
}
