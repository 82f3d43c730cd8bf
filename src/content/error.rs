//! Why content cannot be read, or is not what it says it is.

use std::{fmt, io};

use crate::oci::{Digest, ManifestError, Unusable};
use crate::units::ByteSize;

/// Two digests that should be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The one that was promised.
    pub expected: Digest,
    /// The one that the bytes have.
    pub found: Digest,
}

impl Mismatch {
    pub(super) fn new(expected: Digest, found: Digest) -> Box<Self> {
        Box::new(Self { expected, found })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

/// Why an image cannot be taken from a file or a directory.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The operating system refused.
    #[error("cannot read `{name}`")]
    Read {
        /// The file, and the entry in it.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A temporary file could not be made or filled.
    #[error("cannot spool `{name}` to a temporary file")]
    Spool {
        /// What was to be kept.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// Neither a regular file nor a directory; it is not opened, because that could wait forever.
    #[error("`{0}` is neither a regular file nor a directory")]
    Special(String),
    /// A name or a link that leads out of the archive or directory.
    #[error("`{name}` leads out of the image (`{target}`); it is refused")]
    Escape {
        /// The entry.
        name: String,
        /// Where it leads.
        target: String,
    },
    /// Links that lead to each other.
    #[error("`{0}` leads through too many links, or in a circle")]
    LinkLoop(String),
    /// A sparse entry: its bytes are not stored one after the other.
    #[error("`{0}` is stored as a sparse file; write the archive again without `--sparse`")]
    Sparse(String),
    /// An entry that claims more bytes than its archive has.
    #[error("`{0}` is cut short: the archive ends inside of it")]
    Truncated(String),
    /// Something is larger than any real image has it.
    #[error("`{name}` is larger than {limit}; it is refused")]
    TooLarge {
        /// What is too large.
        name: String,
        /// The most that is read.
        limit: ByteSize,
    },
    /// More entries than any real image has.
    #[error("`{name}` has more than {limit} entries; it is refused")]
    TooMany {
        /// The archive or index.
        name: String,
        /// The most that are read.
        limit: usize,
    },
    /// No headers of a tar archive are where they should be.
    #[error("`{0}` is not a tar archive, or it is damaged")]
    NotTar(String),
    /// No layout that regstorm knows.
    #[error(
        "`{name}` is not an image: neither `manifest.json` (docker save) nor `oci-layout` and `index.json` (OCI layout) is at its top, but {found}"
    )]
    NotAnImage {
        /// The file or directory.
        name: String,
        /// What is there.
        found: String,
    },
    /// A `docker save` of Docker before 1.10.
    #[error(
        "`{0}` was saved by a Docker before 1.10 (`repositories` without `manifest.json`); load it and save it again with a newer one"
    )]
    TooOld(String),
    /// A file that another one refers to is not there.
    #[error("`{name}` is missing; `{referrer}` refers to it")]
    Missing {
        /// The file.
        name: String,
        /// Who refers to it.
        referrer: String,
    },
    /// A document is not what it should be.
    #[error("`{name}` is not a valid {kind}")]
    Json {
        /// The file.
        name: String,
        /// What it should be.
        kind: &'static str,
        /// What the parser found, and where.
        source: serde_json::Error,
    },
    /// A manifest is not one.
    #[error("`{name}` is not a manifest that can be pushed")]
    Manifest {
        /// The file.
        name: String,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// An entry of a document is needed, and cannot be used.
    #[error("`{name}`: {why}")]
    Entry {
        /// The document.
        name: String,
        /// Which entry, and what is wrong with it.
        why: Box<Unusable>,
    },
    /// A manifest of schema 1, which no current registry takes.
    #[error("`{0}` is a manifest of schema 1; convert the image with a current tool first")]
    Schema1(String),
    /// The bytes do not have the digest that was promised.
    #[error("`{name}` has another digest than its descriptor or its name says: {digests}")]
    DigestMismatch {
        /// The file.
        name: String,
        /// What it should be, and what it is.
        digests: Box<Mismatch>,
    },
    /// The number of bytes is not the one that was promised.
    #[error("`{name}` should have {expected} bytes, but has {found}")]
    SizeMismatch {
        /// The file.
        name: String,
        /// What its descriptor says.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// A layer does not unpack to what the config names.
    #[error(
        "layer {layer}, `{name}`, unpacks to another digest than the config names (rootfs.diff_ids): {digests}"
    )]
    DiffId {
        /// Counted from 1, the bottom one first.
        layer: usize,
        /// The file.
        name: String,
        /// What it should be, and what it is.
        digests: Box<Mismatch>,
    },
    /// The manifest and the config count the layers differently.
    #[error("`{name}` has {layers} layers, but its config names {diff_ids} (rootfs.diff_ids)")]
    LayerCount {
        /// The image.
        name: String,
        /// Layers of the manifest.
        layers: usize,
        /// Layers of the config.
        diff_ids: usize,
    },
    /// Several images and no choice.
    #[error("`{name}` holds several images; choose one of: {}", .images.join(", "))]
    Ambiguous {
        /// The file or directory.
        name: String,
        /// The images in it.
        images: Vec<String>,
    },
    /// The chosen image is not there.
    #[error("`{name}` holds no image `{wanted}`, but: {}", .images.join(", "))]
    NoSuchImage {
        /// The file or directory.
        name: String,
        /// What was asked for.
        wanted: String,
        /// The images in it.
        images: Vec<String>,
    },
    /// There is nothing for the chosen platform.
    #[error("`{name}` has nothing for {wanted}, but for: {}", .platforms.join(", "))]
    NoSuchPlatform {
        /// The image.
        name: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        platforms: Vec<String>,
    },
    /// An archive in a form that is not read.
    #[error(
        "`{name}` is compressed with {compression}, which regstorm does not read; uncompress it first, or compress it with gzip or zstd"
    )]
    Compression {
        /// The archive.
        name: String,
        /// The program that compressed it.
        compression: &'static str,
    },
    /// Bytes that the blob does not have.
    #[error("bytes {start} to {end} were asked of a blob that has {size}")]
    Range {
        /// The first byte.
        start: u64,
        /// One past the last byte.
        end: u64,
        /// The size of the blob.
        size: u64,
    },
}

impl ContentError {
    /// That an entry of a document cannot be used.
    pub(super) fn entry(document: &str, why: Unusable) -> Self {
        Self::Entry {
            name: document.to_owned(),
            why: Box::new(why),
        }
    }
}
