//! Where a pulled image goes, as the caller says.

use std::io;

use crate::oci::{Digest, Manifest};
use crate::registry::{BlobSink, Restart, Wanted};

/// Where a pulled image goes.
pub trait Store {
    /// Returns `true` if all of the image with that manifest or index is here. A client that knows this from the reference
    /// sends no request.
    fn has(&self, _manifest: &Digest) -> bool {
        false
    }

    /// Takes a manifest: those that lead to the image first, its own last, all before any blob.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn manifest(&self, _manifest: &Manifest) -> io::Result<()> {
        Ok(())
    }

    /// A place for a blob; `None` when the blob is here already.
    ///
    /// # Errors
    /// When there can be no such place.
    fn slot(&self, wanted: &Wanted) -> io::Result<Option<Box<dyn BlobSlot>>>;
}

/// A place that a blob is written to.
pub trait BlobSlot: BlobSink {
    /// Makes the blob, complete and checked, part of the store.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn commit(self: Box<Self>) -> io::Result<()>;
}

/// The store that throws everything away: a load test measures the registry, not this machine's disk.
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
