//! gzip members and zstd frames that hold their content uncompressed, so that their length follows from that of the
//! content, and each byte of them from its place.

use std::ops::Range;

use flate2::Crc;

/// The most content of one block in gzip.
pub(super) const GZIP_BLOCK: u64 = 65_535;
/// Its header: the last one or not, the length, the length with each bit turned.
pub(super) const GZIP_BLOCK_HEADER: u64 = 5;
/// Before the first block: magic number, method, flags, time, hints.
pub(super) const GZIP_HEADER: u64 = 10;
/// Behind the last block: checksum and length of the content.
pub(super) const GZIP_TRAILER: u64 = 8;
/// Magic number and method.
pub const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const GZIP_NO_SYSTEM: u8 = 255;
/// The flag of a field of any content between header and blocks.
const GZIP_EXTRA: u8 = 4;
/// The flag of a text between header and blocks, which ends in a zero.
const GZIP_COMMENT: u8 = 16;

/// The most content of one block in zstd.
const ZSTD_BLOCK: u64 = 128 * 1024;
const ZSTD_BLOCK_HEADER: u64 = 3;
/// Magic number, descriptor, length of the content in four bytes.
const ZSTD_HEADER: u64 = 9;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// One segment, whose length is stated in four bytes.
const ZSTD_DESCRIPTOR: u8 = 0b1010_0000;
const SKIPPABLE_MAGIC: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
/// Magic number and length.
pub(super) const SKIPPABLE_HEADER: u64 = 8;

/// How content is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// A member of gzip, as RFC 1952 says.
    Gzip,
    /// A frame of zstd, as RFC 8878 says.
    Zstd,
}

/// What is at a place of wrapped content, up to the next border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the wrapping.
    Wrapping(Vec<u8>),
    /// That part of the content.
    Content(Range<u64>),
}

impl Wrapping {
    /// Returns the length of so much content with its wrapping, in bytes.
    pub const fn length(self, content: u64) -> u64 {
        let (head, _, block_header, tail) = self.shape();
        head + self.blocks(content) * block_header + content + tail
    }

    /// Returns the lengths of header, content of a block, header of a block, and trailer.
    const fn shape(self) -> (u64, u64, u64, u64) {
        match self {
            Self::Gzip => (GZIP_HEADER, GZIP_BLOCK, GZIP_BLOCK_HEADER, GZIP_TRAILER),
            Self::Zstd => (ZSTD_HEADER, ZSTD_BLOCK, ZSTD_BLOCK_HEADER, 0),
        }
    }

    const fn blocks(self, content: u64) -> u64 {
        let (_, block, _, _) = self.shape();
        let blocks = content.div_ceil(block);
        if blocks == 0 { 1 } else { blocks }
    }

    /// Returns what is at a place of wrapped content of that length, whose CRC-32 gzip states.
    ///
    /// `at` is less than the [`length`](Self::length) of the whole.
    pub fn piece(self, content: u64, crc: u32, at: u64) -> Piece {
        let (head, block, block_header, _) = self.shape();
        let rest = |bytes: &[u8], at: u64| {
            let at = usize::try_from(at).unwrap_or(bytes.len());
            Piece::Wrapping(bytes[at..].to_vec())
        };
        let Some(within) = at.checked_sub(head) else {
            return rest(&self.header(content), at);
        };
        let last = self.blocks(content) - 1;
        let number = (within / (block + block_header)).min(last);
        let within = within - number * (block + block_header);
        let start = number * block;
        let end = content.min(start + block);
        if within < block_header {
            return rest(&self.block(end - start, number == last), within);
        }
        let place = start + within - block_header;
        if place < end {
            return Piece::Content(place..end);
        }
        rest(&gzip_trailer(crc, content), place - end)
    }

    fn header(self, content: u64) -> Vec<u8> {
        match self {
            Self::Gzip => gzip_header(0),
            Self::Zstd => {
                let length = low_word(content).to_le_bytes();
                [ZSTD_MAGIC.as_slice(), &[ZSTD_DESCRIPTOR], &length].concat()
            }
        }
    }

    /// Returns the header of a block, in which at most [`ZSTD_BLOCK`] bytes are.
    fn block(self, length: u64, is_last: bool) -> Vec<u8> {
        match self {
            Self::Gzip => gzip_block(length, is_last).to_vec(),
            Self::Zstd => {
                let word = low_word(length << 3) | u32::from(is_last);
                word.to_le_bytes()[..3].to_vec()
            }
        }
    }

