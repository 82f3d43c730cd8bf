//! A reader for a tar parser that fails if the headers of one entry are too long.
//!
//! The parser reads long names and pax records whole into memory, whatever their length. It gets an allowance before
//! each header, and no limit for the data of an entry, which is streamed.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// The longest headers of one entry: a name of 4 KiB, a link of 4 KiB, extended attributes.
const HEADERS: u64 = 1 << 20;

/// The bytes that may still be read.
#[derive(Debug, Clone)]
pub(super) struct Allowance(Rc<Cell<u64>>);

impl Allowance {
    /// Sets the allowance to the headers of one entry.
    pub(super) fn headers_only(&self) {
        self.0.set(HEADERS);
    }

    /// Removes the limit.
    pub(super) fn everything(&self) {
        self.0.set(u64::MAX);
    }
}

/// A reader with an allowance.
#[derive(Debug)]
pub(super) struct Metered<R> {
    inner: R,
    left: Allowance,
}

impl<R> Metered<R> {
    pub(super) fn new(inner: R) -> (Self, Allowance) {
        let left = Allowance(Rc::new(Cell::new(HEADERS)));
        let allowance = left.clone();
        (Self { inner, left }, allowance)
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.0.get();
        if left == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the headers of one tar entry take more than 1 MiB",
            ));
        }
        let length = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let length = self.inner.read(&mut buffer[..length])?;
        self.left.0.set(left - length as u64);
        Ok(length)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}
