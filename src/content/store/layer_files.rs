//! A directory of layers: one file for each, named in their order.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::layout_writer::{create_directory, replace, write_error};
use super::partial_blob::PartialBlob;
use crate::oci::{Algorithm, Content, Digest, Manifest, MediaType};

const MANIFEST: &str = "manifest.json";
const CONFIG: &str = "config.json";

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
    /// Looks whether a directory may hold the files of some image: every name in it is one of theirs. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Stranger`] names a file of something else.
    pub fn check(root: &Path) -> Result<(), StoreError> {
        refuse_strangers(root, is_layer_name)
    }

    /// Prepares a directory for the files of an image. Those that are there must be of this image.
    ///
    /// A schema 1 manifest has layers, but no config.
    ///
    /// # Errors
    /// [`StoreError::Stranger`] names a file of something else; [`StoreError::NoLayers`] for an index.
    pub fn create(root: &Path, manifest: &Manifest) -> Result<Self, StoreError> {
        let (layers, config): (Vec<_>, _) = match manifest.content() {
            Content::Index(_) => return Err(StoreError::NoLayers),
            Content::Image(image) => (
                image
                    .layers
                    .iter()
                    .map(|layer| (layer.digest, suffix(&layer.media_type)))
                    .collect(),
                Some(image.config.digest),
            ),
            Content::Schema1(schema1) => (
                schema1
                    .layers_bottom_first()
                    .into_iter()
                    .map(|digest| (digest, ".tar.gz"))
                    .collect(),
                None,
            ),
        };
        let mut files = BTreeMap::new();
        let mut copies = Vec::new();
        let mut place = |digest, path| match files.entry(digest) {
            Entry::Vacant(entry) => {
                entry.insert(path);
            }
            Entry::Occupied(_) => copies.push((digest, path)),
        };
        let width = layers.len().to_string().len().max(2);
        for (index, (digest, suffix)) in layers.into_iter().enumerate() {
            let name = format!("{:0width$}-{}{suffix}", index + 1, digest.short());
            place(digest, root.join(name));
        }
        if let Some(digest) = config {
            place(digest, root.join(CONFIG));
        }
        let own = Self {
            root: root.to_owned(),
            files,
            copies,
        };
        refuse_strangers(root, |name| own.names().any(|it| it == name))?;
        create_directory(root)?;
        Ok(own)
    }

    /// Every name that the image may have in the directory.
    fn names(&self) -> impl Iterator<Item = OsString> {
        let copies = self.copies.iter().map(|(_, path)| path);
        let places = self.files.values().chain(copies);
        places
            .filter_map(|path| path.file_name().map(ToOwned::to_owned))
            .chain(self.files.keys().map(|digest| part_name(digest).into()))
            .chain([MANIFEST.into()])
    }

    /// Where a blob of the image is, once it is there; none for a digest that the manifest does not have.
    pub fn blob_path(&self, digest: &Digest) -> Option<&Path> {
        self.files.get(digest).map(PathBuf::as_path)
    }

    /// The layers, the bottom one first; one that stands twice is here twice.
    pub fn layers(&self) -> Vec<PathBuf> {
        let copies = self.copies.iter().map(|(_, path)| path);
        let all: BTreeSet<_> = self.files.values().chain(copies).collect();
        // The names begin with the place, all of the same width.
        let layers = all.into_iter().filter(|path| !path.ends_with(CONFIG));
        layers.cloned().collect()
    }

    /// Is the blob there? Its digest was checked before it got its name, so only the size, if known, is looked at.
    pub fn has(&self, digest: &Digest, size: Option<u64>) -> bool {
        self.blob_path(digest)
            .and_then(|path| fs::metadata(path).ok())
            .is_some_and(|metadata| {
                metadata.is_file() && size.is_none_or(|size| metadata.len() == size)
            })
    }

    /// Begins a blob of the image, or goes on with one that was interrupted if its size is known.
    ///
    /// # Errors
    /// [`StoreError::NotInManifest`]; [`StoreError::Busy`] when another process writes it.
    pub fn begin_blob(
        &self,
        digest: &Digest,
        size: Option<u64>,
    ) -> Result<PartialBlob, StoreError> {
        let target = self
            .files
            .get(digest)
            .ok_or(StoreError::NotInManifest(*digest))?;
        let part = self.root.join(part_name(digest));
        PartialBlob::open(part, target.clone(), *digest, size)
    }

    /// Writes the manifest as it is, and the files of layers that stand twice.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn finish(self, manifest: &Manifest) -> Result<(), StoreError> {
        for (digest, copy) in &self.copies {
            // A layer that registries do not distribute is not there, however often it stands.
            if let Some(file) = self.files.get(digest).filter(|file| file.exists()) {
                fs::copy(file, copy).map_err(|error| write_error(copy, error))?;
            }
        }
        replace(&self.root.join(MANIFEST), manifest.raw())
    }
}

fn part_name(digest: &Digest) -> String {
    format!(".{}-{}.partial", digest.algorithm(), digest.to_hex())
}

/// What [`LayerFiles`] may have named so, for any image.
fn is_layer_name(name: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_part = || {
        let (algorithm, hex) = name
            .strip_prefix('.')
            .and_then(|name| name.strip_suffix(".partial"))
            .and_then(|name| name.split_once('-'))?;
        let known = [Algorithm::Sha256, Algorithm::Sha512].map(Algorithm::name);
        (known.contains(&algorithm) && is_hex(hex)).then_some(())
    };
    let is_layer = || {
        let (place, rest) = name.split_once('-')?;
        let (short, _) = rest.split_once('.')?;
        let is_place = place.len() >= 2 && place.bytes().all(|byte| byte.is_ascii_digit());
        (is_place && short.len() == 12 && is_hex(short)).then_some(())
    };
    [MANIFEST, CONFIG].contains(&name) || is_part().is_some() || is_layer().is_some()
}

/// Refuses a directory that holds something else. The temporary name of a file that an
/// interruption left is ours, too.
fn refuse_strangers(root: &Path, is_own: impl Fn(&str) -> bool) -> Result<(), StoreError> {
    let failed = |error| write_error(root, error);
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let is_own = name
            .to_str()
            .is_some_and(|name| is_own(name) || name.starts_with(".tmp"));
        if !is_own {
            return Err(StoreError::Stranger {
                directory: root.to_owned(),
                entry: name.to_string_lossy().into_owned(),
            });
        }
    }
    Ok(())
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
