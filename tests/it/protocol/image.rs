//! An image made of given bytes, a peer or a registry that has it, and a store that keeps what is pulled of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use bytes::Bytes;
use regstorm::client::{BlobSlot, Error, PullOptions, Pulled, PulledImage, Store, pull};
use regstorm::embedded::{Fault, Running, Settings};
use regstorm::oci::{Digest, ImageName, MediaType, Platform, Verify};
use regstorm::registry::{BlobSink, Wanted};

use super::user::{User, name, registry, tag};

/// The type of its manifest.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An image of the repository `a`, tagged `t`.
pub(crate) struct Image {
    pub(crate) config: Bytes,
    pub(crate) layers: Vec<Bytes>,
    pub(crate) manifest: Bytes,
}

impl Image {
    pub(crate) fn of(config: Bytes, layers: Vec<Bytes>) -> Self {
        let part = |kind: &str, bytes: &[u8]| {
            let (digest, size) = (Digest::sha256(bytes), bytes.len());
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{digest}","size":{size}}}"#
            )
        };
        let described: Vec<String> = layers
            .iter()
            .map(|layer| part("layer.v1.tar+gzip", layer))
            .collect();
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
            part("config.v1+json", &config),
            described.join(",")
        );
        Self {
            config,
            layers,
            manifest: manifest.into(),
        }
    }

    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Bytes> {
        self.layers.iter().chain([&self.config])
    }

    /// The blob at a path.
    pub(crate) fn blob(&self, target: &str) -> Option<&Bytes> {
        let mut blobs = self.blobs();
        blobs.find(|it| target.ends_with(&Digest::sha256(it).to_string()))
    }

    /// A registry that has it.
    pub(crate) fn site(&self, faults: Vec<Fault>) -> Running {
        let site = registry(Settings {
            faults,
            ..Settings::default()
        });
        for blob in self.blobs() {
            let put = site.put_blob(&name("a"), blob.clone());
            put.expect("room for it");
        }
        let kind = MediaType::from(MANIFEST);
        let put = site.put_manifest(&reference(), &kind, self.manifest.clone());
        put.expect("room for it");
        site
    }
}

fn reference() -> ImageName {
    ImageName {
        repository: name("a"),
        reference: tag("t"),
    }
}

/// Pulls the image, and checks all of it.
pub(crate) async fn pulled(user: &User, store: &dyn Store) -> Result<PulledImage, Error> {
    let options = PullOptions {
        verify: Verify::Digest,
        platform: Platform::linux_amd64(),
    };
    match pull(&user.client, &reference(), &options, store).await? {
        Pulled::Image(image) => Ok(*image),
        Pulled::UpToDate(digest) => panic!("{digest} is said to be here"),
    }
}

/// Keeps what comes, by digest.
#[derive(Default, Clone)]
pub(crate) struct Kept(Rc<RefCell<BTreeMap<Digest, Vec<u8>>>>);

struct Slot {
    kept: Kept,
    digest: Digest,
    bytes: Vec<u8>,
}

impl Kept {
    /// How many blobs there are.
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Holds what is here against what should be: every blob of an image.
    pub(crate) fn assert_whole(&self, image: &Image) {
        for blob in image.blobs() {
            let here = self.0.borrow().get(&Digest::sha256(blob)).cloned();
            assert_eq!(here.as_deref(), Some(&blob[..]), "{} bytes", blob.len());
        }
    }
}

impl Store for Kept {
    fn slot(&self, wanted: &Wanted) -> io::Result<Option<Box<dyn BlobSlot>>> {
        Ok(Some(Box::new(Slot {
            kept: self.clone(),
            digest: wanted.digest,
            bytes: Vec::new(),
        })))
    }
}

impl BlobSink for Slot {
    fn restart(&mut self, _: regstorm::registry::Restart) -> io::Result<()> {
        self.bytes.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

impl BlobSlot for Slot {
    fn commit(self: Box<Self>) -> io::Result<()> {
        self.kept.0.borrow_mut().insert(self.digest, self.bytes);
        Ok(())
    }
}
