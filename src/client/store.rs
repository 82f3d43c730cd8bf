//! Where a pulled image is stored.

use std::io;

use crate::oci::{Digest, Manifest};
use crate::registry::{BlobSink, Restart, Wanted};

/// Where a pulled image is stored.
pub trait Store {
    /// Returns `true` if all of the image with that manifest or index is here. A client that knows this from the reference
    /// sends no request.
    fn has(&self, _manifest: &Digest) -> bool {
        false
    }

    /// Takes a manifest: first the indexes in front of the image, then its own, all before any blob.
    ///
    /// # Errors
    /// Fails if it cannot be kept.
    fn manifest(&self, _manifest: &Manifest) -> io::Result<()> {
        Ok(())
    }

    /// Returns the slot to write a blob to; `None` if the blob is here already.
    ///
    /// # Errors
    /// Fails if there is no room for it.
    fn slot(&self, wanted: &Wanted) -> io::Result<Option<Box<dyn BlobSlot>>>;
}

/// The slot that a blob is written to.
pub trait BlobSlot: BlobSink {
    /// Adds the blob, complete and verified, to the store.
    ///
    /// # Errors
    /// Fails if it cannot be kept.
    fn commit(self: Box<Self>) -> io::Result<()>;
}

/// The store that discards everything: a load test measures the registry, not this machine's disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl Store for Discard {
    fn slot(&self, _: &Wanted) -> io::Result<Option<Box<dyn BlobSlot>>> {
        Ok(Some(Box::new(Self)))
    }
}

impl BlobSink for Discard {
    fn restart(&mut self, _: Restart) -> io::Result<()> {
        Ok(())
    }

    fn looks(&self) -> bool {
        false
    }

    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

impl BlobSlot for Discard {
    fn commit(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}
