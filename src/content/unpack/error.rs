//! Why an image cannot be unpacked.

use std::io;
use std::path::PathBuf;

use crate::content::error::Mismatch;
use crate::oci::{Digest, Unusable};
use crate::units::ByteSize;

/// Why an image cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The directory is not empty.
    #[error("`{}` is not empty; give a new or an empty directory", .0.display())]
    Occupied(PathBuf),
    /// The operating system refused.
    #[error("cannot write `{}`", .path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// An index has no layers.
    #[error("an index cannot be unpacked; choose one of its platforms")]
    Index,
    /// The config cannot be read.
    #[error("the config of the image cannot be read")]
    Config(#[source] io::Error),
    /// The manifest and the config have different numbers of layers.
    #[error("the manifest has {layers} layers, but the config names {diff_ids} (rootfs.diff_ids)")]
    LayerCount {
        /// Layers of the manifest.
        layers: usize,
        /// Layers of the config.
        diff_ids: usize,
    },
    /// A layer is not part of the image, because it is not distributed.
    #[error("layer {0} is not here: it is one that registries do not distribute")]
    MissingLayer(Digest),
    /// A layer that the manifest does not describe.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// A layer is not a tar archive, or not compressed as it seems.
    #[error("layer {layer} cannot be read")]
    Read {
        /// Counted from 1, the bottom one first.
        layer: usize,
        /// The error of the parser.
        source: io::Error,
    },
    /// The uncompressed layer has another digest than in the config.
    #[error(
        "layer {layer} unpacks to another digest than the config names (rootfs.diff_ids): {digests}"
    )]
    DiffId {
        /// Counted from 1, the bottom one first.
        layer: usize,
        /// The expected and the actual digest.
        digests: Box<Mismatch>,
    },
    /// A name out of the directory, or an invalid one.
    #[error(
        "layer {layer} has an entry `{name}`, which could lead out of the directory; it is refused"
    )]
    Escape {
        /// Counted from 1, the bottom one first.
        layer: usize,
        /// The entry.
        name: String,
    },
    /// A loop of links.
    #[error("`{0}` leads through too many links, or in a circle")]
    LinkLoop(String),
    /// Another entry is where a directory is needed.
    #[error("`{0}` is not a directory, but the image has entries in it")]
    NotADirectory(String),
    /// A hard link to something that is not there, or is a directory.
    #[error("layer {layer} has a hard link `{name}` to `{target}`, which is no file of the image")]
    HardLink {
        /// Counted from 1, the bottom one first.
        layer: usize,
        /// The entry.
        name: String,
        /// Its target.
        target: String,
    },
    /// An unsupported form of sparse file.
    #[error(
        "layer {layer} stores `{name}` as a sparse file in the pax format, which is not supported"
    )]
    Sparse {
        /// Counted from 1, the bottom one first.
        layer: usize,
        /// The entry.
        name: String,
    },
    /// Unpacking was stopped.
    #[error("unpacking was stopped")]
    Stopped,
    /// More bytes than allowed.
    #[error("the image unpacks to more than {0}; it is refused")]
    TooLarge(ByteSize),
    /// More entries than allowed.
    #[error("the image has more than {0} entries; it is refused")]
    TooMany(u64),
}
