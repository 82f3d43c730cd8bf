//! The blobs of a replay: a number for each digest, and the size that the trace tells of it.

use std::collections::HashMap;

use super::super::request::Pseudonym;
use super::slice::Slice;

/// The fewest bytes of a blob: fewer cannot all be different.
const FEWEST: u64 = 64;
/// The size of blobs where the trace tells none.
const UNTOLD: u64 = 64 << 10;
/// The most bytes of the head of a request: some logs have the size of a request with it.
const MOST_HEAD: u64 = 8 << 10;

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
    told: Vec<Told>,          // by number
    fetched: Vec<(u32, u64)>, // each response with a whole blob, as long as it was
}

/// What the trace tells of the size of a blob.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// The most bytes that a client fetched.
    fetched: Option<u64>,
    /// The most bytes that a client sent.
    sent: Option<u64>,
    /// The requests that it sent these in.
    parts: u64,
}

impl Told {
    fn size(self) -> Option<u64> {
        let heads = MOST_HEAD * self.parts;
        match (self.fetched, self.sent) {
            (Some(fetched), Some(sent)) if sent.saturating_sub(fetched) <= heads => Some(fetched),
            (fetched, sent) => fetched.max(sent),
        }
    }
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

    /// Returns the number of a digest that was seen before.
    pub(super) fn find(&self, digest: Pseudonym) -> Option<u32> {
        self.numbers.get(&digest).copied()
    }

    /// Returns the number of a blob whose digest the trace does not tell.
    pub(super) fn nameless(&mut self) -> u32 {
        let number = u32::try_from(self.told.len()).unwrap_or(u32::MAX);
        self.told.push(Told::default());
        number
    }

    /// Returns the number of a blob of that size, which is in no trace.
    pub(super) fn nameless_of(&mut self, size: u64) -> u32 {
        let number = self.nameless();
        self.sent(number, Some(size), 0);
        number
    }

    /// Notes the bytes of a response; `is_whole`: it would have had all of the blob, unless it was cut off.
    pub(super) fn fetched(&mut self, number: u32, size: Option<u64>, is_whole: bool) {
        if let Some(size) = size.filter(|it| *it > 0) {
            let told = &mut self.told[number as usize];
            told.fetched = told.fetched.max(Some(size));
            if is_whole {
                self.fetched.push((number, size));
            }
        }
    }

    /// Notes the bytes that so many requests have sent.
    pub(super) fn sent(&mut self, number: u32, size: Option<u64>, parts: usize) {
        let told = &mut self.told[number as usize];
        if let Some(size) = size.filter(|it| *it > 0 && Some(*it) > told.sent) {
            told.sent = Some(size);
            told.parts = parts as u64;
        }
    }

    /// Returns how many responses were cut off: a log does not tell whether the client left or the registry broke off.
    pub(super) fn cut_off(&self) -> u64 {
        let is_cut = |(number, size): &&(u32, u64)| {
            let whole = self.told[*number as usize].size();
            whole.is_some_and(|whole| *size < whole)
        };
        self.fetched.iter().filter(is_cut).count() as u64
    }

    /// Returns the sizes that the blobs are made with. Those that the trace does not tell have the median of the others.
    pub(super) fn sizes(&self, slice: &Slice) -> (Vec<u64>, Untold) {
        let mut told: Vec<u64> = self.told.iter().filter_map(|it| it.size()).collect();
        told.sort_unstable();
        let median = told.get(told.len() / 2).copied().unwrap_or(UNTOLD);
        let of = |size| slice.scaled(size).max(FEWEST);
        let untold = Untold {
            blobs: (self.told.len() - told.len()) as u64,
            bytes: of(median),
        };
        let sizes = self.told.iter();
        (
            sizes.map(|it| of(it.size().unwrap_or(median))).collect(),
            untold,
        )
    }
}
