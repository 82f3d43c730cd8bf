//! A lazy pull: manifest and config as the client fetches them, then parts of the layers, as their formats want it.
//! Layers of no such format are pulled. Where SOCI is in use, a table beside the image decides, not the format.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::Semaphore;

use super::error::Error;
use super::estargz::Mounted;
use super::fetch::Fetch;
use super::lazy_layer::{LazyLayer, LazyOptions};
use super::pull::{Pieces, Resolved, choose, resolve};
use super::store::Discard;
use super::{soci, zstd_chunked};
use crate::lazy::soci::INDEX_DIGEST;
use crate::lazy::{MOUNTS, estargz, zstd_chunked as zstd_format};
use crate::oci::{Algorithm, Content, ImageManifest, ImageName, RepositoryName};
use crate::profile::ConfigOrder;
use crate::registry::Client;

/// How many layers are fetched at once in the background.
const BACKGROUND: usize = 2;

/// Pulls an image lazily: what a client asks for that mounts its layers and reads a part of them.
///
/// # Errors
/// Returns [`Error`] at the first failure.
///
/// # Cancel safety
/// Exchanges under way count as cancelled.
pub async fn lazy_pull(
    client: &Client,
    name: &ImageName,
    options: &LazyOptions,
) -> Result<(), Error> {
    if client.habits().ping {
        client.greet().await?;
    }
    let manifest = match resolve(client, name, &Discard).await? {
        Resolved::Here(_) => return Ok(()),
        Resolved::Manifest(manifest) => manifest,
    };
    let repository = &name.repository;
    let manifest = choose(client, repository, manifest, &options.pull, &Discard).await?;
    let habits = &client.habits().pull;
    let limit = Semaphore::new(habits.parallel.get());
    let fetch = Fetch {
        client,
        repository,
        store: &Discard,
        limit: &limit,
    };
    let pieces = Pieces::of(&manifest, options.pull.verify)?;
    let config = async {
        if let Some(config) = &pieces.config {
            fetch.config(config).await?;
        }
        Ok::<_, Error>(())
    };
    let layers = async {
        if let Content::Image(image) = manifest.content() {
            if options.soci || image.annotations.contains_key(INDEX_DIGEST) {
                let digest = manifest.digest(Algorithm::Sha256);
                let place = (client, repository, &digest);
                return soci::layers(place, image, (options, &limit)).await;
            }
            layers(client, repository, image, (options, &limit)).await
        } else {
            // Schema 1 has no annotations.
            let layers = stream::iter(pieces.layers.iter());
            let fetched = layers.map(|it| fetch.layer(it));
            let fetched = fetched.buffer_unordered(habits.parallel.get());
            fetched.try_for_each(async |_| Ok(())).await
        }
    };
    match habits.config {
        ConfigOrder::First => {
            config.await?;
            layers.await
        }
        ConfigOrder::Last => {
            layers.await?;
            config.await
        }
        ConfigOrder::Among | ConfigOrder::Beside => {
            futures_util::future::try_join(config, layers).await?;
            Ok(())
        }
    }
}

async fn layers(
    client: &Client,
    repository: &RepositoryName,
    image: &ImageManifest,
    (options, limit): (&LazyOptions, &Semaphore),
) -> Result<(), Error> {
    let (mut mounts, mut at_once) = (Vec::new(), Vec::new());
    for (place, descriptor) in image.distributed_layers().enumerate() {
        let layer = LazyLayer {
            client,
            repository,
            descriptor: descriptor?,
            place,
            options,
        };
        let annotations = &layer.descriptor.annotations;
        if annotations.contains_key(estargz::TOC_DIGEST) {
            mounts.push(layer);
        } else {
            let is_chunked = annotations.contains_key(zstd_format::MANIFEST_DIGEST);
            at_once.push((layer, is_chunked));
        }
    }
    let parallel = client.habits().pull.parallel.get();
    let at_once = stream::iter(at_once).map(async |(layer, is_chunked): (LazyLayer<'_>, bool)| {
        if is_chunked {
            zstd_chunked::fetch(layer, limit).await
        } else {
            layer.whole(limit).await
        }
    });
    let at_once = at_once.buffer_unordered(parallel);
    at_once.try_for_each(async |()| Ok(())).await?;
    let mounts = stream::iter(mounts).map(Mounted::new);
    let mut mounts: Vec<Mounted<'_>> = mounts.buffered(MOUNTS).try_collect().await?;
    for mounted in &mut mounts {
        mounted.read().await?;
    }
    if options.background {
        let fetched = stream::iter(mounts).map(Mounted::fetch_rest);
        let fetched = fetched.buffer_unordered(BACKGROUND);
        fetched.try_for_each(async |()| Ok(())).await?;
    }
    Ok(())
}
