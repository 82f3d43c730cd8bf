//! Why content cannot be written.

use std::io;
use std::path::{Path, PathBuf};

use crate::content::error::Mismatch;
use crate::oci::Digest;

/// Why a blob or a layout cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot write `{}`", .path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The directory holds something else.
    #[error("`{}` is not empty and not an OCI layout; give another directory", .0.display())]
    Occupied(PathBuf),
    /// The directory holds a file that is not one of the image.
    #[error(
        "`{}` holds `{entry}`, which is no file of this image; give another directory",
        .directory.display()
    )]
    Stranger {
        /// The directory.
        directory: PathBuf,
        /// The name of the file.
        entry: String,
    },
    /// An index has no layers.
    #[error("an index has no layers to write; choose one of its platforms")]
    NoLayers,
    /// The `index.json` of the layout is invalid.
    #[error("`{}` is not an OCI image index", .path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        source: serde_json::Error,
    },
    /// Another process writes the same blob.
    #[error("`{}` is being written by another process", .0.display())]
    Busy(PathBuf),
    /// A blob that the manifest does not have.
    #[error("{0} is not a blob of the manifest")]
    NotInManifest(Digest),
    /// The bytes have another digest. They were removed.
    #[error("what came is not what its descriptor says: {0}")]
    DigestMismatch(Box<Mismatch>),
    /// There were too few bytes. They are kept.
    #[error("{digest} should have {expected} bytes, but only {found} came")]
    TooShort {
        /// Of the blob.
        digest: Digest,
        /// The size in the descriptor.
        expected: u64,
        /// The actual size.
        found: u64,
    },
    /// There were too many bytes. The surplus was not written.
    #[error("{digest} should have {expected} bytes, but more came")]
    TooLong {
        /// Of the blob.
        digest: Digest,
        /// The size in the descriptor.
        expected: u64,
    },
}

/// The error of something that cannot be written.
pub(super) fn write_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Write {
        path: path.to_owned(),
        source,
    }
}
