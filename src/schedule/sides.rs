//! Two builds in turn: who is loaded when, so that a machine that drifts drifts for both.

use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of two builds that are compared.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// What is known.
    Base,
    /// What is to be judged.
    Candidate,
}

impl Side {
    /// Both, the base first.
    pub const BOTH: [Self; 2] = [Self::Base, Self::Candidate];

    /// Returns the word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Candidate => "candidate",
        }
    }

    /// Returns the letter in the order of a pair.
    pub const fn letter(self) -> char {
        match self {
            Self::Base => 'A',
            Self::Candidate => 'B',
        }
    }

    /// Returns the other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Base => Self::Candidate,
            Self::Candidate => Self::Base,
        }
    }
}

/// Returns the order of the slices of one pair, so many a side: ABBA, ABBAAB, ... from the side that is first.
///
/// Whatever drifts evenly over four slices hits both sides alike, and no side is always the one that comes second.
pub fn alternating(first: Side, slices: u32) -> Vec<Side> {
    let order = (0..2 * u64::from(slices)).map(|place| match place % 4 {
        0 | 3 => first,
        _ => first.other(),
    });
    order.collect()
}

/// Who begins a pair, by a coin with that seed: for each number of a pair its own throw.
pub fn coin(seed: u64, pair: u64) -> Side {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed.rotate_left(32) ^ pair);
    if random.next_u64() >> 63 == 0 {
        Side::Base
    } else {
        Side::Candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(first: Side, slices: u32) -> String {
        let order = alternating(first, slices).into_iter();
        order.map(Side::letter).collect()
    }

    #[test]
    fn sides_alternate_and_have_as_many_slices() {
        assert_eq!(letters(Side::Base, 1), "AB");
        assert_eq!(letters(Side::Candidate, 2), "BAAB");
        assert_eq!(letters(Side::Base, 3), "ABBAAB");
        assert_eq!(letters(Side::Base, 4), "ABBAABBA");
        for slices in 0..20 {
            let order = alternating(Side::Base, slices);
            let base = order.iter().filter(|it| **it == Side::Base).count();
            assert_eq!(2 * base, order.len());
        }
    }
}
