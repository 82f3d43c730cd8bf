//! An unnamed temporary file, for content that must be compressed or uncompressed before it can be read at offsets.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use flate2::GzBuilder;

use super::FRAME_SIZE;
use super::compression::unpacked;
use super::digesting::Digesting;
use super::error::ContentError;
use super::region::Region;
use crate::oci::{Algorithm, Digest};
use crate::units::ByteSize;

/// The default of zlib and of Docker.
const LEVEL: u32 = 6;

/// One temporary file for all layers of an opened image; the system removes it with its last reader.
#[derive(Debug, Default)]
pub(super) struct Spool {
    file: Option<Arc<File>>,
    end: u64, // where the next layer goes
}

/// A layer that was compressed into the spool.
#[derive(Debug)]
pub(super) struct Compressed {
    pub(super) region: Region,
    pub(super) digest: Digest,
    /// The digest before compression.
    pub(super) diff_id: Digest,
}

impl Spool {
    /// Compresses with gzip, always to the same bytes: no name, no time, level 6.
    pub(super) fn gzip(
        &mut self,
        plain: impl Read,
        name: &str,
    ) -> Result<Compressed, ContentError> {
        let failed = |source| ContentError::Spool {
            name: name.to_owned(),
            source,
        };
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(
                self.file
                    .insert(Arc::new(tempfile::tempfile().map_err(failed)?)),
            ),
        };
        let start = self.end;
        let sink = io::BufWriter::with_capacity(
            FRAME_SIZE,
            Digesting::new(
                Appending {
                    file: &file,
                    end: start,
                },
                Algorithm::Sha256,
                u64::MAX,
            ),
        );
        let mut encoder = GzBuilder::new()
            .mtime(0)
            .write(sink, flate2::Compression::new(LEVEL));
        let mut plain = Digesting::new(plain, Algorithm::Sha256, u64::MAX);
        copy(&mut plain, &mut encoder, name)?;
        let sink = encoder.finish().map_err(failed)?;
        let sink = sink
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        let (digest, size) = sink.finish();
        self.end += size;
        Ok(Compressed {
            region: Region::new(file, start, size, name.into()),
            digest,
            diff_id: plain.finish().0,
        })
    }
}

/// Uncompresses a whole archive into a temporary file of its own, at most `limit` bytes of it.
pub(super) fn uncompress(
    packed: impl Read,
    name: &str,
    limit: ByteSize,
) -> Result<File, ContentError> {
    let failed = |source| ContentError::Spool {
        name: name.to_owned(),
        source,
    };
    let file = tempfile::tempfile().map_err(failed)?;
    // One byte beyond the limit is enough to know.
    let mut plain = unpacked(packed)
        .map_err(|source| ContentError::Read {
            name: name.to_owned(),
            source,
        })?
        .take(limit.get().saturating_add(1));
    let mut sink = Appending {
        file: &file,
        end: 0,
    };
    copy(&mut plain, &mut sink, name)?;
    if sink.end > limit.get() {
        return Err(ContentError::TooLarge {
            name: format!("{name}, uncompressed,"),
            limit,
        });
    }
    Ok(file)
}

fn copy(from: &mut impl Read, to: &mut impl Write, name: &str) -> Result<(), ContentError> {
    let mut buffer = vec![0; FRAME_SIZE];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => {
                return Err(ContentError::Read {
                    name: name.to_owned(),
                    source,
                });
            }
        };
        to.write_all(&buffer[..length])
            .map_err(|source| ContentError::Spool {
                name: name.to_owned(),
                source,
            })?;
    }
}

/// Writes at the end of a file, whose position other readers do not share.
struct Appending<'a> {
    file: &'a File,
    end: u64,
}

impl Write for Appending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write_at(bytes, self.end)?;
        self.end += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
