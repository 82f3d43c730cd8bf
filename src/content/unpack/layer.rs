//! One layer over those below it: files, links, whiteouts.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{File, FileTimes, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use super::error::UnpackError;
use super::options::{UnpackOptions, Unpacked};
use super::tree::{Missing, Tree, leads_to};
use crate::content::FRAME_SIZE;
use crate::content::archive::is_pax_sparse;
use crate::files::{Directory, Kind};
use crate::units::ByteSize;

/// Linux' limit of a path.
const MAX_NAME: usize = 4096;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// The names that aufs kept for itself in its directories.
const AUFS: &[u8] = b".wh..wh.";

/// The file system so far.
#[derive(Debug)]
pub(super) struct Applied<'a> {
    tree: Tree,
    options: &'a UnpackOptions,
    pub(super) report: Unpacked,
    layer: usize,            // counted from 1; for messages
    ours: BTreeSet<PathBuf>, // what this layer made
    // Set at the end: directories without write permission could not be filled.
    directories: BTreeMap<PathBuf, Attributes>,
}

#[derive(Debug, Clone, Copy)]
struct Attributes {
    mode: u32,
    mtime: u64, // seconds since 1970
}

type Entry<'a, R> = tar::Entry<'a, R>;

impl<'a> Applied<'a> {
    pub(super) fn new(root: Directory, options: &'a UnpackOptions) -> Self {
        Self {
            tree: Tree::new(root),
            options,
            report: Unpacked::default(),
            layer: 0,
            ours: BTreeSet::new(),
            directories: BTreeMap::new(),
        }
    }

    /// Starts the next layer.
    pub(super) fn next_layer(&mut self) {
        self.layer += 1;
        self.ours.clear();
    }

    pub(super) const fn layer(&self) -> usize {
        self.layer
    }