    /// Wraps content.
    pub fn wrap(self, content: &[u8]) -> Vec<u8> {
        let mut crc = Crc::new();
        crc.update(content);
        let length = content.len() as u64;
        let mut wrapped = Vec::new();
        while (wrapped.len() as u64) < self.length(length) {
            match self.piece(length, crc.sum(), wrapped.len() as u64) {
                Piece::Wrapping(bytes) => wrapped.extend_from_slice(&bytes),
                Piece::Content(part) => {
                    let at = |place| usize::try_from(place).unwrap_or(content.len());
                    wrapped.extend_from_slice(&content[at(part.start)..at(part.end)]);
                }
            }
        }
        wrapped
    }
}

/// What a member begins with.
pub(super) fn gzip_header(flags: u8) -> Vec<u8> {
    let [a, b, c] = GZIP_MAGIC;
    vec![a, b, c, flags, 0, 0, 0, 0, 0, GZIP_NO_SYSTEM]
}

/// The header of a block of at most [`GZIP_BLOCK`] bytes.
pub(super) fn gzip_block(length: u64, is_last: bool) -> [u8; 5] {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    let [a, b] = length.to_le_bytes();
    let [c, d] = (!length).to_le_bytes();
    [u8::from(is_last), a, b, c, d]
}

/// What a member of so much content ends with.
pub(super) fn gzip_trailer(crc: u32, content: u64) -> Vec<u8> {
    [crc.to_le_bytes(), low_word(content).to_le_bytes()].concat()
}

/// Lengths here are below 4 GiB; of longer ones gzip states the low half.
fn low_word(length: u64) -> u32 {
    u32::try_from(length & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// Wraps content in a member of gzip that is longer than it need be, by at most 64 KiB.
pub fn padded_gzip(content: &[u8], padding: u64) -> Vec<u8> {
    let plain = Wrapping::Gzip.wrap(content);
    let behind = &plain[gzip_header(0).len()..];
    let (flag, field) = match padding {
        0 => return plain,
        // The length of a field alone takes two bytes.
        1 => (GZIP_COMMENT, vec![0]),
        _ => {
            let length = u16::try_from(padding - 2).unwrap_or(u16::MAX);
            let mut field = length.to_le_bytes().to_vec();
            field.resize(usize::from(length) + 2, 0);
            (GZIP_EXTRA, field)
        }
    };
    [gzip_header(flag).as_slice(), &field, behind].concat()
}

/// Returns a frame of zstd that decoders skip.
pub fn skippable(content: &[u8]) -> Vec<u8> {
    let length = low_word(content.len() as u64).to_le_bytes();
    [SKIPPABLE_MAGIC.as_slice(), &length, content].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn pattern(length: usize) -> Vec<u8> {
        (0..length)
            .map(|i| u8::try_from(i * 7 % 251).unwrap())
            .collect()
    }

    #[test]
    fn other_decoders_read_what_is_wrapped_at_its_length() {
        for length in [0, 1, 512, 65_535, 65_536, 131_072, 131_073, 400_000] {
            let content = pattern(length);
            let gzip = Wrapping::Gzip.wrap(&content);
            assert_eq!(gzip.len() as u64, Wrapping::Gzip.length(length as u64));
            let mut read = Vec::new();
            flate2::read::GzDecoder::new(&gzip[..])
                .read_to_end(&mut read)
                .unwrap();
            assert!(read == content, "gzip of {length}");
            let zstd = Wrapping::Zstd.wrap(&content);
            assert_eq!(zstd.len() as u64, Wrapping::Zstd.length(length as u64));
            assert!(zstd::decode_all(&zstd[..]).unwrap() == content);
        }
    }

    #[test]
    fn each_byte_follows_from_its_place() {
        let content = pattern(140_000);
        let mut crc = Crc::new();
        crc.update(&content);
        for wrapping in [Wrapping::Gzip, Wrapping::Zstd] {
            let whole = wrapping.wrap(&content);
            for at in (0..whole.len()).step_by(997).chain([1, 9, 11, 12]) {
                let first = match wrapping.piece(140_000, crc.sum(), at as u64) {
                    Piece::Wrapping(bytes) => bytes[0],
                    Piece::Content(part) => content[usize::try_from(part.start).unwrap()],
                };
                assert_eq!(first, whole[at], "{wrapping:?} at {at}");
            }
        }
    }

    #[test]
    fn padding_is_as_long_as_asked_for_and_is_not_content() {
        let content = pattern(1000);
        let bare = Wrapping::Gzip.wrap(&content).len();
        for padding in [0, 1, 2, 3, 511, 5_000] {
            let padded = padded_gzip(&content, padding);
            assert_eq!((padded.len() - bare) as u64, padding);
            let mut read = Vec::new();
            flate2::read::GzDecoder::new(&padded[..])
                .read_to_end(&mut read)
                .unwrap();
            assert!(read == content, "{padding}");
        }
        let skipped = [skippable(b"not content"), Wrapping::Zstd.wrap(&content)].concat();
        assert!(zstd::decode_all(&skipped[..]).unwrap() == content);
    }
}
