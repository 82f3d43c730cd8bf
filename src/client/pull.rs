//! A pull: the manifest, then config and layers side by side.

use std::collections::BTreeSet;
use std::io;
use std::num::NonZeroUsize;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::error::Error;
use crate::oci::{Content, Manifest, Platform, Reference, RepositoryName, Verify, Version};
use crate::registry::{BlobSink, Client, Wanted};

/// Indexes that may lead to one another before an image must come.
const MAX_DEPTH: usize = 4;

/// How a client pulls.
#[derive(Debug, Clone)]
pub struct PullHabits {
    /// Blobs of one image fetched at once.
    pub parallel: NonZeroUsize,
    /// How blobs are checked.
    pub verify: Verify,
    /// Which image of an index is taken.
    pub platform: Platform,
}

/// Where a pulled image goes.
pub trait Store {
    /// Takes a manifest: those that lead to the image first, its own last, all before any blob.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn manifest(&self, _manifest: &Manifest) -> io::Result<()> {
        Ok(())
    }

    /// A place for a blob; `None` when the blob is here already.
    ///
    /// # Errors
    /// When there can be no such place.
    fn slot(&self, wanted: &Wanted) -> io::Result<Option<Box<dyn BlobSlot>>>;
}

/// A place that a blob is written to.
pub trait BlobSlot: BlobSink {
    /// Makes the blob, complete and checked, part of the store.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn commit(self: Box<Self>) -> io::Result<()>;
}

/// The store that throws everything away: a load test measures the registry, not this machine's disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl Store for Discard {
    fn slot(&self, _: &Wanted) -> io::Result<Option<Box<dyn BlobSlot>>> {
        Ok(Some(Box::new(Self)))
    }
}

impl BlobSink for Discard {
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

impl BlobSlot for Discard {
    fn commit(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// An image that has been pulled.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The manifest of the image (not of the index that led to it).
    pub manifest: Manifest,
    /// Blobs that came over the wire.
    pub fetched: usize,
    /// Blobs that were here already.
    pub present: usize,
    /// Bytes of blobs that came over the wire.
    pub bytes: u64,
}

/// Pulls an image into `store`.
///
/// Layers that are not distributed (`urls`) are left out, as every client leaves them out.
///
/// # Errors
/// [`Error`] at the first thing that fails.
///
/// # Cancel safety
/// Exchanges under way count as cancelled; blobs that were committed stay.
pub async fn pull(
    client: &Client,
    reference: &Reference,
    habits: &PullHabits,
    store: &dyn Store,
) -> Result<Pulled, Error> {
    let repository = &reference.repository;
    let manifest = resolve(client, reference, habits, store).await?;
    let wanted = blobs(&manifest, habits.verify);
    let count = wanted.len();
    let fetched: Vec<Option<u64>> = stream::iter(wanted)
        .map(|wanted| fetch(client, repository, wanted, store))
        .buffer_unordered(habits.parallel.get())
        .try_collect()
        .await?;
    let came: Vec<u64> = fetched.into_iter().flatten().collect();
    Ok(Pulled {
        manifest,
        fetched: came.len(),
        present: count - came.len(),
        bytes: came.into_iter().sum(),
    })
}

/// Follows indexes until an image manifest has come.
async fn resolve(
    client: &Client,
    reference: &Reference,
    habits: &PullHabits,
    store: &dyn Store,
) -> Result<Manifest, Error> {
    let repository = &reference.repository;
    let mut manifest = client.manifest_get(repository, &reference.version).await?;
    for _ in 0..MAX_DEPTH {
        store.manifest(&manifest)?;
        let Content::Index(index) = manifest.content() else {
            return Ok(manifest);
        };
        let chosen = index
            .choose(&habits.platform)
            .ok_or_else(|| Error::Platform {
                wanted: habits.platform.to_string(),
                offered: index.platforms(),
            })?;
        let (digest, expected) = (chosen.digest, chosen.size);
        manifest = client
            .manifest_get(repository, &Version::Digest(digest))
            .await?;
        let found = manifest.raw().len() as u64;
        if found != expected {
            return Err(Error::ManifestSize {
                digest: digest.to_string(),
                expected,
                found,
            });
        }
    }
    Err(Error::Depth(MAX_DEPTH))
}

/// The blobs of an image, each once: the config first, then the layers, the bottom one first.
fn blobs(manifest: &Manifest, verify: Verify) -> Vec<Wanted> {
    let all: Vec<Wanted> = match manifest.content() {
        Content::Index(_) => Vec::new(),
        Content::Image(image) => std::iter::once(&image.config)
            .chain(&image.layers)
            .filter(|blob| !blob.media_type.is_foreign_layer())
            .map(|blob| Wanted {
                digest: blob.digest,
                size: Some(blob.size),
                verify,
            })
            .collect(),
        Content::Schema1(schema1) => schema1
            .layers_bottom_first()
            .into_iter()
            .map(|digest| Wanted {
                digest,
                size: None,
                verify,
            })
            .collect(),
    };
    let mut seen = BTreeSet::new();
    all.into_iter()
        .filter(|blob| seen.insert(blob.digest))
        .collect()
}

/// The bytes that came, or `None` when the blob was here already.
async fn fetch(
    client: &Client,
    repository: &RepositoryName,
    wanted: Wanted,
    store: &dyn Store,
) -> Result<Option<u64>, Error> {
    let Some(mut slot) = store.slot(&wanted)? else {
        return Ok(None);
    };
    let received = client.blob_get(repository, wanted, &mut *slot).await?;
    slot.commit()?;
    Ok(Some(received.bytes))
}
