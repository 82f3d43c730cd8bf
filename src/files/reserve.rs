//! Room on a disk that is kept for a file to come.

use std::fs::File;
use std::io;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// By how much it grows. It is larger than what it is kept for by as much.
const STEP: u64 = 64 << 10;

/// A file that takes as much room on its disk as another one will, and gives it back when it is dropped.
#[derive(Debug)]
pub struct Reserve {
    file: File,
    bytes: u64,
}

impl Reserve {
    /// By an empty file that nobody else uses.
    pub const fn new(file: File) -> Self {
        Self { file, bytes: 0 }
    }

    /// Grows, if it has to, to room for that many bytes and at least 64 KiB more.
    ///
    /// # Errors
    /// Errors of the system: there is no room. What was kept before is kept.
    pub fn keep(&mut self, bytes: u64) -> io::Result<()> {
        let wanted = bytes.next_multiple_of(STEP) + STEP;
        if wanted <= self.bytes {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::empty(), 0, wanted) {
            // Not every file system does: then there is as much room as there happens to be.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.bytes = wanted,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
