//! A part of a file, read at its offset; many readers share one open file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A part of an open file. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Region {
    file: Arc<File>,
    offset: u64,
    size: u64,
    name: Arc<str>, // for messages
}

impl Region {
    pub(super) const fn new(file: Arc<File>, offset: u64, size: u64, name: Arc<str>) -> Self {
        Self {
            file,
            offset,
            size,
            name,
        }
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Fills the whole buffer. A file that became shorter is an error, never a wait.
    pub(super) fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.file
            .read_exact_at(buffer, self.offset + position)
            .map_err(|error| {
                let what = if error.kind() == io::ErrorKind::UnexpectedEof {
                    "it became shorter while it was read".to_owned()
                } else {
                    error.to_string()
                };
                io::Error::new(error.kind(), format!("`{}`: {what}", self.name))
            })
    }

    /// The first bytes, at most `N`; the rest of the array is zero.
    pub(super) fn head<const N: usize>(&self) -> io::Result<[u8; N]> {
        let mut head = [0; N];
        let length = usize::try_from(self.size).unwrap_or(N).min(N);
        self.read_exact_at(&mut head[..length], 0)?;
        Ok(head)
    }
}
