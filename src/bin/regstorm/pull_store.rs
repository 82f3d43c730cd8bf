//! Where `regstorm pull` puts an image while it comes: an OCI layout, or a file for each layer.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use regstorm::client::{BlobSlot, Store};
use regstorm::content::{LayerFiles, LayoutWriter, PartialBlob, StoreError};
use regstorm::oci::{Content, Descriptor, Digest, Hasher, ImageIndex, Manifest, MediaType, Tag};
use regstorm::registry::{BlobSink, Restart, Wanted};

use crate::blob_progress::BlobProgress;
use crate::staging::Staging;

/// Where the files of an image go, and what they look like.
#[derive(Clone)]
pub(crate) enum Form {
    /// An OCI layout in this directory; schema 1 cannot be in it.
    Layout(PathBuf),
    /// A file for each layer, and the manifest, in this directory.
    Layers(PathBuf),
    /// An OCI layout if it can be one, else a file for each layer: something to unpack.
    Either(Rc<Staging>),
}

/// A directory that fills with an image.
pub(crate) struct PullStore {
    form: Form,
    filling: RefCell<Option<Filling>>, // there once the manifest has come
    index: RefCell<Option<ImageIndex>>, // that led to the image
    left_out: Cell<usize>,
    progress: Rc<BlobProgress>,
}

enum Filling {
    Layout(LayoutWriter),
    Layers(LayerFiles),
}

/// What an image has become.
pub(crate) enum Kept {
    /// An OCI layout, with this image in it.
    Layout(Box<Descriptor>),
    /// These files, the bottom layer first, where they are to be unpacked.
    Layers(Vec<File>),
}

/// An image that an OCI layout cannot hold.
#[derive(Debug, thiserror::Error)]
#[error(
    "this is an image of the old schema 1, whose digest is not that of its bytes: an OCI layout cannot hold it; \
     pull it with --layers or --unpack"
)]
struct NoLayout;

impl PullStore {
    /// A store whose directory is looked at and not changed until the manifest comes.
    pub(crate) fn open(form: Form, progress: Rc<BlobProgress>) -> Result<Self, StoreError> {
        match &form {
            Form::Layout(root) => LayoutWriter::check(root)?,
            Form::Layers(root) => LayerFiles::check(root)?,
            // It was looked at when it was found.
            Form::Either(_) => {}
        }
        Ok(Self {
            form,
            filling: RefCell::default(),
            index: RefCell::default(),
            left_out: Cell::default(),
            progress,
        })
    }

    /// `true` if the image is one of several for different platforms.
    pub(crate) fn was_chosen(&self) -> bool {
        self.index.borrow().is_some()
    }

    /// Layers that registries do not distribute, and which are missing here.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out.get()
    }

    /// Completes what was filled, under a name if there is one.
    pub(crate) fn finish(self, manifest: &Manifest, tag: Option<&Tag>) -> io::Result<Kept> {
        match self.filling.into_inner() {
            Some(Filling::Layers(files)) => {
                files.finish(manifest).map_err(io::Error::other)?;
                let layers = match self.form {
                    Form::Either(_) => files.open_layers().map_err(io::Error::other)?,
                    Form::Layout(_) | Form::Layers(_) => Vec::new(),
                };
                Ok(Kept::Layers(layers))
            }
            Some(Filling::Layout(layout)) => {
                let mut descriptor = layout.add_manifest(manifest).map_err(io::Error::other)?;
                let index = self.index.into_inner();
                descriptor.platform = index.and_then(|index| {
                    let mut entries = index.manifests.into_iter();
                    let found = entries.find(|it| it.digest() == Ok(&descriptor.digest));
                    found?.platform().cloned()
                });
                layout
                    .finish(descriptor.clone(), tag.map(Tag::as_str))
                    .map_err(io::Error::other)?;
                Ok(Kept::Layout(Box::new(descriptor)))
            }
            None => Err(io::Error::other(StoreError::NoLayers)),
        }
    }

    fn fill(&self, manifest: &Manifest) -> io::Result<Filling> {
        let is_schema1 = matches!(manifest.content(), Content::Schema1(_));
        let filling = match &self.form {
            Form::Layout(_) if is_schema1 => return Err(io::Error::other(NoLayout)),
            Form::Layout(root) => LayoutWriter::create(root).map(Filling::Layout),
            Form::Layers(root) => LayerFiles::create(root, manifest).map(Filling::Layers),
            Form::Either(staging) => {
                let root = staging.image()?;
                if is_schema1 {
                    LayerFiles::within(root, manifest).map(Filling::Layers)
                } else {
                    LayoutWriter::within(root).map(Filling::Layout)
                }
            }
        };
        filling.map_err(io::Error::other)
    }

    /// Counts what is to come.
    fn announce(&self, manifest: &Manifest) {
        let mut seen = BTreeSet::new();
        let mut bytes = 0_u64;
        match manifest.content() {
            Content::Index(_) => {}
            Content::Schema1(schema1) => seen.extend(schema1.layers_bottom_first()),
            Content::Image(image) => {
                let foreign = image.layers.iter().filter(|it| it.is_foreign_layer());
                self.left_out.set(foreign.count());
                // One that cannot be used ends the pull soon.
                let layers = image.distributed_layers().flatten();
                for blob in image.config().into_iter().chain(layers) {
                    if seen.insert(blob.digest) {
                        // The sizes are only promised so far, and may be any.
                        bytes = bytes.saturating_add(blob.size);
                    }
                }
            }
        }
        self.progress.expect(seen.len(), bytes);
    }
}

