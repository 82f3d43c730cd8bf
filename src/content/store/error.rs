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
        /// What the system said.
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
    /// The `index.json` of the layout cannot be added to.
    #[error("`{}` is not an OCI image index", .path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What the parser found, and where.
        source: serde_json::Error,
    },
    /// Another process writes the same blob.
    #[error("`{}` is being written by another process", .0.display())]
    Busy(PathBuf),
    /// A blob that the manifest does not have.
    #[error("{0} is not a blob of the manifest")]
    NotInManifest(Digest),
    /// The bytes that came do not have the digest that was promised. They were removed.
    #[error("what came is not what its descriptor says: {0}")]
    DigestMismatch(Box<Mismatch>),
    /// Fewer bytes came than were promised. They are kept.
    #[error("{digest} should have {expected} bytes, but only {found} came")]
    TooShort {
        /// Of the blob.
        digest: Digest,
        /// What the descriptor says.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// More bytes came than were promised. Those that are too many were not written.
    #[error("{digest} should have {expected} bytes, but more came")]
    TooLong {
        /// Of the blob.
        digest: Digest,
        /// What the descriptor says.
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
