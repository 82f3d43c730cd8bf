//! One image: what a push sends, in order.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::blob::Blob;
use crate::oci::{Descriptor, Digest, Manifest};

/// An image, or an index with its images. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Image(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    manifest: Manifest,
    descriptor: Descriptor, // of `manifest`
    layers: Vec<Blob>,      // bottom first, each digest once
    config: Option<Blob>,   // none in an index
    children: Vec<Image>,   // of an index, each digest once
    name: Option<Box<str>>,
}

impl Image {
    /// Makes an image of one manifest. A repeated layer is kept once.
    pub(super) fn single(manifest: Manifest, mut layers: Vec<Blob>, config: Blob) -> Self {
        let mut seen = BTreeSet::new();
        layers.retain(|layer| seen.insert(layer.descriptor().digest));
        Self::new(Inner {
            descriptor: manifest.descriptor(),
            manifest,
            layers,
            config: Some(config),
            children: Vec::new(),
            name: None,
        })
    }

    /// Makes an index of images. A repeated child is kept once.
    pub(super) fn index(manifest: Manifest, mut children: Vec<Self>) -> Self {
        let mut seen = BTreeSet::new();
        children.retain(|child| seen.insert(child.descriptor().digest));
        Self::new(Inner {
            descriptor: manifest.descriptor(),
            manifest,
            layers: Vec::new(),
            config: None,
            children,
            name: None,
        })
    }

    fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Returns the same image with a name.
    pub(super) fn named(&self, name: Option<&str>) -> Self {
        let inner = &*self.0;
        Self::new(Inner {
            manifest: inner.manifest.clone(),
            descriptor: inner.descriptor.clone(),
            layers: inner.layers.clone(),
            config: inner.config.clone(),
            children: inner.children.clone(),
            name: name.map(Into::into),
        })
    }

    /// The manifest, with its exact bytes.
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// The descriptor of the manifest.
    pub fn descriptor(&self) -> &Descriptor {
        &self.0.descriptor
    }

    /// The layers to send, the bottom one first, each digest once, without layers that are not distributed.
    pub fn layers(&self) -> &[Blob] {
        &self.0.layers
    }

    /// The config. An index has none.
    pub fn config(&self) -> Option<&Blob> {
        self.0.config.as_ref()
    }

    /// The blobs to send before the manifest: the layers, then the config, each digest once.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        let is_layer = |blob: &&Blob| {
            self.layers()
                .iter()
                .any(|layer| layer.descriptor().digest == blob.descriptor().digest)
        };
        self.layers()
            .iter()
            .chain(self.config().filter(move |config| !is_layer(config)))
    }

    /// The images of an index, each once. They are sent before the index.
    pub fn children(&self) -> &[Self] {
        &self.0.children
    }

    /// Its name in the source: a tag of `docker save` or the reference name of an OCI layout.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The bytes of all blobs and manifests, including the children. Shared content counts once.
    pub fn total_bytes(&self) -> u64 {
        fn add(image: &Image, seen: &mut BTreeSet<Digest>) -> u64 {
            let own = image
                .blobs()
                .map(Blob::descriptor)
                .chain([image.descriptor()])
                .filter(|descriptor| seen.insert(descriptor.digest))
                .map(|descriptor| descriptor.size)
                .sum::<u64>();
            own + image
                .children()
                .iter()
                .map(|child| add(child, seen))
                .sum::<u64>()
        }
        add(self, &mut BTreeSet::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Frames, SyntheticSet};

    #[test]
    fn threads_may_share_content() {
        const fn shared<T: Clone + Send + Sync + 'static>() {}
        const fn sent<T: Send + 'static>() {}
        shared::<Blob>();
        shared::<Image>();
        shared::<SyntheticSet>();
        sent::<Frames>();
    }
}
