//! Verification of a chunk while it arrives: it is decompressed, and its content compared with the digest in the table.

use std::fmt;
use std::io::{self, Write};

use flate2::write::GzDecoder;
use zstd::stream::write::Decoder as ZstdDecoder;

use super::format::ChunkFormat;
use super::table::{Chunk, Payload, TableError};
use crate::oci::{Digest, Hasher};

/// A chunk that is arriving.
pub struct Checker(Unpacker);

enum Unpacker {
    Gzip(Box<GzDecoder<Content>>),
    Zstd(Box<ZstdDecoder<'static, Content>>),
}

/// The decompressed content, of which nothing is kept.
struct Content {
    payloads: std::vec::IntoIter<Payload>,
    under_way: Option<(Payload, Hasher)>,
    at: u64,
    wrong: Option<(Digest, Digest)>,
}

impl Checker {
    /// Starts the check of a chunk.
    ///
    /// # Errors
    /// Fails if there is no decoder.
    pub fn new(format: ChunkFormat, chunk: &Chunk) -> Result<Self, TableError> {
        let content = Content::new(chunk.payloads.clone());
        Ok(Self(match format {
            ChunkFormat::Estargz => Unpacker::Gzip(Box::new(GzDecoder::new(content))),
            ChunkFormat::ZstdChunked => Unpacker::Zstd(Box::new(
                ZstdDecoder::new(content).map_err(|it| broken(&it))?,
            )),
        }))
    }

    /// Takes the next bytes. What follows the last payload is not looked at.
    ///
    /// # Errors
    /// Fails if they cannot be decompressed.
    pub fn update(&mut self, mut bytes: &[u8]) -> Result<(), TableError> {
        while !bytes.is_empty() && !self.content().is_done() {
            let taken = match &mut self.0 {
                Unpacker::Gzip(decoder) => decoder.write(bytes),
                Unpacker::Zstd(decoder) => decoder.write(bytes),
            };
            match taken.map_err(|error| broken(&error))? {
                0 => break,
                taken => bytes = &bytes[taken..],
            }
        }
        Ok(())
    }

    /// Finishes the check.
    ///
    /// # Errors
    /// Fails if the content is not that of the table.
    pub fn finish(mut self) -> Result<(), TableError> {
        if !self.content().is_done() {
            let flushed = match &mut self.0 {
                Unpacker::Gzip(decoder) => decoder.flush(),
                Unpacker::Zstd(decoder) => decoder.flush(),
            };
            flushed.map_err(|error| broken(&error))?;
        }
        let content = self.content();
        if let Some((expected, found)) = content.wrong {
            return Err(TableError::Digest {
                what: "content of a chunk",
                expected: Box::new(expected),
                found: Box::new(found),
            });
        }
        if !content.is_done() {
            return Err(TableError::Chunk("it ends too early".to_owned()));
        }
        Ok(())
    }

    fn content(&self) -> &Content {
        match &self.0 {
            Unpacker::Gzip(decoder) => decoder.get_ref(),
            Unpacker::Zstd(decoder) => decoder.get_ref(),
        }
    }
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker").finish_non_exhaustive()
    }
}

fn broken(error: &io::Error) -> TableError {
    TableError::Chunk(error.to_string())
}

impl Content {
    fn new(payloads: Vec<Payload>) -> Self {
        let mut content = Self {
            payloads: payloads.into_iter(),
            under_way: None,
            at: 0,
            wrong: None,
        };
        content.next();
        content
    }

    fn next(&mut self) {
        let next = self.payloads.next();
        self.under_way = next.map(|it| {
            let hasher = it.digest.algorithm().hasher();
            (it, hasher)
        });
    }

    const fn is_done(&self) -> bool {
        self.under_way.is_none()
    }
}

impl Write for Content {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some((payload, hasher)) = &mut self.under_way
            && !rest.is_empty()
        {
            let border = match payload.offset.checked_sub(self.at) {
                Some(before) if before > 0 => before,
                _ => payload.offset + payload.size - self.at,
            };
            let length = usize::try_from(border)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            let (part, behind) = rest.split_at(length);
            if self.at >= payload.offset {
                hasher.update(part);
            }
            self.at += length as u64;
            rest = behind;
            if self.at == payload.offset + payload.size
                && let Some((payload, hasher)) = self.under_way.take()
            {
                let found = hasher.finish();
                if found != payload.digest {
                    self.wrong.get_or_insert((payload.digest, found));
                }
                self.next();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::stored::Wrapping;
    use super::*;

    fn chunk(content: &[u8], parts: &[(usize, usize)]) -> Chunk {
        let payloads = parts.iter().map(|(offset, size)| Payload {
            offset: *offset as u64,
            size: *size as u64,
            digest: Digest::sha256(&content[*offset..offset + size]),
        });
        Chunk {
            span: 0..1,
            payloads: payloads.collect(),
        }
    }

    fn check(format: ChunkFormat, chunk: &Chunk, bytes: &[u8]) -> Result<(), TableError> {
        let mut checker = Checker::new(format, chunk)?;
        for part in bytes.chunks(1_000) {
            checker.update(part)?;
        }
        checker.finish()
    }

    #[test]
    fn content_must_be_that_of_the_table() {
        let content: Vec<u8> = (0..100_000_u32).map(|it| it.to_le_bytes()[0]).collect();
        let parts = [(0, 1), (10, 60_000), (60_010, 39_990)];
        for (format, wrapping) in [
            (ChunkFormat::Estargz, Wrapping::Gzip),
            (ChunkFormat::ZstdChunked, Wrapping::Zstd),
        ] {
            let mut bytes = wrapping.wrap(&content);
            // What follows belongs to another chunk.
            bytes.extend_from_slice(&wrapping.wrap(b"another"));
            for parts in [&parts[..], &parts[1..2], &[(0, 100_000)]] {
                assert_eq!(check(format, &chunk(&content, parts), &bytes), Ok(()));
            }
            let mut other = content.clone();
            other[30_000] ^= 1;
            let wrong = check(format, &chunk(&other, &parts), &bytes);
            assert!(matches!(wrong, Err(TableError::Digest { .. })), "{wrong:?}");
            let half = check(format, &chunk(&content, &parts), &bytes[..50_000]);
            assert!(matches!(half, Err(TableError::Chunk(_))), "{half:?}");
            let noise = check(format, &chunk(&content, &parts), &content);
            assert!(matches!(noise, Err(TableError::Chunk(_))), "{noise:?}");
        }
    }
}
