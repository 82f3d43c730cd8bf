//! Readers and writers that hash and count what passes through them.

use std::io::{self, Read, Write};

use crate::oci::{Algorithm, Digest, Hasher};

/// Hashes and counts the bytes that are read or written through it, and fails beyond a limit.
pub(super) struct Digesting<T> {
    inner: T,
    hasher: Hasher,
    count: u64,
    limit: u64,
}

impl<T> Digesting<T> {
    pub(super) fn new(inner: T, algorithm: Algorithm, limit: u64) -> Self {
        Self {
            inner,
            hasher: algorithm.hasher(),
            count: 0,
            limit,
        }
    }

    /// Returns the digest and the number of the bytes.
    pub(super) fn finish(self) -> (Digest, u64) {
        (self.hasher.finish(), self.count)
    }

    fn passed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.count += bytes.len() as u64;
        if self.count > self.limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "more bytes than the limit allows",
            ));
        }
        Ok(())
    }
}

impl<T: Read> Read for Digesting<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.passed(&buffer[..length])?;
        Ok(length)
    }
}

impl<T: Write> Write for Digesting<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.passed(&bytes[..length])?;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
