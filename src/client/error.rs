//! Why a sequence of requests failed.

use std::io;

use crate::content::ContentError;
use crate::exchange::Misbehaviour;
use crate::lazy::TableError;
use crate::oci::Unusable;
use crate::registry;

/// Why a pull, a push or another sequence failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An exchange failed.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The content to push could not be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The image name does not exist, and the client sends no other request.
    #[error("the registry has no {0}")]
    NotFound(String),
    /// The parts of a blob arrived, but are not the blob together.
    #[error(transparent)]
    Parts(Box<registry::Kind>),
    /// The index has no image for the platform.
    #[error("there is no image for {wanted}; the index offers {}", list(offered))]
    Platform {
        /// The requested platform.
        wanted: String,
        /// The platforms of the index.
        offered: Vec<String>,
    },
    /// A required entry of an index or a manifest is incomplete.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Too many nested indexes.
    #[error("the index leads to an index, more than {0} times")]
    Depth(usize),
    /// A list without an end.
    #[error("the list has more than {0} pages")]
    Pages(usize),
    /// The manifest has another size than in the index.
    #[error("the manifest {digest} has {found} bytes, but the index says {expected}")]
    ManifestSize {
        /// The manifest's digest.
        digest: String,
        /// The size in the index, in bytes.
        expected: u64,
        /// The size of the manifest, in bytes.
        found: u64,
    },
    /// The image to copy is another one than before.
    #[error(
        "{name} is {found} by now, and was {expected} when it was put there; does something else write to it?"
    )]
    Changed {
        /// The name of the image.
        name: String,
        /// The digest of its manifest before.
        expected: String,
        /// The digest now.
        found: String,
    },
    /// A layer cannot be read in parts, or a part of it is not what its table of contents says.
    #[error("layer {layer}: {source}")]
    Lazy {
        /// Its digest.
        layer: String,
        /// The reason.
        source: TableError,
    },
    /// A SOCI index is none, or is not as it should be.
    #[error("the SOCI index {digest} of the image {problem}")]
    SociIndex {
        /// Its digest, or what is stated in its place.
        digest: String,
        /// The problem.
        problem: String,
    },
    /// The client stopped on purpose, between two exchanges.
    #[error("{0}, as the client wants it")]
    Misbehaved(Misbehaviour),
    /// The image has no content to send.
    #[error("there is nothing to send: {0}")]
    Nothing(&'static str),
    /// The content could not be stored.
    #[error("cannot store the image: {0}")]
    Store(#[from] io::Error),
}

fn list(offered: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = offered.iter().take(SHOWN).map(String::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match offered.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => format!("{shown} and {} more", count - SHOWN),
        _ => shown,
    }
}
