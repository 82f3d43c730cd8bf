//! The output of `docker save` and of compatible tools: `manifest.json`, a config, layers.
//!
//! Only `manifest.json` has the order of the layers. There is no registry manifest in it, so one is made: over the
//! unchanged config, and over the layers with the right media types for the bytes sent.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;

use super::blob::Blob;
use super::candidate::{Candidate, Item};
use super::compression::{Packing, unpacked};
use super::digesting::Digesting;
use super::error::{ContentError, Mismatch};
use super::image::Image;
use super::loader::{Compression, Layer, Loader};
use super::region::Region;
use super::root::{Root, read_document};
use crate::oci::{Algorithm, Descriptor, Digest, ImageConfig, ImageManifest, Manifest, MediaType};
use crate::units::ByteSize;

/// Docker's own limit is 127.
const MAX_LAYERS: usize = 1000;
/// The most images of one archive.
const MAX_IMAGES: usize = 1000;

/// Adds the images of `manifest.json`, and joins them with those of the OCI layout beside it.
pub(super) fn add_candidates(
    root: &Root,
    saved: &[u8],
    candidates: &mut Vec<Candidate>,
) -> Result<(), ContentError> {
    let name = || root.label("manifest.json");
    let items: Vec<Value> = serde_json::from_slice(saved).map_err(|source| ContentError::Json {
        name: name(),
        kind: "list of images as `docker save` writes it",
        source,
    })?;
    if items.len() > MAX_IMAGES {
        return Err(ContentError::TooMany {
            name: name(),
            limit: MAX_IMAGES,
        });
    }
    let only_one = candidates.len() == 1 && items.len() == 1;
    for item in items.iter().enumerate().map(Item::read) {
        let tags = item.repo_tags.clone();
        let same = candidates.iter_mut().find(|it| {
            it.docker.is_none() && (only_one || tags.iter().any(|tag| it.is_called(tag)))
        });
        match same {
            Some(candidate) => {
                candidate.names.retain(|name| !tags.contains(name));
                candidate.names.splice(0..0, tags);
                candidate.docker = Some(item);
            }
            None => candidates.push(Candidate {
                names: tags,
                oci: None,
                docker: Some(item),
            }),
        }
    }
    Ok(())
}

/// Makes the image that an entry of `manifest.json` describes.
pub(super) fn load(loader: &mut Loader, item: &Item) -> Result<Image, ContentError> {
    let referrer = loader.root.label("manifest.json");
    let (config_name, paths) = item.parts(&referrer)?;
    let region = loader.root.require(config_name, &referrer)?;
    let raw = read_document(&region)?;
    let digest = Digest::sha256(&raw);
    check_name(config_name, digest, &region)?;
    let config = ImageConfig::parse(&raw).map_err(|source| ContentError::Json {
        name: region.name().to_owned(),
        kind: "image config",
        source,
    })?;
    check_platform(loader, &config, region.name())?;
    if paths.len() > MAX_LAYERS {
        return Err(ContentError::TooMany {
            name: referrer,
            limit: MAX_LAYERS,
        });
    }
    let diff_ids = &config.rootfs.diff_ids;
    if paths.len() != diff_ids.len() {
        return Err(ContentError::LayerCount {
            name: config_name.to_owned(),
            layers: paths.len(),
            diff_ids: diff_ids.len(),
        });
    }
    let mut layers = Vec::with_capacity(paths.len());
    for (index, (path, diff_id)) in paths.iter().zip(diff_ids).enumerate() {
        let region = loader.root.require(path, &referrer)?;
        let layer = layer(loader, &region)?;
        if layer.diff_id != *diff_id {
            return Err(ContentError::DiffId {
                layer: index + 1,
                name: region.name().to_owned(),
                digests: Mismatch::new(*diff_id, layer.diff_id),
            });
        }
        layers.push(layer);
    }
    Ok(assemble(&raw, digest, layers))
}

