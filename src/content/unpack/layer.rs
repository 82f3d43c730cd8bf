//! One layer over those below it: files, links, whiteouts.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::UnpackError;
use super::rootfs::{UnpackOptions, Unpacked};
use super::tree::{Missing, Tree, leads_to};
use crate::content::FRAME_SIZE;
use crate::content::archive::is_pax_sparse;
use crate::units::ByteSize;

/// The longest name that Linux takes.
const MAX_NAME: usize = 4096;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// What aufs kept for itself in the directories that it layered.
const AUFS: &[u8] = b".wh..wh.";

/// The file system as far as it was made.
#[derive(Debug)]
pub(super) struct Applied<'a> {
    tree: Tree,
    options: &'a UnpackOptions,
    pub(super) report: Unpacked,
    layer: usize,            // counted from 1; for messages
    ours: BTreeSet<PathBuf>, // what this layer made
    // Given to the directories at the end: one that may not be written to could not be filled.
    directories: BTreeMap<PathBuf, Attributes>,
}

#[derive(Debug, Clone, Copy)]
struct Attributes {
    mode: u32,
    mtime: u64, // seconds since 1970
}

type Entry<'a, R> = tar::Entry<'a, R>;

impl<'a> Applied<'a> {
    pub(super) fn new(root: PathBuf, options: &'a UnpackOptions) -> Self {
        Self {
            tree: Tree::new(root),
            options,
            report: Unpacked::default(),
            layer: 0,
            ours: BTreeSet::new(),
            directories: BTreeMap::new(),
        }
    }

    /// Begins the next layer.
    pub(super) fn next_layer(&mut self) {
        self.layer += 1;
        self.ours.clear();
    }

    pub(super) const fn layer(&self) -> usize {
        self.layer
    }

    /// Takes in one entry of the layer.
    pub(super) fn apply<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<(), UnpackError> {
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

    /// The components of a name. One that could lead out is refused, though nothing would follow it.
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

    /// A whiteout hides what the layers below have; what this layer made stays.
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
        if !self.tree.look(path)?.is_some_and(|found| found.is_dir()) {
            self.remove(path)?;
            fs::create_dir(self.tree.full(path)).map_err(self.tree.failed(path))?;
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
        // `create_new` neither follows a link nor opens what another entry put there.
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .open(self.tree.full(path))
            .map_err(self.tree.failed(path))?;
        let mut buffer =
            vec![0; FRAME_SIZE.min(usize::try_from(entry.size()).unwrap_or(FRAME_SIZE))];
        loop {
            let length = match entry.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.read_error(error)),
            };
            self.report.bytes += length as u64;
            if self.report.bytes > self.options.max_bytes.get() {
                return Err(UnpackError::TooLarge(self.options.max_bytes));
            }
            file.write_all(&buffer[..length])
                .map_err(self.tree.failed(path))?;
        }
        give(&file, attributes, 0o777).map_err(self.tree.failed(path))?;
        self.report.files += 1;
        Ok(())
    }

    fn symlink<R: Read>(&mut self, path: &Path, entry: &Entry<'_, R>) -> Result<(), UnpackError> {
        self.remove(path)?;
        let target = entry.link_name_bytes().unwrap_or_default();
        symlink(OsStr::from_bytes(&target), self.tree.full(path)).map_err(self.tree.failed(path))
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
            .is_none_or(|found| found.is_dir())
            || path == existing
        {
            return Err(no_file());
        }
        self.remove(path)?;
        // A link to a symbolic link is one to the link itself: `hard_link` follows none.
        fs::hard_link(self.tree.full(&existing), self.tree.full(path))
            .map_err(self.tree.failed(path))
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

    /// Gives the directories their permissions and times, the deepest ones first.
    pub(super) fn finish(self) -> Result<Unpacked, UnpackError> {
        for (path, attributes) in self.directories.iter().rev() {
            // A later entry may have put a link in the way.
            if self.tree.is_plain_directory(path)? {
                File::open(self.tree.full(path))
                    .and_then(|directory| give(&directory, *attributes, 0o1777))
                    .map_err(self.tree.failed(path))?;
            }
        }
        Ok(self.report)
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
