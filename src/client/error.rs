//! Why an image was not moved.

use std::io;

use crate::content::ContentError;
use crate::oci::Unusable;
use crate::registry;

/// Why a pull or push stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An exchange failed.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The content to push could not be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The name stands for nothing, and the client asks no further.
    #[error("the registry has no {0}")]
    NotFound(String),
    /// The parts of a blob came well and do not make it up.
    #[error(transparent)]
    Parts(Box<registry::Kind>),
    /// The index has no image for the platform.
    #[error("there is no image for {wanted}; the index offers {}", list(offered))]
    Platform {
        /// The platform asked for.
        wanted: String,
        /// The platforms of the index.
        offered: Vec<String>,
    },
    /// An entry of an index or a manifest is needed, and says too little.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Indexes that lead to indexes, too many times.
    #[error("the index leads to an index, more than {0} times")]
    Depth(usize),
    /// A list that goes on and on.
    #[error("the list has more than {0} pages")]
    Pages(usize),
    /// The manifest is not as long as the index says.
    #[error("the manifest {digest} has {found} bytes, but the index says {expected}")]
    ManifestSize {
        /// The manifest's digest.
        digest: String,
        /// Bytes the index promises.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// There is nothing to send.
    #[error("there is nothing to send: {0}")]
    Nothing(&'static str),
    /// What was pulled could not be kept.
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
