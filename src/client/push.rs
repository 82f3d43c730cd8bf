//! A push: layers and config side by side, then the manifest; the images of an index before the index.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::rc::Rc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::error::Error;
use super::upload::{Uploaded, upload};
use crate::content::{Blob, Image};
use crate::oci::{PushMethod, Reference, RepositoryName, Version};
use crate::registry::Client;
use crate::transport::Sent;

/// How a client pushes.
#[derive(Debug, Clone)]
pub struct PushHabits {
    /// Blobs of one image sent at once.
    pub parallel: NonZeroUsize,
    /// How the bytes of a blob are sent.
    pub method: PushMethod,
    /// Is the registry asked first whether it has a blob?
    pub exists_check: bool,
    /// A repository that blobs are mounted from where it has them.
    pub mount_from: Option<RepositoryName>,
}

/// Hears of each blob as it goes and as it is done.
pub trait Watch {
    /// Bytes of a blob, those from `offset` on, are about to be sent; `sent` counts them as they go.
    fn sending(&self, _blob: &Blob, _offset: u64, _sent: Rc<Sent>) {}

    /// A blob is in the registry now.
    fn uploaded(&self, _blob: &Blob, _how: Uploaded) {}
}

impl Watch for () {}

/// How many blobs came to be in the registry, by how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Blobs that were there.
    pub existed: usize,
    /// Blobs taken over from another repository.
    pub mounted: usize,
    /// Blobs sent.
    pub sent: usize,
    /// Bytes of the blobs sent.
    pub bytes: u64,
}

impl Tally {
    fn add(self, other: Self) -> Self {
        Self {
            existed: self.existed + other.existed,
            mounted: self.mounted + other.mounted,
            sent: self.sent + other.sent,
            bytes: self.bytes + other.bytes,
        }
    }

    fn of(blob: &Blob, how: Uploaded) -> Self {
        let mut tally = Self::default();
        match how {
            Uploaded::Existed => tally.existed = 1,
            Uploaded::Mounted => tally.mounted = 1,
            Uploaded::Sent => {
                tally.sent = 1;
                tally.bytes = blob.size();
            }
        }
        tally
    }
}

/// An image that has been pushed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Its blobs, and those of its children.
    pub blobs: Tally,
    /// Manifests stored, the index included.
    pub manifests: usize,
}

/// Pushes an image, or an index with its images.
///
/// # Errors
/// [`Error`] at the first thing that fails. Upload sessions given up are the client's to cancel
/// ([`Client::cancel_abandoned`]).
///
/// # Cancel safety
/// Exchanges under way count as cancelled; what the registry has stored stays.
pub async fn push(
    client: &Client,
    reference: &Reference,
    image: &Image,
    habits: &PushHabits,
    watch: &dyn Watch,
) -> Result<Pushed, Error> {
    let job = Job {
        client,
        repository: &reference.repository,
        habits,
        watch,
    };
    job.image(image, &reference.version).await
}

/// What all the uploads of one push have in common.
pub(super) struct Job<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a RepositoryName,
    pub(super) habits: &'a PushHabits,
    pub(super) watch: &'a dyn Watch,
}

impl Job<'_> {
    /// A future that is boxed, because an index holds images as an image does.
    fn image<'a>(
        &'a self,
        image: &'a Image,
        version: &'a Version,
    ) -> Pin<Box<dyn Future<Output = Result<Pushed, Error>> + 'a>> {
        Box::pin(async move {
            let mut pushed = Pushed::default();
            for child in image.children() {
                let version = Version::Digest(child.descriptor().digest);
                let done = self.image(child, &version).await?;
                pushed.blobs = pushed.blobs.add(done.blobs);
                pushed.manifests += done.manifests;
            }
            let blobs = stream::iter(image.blobs())
                .map(|blob| self.blob(blob))
                .buffer_unordered(self.habits.parallel.get())
                .try_fold(
                    Tally::default(),
                    |sum, tally| async move { Ok(sum.add(tally)) },
                )
                .await?;
            self.client
                .manifest_put(self.repository, version, image.manifest())
                .await?;
            pushed.blobs = pushed.blobs.add(blobs);
            pushed.manifests += 1;
            Ok(pushed)
        })
    }

    async fn blob(&self, blob: &Blob) -> Result<Tally, Error> {
        let how = upload(self, blob).await?;
        self.watch.uploaded(blob, how);
        Ok(Tally::of(blob, how))
    }
}
