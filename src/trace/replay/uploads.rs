//! The uploads of a replay: of which blob each is, and in which parts it was sent.

use std::ops::Range;

use super::super::request::Pseudonym;

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The blob that was sent.
    pub blob: u32,
    /// Its parts, in order: each begins where the one before ends.
    pub parts: Vec<Part>,
}

/// A part of an upload, in bytes of the blob.
pub type Part = Range<u64>;

/// An upload while the trace is read.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pub(super) blob: Option<u32>,
    /// The bytes of each part, as far as the log tells.
    pub(super) parts: Vec<Option<u64>>,
}

/// An upload of a session that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) number: u32,
    /// What its requests call it; `None` before the first of them.
    pub(super) id: Option<Pseudonym>,
}

impl Recording {
    /// Adds a part, and returns its place.
    pub(super) fn add(&mut self, bytes: Option<u64>) -> u32 {
        self.parts.push(bytes);
        u32::try_from(self.parts.len() - 1).unwrap_or(u32::MAX)
    }

    /// Returns the bytes of all parts; `None` if the log tells of none.
    pub(super) fn bytes(&self) -> Option<u64> {
        let parts = self.parts.iter().flatten();
        let all = parts.fold(0_u64, |all, it| all.saturating_add(*it));
        (all > 0).then_some(all)
    }

    /// Returns the parts for a blob of so many bytes: in proportion to those that were recorded. Where the log tells of none,
    /// the first has all.
    pub(super) fn into_parts(self, size: u64) -> Vec<Part> {
        let all = self.bytes();
        let mut sent: u128 = 0;
        let mut begin = 0;
        let last = self.parts.len().saturating_sub(1);
        let parts = self.parts.iter().enumerate();
        parts
            .map(|(place, bytes)| {
                sent += u128::from(bytes.unwrap_or_default());
                let end = match all {
                    None => size,
                    // What was sent before the last request with a body was all of it.
                    Some(all) => {
                        let sent = sent.min(all.into());
                        u64::try_from(u128::from(size) * sent / u128::from(all)).unwrap_or(size)
                    }
                };
                let end = if place == last { size } else { end };
                let part = begin..end;
                begin = end;
                part
            })
            .collect()
    }
}
