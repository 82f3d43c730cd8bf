//! Counts in the buckets of an HdrHistogram, of which only the parts that something fell into take memory.
//!
//! Buckets are one value wide from 0 on, and then twice as wide for each power of two. They stand in blocks of 256, and a
//! block is there from its first value on: latencies of one kind lie within a few powers of two, so a few of the 91 blocks of
//! three digits are. Recording takes blocks that were provided before (`block_pool`).

use std::fmt;

use hdrhistogram::Histogram;

use crate::units::Quantile;

use super::block_pool::{self, BLOCK, Block};

/// The highest value that is distinguished from higher ones: an hour in microseconds.
pub(super) const HIGH_US: u64 = 3_600_000_000;

/// The counts of values up to [`HIGH_US`], each known to so many significant digits.
#[derive(Clone)]
pub(super) struct Buckets<const DIGITS: u8> {
    blocks: Box<[Option<Block>]>,
    count: u64,
}

/// One bucket with a value in it: its lowest and its highest value, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) low: u64,
    pub(super) high: u64,
    pub(super) count: u64,
}

impl<const DIGITS: u8> Buckets<DIGITS> {
    /// The buckets to each power of two, as a power of two: 1,024 for three digits, 128 for two.
    const HALF: u32 = (2 * 10_u32.pow(DIGITS as u32)).next_power_of_two().ilog2() - 1;

    /// As many as there are up to the bucket of the highest value.
    const BLOCKS: usize = Self::place(HIGH_US) / BLOCK + 1;

    /// The memory of a histogram without values.
    pub(super) const EMPTY_BYTES: usize = Self::BLOCKS * size_of::<Option<Block>>();

    pub(super) fn new() -> Self {
        Self {
            blocks: vec![None; Self::BLOCKS].into(),
            count: 0,
        }
    }

    /// Returns the number of the bucket that a value is in, counted from 0.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are some thousand buckets"
    )]
    pub(super) const fn place(value: u64) -> usize {
        let exact = (2 << Self::HALF) - 1; // the last value that has a bucket for itself
        let shift = (value | exact).ilog2() - Self::HALF;
        ((shift as usize) << Self::HALF) + (value >> shift) as usize
    }

    /// Returns the lowest value of that bucket.
    pub(super) const fn low(place: usize) -> u64 {
        let shift = (place >> Self::HALF).saturating_sub(1);
        ((place - (shift << Self::HALF)) as u64) << shift
    }

    /// Counts one value; what is beyond the highest counts as it.
    pub(super) fn record(&mut self, value: u64) {
        self.record_n(value, 1);
    }

    pub(super) fn record_n(&mut self, value: u64, count: u64) {
        let place = Self::place(value.min(HIGH_US));
        let block = &mut self.blocks[place / BLOCK];
        let block = match block {
            Some(block) => block,
            none => none.insert(block_pool::take()),
        };
        let bucket = &mut block[place % BLOCK];
        *bucket = bucket.saturating_add(count);
        self.count = self.count.saturating_add(count);
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.blocks.iter_mut().zip(&other.blocks) {
            match (mine, theirs) {
                (_, None) => {}
                (Some(mine), Some(theirs)) => {
                    for (mine, theirs) in mine.iter_mut().zip(theirs.iter()) {
                        *mine = mine.saturating_add(*theirs);
                    }
                }
                (mine @ None, theirs) => mine.clone_from(theirs),
            }
        }
        self.count = self.count.saturating_add(other.count);
    }

    /// Returns what was counted since an earlier moment of the same counts.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        for (mine, theirs) in since.blocks.iter_mut().zip(&earlier.blocks) {
            if let (Some(mine), Some(theirs)) = (mine, theirs) {
                for (mine, theirs) in mine.iter_mut().zip(theirs.iter()) {
                    *mine = mine.saturating_sub(*theirs);
                }
            }
        }
        since.count = self.count.saturating_sub(earlier.count);
        since
    }

    /// Forgets every value, and keeps the blocks.
    pub(super) fn clear(&mut self) {
        for block in self.blocks.iter_mut().flatten() {
            block.fill(0);
        }
        self.count = 0;
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns what was counted, in ascending order.
    pub(super) fn filled(&self) -> impl DoubleEndedIterator<Item = Filled> {
        let there = self.blocks.iter().enumerate();
        let there = there.filter_map(|(number, block)| Some((number, block.as_ref()?)));
        there.flat_map(|(number, block)| {
            let counts = block.iter().enumerate().filter(|(_, count)| **count > 0);
            counts.map(move |(within, count)| {
                let place = number * BLOCK + within;
                Filled {
                    low: Self::low(place),
                    high: Self::low(place + 1) - 1,
                    count: *count,
                }
            })
        })
    }

    /// Returns the highest value of the bucket that a quantile is in, or `None` if there are too few values to know
    /// ([`Quantile::is_known_from`]).
    pub(super) fn at(&self, quantile: Quantile) -> Option<u64> {
        let known = quantile.is_known_from(self.count);
        let found = known.then(|| self.at_rank(quantile.rank(self.count)));
        found?.map(|it| it.high)
    }

    /// Returns the bucket of a value by its rank in ascending order, counted from 1, or `None` beyond the last.
    pub(super) fn at_rank(&self, rank: u64) -> Option<Filled> {
        let mut seen = 0_u64;
        self.filled().find(|it| {
            seen = seen.saturating_add(it.count);
            seen >= rank
        })
    }

    /// Returns the mean, each value taken for the middle of its bucket; 0 of nothing.
    pub(super) fn mean(&self) -> f64 {
        self.mean_of(|middle| middle)
    }

    /// Returns the standard deviation of the same.
    pub(super) fn deviation(&self) -> f64 {
        let mean = self.mean();
        self.mean_of(|middle| (middle - mean).powi(2)).sqrt()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "values are below 2^32, and there are no 2^53 of them"
    )]
    fn mean_of(&self, of: impl Fn(f64) -> f64) -> f64 {
        let middle = |it: &Filled| (it.low + (it.high + 1 - it.low) / 2) as f64;
        let part = |it: Filled| of(middle(&it)) * it.count as f64 / self.count as f64;
        self.filled().map(part).sum()
    }

    /// Returns how many values are not more than this one, or in its bucket.
    pub(super) fn count_up_to(&self, value: u64) -> u64 {
        let up_to = self.filled().take_while(|it| it.low <= value);
        up_to.map(|it| it.count).sum()
    }

    /// Adds the counts to a histogram of the crate.
    pub(super) fn add_to(&self, counts: &mut Histogram<u64>) {
        for it in self.filled() {
            counts.saturating_record_n(it.low, it.count);
        }
    }

    /// Creates the same from a histogram of the crate.
    pub(super) fn of(counts: &Histogram<u64>) -> Self {
        let mut all = Self::new();
        for it in counts.iter_recorded() {
            all.record_n(it.value_iterated_to(), it.count_at_value());
        }
        all
    }
}

impl<const DIGITS: u8> Default for Buckets<DIGITS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const DIGITS: u8> PartialEq for Buckets<DIGITS> {
    /// Compares the counts, whichever blocks are allocated.
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.filled().eq(other.filled())
    }
}

impl<const DIGITS: u8> fmt::Debug for Buckets<DIGITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.filled()).finish()
    }
}

#[cfg(test)]
mod tests;
