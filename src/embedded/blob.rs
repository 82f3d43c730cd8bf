//! A blob, a blob in the making, and the memory both may hold.

use std::cell::Cell;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use crate::oci::{Algorithm, Digest, Hasher};

/// What one stored thing costs beside its bytes, roughly; it bounds the number of things that have none.
pub(super) const ENTRY: u64 = 512;

/// A blob of at most this size is kept even when blobs are thrown away: configs must stay readable.
const SINK_KEEPS: u64 = 64 * 1024;

/// Received frames below this size are joined, so that a slow client's crumbs do not each hold a read buffer.
const CRUMB: usize = 32 * 1024;

/// The size that joined frames grow to.
const PIECE: usize = 256 * 1024;

/// The bytes that all content may hold together, and how many it holds.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    held: Rc<Cell<u64>>,
    limit: u64,
}

/// There is no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// A part of the budget; given back when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Budget,
    bytes: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            held: Rc::new(Cell::new(0)),
            limit,
        }
    }

    pub(super) fn held(&self) -> u64 {
        self.held.get()
    }

    pub(super) fn reserve(&self, bytes: u64) -> Result<Reservation, Full> {
        let mut reservation = Reservation {
            budget: self.clone(),
            bytes: 0,
        };
        reservation.grow(bytes)?;
        Ok(reservation)
    }
}

impl Reservation {
    fn grow(&mut self, bytes: u64) -> Result<(), Full> {
        let held = self
            .budget
            .held()
            .checked_add(bytes)
            .filter(|held| *held <= self.budget.limit);
        self.budget.held.set(held.ok_or(Full)?);
        self.bytes += bytes;
        Ok(())
    }

    fn shrink(&mut self, bytes: u64) {
        self.budget.held.set(self.budget.held() - bytes);
        self.bytes -= bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

/// Content whose digest was checked.
#[derive(Debug)]
pub(super) struct Blob {
    pub(super) digest: Digest,
    /// Bytes.
    pub(super) size: u64,
    /// The content in order, none of the pieces empty; `None`: it was thrown away.
    pub(super) pieces: Option<Vec<Bytes>>,
    _reservation: Reservation,
}

/// A blob in the making: hashed as it comes.
#[derive(Debug)]
pub(super) struct Spool {
    pieces: Vec<Bytes>,
    tail: BytesMut,
    size: u64,
    sink: bool,
    hasher: Hasher,
    algorithm: Algorithm,
    reservation: Reservation,
}

/// Why a spool did not become a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// The content has another digest.
    Digest(Digest),
    /// The digest is of an algorithm that was not announced, and the content is gone.
    Algorithm,
}

impl Spool {
    pub(super) fn new(algorithm: Algorithm, sink: bool, budget: &Budget) -> Result<Self, Full> {
        Ok(Self {
            pieces: Vec::new(),
            tail: BytesMut::new(),
            size: 0,
            sink,
            hasher: algorithm.hasher(),
            algorithm,
            reservation: budget.reserve(ENTRY)?,
        })
    }

    /// Bytes received.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Chooses the algorithm anew; only as long as nothing was received.
    pub(super) fn expect_algorithm(&mut self, algorithm: Algorithm) {
        if self.size == 0 && self.algorithm != algorithm {
            self.algorithm = algorithm;
            self.hasher = algorithm.hasher();
        }
    }

    pub(super) fn push(&mut self, bytes: Bytes) -> Result<(), Full> {
        if bytes.is_empty() {
            return Ok(());
        }
        let length = bytes.len() as u64;
        if self.sink && self.size + length > SINK_KEEPS {
            self.pieces = Vec::new();
            self.tail = BytesMut::new();
            let kept = self.reservation.bytes - ENTRY;
            self.reservation.shrink(kept);
            self.hasher.update(&bytes);
        } else {
            self.reservation.grow(length)?;
            self.hasher.update(&bytes);
            self.keep(bytes);
        }
        self.size += length;
        Ok(())
    }

    fn keep(&mut self, bytes: Bytes) {
        if bytes.len() >= CRUMB {
            self.flush_tail();
            self.pieces.push(bytes);
            return;
        }
        self.tail.extend_from_slice(&bytes);
        if self.tail.len() >= PIECE {
            self.flush_tail();
        }
    }

    fn flush_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push(self.tail.split().freeze());
        }
    }

    /// Ends the content and checks it against its digest.
    pub(super) fn finish(mut self, digest: Digest) -> Result<Blob, Mismatch> {
        self.flush_tail();
        let thrown_away = self.sink && self.size > SINK_KEEPS;
        let found = if digest.algorithm() == self.algorithm {
            self.hasher.finish()
        } else if thrown_away {
            return Err(Mismatch::Algorithm);
        } else {
            let mut hasher = digest.algorithm().hasher();
            self.pieces.iter().for_each(|piece| hasher.update(piece));
            hasher.finish()
        };
        if found != digest {
            return Err(Mismatch::Digest(found));
        }
        Ok(Blob {
            digest,
            size: self.size,
            pieces: (!thrown_away).then_some(self.pieces),
            _reservation: self.reservation,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spool(sink: bool, budget: &Budget) -> Spool {
        Spool::new(Algorithm::Sha256, sink, budget).unwrap()
    }

    #[test]
    fn a_sink_keeps_the_small_and_throws_the_large_away() {
        let budget = Budget::new(1 << 20);
        let mut small = spool(true, &budget);
        small.push(Bytes::from_static(b"{}")).unwrap();
        let small = small.finish(Digest::sha256(b"{}")).unwrap();
        assert_eq!(
            small.pieces.as_deref(),
            Some(&[Bytes::from_static(b"{}")][..])
        );

        let content = vec![7; 70_000];
        let mut large = spool(true, &budget);
        for part in content.chunks(40_000) {
            large.push(Bytes::copy_from_slice(part)).unwrap();
        }
        let large = large.finish(Digest::sha256(&content)).unwrap();
        assert_eq!((large.size, &large.pieces), (70_000, &None));
        assert_eq!(budget.held(), 2 * ENTRY + 2);
        drop((small, large));
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn the_budget_is_not_passed_and_comes_back() {
        let budget = Budget::new(ENTRY + 10);
        let mut spool = spool(false, &budget);
        spool.push(Bytes::from_static(b"12345678")).unwrap();
        assert_eq!(spool.push(Bytes::from_static(b"123")), Err(Full));
        assert_eq!(spool.size(), 8);
        assert!(spool.finish(Digest::sha256(b"other")).is_err());
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn another_algorithm_may_be_asked_for_at_the_end() {
        let budget = Budget::new(1 << 20);
        let mut spool = spool(false, &budget);
        spool.push(Bytes::from_static(b"abc")).unwrap();
        assert!(spool.finish(Algorithm::Sha512.digest(b"abc")).is_ok());
    }

    proptest! {
        #[test]
        fn content_is_what_was_sent(lengths in prop::collection::vec(0_usize..50_000, 0..30)) {
            let budget = Budget::new(1 << 30);
            let mut spool = spool(false, &budget);
            let mut whole = Vec::new();
            for (index, length) in lengths.into_iter().enumerate() {
                let part = vec![u8::try_from(index).unwrap(); length];
                whole.extend_from_slice(&part);
                spool.push(part.into()).unwrap();
            }
            let blob = spool.finish(Digest::sha256(&whole)).unwrap();
            let pieces = blob.pieces.unwrap();
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty()));
            prop_assert_eq!(pieces.concat(), whole);
        }
    }
}
