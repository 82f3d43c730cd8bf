//! An OCI image layout that is being filled.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::partial_blob::PartialBlob;
use crate::content::oci_layout::REF_NAME;
use crate::oci::{Content, Descriptor, Digest, ImageIndex, Manifest, MediaType};

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// An OCI layout directory. Images are added to those that are there.
#[derive(Debug)]
pub struct LayoutWriter {
    root: PathBuf,
}

impl LayoutWriter {
    /// Opens a layout, or prepares a new or empty directory to become one.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] when the directory holds something else.
    pub fn create(root: &Path) -> Result<Self, StoreError> {
        Self::check(root)?;
        let writer = Self {
            root: root.to_owned(),
        };
        for directory in ["blobs/.partial", "blobs/sha256"] {
            create_directory(&root.join(directory))?;
        }
        Ok(writer)
    }

    /// Looks whether a directory may become a layout: it is one, or it is empty, or there is none. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] when it holds something else.
    pub fn check(root: &Path) -> Result<(), StoreError> {
        let is_ours = root.join("oci-layout").is_file() || root.join("blobs/.partial").is_dir();
        if is_ours || is_empty(root).map_err(|error| write_error(root, error))? {
            Ok(())
        } else {
            Err(StoreError::Occupied(root.to_owned()))
        }
    }

    /// Where a blob is, once it is there.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        let algorithm = digest.algorithm().name();
        self.root
            .join("blobs")
            .join(algorithm)
            .join(digest.to_hex())
    }

    /// Is the blob there? Its digest was checked before it got its name, so only the size is looked at.
    pub fn has(&self, descriptor: &Descriptor) -> bool {
        fs::metadata(self.blob_path(&descriptor.digest))
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() == descriptor.size)
    }

    /// The manifest of an image in a layout, if there is one and the image is in it with all of its blobs. Changes nothing.
    pub fn image(root: &Path, manifest: &Digest) -> Option<Descriptor> {
        let layout = Self {
            root: root.to_owned(),
        };
        let raw = fs::read(layout.blob_path(manifest)).ok()?;
        let manifest = Manifest::parse(raw.into(), None).ok()?;
        let Content::Image(image) = manifest.content() else {
            return None;
        };
        let layers = image.layers.iter();
        let mut blobs = layers
            .filter(|layer| !layer.media_type.is_foreign_layer())
            .chain([&image.config]);
        blobs
            .all(|blob| layout.has(blob))
            .then(|| manifest.descriptor())
    }

    /// Begins a blob, or goes on with one that was interrupted.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process writes it.
    pub fn begin_blob(&self, descriptor: &Descriptor) -> Result<PartialBlob, StoreError> {
        let digest = &descriptor.digest;
        let part = format!("{}-{}", digest.algorithm(), digest.to_hex());
        let target = self.blob_path(digest);
        if let Some(directory) = target.parent() {
            create_directory(directory)?;
        }
        let part = self.root.join("blobs/.partial").join(part);
        PartialBlob::open(part, target, *digest, Some(descriptor.size))
    }

    /// Adds a manifest, as it is, and gives its descriptor.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn add_manifest(&self, manifest: &Manifest) -> Result<Descriptor, StoreError> {
        let descriptor = manifest.descriptor();
        replace(&self.blob_path(&descriptor.digest), manifest.raw())?;
        Ok(descriptor)
    }

    /// Names an image in `index.json`, beside those that are there. One of the same name is replaced.
    ///
    /// # Errors
    /// [`StoreError::Index`] when there is an `index.json` that is none.
    pub fn finish(self, image: Descriptor, name: Option<&str>) -> Result<(), StoreError> {
        let path = self.root.join("index.json");
        let mut index = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| StoreError::Index {
                path: path.clone(),
                source,
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => empty_index(),
            Err(error) => return Err(write_error(&path, error)),
        };
        let mut image = image;
        if let Some(name) = name {
            image.annotations.insert(REF_NAME.into(), name.into());
        }
        index.manifests.retain(|other| {
            let other_name = other.annotations.get(REF_NAME);
            match name {
                Some(name) => other_name.is_none_or(|other| other != name),
                None => other_name.is_some() || other.digest != image.digest,
            }
        });
        index.manifests.push(image);
        let bytes = serde_json::to_vec(&index).map_err(|source| StoreError::Index {
            path: path.clone(),
            source,
        })?;
        replace(&path, &bytes)?;
        replace(&self.root.join("oci-layout"), LAYOUT.as_bytes())?;
        // Other blobs may still be unfinished there; then it stays.
        let _ = fs::remove_dir(self.root.join("blobs/.partial"));
        Ok(())
    }
}

fn empty_index() -> ImageIndex {
    ImageIndex {
        schema_version: 2,
        media_type: Some(MediaType::OciIndex),
        artifact_type: None,
        manifests: Vec::new(),
        subject: None,
        annotations: BTreeMap::new(),
    }
}

pub(super) fn write_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Write {
        path: path.to_owned(),
        source,
    }
}

pub(super) fn create_directory(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|error| write_error(path, error))
}

/// A directory without entries, or nothing at all.
pub(in crate::content) fn is_empty(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Writes a whole file; whoever reads it sees the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    create_directory(directory)?;
    let failed = |error| write_error(path, error);
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(directory)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
