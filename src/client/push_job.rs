//! The input of a push, and the context that its uploads share.

use std::time::Duration;

use tokio::sync::OnceCell;

use super::source::Source;
use crate::content::Blob;
use crate::oci::{Digest, RepositoryName};
use crate::profile::PushHabits;
use crate::registry::{self, Client};
use crate::transport::Sent;

/// The circumstances of a push. The client's habits decide what follows from them.
#[derive(Debug, Clone)]
pub struct PushOptions {
    /// The repository to mount blobs from.
    pub mount_from: Option<RepositoryName>,
    /// The layers that the client knows.
    pub known: Known,
}

/// The layers that a client has pushed to or pulled from this registry before, and knows by digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// None.
    Nothing,
    /// This many, from the bottom up.
    Layers(usize),
    /// All.
    Everything,
}

impl Known {
    pub(super) const fn has(self, layer: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::Layers(count) => layer < count,
            Self::Everything => true,
        }
    }
}

/// Observes the progress of each blob and manifest, and decides whether a failed one is retried.
pub trait Watch {
    /// The bytes of a blob from `offset` on are about to be sent; `sent` counts them.
    fn sending(&self, _blob: &Blob, _offset: u64, _sent: Sent) {}

    /// A blob is in the registry now.
    fn uploaded(&self, _blob: &Blob, _how: Uploaded) {}

    /// A manifest is about to be stored.
    fn storing(&self, _digest: &Digest) {}

    /// The registry has refused a blob or a manifest. After other failures it is unknown whether the registry has it.
    fn refused(&self, _digest: &Digest) {}

    /// A blob or a manifest has failed after `failed` earlier failures. Returns the pause before it is retried from
    /// its beginning; `None`: the push has failed.
    fn again(&self, _error: &registry::Error, _failed: usize) -> Option<Duration> {
        None
    }
}

impl Watch for () {}

/// How a blob came into the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploaded {
    /// It existed.
    Existed,
    /// It was mounted from another repository.
    Mounted,
    /// It was sent.
    Sent,
}

/// The context that all uploads of one push share.
pub(super) struct Job<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a RepositoryName,
    pub(super) habits: &'a PushHabits,
    pub(super) options: &'a PushOptions,
    pub(super) watch: &'a dyn Watch,
    /// Where the blobs of a copy come from; `None`: from here.
    pub(super) source: Option<Source<'a>>,
    /// Set once the ping before the first mount has succeeded.
    pub(super) mounting: OnceCell<()>,
}

/// A blob to upload, and its role for the client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upload<'a> {
    pub(super) blob: &'a Blob,
    pub(super) is_config: bool,
    pub(super) is_known: bool,
}
