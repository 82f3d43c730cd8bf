//! OCI image layouts: `oci-layout`, `index.json`, and blobs by digest.

use crate::oci::{Content, Descriptor, Entry, ImageIndex, ImageManifest, Manifest, Unusable};

use super::blob::Blob;
use super::candidate::{Candidate, Listed};
use super::error::ContentError;
use super::image::Image;
use super::loader::{Loader, verify};
use super::region::Region;
use super::root::{Root, read_document};

/// The annotation that names an image in `index.json`.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation in which containerd, and Docker with its store, put the whole name; `ref.name` is then the tag
/// alone.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// The deepest nesting of indexes: no real image is deeper.
const MAX_DEPTH: usize = 8;
/// The most images of one index.
const MAX_CHILDREN: usize = 1000;

/// The images that `index.json` lists, each digest once under all of its names.
pub(super) fn candidates(root: &Root, index: &[u8]) -> Result<Vec<Candidate>, ContentError> {
    let index: ImageIndex = serde_json::from_slice(index).map_err(|source| ContentError::Json {
        name: root.label("index.json"),
        kind: "OCI image index",
        source,
    })?;
    let mut candidates: Vec<Candidate> = Vec::new();
    for (place, entry) in index.manifests.into_iter().enumerate() {
        if candidates.len() >= MAX_CHILDREN {
            return Err(ContentError::TooMany {
                name: root.label("index.json"),
                limit: MAX_CHILDREN,
            });
        }
        let names = names(&entry);
        let digest = entry.digest().ok();
        let same = candidates.iter_mut().find(|it| {
            let known = it.oci.as_ref().and_then(|it| it.entry.digest().ok());
            digest.is_some() && known == digest
        });
        match same {
            Some(candidate) => candidate.names.extend(names),
            None => candidates.push(Candidate {
                names,
                oci: Some(Listed { entry, place }),
                docker: None,
            }),
        }
    }
    Ok(candidates)
}

fn names(entry: &Entry) -> Vec<String> {
    [CONTAINERD_NAME, REF_NAME]
        .iter()
        .filter_map(|key| entry.annotation(key).map(ToOwned::to_owned))
        .filter(|name| !name.is_empty())
        .collect()
}

/// Loads the image or index of an entry of `index.json`.
pub(super) fn load(loader: &mut Loader, listed: &Listed) -> Result<Image, ContentError> {
    let referrer = loader.root.label("index.json");
    let descriptor = listed.entry.descriptor().map_err(|error| {
        let place = format!("entry {}", listed.place + 1);
        ContentError::entry(
            &referrer,
            Unusable {
                place: place.into(),
                error: error.clone(),
            },
        )
    })?;
    let Some(wanted) = loader.options.platform.clone() else {
        return load_at(loader, descriptor, &referrer, 0);
    };
    let name = blob_name(&loader.root, descriptor);
    let no_such = |platforms| ContentError::NoSuchPlatform {
        name: name.clone(),
        wanted: wanted.to_string(),
        platforms,
    };
    if let Some(offered) = &descriptor.platform
        && wanted.rank(offered).is_none()
    {
        return Err(no_such(vec![offered.to_string()]));
    }
    match manifest(loader, descriptor, &referrer)?.content() {
        Content::Index(index) => {
            let closest = index.closest(&wanted);
            let (place, child) = closest.ok_or_else(|| no_such(index.platforms()))?;
            let child = child.descriptor();
            let child =
                child.map_err(|error| ContentError::entry(&name, index.unusable(place, error)))?;
            load_at(loader, child, &name, 0)
        }
        _ => load_at(loader, descriptor, &referrer, 0),
    }
}

fn load_at(
    loader: &mut Loader,
    descriptor: &Descriptor,
    referrer: &str,
    depth: usize,
) -> Result<Image, ContentError> {
    if let Some(image) = loader.images.get(&descriptor.digest) {
        return Ok(image.clone());
    }
    let manifest = manifest(loader, descriptor, referrer)?;
    let name = blob_name(&loader.root, descriptor);
    let image = match manifest.content() {
        Content::Image(image) => {
            let image = image.as_ref().clone();
            single(loader, manifest, &image, &name)?
        }
        Content::Index(index) => {
            if depth >= MAX_DEPTH || index.manifests.len() > MAX_CHILDREN {
                return Err(ContentError::TooMany {
                    name,
                    limit: MAX_CHILDREN,
                });
            }
            let children = index
                .manifests
                .iter()
                .enumerate()
                .map(|(place, child)| {
                    let child = child.descriptor();
                    let child = child.map_err(|error| {
                        ContentError::entry(&name, index.unusable(place, error))
                    })?;
                    load_at(loader, child, &name, depth + 1)
                })
                .collect::<Result<_, _>>()?;
            Image::index(manifest, children)
        }
        Content::Schema1(_) => return Err(ContentError::Schema1(name)),
    };
    loader.images.insert(descriptor.digest, image.clone());
    Ok(image)
}

fn single(
    loader: &mut Loader,
    manifest: Manifest,
    image: &ImageManifest,
    name: &str,
) -> Result<Image, ContentError> {
    let mut layers = Vec::new();
    for (place, entry) in image.layers.iter().enumerate() {
        if entry.is_foreign_layer() {
            let is_here = match entry.descriptor() {
                Ok(layer) => loader.root.find(&path(layer))?.is_some(),
                Err(_) => false,
            };
            if !is_here {
                continue;
            }
        }
        let layer = image
            .layer(place)
            .map_err(|why| ContentError::entry(name, why))?;
        layers.push(blob(loader, layer, name)?);
    }
    let config = image
        .config()
        .map_err(|why| ContentError::entry(name, why))?;
    let config = blob(loader, config, name)?;
    Ok(Image::single(manifest, layers, config))
}

fn manifest(
    loader: &Loader,
    descriptor: &Descriptor,
    referrer: &str,
) -> Result<Manifest, ContentError> {
    let region = loader.root.require(&path(descriptor), referrer)?;
    let raw = read_document(&region)?;
    verify(&region, descriptor)?;
    Manifest::parse(raw, Some(&descriptor.media_type)).map_err(|source| ContentError::Manifest {
        name: region.name().to_owned(),
        source,
    })
}

fn blob(
    loader: &mut Loader,
    descriptor: &Descriptor,
    referrer: &str,
) -> Result<Blob, ContentError> {
    if let Some(known) = loader.blobs.get(&descriptor.digest) {
        if known.size() == descriptor.size {
            return Ok(known.described_as(descriptor.clone()));
        }
        return Err(ContentError::SizeMismatch {
            name: blob_name(&loader.root, descriptor),
            expected: descriptor.size,
            found: known.size(),
        });
    }
    let region: Region = loader.root.require(&path(descriptor), referrer)?;
    let blob = verify(&region, descriptor)?;
    loader.blobs.insert(descriptor.digest, blob.clone());
    Ok(blob)
}

/// The path of a blob in a layout. The digest is well formed, so the path is.
pub(super) fn path(descriptor: &Descriptor) -> String {
    let digest = &descriptor.digest;
    format!("blobs/{}/{}", digest.algorithm(), digest.to_hex())
}

fn blob_name(root: &Root, descriptor: &Descriptor) -> String {
    root.label(&path(descriptor))
}

#[cfg(test)]
mod tests;