    /// Applies one entry of the layer.
    pub(super) fn apply<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<(), UnpackError> {
        self.check_stop()?;
        self.report.entries += 1;
        // One name of 4 KiB may go through two thousand directories.
        if self.report.entries + self.tree.implied() > self.options.max_entries {
            return Err(UnpackError::TooMany(self.options.max_entries));
        }
        let name = entry.path_bytes().into_owned();
        let parts = self.parts(&name)?;
        let Some((last, parents)) = parts.split_last() else {
            return Ok(()); // the top itself; the directory is the user's
        };
        if last.as_bytes().starts_with(WHITEOUT) {
            return self.whiteout(parents, last.as_bytes(), &name);
        }
        let parent = self
            .tree
            .directory(parents, Missing::Create)?
            .expect("missing directories are created");
        let path = parent.join(last);
        self.count_skipped(entry);
        match entry.header().entry_type() {
            tar::EntryType::Directory => self.directory(&path, entry)?,
            tar::EntryType::Symlink => self.symlink(&path, entry)?,
            tar::EntryType::Link => self.hard_link(&path, entry, &name)?,
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
                self.file(&path, entry, &name)?;
            }
            tar::EntryType::Char | tar::EntryType::Block | tar::EntryType::Fifo => {
                self.report.devices_skipped += 1;
                self.remove(&path)?;
            }
            _ => return Ok(()), // a record about the archive
        }
        self.ours.insert(path);
        Ok(())
    }

    /// Returns the components of a name. A name with `..` is refused, though it would not be followed.
    fn parts<'n>(&self, name: &'n [u8]) -> Result<Vec<&'n OsStr>, UnpackError> {
        let parts: Vec<&OsStr> = name
            .split(|byte| *byte == b'/')
            .filter(|part| !matches!(*part, b"" | b"."))
            .map(OsStr::from_bytes)
            .collect();
        if name.len() > MAX_NAME || parts.contains(&OsStr::new("..")) {
            return Err(self.escape(name));
        }
        Ok(parts)
    }

    fn escape(&self, name: &[u8]) -> UnpackError {
        UnpackError::Escape {
            layer: self.layer,
            name: printable(name),
        }
    }

    /// Applies a whiteout: it hides entries of the layers below; those of this layer stay.
    fn whiteout(
        &mut self,
        parents: &[&OsStr],
        last: &[u8],
        name: &[u8],
    ) -> Result<(), UnpackError> {
        let hidden = &last[WHITEOUT.len()..];
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(self.escape(name));
        }
        if last.starts_with(AUFS) && last != OPAQUE {
            return Ok(());
        }
        self.report.whiteouts += 1;
        let Some(parent) = self.tree.directory(parents, Missing::Stop)? else {
            return Ok(());
        };
        if last == OPAQUE {
            return self.tree.clear(&parent, &self.ours);
        }
        let path = parent.join(OsStr::from_bytes(hidden));
        if leads_to(&path, &self.ours) {
            self.tree.clear(&path, &self.ours)
        } else {
            self.remove(&path)
        }
    }

    fn directory<R: Read>(&mut self, path: &Path, entry: &Entry<'_, R>) -> Result<(), UnpackError> {
        if !self.tree.has_directory(path)? {
            self.remove(path)?;
            self.tree.make_directory(path)?;
        }
        let attributes = self.attributes(entry)?;
        self.directories.insert(path.to_owned(), attributes);
        Ok(())
    }

    fn file<R: Read>(
        &mut self,
        path: &Path,
        entry: &mut Entry<'_, R>,
        name: &[u8],
    ) -> Result<(), UnpackError> {
        let layer = self.layer;
        let read = |source| UnpackError::Read { layer, source };
        if is_pax_sparse(entry).map_err(read)? {
            return Err(UnpackError::Sparse {
                layer,
                name: printable(name),
            });
        }
        let attributes = self.attributes(entry)?;
        self.remove(path)?;
        let file = self.tree.make_file(path)?;
        let size = self.fill(&file, path, entry)?;
        // A hole at the end was skipped like any other.
        file.set_len(size).map_err(self.tree.failed(path))?;
        give(&file, attributes, 0o777).map_err(self.tree.failed(path))?;
        self.report.files += 1;
        Ok(())
    }

    /// Copies the bytes of an entry without blocks of zeros: a hole of the archive is one of the file.
    fn fill<R: Read>(
        &mut self,
        file: &File,
        path: &Path,
        entry: &mut Entry<'_, R>,
    ) -> Result<u64, UnpackError> {
        // An entry that is known to be too large is not started. Holes count: a few bytes can describe terabytes.
        self.allow(entry.size())?;
        let length = FRAME_SIZE.min(usize::try_from(entry.size()).unwrap_or(FRAME_SIZE));
        let mut buffer = vec![0; length];
        let mut offset = 0;
        loop {
            self.check_stop()?;
            let length = match entry.read(&mut buffer) {
                Ok(0) => return Ok(offset),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.read_error(error)),
            };
            self.allow(length as u64)?;
            self.report.bytes += length as u64;
            write_sparse(file, &buffer[..length], offset).map_err(self.tree.failed(path))?;
            offset += length as u64;
        }
    }

    /// Fails if so many more bytes are too many.
    fn allow(&self, bytes: u64) -> Result<(), UnpackError> {
        let limit = self.options.max_bytes;
        if self.report.bytes.saturating_add(bytes) > limit.get() {
            return Err(UnpackError::TooLarge(limit));
        }
        Ok(())
    }

    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.options.stop)
    }

    fn check_stop(&self) -> Result<(), UnpackError> {
        if self.options.is_stopped() {
            return Err(UnpackError::Stopped);
        }
        Ok(())
    }

    fn symlink<R: Read>(&mut self, path: &Path, entry: &Entry<'_, R>) -> Result<(), UnpackError> {
        self.remove(path)?;
        let target = entry.link_name_bytes().unwrap_or_default();
        self.tree.symlink(&target, path)
    }

    fn hard_link<R: Read>(
        &mut self,
        path: &Path,
        entry: &Entry<'_, R>,
        name: &[u8],
    ) -> Result<(), UnpackError> {
        let target = entry.link_name_bytes().unwrap_or_default().into_owned();
        let no_file = || UnpackError::HardLink {
            layer: self.layer,
            name: printable(name),
            target: printable(&target),
        };
        let parts = self.parts(&target)?;
        let (last, parents) = parts.split_last().ok_or_else(no_file)?;
        let parent = self
            .tree
            .directory(parents, Missing::Stop)?
            .ok_or_else(no_file)?;
        let existing = parent.join(last);
        if self
            .tree
            .look(&existing)?
            .is_none_or(|found| found.kind == Kind::Directory)
            || path == existing
        {
            return Err(no_file());
        }
        self.remove(path)?;
        self.tree.hard_link(&existing, path)
    }

    fn attributes<R: Read>(&mut self, entry: &Entry<'_, R>) -> Result<Attributes, UnpackError> {
        let layer = self.layer;
        let read = |source| UnpackError::Read { layer, source };
        let mode = entry.header().mode().map_err(read)?;
        if mode & 0o6000 != 0 {
            self.report.set_id_bits_dropped += 1;
        }
        Ok(Attributes {
            mode,
            mtime: entry.header().mtime().map_err(read)?,
        })
    }

    fn count_skipped<R: Read>(&mut self, entry: &mut Entry<'_, R>) {
        let header = entry.header();
        if header.uid().unwrap_or_default() != 0 || header.gid().unwrap_or_default() != 0 {
            self.report.owners_skipped += 1;
        }
        if let Ok(Some(records)) = entry.pax_extensions() {
            let is_attribute =
                |record: &tar::PaxExtension<'_>| record.key_bytes().starts_with(b"SCHILY.xattr.");
            if records.flatten().any(|record| is_attribute(&record)) {
                self.report.attributes_skipped += 1;
            }
        }
    }

    fn remove(&mut self, path: &Path) -> Result<(), UnpackError> {
        self.tree.remove(path)?;
        let gone: Vec<PathBuf> = self
            .directories
            .range(path.to_owned()..)
            .map(|(directory, _)| directory)
            .take_while(|directory| directory.starts_with(path))
            .cloned()
            .collect();
        for directory in gone {
            self.directories.remove(&directory);
        }
        Ok(())
    }

    pub(super) fn read_error(&self, source: io::Error) -> UnpackError {
        if self.options.is_stopped() {
            return UnpackError::Stopped;
        }
        if source.kind() == io::ErrorKind::FileTooLarge {
            return UnpackError::TooLarge(self.limit());
        }
        UnpackError::Read {
            layer: self.layer,
            source,
        }
    }

    pub(super) const fn limit(&self) -> ByteSize {
        self.options.max_bytes
    }

    /// Sets the permissions and times of directories, the deepest first.
    pub(super) fn finish(self) -> Result<Unpacked, UnpackError> {
        for (path, attributes) in self.directories.iter().rev() {
            // A later entry may have put a link there.
            if let Some(directory) = self.tree.directory_itself(path)? {
                give(&directory, *attributes, 0o1777).map_err(self.tree.failed(path))?;
            }
        }
        Ok(self.report)
    }
}

/// The block of file systems, or a part of it.
const BLOCK: usize = 4096;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Writes bytes at an offset without aligned blocks of zeros: a new file has zeros there anyway.
fn write_sparse(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let before = usize::try_from(offset % BLOCK as u64).unwrap_or(0);
    let first = (BLOCK - before).min(bytes.len());
    let (mut start, mut end) = (0, 0); // of a run that is to be written
    let mut next = first;
    loop {
        let block = &bytes[end..next];
        if *block == ZEROS[..block.len()] {
            file.write_all_at(&bytes[start..end], offset + start as u64)?;
            start = next;
        }
        end = next;
        if next == bytes.len() {
            return file.write_all_at(&bytes[start..end], offset + start as u64);
        }
        next = (next + BLOCK).min(bytes.len());
    }
}

fn give(file: &File, attributes: Attributes, mask: u32) -> io::Result<()> {
    let mtime = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(attributes.mtime));
    if let Some(mtime) = mtime {
        file.set_times(FileTimes::new().set_modified(mtime))?;
    }
    file.set_permissions(Permissions::from_mode(attributes.mode & mask))
}

fn printable(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(200).collect()
}
