//! What loading an image is given, and what is kept while images are loaded from one place.

use std::collections::BTreeMap;

use super::blob::Blob;
use super::compression::Packing;
use super::error::{ContentError, Mismatch};
use super::image::Image;
use super::region::Region;
use super::root::Root;
use super::spool::Spool;
use crate::oci::{Descriptor, Digest, Platform};
use crate::units::ByteSize;

/// What becomes of the uncompressed layers of a `docker save`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// They are compressed once, as `docker push` does, and always to the same bytes.
    #[default]
    Gzip,
    /// They are sent as they are, and declared as plain tar.
    Keep,
}

/// What to take from a file or directory, and how.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// For layers that are not compressed, when a manifest has to be made. An OCI layout is never changed.
    pub compression: Compression,
    /// Which image, when there are several: a tag as `docker save` wrote it, a reference name of an OCI layout, or the
    /// digest of a manifest.
    pub reference: Option<String>,
    /// One platform of an index. Without it the index is taken whole, attestations included.
    pub platform: Option<Platform>,
    /// The largest that a compressed archive, or a compressed layer of a `docker save`, may be uncompressed.
    pub max_unpacked: ByteSize,
}

impl Default for OpenOptions {
    /// Gzip; the only image; the whole index; at most 64 GiB.
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            reference: None,
            platform: None,
            max_unpacked: ByteSize::from_mib(64 << 10),
        }
    }
}

/// What is shared while images are loaded from one place.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) root: Root,
    pub(super) options: OpenOptions,
    pub(super) spool: Spool,
    /// Blobs whose bytes were checked.
    pub(super) blobs: BTreeMap<Digest, Blob>,
    /// Layers of a `docker save` that were checked, by the name of the file.
    pub(super) layers: BTreeMap<String, Layer>,
    /// Images of an OCI layout that were checked.
    pub(super) images: BTreeMap<Digest, Image>,
}

/// A layer that was read once.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) blob: Blob,
    pub(super) diff_id: Digest,
    pub(super) packing: Packing,
}

/// Hashes a file and compares.
pub(super) fn verify(region: &Region, descriptor: &Descriptor) -> Result<Blob, ContentError> {
    if region.size() != descriptor.size {
        return Err(ContentError::SizeMismatch {
            name: region.name().to_owned(),
            expected: descriptor.size,
            found: region.size(),
        });
    }
    let blob = Blob::from_file(descriptor.clone(), region.clone());
    let mut hasher = descriptor.digest.algorithm().hasher();
    blob.hash_into(&mut hasher)
        .map_err(|source| ContentError::Read {
            name: region.name().to_owned(),
            source,
        })?;
    let found = hasher.finish();
    if found != descriptor.digest {
        return Err(ContentError::DigestMismatch {
            name: region.name().to_owned(),
            digests: Mismatch::new(descriptor.digest, found),
        });
    }
    Ok(blob)
}
