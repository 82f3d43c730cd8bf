//! A pull: the image name is resolved to a manifest, then config and layers are fetched in the client's order.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::Semaphore;

use super::choose::choose as choose_entry;
use super::error::Error;
use super::fetch::{Fetch, Piece};
use super::resolve::by_head;
use super::store::{Discard, Store};
use crate::oci::{
    Content, Descriptor, Digest, ImageName, Manifest, Platform, Reference, RepositoryName,
    Unusable, Verify,
};
use crate::profile::{ConfigOrder, ConnectionPolicy, PullAgain, Resolve};
use crate::registry::{Client, Wanted};

/// The most nested indexes in front of an image.
const MAX_DEPTH: usize = 4;

/// What is pulled. The client's habits decide how it is requested.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// How blobs are verified.
    pub verify: Verify,
    /// The image of an index that is taken.
    pub platform: Platform,
}

/// The result of a pull.
#[derive(Debug, Clone)]
pub enum Pulled {
    /// The image is here already; no other request was sent.
    UpToDate(Digest),
    /// The image is here.
    Image(Box<PulledImage>),
}

/// An image that has been pulled.
#[derive(Debug, Clone)]
pub struct PulledImage {
    /// The manifest of the image (not of the index in front of it).
    pub manifest: Manifest,
    /// The number of blobs that were fetched.
    pub fetched: usize,
    /// The number of blobs that were here already.
    pub present: usize,
    /// The bytes of blobs that were fetched.
    pub bytes: u64,
}

/// Pulls an image into `store`.
///
/// Layers that are not distributed (`urls`) are skipped, as in every client.
///
/// # Errors
/// Returns [`Error`] at the first failure.
///
/// # Cancel safety
/// Exchanges under way count as cancelled; blobs that were committed stay.
pub async fn pull(
    client: &Client,
    name: &ImageName,
    options: &PullOptions,
    store: &dyn Store,
) -> Result<Pulled, Error> {
    if client.habits().ping {
        client.greet().await?;
    }
    let manifest = match resolve(client, name, store).await? {
        Resolved::Here(digest) => return Ok(Pulled::UpToDate(digest)),
        Resolved::Manifest(manifest) => manifest,
    };
    let manifest = choose(client, &name.repository, manifest, options, store).await?;
    let pulled = blobs(client, &name.repository, manifest, options, store);
    let pulled = Box::pin(pulled).await?;
    Ok(Pulled::Image(Box::new(pulled)))
}

pub(super) enum Resolved {
    Here(Digest),
    Manifest(Manifest),
}

/// Resolves an image name to its manifest or index.
pub(super) async fn resolve(
    client: &Client,
    name: &ImageName,
    store: &dyn Store,
) -> Result<Resolved, Error> {
    let (repository, reference) = (&name.repository, &name.reference);
    let habits = &client.habits().pull;
    let by_name = || client.manifest_get(repository, reference);
    let Resolve::Head(fallback) = habits.resolve else {
        return Ok(Resolved::Manifest(by_name().await?));
    };
    if let Reference::Digest(digest) = reference
        && !habits.resolve_digest
    {
        if habits.again == PullAgain::Everything && store.has(digest) {
            return Ok(Resolved::Here(*digest));
        }
        return Ok(Resolved::Manifest(by_name().await?));
    }
    let Some((digest, media_type)) = by_head(client, name, fallback).await? else {
        return Ok(Resolved::Manifest(by_name().await?));
    };
    if habits.again == PullAgain::Everything && store.has(&digest) {
        return Ok(Resolved::Here(digest));
    }
    if client.habits().token.resolver_apart {
        client.forget_tokens();
        // A client that keeps connections for longer, or shares them, keeps them here, too.
        if client.habits().connections == ConnectionPolicy::PerIteration {
            client.pool().clear();
        }
    }
    let reference = Reference::Digest(digest);
    let manifest = client
        .manifest_get_as(repository, &reference, media_type.as_ref())
        .await?;
    Ok(Resolved::Manifest(manifest))
}

/// Fetches what a name stands for, resolved as the client does it.
pub(super) async fn manifest_of(client: &Client, name: &ImageName) -> Result<Manifest, Error> {
    match resolve(client, name, &Discard).await? {
        Resolved::Manifest(manifest) => Ok(manifest),
        Resolved::Here(_) => Err(Error::NotFound(name.to_string())),
    }
}

