//! An OCI image layout that is being written.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::error::{StoreError, write_error};
use super::partial_blob::PartialBlob;
use crate::content::oci_layout::REF_NAME;
use crate::content::root::MAX_DOCUMENT;
use crate::files::{Directory, Kind, Status};
use crate::oci::{Content, Descriptor, Digest, Manifest, MediaType};

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// The directory of partial blobs, below `blobs`.
const PARTIAL: &str = ".partial";

/// An OCI layout directory. Images are added to existing ones.
///
/// Everything in it is opened below the handle of its directory. Its directories may belong to this user or to the
/// owner of the layout, and must not be writable by everybody.
#[derive(Debug)]
pub struct LayoutWriter {
    root: Directory,
    blobs: Directory,
    parts: Rc<Directory>,
}

impl LayoutWriter {
    /// Opens a layout, or prepares a new or empty directory to become one.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] when the directory holds something else.
    pub fn create(root: &Path) -> Result<Self, StoreError> {
        Self::check(root)?;
        let root = Directory::create_all(root).map_err(|error| write_error(root, error))?;
        Self::within(root)
    }

    /// Opens or prepares a layout in a directory that was checked before.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn within(root: Directory) -> Result<Self, StoreError> {
        let blobs = part_of(&root, "blobs")?;
        part_of(&blobs, "sha256")?;
        let parts = Rc::new(part_of(&blobs, PARTIAL)?);
        Ok(Self { root, blobs, parts })
    }

    /// Checks whether a directory may become a layout: it is one, it is empty, or there is none. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] when it holds something else.
    pub fn check(root: &Path) -> Result<(), StoreError> {
        let failed = |error| write_error(root, error);
        let directory = match Directory::open(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        let is_layout = || -> io::Result<bool> {
            let file = directory.look("oci-layout")?;
            if file.is_some_and(|it| it.kind == Kind::File) {
                return Ok(true);
            }
            let blobs = directory.look("blobs")?;
            if blobs.is_none_or(|it| it.kind != Kind::Directory) {
                return Ok(directory.names(1)?.is_empty());
            }
            let parts = directory.child("blobs")?.look(PARTIAL)?;
            Ok(parts.is_some_and(|it| it.kind == Kind::Directory))
        };
        if is_layout().map_err(failed)? {
            Ok(())
        } else {
            Err(StoreError::Occupied(root.to_owned()))
        }
    }

    /// The path of a blob, once it is there.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blobs
            .path_of(digest.algorithm().name())
            .join(digest.to_hex())
    }

    /// Returns `true` if the blob is there. Its digest was checked before the file got its name, so only the size and the owner
    /// of the file are checked.
    pub fn has(&self, descriptor: &Descriptor) -> bool {
        has(&self.blobs, descriptor).unwrap_or(false)
    }

    /// Returns the manifest of an image in a layout, if the image is complete. Changes nothing.
    pub fn image(root: &Path, manifest: &Digest) -> Option<Descriptor> {
        let blobs = Directory::open(root).ok()?.child("blobs").ok()?;
        let directory = blobs.child(manifest.algorithm().name()).ok()?;
        let file = directory.open_file(manifest.to_hex()).ok()?;
        let mut raw = Vec::new();
        file.take(MAX_DOCUMENT).read_to_end(&mut raw).ok()?;
        let manifest = Manifest::parse(raw.into(), None).ok()?;
        let Content::Image(image) = manifest.content() else {
            return None;
        };
        let mut wanted = image.distributed_layers().chain([image.config()]);
        wanted
            .all(|blob| blob.is_ok_and(|blob| has(&blobs, blob).unwrap_or(false)))
            .then(|| manifest.descriptor())
    }

    /// Starts a blob, or resumes an interrupted one.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process writes it.
    pub fn begin_blob(&self, descriptor: &Descriptor) -> Result<PartialBlob, StoreError> {
        let digest = &descriptor.digest;
        let directory = part_of(&self.blobs, digest.algorithm().name())?;
        let target = (Rc::new(directory), digest.to_hex());
        let part = format!("{}-{}", digest.algorithm(), digest.to_hex());
        let part = (Rc::clone(&self.parts), part);
        PartialBlob::open(part, target, *digest, Some(descriptor.size))
    }

    /// Adds an unchanged manifest, and returns its descriptor.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn add_manifest(&self, manifest: &Manifest) -> Result<Descriptor, StoreError> {
        let descriptor = manifest.descriptor();
        let digest = &descriptor.digest;
        let directory = part_of(&self.blobs, digest.algorithm().name())?;
        replace(&directory, &digest.to_hex(), manifest.raw())?;
        Ok(descriptor)
    }

    /// Reads the existing `index.json`, or returns an empty one.
    fn index(&self, path: &Path) -> Result<Map<String, Value>, StoreError> {
        let failed = |error| write_error(path, error);
        let file = match self.root.open_file("index.json") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(empty_index()),
            opened => opened.map_err(failed)?,
        };
        let owner = self.root.status().map_err(failed)?.owner;
        let found = self.root.look("index.json").map_err(failed)?;
        found
            .map_or(Ok(()), |it| it.check_owned(owner))
            .map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(MAX_DOCUMENT)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        serde_json::from_slice(&bytes).map_err(|source| StoreError::Index {
            path: path.to_owned(),
            source,
        })
    }

    /// Names an image in `index.json`, in addition to existing ones. One of the same name is replaced.
    ///
    /// # Errors
    /// [`StoreError::Index`] when there is an `index.json` that is none.
    pub fn finish(self, image: Descriptor, name: Option<&str>) -> Result<(), StoreError> {
        let path = self.root.path_of("index.json");
        let invalid = |source| StoreError::Index {
            path: path.clone(),
            source,
        };
        // Edited in place: everything else in it, and in its entries, stays.
        let mut index = self.index(&path)?;
        let mut image = image;
        if let Some(name) = name {
            image.annotations.insert(REF_NAME.into(), name.into());
        }
        let manifests = index.entry("manifests").or_insert(Value::Null);
        let entries = Option::<Vec<Value>>::deserialize(manifests.take());
        let mut entries = entries.map_err(invalid)?.unwrap_or_default();
        entries.retain(|other| stays_beside(other, name, &image.digest));
        entries.push(serde_json::to_value(&image).map_err(invalid)?);
        *manifests = entries.into();
        let bytes = serde_json::to_vec(&index).map_err(invalid)?;
        replace(&self.root, "index.json", &bytes)?;
        replace(&self.root, "oci-layout", LAYOUT.as_bytes())?;
        // Other partial blobs may still be there; then it stays.
        let _ = self.blobs.remove_directory(PARTIAL);
        Ok(())
    }
}