impl PullStore {
    /// Gives an image that is here a name.
    pub(crate) fn name(&self, manifest: &Digest, tag: &Tag) -> io::Result<()> {
        let Form::Layout(root) = &self.form else {
            return Ok(());
        };
        let Some(image) = LayoutWriter::image(root, manifest) else {
            return Ok(());
        };
        LayoutWriter::create(root)
            .and_then(|layout| layout.finish(image, Some(tag.as_str())))
            .map_err(io::Error::other)
    }
}

impl Store for PullStore {
    /// Only layouts keep manifests under their digests.
    fn has(&self, manifest: &Digest) -> bool {
        matches!(&self.form, Form::Layout(root) if LayoutWriter::image(root, manifest).is_some())
    }

    fn manifest(&self, manifest: &Manifest) -> io::Result<()> {
        if let Content::Index(index) = manifest.content() {
            *self.index.borrow_mut() = Some(index.as_ref().clone());
            return Ok(());
        }
        let filling = self.fill(manifest)?;
        *self.filling.borrow_mut() = Some(filling);
        self.announce(manifest);
        Ok(())
    }

    fn slot(&self, wanted: &Wanted) -> io::Result<Option<Box<dyn BlobSlot>>> {
        let filling = self.filling.borrow();
        let filling = filling.as_ref();
        let filling = filling.ok_or_else(|| io::Error::other(StoreError::NoLayers))?;
        let (digest, size) = (wanted.digest, wanted.size);
        let Some(part) = filling.begin(&digest, size).map_err(io::Error::other)? else {
            self.progress.done(&digest, size, "already here");
            return Ok(None);
        };
        self.progress.begin(&digest, size, part.offset());
        Ok(Some(Box::new(Slot {
            part: Some(part),
            wanted: *wanted,
            progress: Rc::clone(&self.progress),
        })))
    }
}

impl Filling {
    /// A blob to be written, unless it is there.
    fn begin(&self, digest: &Digest, size: Option<u64>) -> Result<Option<PartialBlob>, StoreError> {
        // An interruption may have come between the last byte and the name. There is nothing left to ask for then;
        // and if the bytes are wrong, they are gone now.
        for _ in 0..2 {
            match self.part(digest, size)? {
                Some(part) if part.is_complete() => match part.commit() {
                    Ok(()) => return Ok(None),
                    Err(StoreError::DigestMismatch(_)) => {}
                    Err(error) => return Err(error),
                },
                part => return Ok(part),
            }
        }
        self.part(digest, size)
    }

    fn part(&self, digest: &Digest, size: Option<u64>) -> Result<Option<PartialBlob>, StoreError> {
        match (self, size) {
            (Self::Layers(files), _) if files.has(digest, size) => Ok(None),
            (Self::Layers(files), _) => files.begin_blob(digest, size).map(Some),
            (Self::Layout(layout), Some(size)) => {
                let blob =
                    Descriptor::new(MediaType::from("application/octet-stream"), *digest, size);
                if layout.has(&blob) {
                    return Ok(None);
                }
                layout.begin_blob(&blob).map(Some)
            }
            // Only schema 1 has no sizes, and it is not in a layout.
            (Self::Layout(_), None) => Err(StoreError::NotInManifest(*digest)),
        }
    }
}

/// A blob that comes. The part hashes what is written to the disk and will not give a name to the wrong bytes, so
/// that nobody needs to hash them a second time on the way.
struct Slot {
    part: Option<PartialBlob>, // until it is committed
    wanted: Wanted,
    progress: Rc<BlobProgress>,
}

impl Slot {
    fn part(&mut self) -> io::Result<&mut PartialBlob> {
        let closed = || io::Error::other("the blob is closed");
        self.part.as_mut().ok_or_else(closed)
    }
}

impl BlobSink for Slot {
    fn resume(&mut self) -> Option<(u64, Hasher)> {
        let part = self.part.as_ref()?;
        // The hash of what is here stays with the part.
        Some((part.offset(), self.wanted.digest.algorithm().hasher()))
    }

    fn restart(&mut self, why: Restart) -> io::Result<()> {
        self.progress.restart(&self.wanted.digest, why);
        self.part()?.restart().map_err(io::Error::other)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.progress.came(&self.wanted.digest, bytes.len() as u64);
        self.part()?.write(bytes).map_err(io::Error::other)
    }
}

impl BlobSlot for Slot {
    fn commit(mut self: Box<Self>) -> io::Result<()> {
        if let Some(part) = self.part.take() {
            part.commit().map_err(io::Error::other)?;
        }
        let Wanted { digest, size, .. } = self.wanted;
        self.progress.done(&digest, size, "fetched");
        Ok(())
    }
}