/// Follows indexes to an image manifest.
pub(super) async fn choose(
    client: &Client,
    repository: &RepositoryName,
    mut manifest: Manifest,
    options: &PullOptions,
    store: &dyn Store,
) -> Result<Manifest, Error> {
    for _ in 0..MAX_DEPTH {
        if let Content::Image(image) = manifest.content() {
            image.check()?;
        }
        store.manifest(&manifest)?;
        let Content::Index(index) = manifest.content() else {
            return Ok(manifest);
        };
        let how = client.habits().pull.choice;
        let chosen = choose_entry(index, manifest.media_type(), &options.platform, how)?;
        let chosen = chosen.ok_or_else(|| Error::Platform {
            wanted: options.platform.to_string(),
            offered: index.platforms(),
        })?;
        let image = client
            .manifest_get_as(
                repository,
                &Reference::Digest(chosen.digest),
                chosen.media_type,
            )
            .await?;
        let found = image.raw().len() as u64;
        if let Some(expected) = chosen.size.filter(|expected| *expected != found) {
            return Err(Error::ManifestSize {
                digest: chosen.digest.to_string(),
                expected,
                found,
            });
        }
        manifest = image;
    }
    Err(Error::Depth(MAX_DEPTH))
}

/// Returns the blobs of an image, each once.
pub(super) struct Pieces {
    pub(super) config: Option<Piece>,
    pub(super) layers: Vec<Piece>, // the bottom one first
}

impl Pieces {
    /// # Errors
    /// Returns [`Unusable`] if the entry of the config or a layer is incomplete.
    pub(super) fn of(manifest: &Manifest, verify: Verify) -> Result<Self, Unusable> {
        let piece = |blob: &Descriptor| Piece {
            wanted: Wanted {
                digest: blob.digest,
                size: Some(blob.size),
                verify,
            },
            media_type: Some(blob.media_type.clone()),
        };
        let (config, mut layers) = match manifest.content() {
            Content::Index(_) => (None, Vec::new()),
            Content::Image(image) => {
                let layers = image.distributed_layers();
                let layers = layers.map(|blob| blob.map(piece)).collect::<Result<_, _>>();
                (Some(piece(image.config()?)), layers?)
            }
            Content::Schema1(schema1) => {
                let layers = schema1.layers_bottom_first().into_iter();
                let layers = layers.map(|digest| Piece {
                    wanted: Wanted {
                        digest,
                        size: None,
                        verify,
                    },
                    media_type: None,
                });
                (None, layers.collect())
            }
        };
        let mut seen: BTreeSet<Digest> = config.iter().map(|it| it.wanted.digest).collect();
        layers.retain(|layer: &Piece| seen.insert(layer.wanted.digest));
        Ok(Self { config, layers })
    }
}

/// Fetches config and layers, in the client's order and with its parallelism.
async fn blobs(
    client: &Client,
    repository: &RepositoryName,
    manifest: Manifest,
    options: &PullOptions,
    store: &dyn Store,
) -> Result<PulledImage, Error> {
    let habits = &client.habits().pull;
    let Pieces { config, layers } = Pieces::of(&manifest, options.verify)?;
    let count = layers.len() + usize::from(config.is_some());
    let limit = Semaphore::new(habits.parallel.get());
    let fetch = Fetch {
        client,
        repository,
        store,
        limit: &limit,
    };
    let (among, apart) = match habits.config {
        ConfigOrder::Among => (config, None),
        _ => (None, config),
    };
    let config = async {
        match &apart {
            Some(config) => fetch.config(config).await,
            None => Ok(None),
        }
    };
    let together = stream::iter(among.iter().map(|piece| (piece, true)))
        .chain(stream::iter(layers.iter().map(|piece| (piece, false))))
        .map(async |(piece, is_config): (&Piece, bool)| {
            if is_config {
                fetch.config(piece).await
            } else {
                fetch.layer(piece).await
            }
        })
        .buffer_unordered(habits.parallel.get())
        .try_collect::<Vec<Option<u64>>>();
    let (config, mut fetched) = match habits.config {
        ConfigOrder::First => (config.await?, together.await?),
        ConfigOrder::Last => {
            let together = together.await?;
            (config.await?, together)
        }
        ConfigOrder::Among | ConfigOrder::Beside => {
            futures_util::future::try_join(config, together).await?
        }
    };
    fetched.push(config);
    let came: Vec<u64> = fetched.into_iter().flatten().collect();
    Ok(PulledImage {
        manifest,
        fetched: came.len(),
        present: count - came.len(),
        bytes: came.into_iter().sum(),
    })
}
