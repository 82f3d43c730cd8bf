//! A blob that is being written.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::rc::Rc;

use super::error::{StoreError, write_error};
use crate::content::FRAME_SIZE;
use crate::content::error::Mismatch;
use crate::files::Directory;
use crate::oci::{Digest, Hasher};

/// A name in a directory that is held open.
type Name = (Rc<Directory>, String);

/// A blob that may be incomplete.
///
/// Dropping it keeps the bytes; the next one for the same digest resumes there.
#[derive(Debug)]
pub struct PartialBlob {
    file: File, // positioned at its end; locked
    part: Name,
    target: Name,
    digest: Digest,
    size: Option<u64>, // what the manifest says; schema 1 says nothing
    hasher: Hasher,    // has seen `offset` bytes
    offset: u64,       // <= size
}

impl PartialBlob {
    /// Opens the existing part, which must be ours, or an empty one. Reads it to compute its hash.
    ///
    /// Without a size, a part cannot be told from the whole: it starts anew.
    pub(super) fn open(
        (directory, name): Name,
        target: Name,
        digest: Digest,
        size: Option<u64>,
    ) -> Result<Self, StoreError> {
        let path = || directory.path_of(&name);
        let failed = |source| write_error(&path(), source);
        let file = directory.resume_file(&name).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(path())),
            // Some network file systems have no locks; two writers then produce a wrong digest.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut part = Self {
            hasher: digest.algorithm().hasher(),
            digest,
            size,
            offset: 0,
            file,
            part: (directory, name),
            target,
        };
        part.resume()?;
        Ok(part)
    }

    fn resume(&mut self) -> Result<(), StoreError> {
        let length = self
            .file
            .metadata()
            .map_err(|error| self.failed(error))?
            .len();
        if self.size.is_none_or(|size| length > size) {
            return self.restart();
        }
        let mut buffer = vec![0; FRAME_SIZE];
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    self.hasher.update(&buffer[..length]);
                    self.offset += length as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// The number of bytes that are there: the start of a `Range` request.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns `true` if all bytes of the size in the manifest are there, so that no request is needed.
    pub fn is_complete(&self) -> bool {
        self.size == Some(self.offset)
    }

    /// Drops the bytes, for a server that starts from the beginning.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn restart(&mut self) -> Result<(), StoreError> {
        self.file.set_len(0).map_err(|error| self.failed(error))?;
        self.hasher = self.digest.algorithm().hasher();
        self.offset = 0;
        Ok(())
    }

    /// Appends the next bytes.
    ///
    /// # Errors
    /// Returns [`StoreError::TooLong`] if there are more than in the manifest; none of them is written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if let Some(expected) = self.size
            && bytes.len() as u64 > expected - self.offset
        {
            return Err(StoreError::TooLong {
                digest: self.digest,
                expected,
            });
        }
        // The hash has exactly the bytes on the disk, even if the disk fills up in between.
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(self.failed(io::ErrorKind::WriteZero.into())),
                Ok(length) => {
                    self.hasher.update(&rest[..length]);
                    self.offset += length as u64;
                    rest = &rest[length..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    /// Checks size and digest, and gives the blob its name.
    ///
    /// # Errors
    /// [`StoreError::TooShort`]: the part is kept. [`StoreError::DigestMismatch`]: it is removed, because more bytes
    /// cannot make it right.
    pub fn commit(self) -> Result<(), StoreError> {
        let digest = self.digest;
        if let Some(expected) = self.size.filter(|size| self.offset < *size) {
            return Err(StoreError::TooShort {
                digest,
                expected,
                found: self.offset,
            });
        }
        let found = self.hasher.clone().finish();
        let (directory, name) = &self.part;
        if found != digest {
            directory
                .remove_file(name)
                .map_err(|error| self.failed(error))?;
            return Err(StoreError::DigestMismatch(Mismatch::new(digest, found)));
        }
        let (target, final_name) = &self.target;
        directory
            .rename(name, target, final_name)
            .map_err(|error| write_error(&target.path_of(final_name), error))
    }

    fn failed(&self, source: io::Error) -> StoreError {
        let (directory, name) = &self.part;
        write_error(&directory.path_of(name), source)
    }
}
