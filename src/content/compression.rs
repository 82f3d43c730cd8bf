//! Compression: detecting it by the bytes themselves, and undoing it.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// A compression of layers and archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    /// Detects it by the first bytes. Media types and file names are often wrong; the magic number is not.
    pub(super) const fn sniff(head: [u8; 4]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // The second is a skippable frame, with which pzstd starts a stream.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Returns the program that compressed the content, if [`unpacked`] does not support it. Detected by the first bytes,
/// too.
pub(super) const fn unread_compression(head: [u8; 4]) -> Option<&'static str> {
    match head {
        [0xfd, b'7', b'z', b'X'] => Some("xz"),
        [b'B', b'Z', b'h', b'1'..=b'9'] => Some("bzip2"),
        [b'L', b'Z', b'I', b'P'] => Some("lzip"),
        [0x5d, 0, 0, _] => Some("lzma"),
        [0x04, 0x22, 0x4d, 0x18] => Some("lz4"),
        [0x1f, 0x9d, ..] => Some("compress"),
        [0x89, b'L', b'Z', b'O'] => Some("lzop"),
        [b'P', b'K', 3, 4] => Some("zip"),
        [b'7', b'z', 0xbc, 0xaf] => Some("7z"),
        _ => None,
    }
}

/// Returns a reader of the uncompressed content. Consecutive members or frames are read as one stream.
///
/// Memory is bounded: gzip has a window of 32 KiB, and zstd refuses windows of more than 128 MiB.
pub(super) fn unpacked<'a>(packed: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut packed = BufReader::with_capacity(super::FRAME_SIZE, packed);
    let mut head = [0; 4];
    let start = packed.fill_buf()?;
    let length = start.len().min(head.len());
    head[..length].copy_from_slice(&start[..length]);
    Ok(match Packing::sniff(head) {
        Packing::Plain => Box::new(packed),
        Packing::Gzip => Box::new(MultiGzDecoder::new(packed)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(packed)?),
    })
}
