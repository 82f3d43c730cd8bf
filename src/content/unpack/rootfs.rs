//! All layers of an image, applied over each other.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::UnpackError;
use super::layer::Applied;
use super::options::{UnpackOptions, Unpacked};
use super::padded::Padded;
use crate::content::blob::Blob;
use crate::content::compression::unpacked;
use crate::content::digesting::Digesting;
use crate::content::error::Mismatch;
use crate::content::image::Image;
use crate::content::metered::Metered;
use crate::content::root::MAX_DOCUMENT;
use crate::files::Directory;
use crate::oci::{Algorithm, Content, Digest, ImageConfig};

/// Unpacks an image into an empty directory.
///
/// # Errors
/// Returns [`UnpackError`], which names the layer. The directory is then empty again.
pub fn unpack(
    image: &Image,
    directory: &Directory,
    options: &UnpackOptions,
) -> Result<Unpacked, UnpackError> {
    let (Some(config), Content::Image(manifest)) = (image.config(), image.manifest().content())
    else {
        return Err(UnpackError::Index);
    };
    let diff_ids = read_config(config)?.rootfs.diff_ids;
    if diff_ids.len() != manifest.layers.len() {
        return Err(UnpackError::LayerCount {
            layers: manifest.layers.len(),
            diff_ids: diff_ids.len(),
        });
    }
    let layers = diff_ids.iter().enumerate().map(|(place, diff_id)| {
        let descriptor = manifest.layer(place)?;
        let mut blobs = image.layers().iter();
        let blob = blobs.find(|blob| blob.descriptor().digest == descriptor.digest);
        let blob = blob.ok_or(UnpackError::MissingLayer(descriptor.digest))?;
        Ok((blob.reader(), Some(diff_id)))
    });
    unpack_layers(layers, directory, options)
}

/// Unpacks layer files, the bottom one first, into an empty directory.
///
/// For images of schema 1, whose config has no digests of uncompressed layers. Verify the digests of the files
/// before.
///
/// # Errors
/// Returns [`UnpackError`], which names the layer. The directory is then empty again.
pub fn unpack_files(
    layers: Vec<File>,
    directory: &Directory,
    options: &UnpackOptions,
) -> Result<Unpacked, UnpackError> {
    let layers = layers.into_iter().map(|file| Ok((file, None)));
    unpack_layers(layers, directory, options)
}

fn unpack_layers<'a, R: Read>(
    layers: impl Iterator<Item = Result<(R, Option<&'a Digest>), UnpackError>>,
    directory: &Directory,
    options: &UnpackOptions,
) -> Result<Unpacked, UnpackError> {
    let write = |source| UnpackError::Write {
        path: directory.path().to_owned(),
        source,
    };
    if !directory.names(1).map_err(write)?.is_empty() {
        return Err(UnpackError::Occupied(directory.path().to_owned()));
    }
    let mut applied = Applied::new(directory.again().map_err(write)?, options);
    let all = move || {
        let mut left = options.max_bytes.get();
        for layer in layers {
            let (packed, diff_id) = layer?;
            applied.next_layer();
            left -= apply_layer(&mut applied, packed, diff_id, left)?;
            applied.report.layers += 1;
        }
        applied.finish()
    };
    let unpacked = all();
    if unpacked.is_err() {
        // A partial image is useless, and may have filled the disk. The first error is returned, not this one.
        let _ = directory.clear();
    }
    unpacked
}

/// Applies a layer of at most `limit` bytes, and returns its size.
fn apply_layer(
    applied: &mut Applied<'_>,
    packed: impl Read,
    diff_id: Option<&Digest>,
    limit: u64,
) -> Result<u64, UnpackError> {
    let packed = Stoppable {
        inner: packed,
        stop: applied.stop(),
    };
    let plain = unpacked(packed).map_err(|error| applied.read_error(error))?;
    let algorithm = diff_id.map_or(Algorithm::Sha256, Digest::algorithm);
    let (reader, allowance) = Metered::new(Digesting::new(plain, algorithm, limit));
    let mut tar = tar::Archive::new(Padded::new(reader));
    let mut entries = tar.entries().map_err(|error| applied.read_error(error))?;
    loop {
        allowance.headers_only();
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(|error| applied.read_error(error))?;
        allowance.everything();
        applied.apply(&mut entry)?;
        // Unread data is no header of the next entry. The holes of a sparse file are endless, though.
        if !entry.header().entry_type().is_gnu_sparse() {
            io::copy(&mut entry, &mut io::sink()).map_err(|error| applied.read_error(error))?;
        }
    }
    // The digest includes the padding after the last entry.
    allowance.everything();
    let mut rest = tar.into_inner().into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|error| applied.read_error(error))?;
    let (found, bytes) = rest.into_inner().finish();
    if let Some(diff_id) = diff_id.filter(|diff_id| **diff_id != found) {
        return Err(UnpackError::DiffId {
            layer: applied.layer(),
            digests: Mismatch::new(*diff_id, found),
        });
    }
    Ok(bytes)
}

fn read_config(config: &Blob) -> Result<ImageConfig, UnpackError> {
    if config.size() > MAX_DOCUMENT {
        return Err(UnpackError::Config(io::ErrorKind::FileTooLarge.into()));
    }
    let mut bytes = Vec::new();
    config
        .reader()
        .read_to_end(&mut bytes)
        .map_err(UnpackError::Config)?;
    ImageConfig::parse(&bytes).map_err(|error| UnpackError::Config(error.into()))
}

/// A reader that fails once unpacking is stopped.
struct Stoppable<R> {
    inner: R,
    stop: Arc<AtomicBool>,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped"));
        }
        self.inner.read(buffer)
    }
}
