//! The options of loading an image, and the state that images of one source share.

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

/// How uncompressed layers of a `docker save` are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Compressed once, as `docker push` does, and always to the same bytes.
    #[default]
    Gzip,
    /// Unchanged, and declared as plain tar.
    Keep,
}

/// Options of opening a file or directory.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// For uncompressed layers, if a manifest has to be made. An OCI layout is never changed.
    pub compression: Compression,
    /// The image, if there are several: a tag of `docker save`, a reference name of an OCI layout, or the digest of a
    /// manifest.
    pub reference: Option<String>,
    /// One platform of an index. Without it the whole index is taken, including attestations.
    pub platform: Option<Platform>,
    /// The limit of uncompressed archives, and of uncompressed layers of a `docker save`.
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

/// The state that images of one source share.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) root: Root,
    pub(super) options: OpenOptions,
    pub(super) spool: Spool,
    /// Verified blobs.
    pub(super) blobs: BTreeMap<Digest, Blob>,
    /// Verified layers of a `docker save`, by file name.
    pub(super) layers: BTreeMap<String, Layer>,
    /// Verified images of an OCI layout.
    pub(super) images: BTreeMap<Digest, Image>,
}

/// A layer that was read once.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) blob: Blob,
    pub(super) diff_id: Digest,
    pub(super) packing: Packing,
}

/// Verifies the size and the digest of a file.
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
