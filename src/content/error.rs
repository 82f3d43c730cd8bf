//! Why content cannot be read, or is wrong.

use std::{fmt, io};

use crate::oci::{Digest, ManifestError, Unusable};
use crate::units::ByteSize;

/// Two digests that should be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The expected digest.
    pub expected: Digest,
    /// The digest of the bytes.
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

/// Why an image cannot be read from a file or a directory.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The operating system refused.
    #[error("cannot read `{name}`")]
    Read {
        /// The file, and the entry in it.
        name: String,
        /// The error of the system.
        source: io::Error,
    },
    /// A temporary file could not be made or filled.
    #[error("cannot spool `{name}` to a temporary file")]
    Spool {
        /// The content to be kept.
        name: String,
        /// The error of the system.
        source: io::Error,
    },
    /// Neither a regular file nor a directory; it is not opened, because that could wait forever.
    #[error("`{0}` is neither a regular file nor a directory")]
    Special(String),
    /// A name or a link out of the archive or directory.
    #[error("`{name}` leads out of the image (`{target}`); it is refused")]
    Escape {
        /// The entry.
        name: String,
        /// Its target.
        target: String,
    },
    /// A loop of links.
    #[error("`{0}` leads through too many links, or in a circle")]
    LinkLoop(String),
    /// A sparse entry: its bytes are not contiguous.
    #[error("`{0}` is stored as a sparse file; write the archive again without `--sparse`")]
    Sparse(String),
    /// An entry that claims more bytes than its archive has.
    #[error("`{0}` is cut short: the archive ends inside of it")]
    Truncated(String),
    /// Larger than in any real image.
    #[error("`{name}` is larger than {limit}; it is refused")]
    TooLarge {
        /// The part that is too large.
        name: String,
        /// The limit.
        limit: ByteSize,
    },
    /// More entries than any real image has.
    #[error("`{name}` has more than {limit} entries; it is refused")]
    TooMany {
        /// The archive or index.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// A file without the headers of a tar archive.
    #[error("`{0}` is not a tar archive, or it is damaged")]
    NotTar(String),
    /// An unknown layout.
    #[error(
        "`{name}` is not an image: neither `manifest.json` (docker save) nor `oci-layout` and `index.json` (OCI layout) is at its top, but {found}"
    )]
    NotAnImage {
        /// The file or directory.
        name: String,
        /// Its content.
        found: String,
    },
    /// A `docker save` of Docker before 1.10.
    #[error(
        "`{0}` was saved by a Docker before 1.10 (`repositories` without `manifest.json`); load it and save it again with a newer one"
    )]
    TooOld(String),
    /// A file that another one refers to is missing.
    #[error("`{name}` is missing; `{referrer}` refers to it")]
    Missing {
        /// The file.
        name: String,
        /// The file that refers to it.
        referrer: String,
    },
    /// A document is invalid.
    #[error("`{name}` is not a valid {kind}")]
    Json {
        /// The file.
        name: String,
        /// The expected document.
        kind: &'static str,
        /// The error of the parser.
        source: serde_json::Error,
    },
    /// A manifest is invalid.
    #[error("`{name}` is not a manifest that can be pushed")]
    Manifest {
        /// The file.
        name: String,
        /// The problem.
        source: ManifestError,
    },
    /// A required entry of a document is unusable.
    #[error("`{name}`: {why}")]
    Entry {
        /// The document.
        name: String,
        /// The entry and the problem.
        why: Box<Unusable>,
    },
    /// A manifest of schema 1, which no current registry accepts.
    #[error("`{0}` is a manifest of schema 1; convert the image with a current tool first")]
    Schema1(String),
    /// The digest is wrong.
    #[error("`{name}` has another digest than its descriptor or its name says: {digests}")]
    DigestMismatch {
        /// The file.
        name: String,
        /// The expected and the actual digest.
        digests: Box<Mismatch>,
    },
    /// The size is wrong.
    #[error("`{name}` should have {expected} bytes, but has {found}")]
    SizeMismatch {
        /// The file.
        name: String,
        /// The size in its descriptor.
        expected: u64,
        /// The actual size.
        found: u64,
    },
    /// The uncompressed layer has another digest than in the config.
    #[error(
        "layer {layer}, `{name}`, unpacks to another digest than the config names (rootfs.diff_ids): {digests}"
    )]
    DiffId {
        /// Counted from 1, the bottom one first.
        layer: usize,
        /// The file.
        name: String,
        /// The expected and the actual digest.
        digests: Box<Mismatch>,
    },
    /// The manifest and the config have different numbers of layers.
    #[error("`{name}` has {layers} layers, but its config names {diff_ids} (rootfs.diff_ids)")]
    LayerCount {
        /// The image.
        name: String,
        /// Layers of the manifest.
        layers: usize,
        /// Layers of the config.
        diff_ids: usize,
    },
    /// Several images, and none is chosen.
    #[error("`{name}` holds several images; choose one of: {}", .images.join(", "))]
    Ambiguous {
        /// The file or directory.
        name: String,
        /// The images in it.
        images: Vec<String>,
    },
    /// The chosen image is missing.
    #[error("`{name}` holds no image `{wanted}`, but: {}", .images.join(", "))]
    NoSuchImage {
        /// The file or directory.
        name: String,
        /// The chosen image.
        wanted: String,
        /// The images in it.
        images: Vec<String>,
    },
    /// There is no image for the chosen platform.
    #[error("`{name}` has nothing for {wanted}, but for: {}", .platforms.join(", "))]
    NoSuchPlatform {
        /// The image.
        name: String,
        /// The chosen platform.
        wanted: String,
        /// The platforms of the image.
        platforms: Vec<String>,
    },
    /// An unsupported archive format.
    #[error(
        "`{name}` is compressed with {compression}, which regstorm does not read; uncompress it first, or compress it with gzip or zstd"
    )]
    Compression {
        /// The archive.
        name: String,
        /// The program that compressed it.
        compression: &'static str,
    },
    /// Bytes beyond the blob.
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
    /// Makes the error of an unusable entry.
    pub(super) fn entry(document: &str, why: Unusable) -> Self {
        Self::Entry {
            name: document.to_owned(),
            why: Box::new(why),
        }
    }
}
