//! A directory of layers: one file for each, named in their order.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::layout_writer::{create_directory, replace, write_error};
use super::partial_blob::PartialBlob;
use crate::oci::{Descriptor, Digest, ImageManifest, Manifest, MediaType};

/// A directory with `manifest.json`, `config.json` and `01-<digest>.tar.gz` and so on, the bottom layer first.
///
/// The names are made from the manifest; nothing that a registry says becomes part of a path, but hex digits.
#[derive(Debug)]
pub struct LayerFiles {
    root: PathBuf,
    files: BTreeMap<Digest, PathBuf>,
    copies: Vec<(Digest, PathBuf)>, // a layer that stands twice
}

impl LayerFiles {
    /// Prepares a directory, new or not, for the files of an image.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn create(root: &Path, manifest: &ImageManifest) -> Result<Self, StoreError> {
        create_directory(root)?;
        let mut files = BTreeMap::new();
        let mut copies = Vec::new();
        let mut place = |digest, path| match files.entry(digest) {
            Entry::Vacant(entry) => {
                entry.insert(path);
            }
            Entry::Occupied(_) => copies.push((digest, path)),
        };
        let width = manifest.layers.len().to_string().len().max(2);
        for (index, layer) in manifest.layers.iter().enumerate() {
            let (short, suffix) = (layer.digest.short(), suffix(&layer.media_type));
            let name = format!("{:0width$}-{short}{suffix}", index + 1);
            place(layer.digest, root.join(name));
        }
        place(manifest.config.digest, root.join("config.json"));
        Ok(Self {
            root: root.to_owned(),
            files,
            copies,
        })
    }

    /// Where a blob of the image is, once it is there; none for a digest that the manifest does not have.
    pub fn blob_path(&self, digest: &Digest) -> Option<&Path> {
        self.files.get(digest).map(PathBuf::as_path)
    }

    /// Is the blob there? Its digest was checked before it got its name, so only the size is looked at.
    pub fn has(&self, descriptor: &Descriptor) -> bool {
        self.blob_path(&descriptor.digest)
            .and_then(|path| fs::metadata(path).ok())
            .is_some_and(|metadata| metadata.is_file() && metadata.len() == descriptor.size)
    }

    /// Begins a blob of the image, or goes on with one that was interrupted.
    ///
    /// # Errors
    /// [`StoreError::NotInManifest`]; [`StoreError::Busy`] when another process writes it.
    pub fn begin_blob(&self, descriptor: &Descriptor) -> Result<PartialBlob, StoreError> {
        let digest = &descriptor.digest;
        let target = self
            .files
            .get(digest)
            .ok_or(StoreError::NotInManifest(*digest))?;
        let part = format!(".{}-{}.partial", digest.algorithm(), digest.to_hex());
        PartialBlob::open(self.root.join(part), target.clone(), descriptor)
    }

    /// Writes the manifest as it is, and the files of layers that stand twice.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn finish(self, manifest: &Manifest) -> Result<(), StoreError> {
        for (digest, copy) in &self.copies {
            if let Some(file) = self.files.get(digest) {
                fs::copy(file, copy).map_err(|error| write_error(copy, error))?;
            }
        }
        replace(&self.root.join("manifest.json"), manifest.raw())
    }
}

/// What people's tools expect of a file of that type.
fn suffix(media_type: &MediaType) -> &'static str {
    match media_type {
        MediaType::OciLayer | MediaType::OciForeignLayer | MediaType::DockerLayer => ".tar",
        MediaType::OciLayerGzip
        | MediaType::OciForeignLayerGzip
        | MediaType::DockerLayerGzip
        | MediaType::DockerForeignLayerGzip => ".tar.gz",
        MediaType::OciLayerZstd => ".tar.zst",
        MediaType::OciConfig | MediaType::DockerConfig | MediaType::OciEmpty => ".json",
        _ => ".blob",
    }
}
