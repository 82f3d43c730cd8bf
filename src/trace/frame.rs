//! A block on disk: its kind, its lengths, a checksum, and its content, packed with zstd.

use std::io::{self, Read};

use super::rows::MOST_BYTES;
use crate::oci::Checksummer;

/// Bytes before the content of a block.
pub(super) const HEAD: usize = 25;
/// The most bytes of a packed block. zstd adds a few to what it cannot pack.
const MOST_PACKED: usize = MOST_BYTES + (MOST_BYTES >> 7) + 1024;

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Requests,
    Summary,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Requests => b'R',
            Self::Summary => b'S',
        }
    }
}

/// Why a block could not be read.
#[derive(Debug)]
pub(super) enum Flaw {
    /// Errors of the system.
    Io(io::Error),
    /// The block is not as it was written.
    Damaged(&'static str),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Damaged("it ends early")
        } else {
            Self::Io(error)
        }
    }
}

/// Packs blocks.
pub(super) struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
}

impl Packer {
    /// With a level of zstd.
    pub(super) fn new(level: i32) -> io::Result<Self> {
        let zstd = zstd::bulk::Compressor::new(level)?;
        Ok(Self { zstd })
    }

    /// Appends a block. `content` has at most [`MOST_BYTES`].
    pub(super) fn pack(&mut self, kind: Kind, content: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let packed = self.zstd.compress(content)?;
        let length = |of: usize| u32::try_from(of).map_err(|_| io::ErrorKind::InvalidInput);
        out.push(kind.byte());
        out.extend(length(packed.len())?.to_le_bytes());
        out.extend(length(content.len())?.to_le_bytes());
        out.extend(checksum(kind, &packed).to_le_bytes());
        out.extend(packed);
        Ok(())
    }
}

/// Unpacks blocks.
#[derive(Default)]
pub(super) struct Unpacker {
    zstd: zstd::bulk::Decompressor<'static>,
    packed: Vec<u8>,
    content: Vec<u8>,
}

impl Unpacker {
    /// Reads the next block, and returns its content, which has at most [`MOST_BYTES`].
    pub(super) fn unpack(&mut self, kind: Kind, from: &mut impl Read) -> Result<&[u8], Flaw> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head)?;
        let number = |at: usize| {
            let bytes: [u8; 4] = std::array::from_fn(|index| head[at + index]);
            usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX)
        };
        let (packed, content) = (number(1), number(5));
        if head[0] != kind.byte() || packed > MOST_PACKED || content > MOST_BYTES {
            return Err(Flaw::Damaged("a head that is none"));
        }
        self.packed.resize(packed, 0);
        from.read_exact(&mut self.packed)?;
        let sum: [u8; 16] = std::array::from_fn(|index| head[9 + index]);
        if checksum(kind, &self.packed) != u128::from_le_bytes(sum) {
            return Err(Flaw::Damaged("a wrong checksum"));
        }
        self.content.clear();
        self.content.reserve_exact(content);
        let unpacked = self
            .zstd
            .decompress_to_buffer(&self.packed, &mut self.content);
        if unpacked.is_ok_and(|it| it == content) {
            Ok(&self.content)
        } else {
            Err(Flaw::Damaged("it does not unpack"))
        }
    }

    /// Bytes of the last block, its head included.
    pub(super) fn length(&self) -> u64 {
        (HEAD + self.packed.len()) as u64
    }
}

fn checksum(kind: Kind, packed: &[u8]) -> u128 {
    let mut summer = Checksummer::new();
    summer.update(&[kind.byte()]);
    summer.update(packed);
    summer.finish().xxh3()
}
