//! Verification of the chunks of a layer, whose bytes come in ranges that need not begin and end with them.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::lazy::{Checker, Chunk, ChunkFormat, TableError};

/// Parts of a layer that are kept because chunks end or begin inside them, by where they begin.
pub(super) type Kept = BTreeMap<u64, Vec<u8>>;

/// Chunks that are verified one after the other.
pub(super) struct Chunks<'a> {
    format: ChunkFormat,
    kept: &'a Kept,
    left: std::vec::IntoIter<&'a Chunk>, // in ascending order
    under_way: Option<(Checker, Range<u64>)>, // and what is missing of it
    error: Option<TableError>,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(format: ChunkFormat, chunks: Vec<&'a Chunk>, kept: &'a Kept) -> Self {
        let mut all = Self {
            format,
            kept,
            left: chunks.into_iter(),
            under_way: None,
            error: None,
        };
        all.next();
        all
    }

    fn next(&mut self) {
        let next = self.left.next();
        self.under_way = next.and_then(|chunk| match Checker::new(self.format, chunk) {
            Ok(checker) => Some((checker, chunk.span.clone())),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        });
    }

    /// Takes bytes that are at that place of the layer. What is missing before them is taken from what was kept.
    pub(super) fn take(&mut self, at: u64, bytes: &[u8]) {
        let end = at + bytes.len() as u64;
        while self.error.is_none()
            && let Some((checker, left)) = &mut self.under_way
            && left.start < end
        {
            if left.start < at {
                match kept(self.kept, left) {
                    Some(bytes) => update(&mut self.error, checker, left, bytes),
                    // It does not come any more.
                    None => left.start = left.end,
                }
            } else {
                let from = offset(left.start, at);
                let to = offset(left.end.min(end), at);
                update(&mut self.error, checker, left, &bytes[from..to]);
            }
            self.end_chunk();
        }
    }

    fn end_chunk(&mut self) {
        if let Some((checker, _)) = self.under_way.take_if(|(_, left)| left.is_empty()) {
            if let Err(error) = checker.finish() {
                self.error.get_or_insert(error);
            }
            self.next();
        }
    }

    /// Ends with what was kept.
    ///
    /// # Errors
    /// Fails if a chunk is not that of the table, or has not come.
    pub(super) fn finish(mut self) -> Result<(), TableError> {
        self.take(u64::MAX, &[]);
        match self.error {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

fn offset(at: u64, start: u64) -> usize {
    usize::try_from(at - start).unwrap_or(usize::MAX)
}

fn update(
    failed: &mut Option<TableError>,
    checker: &mut Checker,
    left: &mut Range<u64>,
    bytes: &[u8],
) {
    left.start += bytes.len() as u64;
    if let Err(error) = checker.update(bytes) {
        failed.get_or_insert(error);
    }
}

/// What was kept of the begin of a range.
fn kept<'k>(kept: &'k Kept, range: &Range<u64>) -> Option<&'k [u8]> {
    let (start, bytes) = kept.range(..=range.start).next_back()?;
    let bytes = bytes.get(offset(range.start, *start)..)?;
    let length = offset(range.end, range.start).min(bytes.len());
    bytes.get(..length).filter(|it| !it.is_empty())
}
