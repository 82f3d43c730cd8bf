//! Names that cannot be guessed: upload ids, upload states, tokens and signatures.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

use crate::oci::Digest;

/// A source of unguessable numbers, keyed by the operating system.
///
/// The standard library's keyed hash over a counter is enough here: these names keep honest clients honest,
/// they guard no one's images.
#[derive(Debug)]
pub(super) struct Keys {
    high: RandomState,
    low: RandomState,
    drawn: Cell<u64>,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self {
            high: RandomState::new(),
            low: RandomState::new(),
            drawn: Cell::new(0),
        }
    }

    /// Returns a number never drawn before.
    pub(super) fn draw(&self) -> u128 {
        let counter = self.drawn.get();
        self.drawn.set(counter.wrapping_add(1));
        u128::from(self.high.hash_one(counter)) << 64 | u128::from(self.low.hash_one(counter))
    }

    /// Returns a seal on a text that only these keys can make.
    pub(super) fn seal(&self, text: &str) -> String {
        let key = format!(
            "{:016x}{:016x}",
            self.high.hash_one("seal"),
            self.low.hash_one("seal")
        );
        Digest::sha256(format!("{key}{text}{key}").as_bytes()).to_hex()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_and_seals_differ() {
        let keys = Keys::new();
        assert_ne!(keys.draw(), keys.draw());
        assert_eq!(keys.seal("a"), keys.seal("a"));
        assert_ne!(keys.seal("a"), keys.seal("b"));
        assert_ne!(keys.seal("a"), Keys::new().seal("a"));
    }
}
