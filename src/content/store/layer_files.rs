//! A directory of layers: one file for each, named in their order.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::error::{StoreError, write_error};
use super::layout_writer::{is_kept, replace};
use super::partial_blob::PartialBlob;
use crate::files::Directory;
use crate::oci::{Algorithm, Content, Digest, Manifest, MediaType};

const MANIFEST: &str = "manifest.json";
const CONFIG: &str = "config.json";

/// A directory with `manifest.json`, `config.json` and `01-<digest>.tar.gz` and so on, the bottom layer first.
///
/// The names are made from the manifest. No text of a registry becomes part of a path, apart from hex digits.
#[derive(Debug)]
pub struct LayerFiles {
    root: Rc<Directory>,
    files: BTreeMap<Digest, String>, // by name
    copies: Vec<(Digest, String)>,   // a layer that stands twice
}

impl LayerFiles {
    /// Checks whether a directory may hold the files of an image: it has no other names. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Stranger`] names a file of something else.
    pub fn check(root: &Path) -> Result<(), StoreError> {
        match Directory::open(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(write_error(root, error)),
            Ok(directory) => refuse_strangers(&directory, is_layer_name),
        }
    }

    /// Prepares a directory for the files of an image. Existing files must be of this image.
    ///
    /// A schema 1 manifest has layers, but no config.
    ///
    /// # Errors
    /// [`StoreError::Stranger`] names a file of something else; [`StoreError::NoLayers`] for an index.
    pub fn create(root: &Path, manifest: &Manifest) -> Result<Self, StoreError> {
        if let Content::Index(_) = manifest.content() {
            return Err(StoreError::NoLayers);
        }
        let root = Directory::create_all(root).map_err(|error| write_error(root, error))?;
        Self::within(root, manifest)
    }

    /// Prepares an open directory for the files of an image.
    ///
    /// # Errors
    /// As [`LayerFiles::create`].
    pub fn within(root: Directory, manifest: &Manifest) -> Result<Self, StoreError> {
        let (layers, config): (Vec<_>, _) = match manifest.content() {
            Content::Index(_) => return Err(StoreError::NoLayers),
            Content::Image(image) => (
                image
                    .layers
                    .iter()
                    .flat_map(|layer| layer.descriptor())
                    .map(|layer| (layer.digest, suffix(&layer.media_type)))
                    .collect(),
                image.config.digest().ok().copied(),
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
        let mut place = |digest, name| match files.entry(digest) {
            Entry::Vacant(entry) => {
                entry.insert(name);
            }
            Entry::Occupied(_) => copies.push((digest, name)),
        };
        let width = layers.len().to_string().len().max(2);
        for (index, (digest, suffix)) in layers.into_iter().enumerate() {
            let name = format!("{:0width$}-{}{suffix}", index + 1, digest.short());
            place(digest, name);
        }
        if let Some(digest) = config {
            place(digest, CONFIG.to_owned());
        }
        let own = Self {
            root: Rc::new(root),
            files,
            copies,
        };
        refuse_strangers(&own.root, |name| own.names().any(|it| it == name))?;
        Ok(own)
    }

    /// All names of the image in the directory.
    fn names(&self) -> impl Iterator<Item = String> {
        let copies = self.copies.iter().map(|(_, name)| name);
        let names = self.files.values().chain(copies).cloned();
        names
            .chain(self.files.keys().map(part_name))
            .chain([MANIFEST.to_owned()])
    }

    /// The path of a blob, once it is there; `None` for a digest that is not in the manifest.
    pub fn blob_path(&self, digest: &Digest) -> Option<PathBuf> {
        self.files.get(digest).map(|name| self.root.path_of(name))
    }

    /// The names of the layers, the bottom one first; a repeated layer has two names.
    fn layer_names(&self) -> impl Iterator<Item = &String> {
        let copies = self.copies.iter().map(|(_, name)| name);
        let all: BTreeSet<_> = self.files.values().chain(copies).collect();
        // The names start with the position, all of the same width.
        all.into_iter().filter(|name| *name != CONFIG)
    }

    /// Opens the layers, the bottom one first.
    ///
    /// # Errors
    /// [`StoreError::Write`] names the one that cannot be opened.
    pub fn open_layers(&self) -> Result<Vec<File>, StoreError> {
        let open = |name: &String| {
            let opened = self.root.open_file(name);
            opened.map_err(|error| write_error(&self.root.path_of(name), error))
        };
        self.layer_names().map(open).collect()
    }

    /// Returns `true` if the blob is there. Its digest was checked before the file got its name, so only the size, if known,
    /// and the owner of the file are checked.
    pub fn has(&self, digest: &Digest, size: Option<u64>) -> bool {
        let found = self.files.get(digest).map(|name| self.root.look(name));
        let Some(Ok(Some(found))) = found else {
            return false;
        };
        is_kept(&found, &self.root) && size.is_none_or(|size| found.size == size)
    }

    /// Starts a blob of the image, or resumes an interrupted one if its size is known.
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
        let target = (Rc::clone(&self.root), target.clone());
        let part = (Rc::clone(&self.root), part_name(digest));
        PartialBlob::open(part, target, *digest, size)
    }

    /// Writes the unchanged manifest, and the files of repeated layers.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn finish(&self, manifest: &Manifest) -> Result<(), StoreError> {
        for (digest, copy) in &self.copies {
            // A layer that registries do not distribute is missing, however often it is listed.
            if let Some(name) = self.files.get(digest) {
                self.copy(name, copy)
                    .map_err(|error| write_error(&self.root.path_of(copy), error))?;
            }
        }
        replace(&self.root, MANIFEST, manifest.raw())
    }

    fn copy(&self, name: &str, copy: &str) -> io::Result<()> {
        let mut from = match self.root.open_file(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        self.root.replace(copy, 0o644, |to| {
            io::copy(&mut from, to)?;
            Ok(())
        })
    }
}

fn part_name(digest: &Digest) -> String {
    format!(".{}-{}.partial", digest.algorithm(), digest.to_hex())
}

/// Returns `true` for a name that [`LayerFiles`] gives to files of any image.
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

/// Refuses a directory that holds other files. A temporary file that an interruption left is ours, too.
/// interruption left is ours, too.
fn refuse_strangers(root: &Directory, is_own: impl Fn(&str) -> bool) -> Result<(), StoreError> {
    let names = root.names(usize::MAX);
    for name in names.map_err(|error| write_error(root.path(), error))? {
        let is_own = name.to_str().is_some_and(|name| {
            let is_temporary = [".regstorm-", ".tmp"].iter().any(|it| name.starts_with(it));
            is_own(name) || is_temporary
        });
        if !is_own {
            return Err(StoreError::Stranger {
                directory: root.path().to_owned(),
                entry: name.to_string_lossy().into_owned(),
            });
        }
    }
    Ok(())
}

/// The usual file extension of that type.
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