/// Docker has no media type for zstd layers; an image with one is an OCI image.
fn assemble(config: &bytes::Bytes, digest: Digest, layers: Vec<Layer>) -> Image {
    let is_oci = layers.iter().any(|layer| layer.packing == Packing::Zstd);
    let (manifest_type, config_type) = if is_oci {
        (MediaType::OciManifest, MediaType::OciConfig)
    } else {
        (MediaType::DockerManifest, MediaType::DockerConfig)
    };
    let blobs: Vec<Blob> = layers
        .into_iter()
        .map(|layer| {
            let media_type = match (layer.packing, is_oci) {
                (Packing::Plain, false) => MediaType::DockerLayer,
                (Packing::Plain, true) => MediaType::OciLayer,
                (Packing::Gzip, false) => MediaType::DockerLayerGzip,
                (Packing::Gzip, true) => MediaType::OciLayerGzip,
                (Packing::Zstd, _) => MediaType::OciLayerZstd,
            };
            let Descriptor { digest, size, .. } = *layer.blob.descriptor();
            layer
                .blob
                .described_as(Descriptor::new(media_type, digest, size))
        })
        .collect();
    let descriptor = Descriptor::new(config_type, digest, config.len() as u64);
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: Some(manifest_type.clone()),
        artifact_type: None,
        config: descriptor.clone().into(),
        layers: blobs
            .iter()
            .map(|blob| blob.descriptor().clone().into())
            .collect(),
        subject: None,
        annotations: BTreeMap::new(),
    };
    Image::single(
        Manifest::from_image(&manifest, manifest_type),
        blobs,
        Blob::from_memory(descriptor, config.clone()),
    )
}

/// Reads a layer, compresses it if need be, and determines its digests.
fn layer(loader: &mut Loader, region: &Region) -> Result<Layer, ContentError> {
    if let Some(layer) = loader.layers.get(region.name()) {
        return Ok(layer.clone());
    }
    let failed = |source| ContentError::Read {
        name: region.name().to_owned(),
        source,
    };
    let packing = Packing::sniff(region.head().map_err(failed)?);
    // The type and the digest are not known yet; this descriptor is not used.
    let unknown = Descriptor::new(MediaType::DockerLayer, Digest::sha256(b""), region.size());
    let bytes = Blob::from_file(unknown, region.clone());
    let layer = if packing == Packing::Plain && loader.options.compression == Compression::Gzip {
        let packed = loader.spool.gzip(bytes.reader(), region.name())?;
        let size = packed.region.size();
        let descriptor = Descriptor::new(MediaType::DockerLayerGzip, packed.digest, size);
        Layer {
            blob: Blob::from_file(descriptor, packed.region).packed_from(packed.diff_id),
            diff_id: packed.diff_id,
            packing: Packing::Gzip,
        }
    } else {
        let mut hasher = Algorithm::Sha256.hasher();
        bytes.hash_into(&mut hasher).map_err(failed)?;
        let digest = hasher.finish();
        let diff_id = match packing {
            Packing::Plain => digest,
            Packing::Gzip | Packing::Zstd => {
                unpacked_digest(&bytes, region.name(), loader.options.max_unpacked)?
            }
        };
        let descriptor = Descriptor::new(MediaType::DockerLayer, digest, region.size());
        Layer {
            blob: Blob::from_file(descriptor, region.clone()),
            diff_id,
            packing,
        }
    };
    loader
        .layers
        .insert(region.name().to_owned(), layer.clone());
    Ok(layer)
}

/// No byte is kept; the limit is for small layers that unpack for ever.
fn unpacked_digest(packed: &Blob, name: &str, limit: ByteSize) -> Result<Digest, ContentError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::FileTooLarge => ContentError::TooLarge {
            name: format!("{name}, uncompressed,"),
            limit,
        },
        _ => ContentError::Read {
            name: name.to_owned(),
            source,
        },
    };
    let plain = unpacked(packed.reader()).map_err(failed)?;
    let mut plain = Digesting::new(plain, Algorithm::Sha256, limit.get());
    io::copy(&mut plain, &mut io::sink()).map_err(failed)?;
    Ok(plain.finish().0)
}

/// Checks the name of a config: if it is a digest, it has to be the right one.
fn check_name(path: &str, found: Digest, region: &Region) -> Result<(), ContentError> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let hex = file.strip_suffix(".json").unwrap_or(file);
    let hex = hex.strip_prefix("sha256:").unwrap_or(hex);
    match format!("sha256:{hex}").parse::<Digest>() {
        Ok(expected) if expected != found => Err(ContentError::DigestMismatch {
            name: region.name().to_owned(),
            digests: Mismatch::new(expected, found),
        }),
        _ => Ok(()),
    }
}

fn check_platform(loader: &Loader, config: &ImageConfig, name: &str) -> Result<(), ContentError> {
    match (&loader.options.platform, &config.platform) {
        (Some(wanted), Some(offered)) if wanted.rank(offered).is_none() => {
            Err(ContentError::NoSuchPlatform {
                name: name.to_owned(),
                wanted: wanted.to_string(),
                platforms: vec![offered.to_string()],
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
