//! The blobs of a replay: a number for each digest, and the largest size that the trace tells of it.

use std::collections::HashMap;

use super::super::request::Pseudonym;
use super::slice::Slice;

/// The fewest bytes of a blob: fewer cannot all be different.
const FEWEST: u64 = 64;
/// The size of blobs where the trace tells none.
const UNTOLD: u64 = 64 << 10;

/// Blobs whose size the trace does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Untold {
    /// How many there are.
    pub blobs: u64,
    /// The size that each is made with.
    pub bytes: u64,
}

/// The blobs of a replay.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    numbers: HashMap<Pseudonym, u32>,
    sizes: Vec<Option<u64>>, // the largest that was seen
}

impl Blobs {
    /// Returns the number of a digest.
    pub(super) fn number(&mut self, digest: Pseudonym) -> u32 {
        if let Some(number) = self.numbers.get(&digest) {
            return *number;
        }
        let number = self.nameless();
        self.numbers.insert(digest, number);
        number
    }

    /// Returns the number of a blob whose digest the trace does not tell.
    pub(super) fn nameless(&mut self) -> u32 {
        let number = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        self.sizes.push(None);
        number
    }

    /// Returns the number of a blob of that size, which is in no trace.
    pub(super) fn nameless_of(&mut self, size: u64) -> u32 {
        let number = self.nameless();
        self.saw(number, Some(size));
        number
    }

    /// Notes a size.
    pub(super) fn saw(&mut self, number: u32, size: Option<u64>) {
        let Some(size) = size.filter(|it| *it > 0) else {
            return;
        };
        let known = &mut self.sizes[number as usize];
        *known = Some(known.unwrap_or_default().max(size));
    }

    /// Returns the sizes that the blobs are made with. Those that the trace does not tell have the median of the others.
    pub(super) fn sizes(&self, slice: &Slice) -> (Vec<u64>, Untold) {
        let mut told: Vec<u64> = self.sizes.iter().flatten().copied().collect();
        told.sort_unstable();
        let median = told.get(told.len() / 2).copied().unwrap_or(UNTOLD);
        let of = |size| slice.scaled(size).max(FEWEST);
        let untold = Untold {
            blobs: (self.sizes.len() - told.len()) as u64,
            bytes: of(median),
        };
        let sizes = self.sizes.iter();
        (
            sizes.map(|size| of(size.unwrap_or(median))).collect(),
            untold,
        )
    }
}
