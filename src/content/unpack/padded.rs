//! A reader that ends at the end of a tar block.

use std::io::{self, Read};

/// The size of everything in a tar.
const BLOCK: u64 = 512;

/// Fills the last block with zeros, which the writer should have done: umoci omits the end of an archive, including
/// the padding of the last file, and docker reads it all the same.
#[derive(Debug)]
pub(super) struct Padded<R> {
    inner: R,
    length: u64, // bytes read so far
}

impl<R> Padded<R> {
    pub(super) const fn new(inner: R) -> Self {
        Self { inner, length: 0 }
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Padded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = self.inner.read(buffer)?;
        if read == 0 {
            let missing = (BLOCK - self.length % BLOCK) % BLOCK;
            read = usize::try_from(missing).map_or(0, |missing| missing.min(buffer.len()));
            buffer[..read].fill(0);
        }
        self.length += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_is_filled_up() {
        for (length, wanted) in [(0, 0), (1, 512), (511, 512), (512, 512), (513, 1024)] {
            let mut read = Vec::new();
            let bytes = vec![7; length];
            Padded::new(&bytes[..]).read_to_end(&mut read).unwrap();
            assert_eq!(read.len(), wanted);
            assert_eq!(read[..length], bytes);
            assert!(read[length..].iter().all(|byte| *byte == 0));
        }
    }
}