/// Returns `true` if a blob of that size is among these, and no other user has put it there.
fn has(blobs: &Directory, descriptor: &Descriptor) -> io::Result<bool> {
    let digest = &descriptor.digest;
    let directory = blobs.child(digest.algorithm().name())?;
    let found = directory.look(digest.to_hex())?;
    Ok(found.is_some_and(|it| is_kept(&it, blobs) && it.size == descriptor.size))
}

fn empty_index() -> Map<String, Value> {
    let version = ("schemaVersion".to_owned(), Value::from(2));
    let media_type = Value::from(MediaType::OciIndex.as_str());
    Map::from_iter([version, ("mediaType".to_owned(), media_type)])
}

/// Returns `true` if an entry stays when an image of that name and digest is added.
fn stays_beside(other: &Value, name: Option<&str>, digest: &Digest) -> bool {
    let other_name = other.get("annotations").and_then(|it| it.get(REF_NAME));
    let other_name = other_name.and_then(Value::as_str);
    let other_digest = other.get("digest").and_then(Value::as_str);
    match name {
        Some(name) => other_name.is_none_or(|other| other != name),
        None => other_name.is_some() || other_digest != Some(digest.to_string().as_str()),
    }
}

/// Opens or makes a directory of a layout.
fn part_of(directory: &Directory, name: &str) -> Result<Directory, StoreError> {
    let part = directory.part(name);
    part.map_err(|error| write_error(&directory.path_of(name), error))
}

/// Returns `true` for a file of this user or of the owner of its directory that is not writable by everybody.
pub(super) fn is_kept(found: &Status, directory: &Directory) -> bool {
    let owner = directory.status().map(|it| it.owner);
    found.kind == Kind::File && owner.is_ok_and(|owner| found.check_owned(owner).is_ok())
}

/// Writes a whole file; readers see the old one or the new one.
pub(super) fn replace(directory: &Directory, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    directory
        .replace(name, 0o644, |file| file.write_all(bytes))
        .map_err(|error| write_error(&directory.path_of(name), error))
}
