//! Requests for ranges of blobs, by what they are for and what the registry made of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::{RangePurpose, RangeRequest, RangeResponse};

/// Requests for one purpose and of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Cell {
    responses: [u64; RangeResponse::ALL.len()],
    asked: u64,
    received: u64,
}

/// Requests for ranges of blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RangeCounts([[Cell; 2]; RangePurpose::ALL.len()]); // by purpose; of one range, and of several

/// Requests for ranges of blobs that are for one purpose, of one range each or of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RangeRow {
    /// What they are for.
    pub purpose: RangePurpose,
    /// Whether each asks for more than one range.
    pub several: bool,
    /// How many there were; those below add up to them.
    pub requests: u64,
    /// Responses with one range: 206.
    pub range: u64,
    /// Responses with several ranges: 206 with `multipart/byteranges`.
    pub multipart: u64,
    /// Responses with the whole blob: 200.
    pub whole: u64,
    /// Refused: 416.
    pub unsatisfiable: u64,
    /// Redirected: 3xx. The request that followed is counted, too.
    pub redirected: u64,
    /// Responses of another status.
    pub other: u64,
    /// Without a response.
    pub none: u64,
    /// Bytes that were asked for.
    pub asked_bytes: u64,
    /// Bytes of the bodies that came.
    pub received_bytes: u64,
}

impl RangeCounts {
    /// Counts a request that has ended, and the bytes of its response's body.
    pub(super) fn count(&mut self, asked: RangeRequest, response: RangeResponse, received: u64) {
        let cell = &mut self.0[asked.purpose as usize][usize::from(asked.several)];
        let count = &mut cell.responses[response as usize];
        *count = count.saturating_add(1);
        cell.asked = cell.asked.saturating_add(asked.bytes);
        cell.received = cell.received.saturating_add(received);
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        let cells = self.0.iter_mut().flatten();
        for (mine, theirs) in cells.zip(other.0.iter().flatten()) {
            for (mine, theirs) in mine.responses.iter_mut().zip(theirs.responses) {
                *mine = mine.saturating_add(theirs);
            }
            mine.asked = mine.asked.saturating_add(theirs.asked);
            mine.received = mine.received.saturating_add(theirs.received);
        }
    }

    /// Returns the purposes that occurred, in the order in which a client has them.
    pub fn rows(&self) -> Vec<RangeRow> {
        let mut rows = Vec::new();
        for (purpose, cells) in RangePurpose::ALL.into_iter().zip(&self.0) {
            for (several, cell) in [false, true].into_iter().zip(cells) {
                if *cell != Cell::default() {
                    rows.push(cell.row(purpose, several));
                }
            }
        }
        rows
    }
}

impl Cell {
    fn row(&self, purpose: RangePurpose, several: bool) -> RangeRow {
        let of = |response: RangeResponse| self.responses[response as usize];
        RangeRow {
            purpose,
            several,
            requests: self
                .responses
                .iter()
                .fold(0, |all, it| all.saturating_add(*it)),
            range: of(RangeResponse::Range),
            multipart: of(RangeResponse::Multipart),
            whole: of(RangeResponse::Whole),
            unsatisfiable: of(RangeResponse::Unsatisfiable),
            redirected: of(RangeResponse::Redirect),
            other: of(RangeResponse::Other),
            none: of(RangeResponse::None),
            asked_bytes: self.asked,
            received_bytes: self.received,
        }
    }
}

impl RangeRow {
    /// Adds the counts of the same purpose and kind.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.requests, other.requests),
            (&mut self.range, other.range),
            (&mut self.multipart, other.multipart),
            (&mut self.whole, other.whole),
            (&mut self.unsatisfiable, other.unsatisfiable),
            (&mut self.redirected, other.redirected),
            (&mut self.other, other.other),
            (&mut self.none, other.none),
            (&mut self.asked_bytes, other.asked_bytes),
            (&mut self.received_bytes, other.received_bytes),
        ] {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// Adds rows to others, which stay in their order.
    pub fn merge_all(mine: &mut Vec<Self>, theirs: Vec<Self>) {
        for row in theirs {
            let key = |it: &Self| (it.purpose, it.several);
            match mine.iter_mut().find(|it| key(it) == key(&row)) {
                Some(mine) => mine.merge(&row),
                None => mine.push(row),
            }
        }
        mine.sort_by_key(|it| (it.purpose, it.several));
    }

    /// Returns the responses of each kind, which add up to the requests.
    pub const fn responses(&self) -> [u64; RangeResponse::ALL.len()] {
        [
            self.range,
            self.multipart,
            self.whole,
            self.unsatisfiable,
            self.redirected,
            self.other,
            self.none,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_add_up_and_merge_as_the_counts_do() {
        let asked = |purpose, several, bytes| RangeRequest {
            purpose,
            several,
            bytes,
        };
        let requests = [
            (
                asked(RangePurpose::Toc, true, 10),
                RangeResponse::Multipart,
                90,
            ),
            (
                asked(RangePurpose::Toc, true, 20),
                RangeResponse::Whole,
                900,
            ),
            (
                asked(RangePurpose::Footer, false, 5),
                RangeResponse::Range,
                5,
            ),
            (asked(RangePurpose::Toc, false, 1), RangeResponse::None, 0),
            (
                asked(RangePurpose::Toc, true, 2),
                RangeResponse::Unsatisfiable,
                3,
            ),
        ];
        let counted = |requests: &[(RangeRequest, RangeResponse, u64)]| {
            let mut counts = RangeCounts::default();
            for (asked, response, received) in requests {
                counts.count(*asked, *response, *received);
            }
            counts
        };
        let rows = counted(&requests).rows();
        let keys: Vec<_> = rows.iter().map(|it| (it.purpose, it.several)).collect();
        assert_eq!(
            keys,
            [
                (RangePurpose::Footer, false),
                (RangePurpose::Toc, false),
                (RangePurpose::Toc, true)
            ]
        );
        let several = &rows[2];
        assert_eq!(
            (several.requests, several.multipart, several.whole),
            (3, 1, 1)
        );
        assert_eq!((several.asked_bytes, several.received_bytes), (32, 993));
        for row in &rows {
            assert_eq!(row.responses().iter().sum::<u64>(), row.requests);
        }
        let (first, second) = requests.split_at(2);
        let mut merged = counted(first);
        merged.merge(&counted(second));
        assert_eq!(merged, counted(&requests));
        let mut joined = counted(first).rows();
        RangeRow::merge_all(&mut joined, counted(second).rows());
        assert_eq!(joined, rows);
    }
}
