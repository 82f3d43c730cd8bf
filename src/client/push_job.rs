//! What a push is given, and what its uploads have in common.

use std::time::Duration;

use tokio::sync::OnceCell;

use crate::content::Blob;
use crate::oci::{Digest, RepositoryName};
use crate::profile::PushHabits;
use crate::registry::{self, Client};
use crate::transport::Sent;

/// What a push finds; what it makes of it is the client's habit.
#[derive(Debug, Clone)]
pub struct PushOptions {
    /// A repository that blobs are mounted from where it has them.
    pub mount_from: Option<RepositoryName>,
    /// The layers that the client has met before.
    pub known: Known,
}

/// The layers that a client has pushed to or pulled from this registry before, and so knows by digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// None.
    Nothing,
    /// So many, from the bottom one upwards.
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

/// Hears of each blob and manifest as it goes and as it is done, and says whether what failed is tried again.
pub trait Watch {
    /// Bytes of a blob, those from `offset` on, are about to be sent; `sent` counts them as they go.
    fn sending(&self, _blob: &Blob, _offset: u64, _sent: Sent) {}

    /// A blob is in the registry now.
    fn uploaded(&self, _blob: &Blob, _how: Uploaded) {}

    /// A manifest is about to be stored.
    fn storing(&self, _digest: &Digest) {}

    /// The registry has refused a blob or a manifest. Of one that ends in another way nobody knows whether it is there.
    fn refused(&self, _digest: &Digest) {}

    /// A part of the push, one blob or one manifest, has failed after so many other times: the pause before it is tried
    /// again from its beginning. `None`: the push has failed.
    fn again(&self, _error: &registry::Error, _failed: usize) -> Option<Duration> {
        None
    }
}

impl Watch for () {}

/// How a blob came to be in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploaded {
    /// It was there.
    Existed,
    /// It was taken over from another repository.
    Mounted,
    /// It was sent.
    Sent,
}

/// What all the uploads of one push have in common.
pub(super) struct Job<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a RepositoryName,
    pub(super) habits: &'a PushHabits,
    pub(super) options: &'a PushOptions,
    pub(super) watch: &'a dyn Watch,
    /// Set once the ping in front of the first mount was answered.
    pub(super) mounting: OnceCell<()>,
}

/// A blob to be uploaded, and what the client makes of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upload<'a> {
    pub(super) blob: &'a Blob,
    pub(super) is_config: bool,
    pub(super) is_known: bool,
}
