//! The table of contents of a layer: where its chunks are, and the digests of their content.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;

use serde::Deserialize;

use crate::oci::Digest;
use crate::units;

/// The largest table that is read, uncompressed: ten times that of the largest layers in use.
pub(super) const MAX_TABLE: u64 = 64 << 20;

/// What is in a layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The chunks of files that have content, in the order of the table.
    pub chunks: Vec<Chunk>,
    /// What is to be fetched when the layer is mounted.
    pub landmark: Landmark,
    /// The digest of the compressed tar-split, if the layer has one.
    pub tar_split: Option<Digest>,
}

impl Table {
    /// The most bytes of a table.
    pub const MOST: u64 = MAX_TABLE;
}

/// A part of a layer that is decompressed as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it is in the layer.
    pub span: Range<u64>,
    /// What is in it once it is decompressed, in ascending order; not empty.
    pub payloads: Vec<Payload>,
}

/// A part of decompressed content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Where it begins.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
}

/// What a layer says of being fetched when it is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Landmark {
    /// Nothing: the client decides.
    #[default]
    Absent,
    /// Nothing is to be fetched.
    NoPrefetch,
    /// What is before this byte is to be fetched.
    Prefetch(u64),
}

/// Why a layer cannot be read in parts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The end of the layer is no footer of the format.
    #[error("the layer does not end in a footer of eStargz")]
    Footer,
    /// The annotation says no place.
    #[error("the annotation `{key}` of the layer says no place in it: `{text}`")]
    Annotation {
        /// Its name.
        key: &'static str,
        /// Its value.
        text: String,
    },
    /// The bytes cannot be decompressed, or are no archive.
    #[error("the table of contents of the layer cannot be unpacked: {0}")]
    Unpack(String),
    /// It is not what the manifest says.
    #[error("the {what} of the layer has the digest {found}, but {expected} was stated")]
    Digest {
        /// What it is of.
        what: &'static str,
        /// What was stated.
        expected: Box<Digest>,
        /// What it is.
        found: Box<Digest>,
    },
    /// It has another size than in the manifest.
    #[error("the registry states {found} bytes for the layer, but the manifest says {expected}")]
    Size {
        /// The size in the manifest.
        expected: u64,
        /// The size that the registry states.
        found: u64,
    },
    /// It is too long.
    #[error(
        "the table of contents of the layer is longer than {}",
        units::bytes(MAX_TABLE)
    )]
    TooLong,
    /// It is not JSON as it should be.
    #[error("the table of contents of the layer cannot be read: {0}")]
    Json(String),
    /// A chunk is elsewhere than in the layer, or nowhere.
    #[error("the table of contents states no place in the layer for `{0}`")]
    Place(String),
    /// The table of a layer for SOCI is none, or not of this layer.
    #[error("the zTOC of the layer cannot be used: {0}")]
    Ztoc(&'static str),
    /// The layer is no gzip, although its table says so.
    #[error("the layer does not begin with a header of gzip")]
    NotGzip,
    /// The registry does not send ranges.
    #[error(
        "the registry sends the whole layer in place of a range, of which the SOCI snapshotter would take the first bytes for those that it asked for"
    )]
    Whole,
    /// The digest of a chunk is missing.
    #[error("the table of contents states no digest of `{0}`")]
    NoDigest(String),
    /// The content of a chunk is less than it should be, or not compressed as it should be.
    #[error("a chunk of the layer cannot be unpacked: {0}")]
    Chunk(String),
}

/// An entry of the table, in the JSON that both formats share.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TocEntry<'a> {
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(rename = "type")]
    pub(super) kind: EntryKind,
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default)]
    pub(super) offset: u64,
    #[serde(default)]
    pub(super) end_offset: u64,
    #[serde(default)]
    pub(super) inner_offset: u64,
    #[serde(default)]
    pub(super) chunk_size: u64,
    #[serde(default)]
    pub(super) chunk_offset: u64,
    #[serde(borrow, default)]
    digest: Cow<'a, str>,
    #[serde(borrow, default)]
    chunk_digest: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) chunk_type: Cow<'a, str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EntryKind {
    Reg,
    Chunk,
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Toc<'a> {
    #[serde(borrow)]
    pub(super) entries: Vec<TocEntry<'a>>,
    #[serde(default)]
    pub(super) tar_split_digest: Option<String>,
}

impl TocEntry<'_> {
    /// The digest of the chunk that the entry states; that of the file where it is the only one.
    pub(super) fn digest(&self) -> Result<Digest, TableError> {
        let text = match &*self.chunk_digest {
            "" => &*self.digest,
            text => text,
        };
        let digest = text.parse();
        digest.map_err(|_| TableError::NoDigest(self.name.to_string()))
    }
}

/// Reads the JSON of a table.
pub(super) fn toc(json: &[u8]) -> Result<Toc<'_>, TableError> {
    serde_json::from_slice(json).map_err(|error| TableError::Json(error.to_string()))
}

impl Chunk {
    /// Makes a chunk of one payload.
    pub(super) fn single(
        entry: &TocEntry<'_>,
        span: Range<u64>,
        size: u64,
        layer: u64,
    ) -> Result<Self, TableError> {
        if span.is_empty() || span.end > layer {
            return Err(TableError::Place(entry.name.to_string()));
        }
        let payload = Payload {
            offset: entry.inner_offset,
            size,
            digest: entry.digest()?,
        };
        Ok(Self {
            span,
            payloads: vec![payload],
        })
    }

    /// Its length in the layer, in bytes.
    pub const fn length(&self) -> u64 {
        self.span.end - self.span.start
    }
}

/// Reads what is unpacked to its end, at most as much as a table may have.
pub(super) fn read_table(unpacked: impl Read) -> Result<Vec<u8>, TableError> {
    let failed = |error: io::Error| TableError::Unpack(error.to_string());
    let mut plain = Vec::new();
    let mut bounded = unpacked.take(MAX_TABLE + 1);
    bounded.read_to_end(&mut plain).map_err(failed)?;
    if plain.len() as u64 > MAX_TABLE {
        return Err(TableError::TooLong);
    }
    Ok(plain)
}

/// Compares bytes with the digest that was stated of them.
///
/// # Errors
/// Fails if they have another one.
pub fn verify(what: &'static str, bytes: &[u8], expected: Digest) -> Result<(), TableError> {
    let found = expected.algorithm().digest(bytes);
    if found == expected {
        return Ok(());
    }
    Err(TableError::Digest {
        what,
        expected: Box::new(expected),
        found: Box::new(found),
    })
}
