//! A directory tree that nothing leads out of.

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::ops::Bound;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::error::UnpackError;

/// As many as Linux follows.
const MAX_LINKS: usize = 40;

/// What to do about directories that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    Stop,
}

/// The target directory. Paths that it takes and gives are relative to it and contain no link.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    implied: Cell<u64>, // directories made because a name goes through them
}

impl Tree {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self {
            root,
            implied: Cell::new(0),
        }
    }

    /// Directories that no entry asked for, made on the way to others.
    pub(super) const fn implied(&self) -> u64 {
        self.implied.get()
    }

    pub(super) fn full(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    pub(super) fn failed(&self, path: &Path) -> impl FnOnce(io::Error) -> UnpackError {
        let path = self.full(path);
        move |source| UnpackError::Write { path, source }
    }

    /// What stands there, links not followed.
    pub(super) fn look(&self, path: &Path) -> Result<Option<Metadata>, UnpackError> {
        match fs::symlink_metadata(self.full(path)) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(path)(error)),
        }
    }

    /// The directory of that name, as a process would find it whose root this tree is.
    pub(super) fn directory(
        &self,
        parts: &[&OsStr],
        missing: Missing,
    ) -> Result<Option<PathBuf>, UnpackError> {
        let name = || parts.join(OsStr::new("/")).to_string_lossy().into_owned();
        let mut ahead: VecDeque<OsString> = parts.iter().map(|part| (*part).to_owned()).collect();
        let mut here = PathBuf::new();
        let mut links = 0;
        while let Some(part) = ahead.pop_front() {
            match part.as_bytes() {
                b"" | b"." => continue,
                b".." => {
                    here.pop();
                    continue;
                }
                _ => here.push(&part),
            }
            match self.look(&here)? {
                None if missing == Missing::Stop => return Ok(None),
                None => {
                    fs::create_dir(self.full(&here)).map_err(self.failed(&here))?;
                    self.implied.set(self.implied.get() + 1);
                }
                Some(found) if found.is_dir() => {}
                Some(found) if found.is_symlink() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(UnpackError::LinkLoop(name()));
                    }
                    let target = fs::read_link(self.full(&here)).map_err(self.failed(&here))?;
                    let target = target.into_os_string().into_vec();
                    here.pop();
                    if target.starts_with(b"/") {
                        here = PathBuf::new();
                    }
                    for part in target.rsplit(|byte| *byte == b'/') {
                        ahead.push_front(OsStr::from_bytes(part).to_owned());
                    }
                }
                Some(_) => return Err(UnpackError::NotADirectory(name())),
            }
        }
        Ok(Some(here))
    }

    /// Removes what stands there, if anything does. Links are removed, not followed.
    pub(super) fn remove(&self, path: &Path) -> Result<(), UnpackError> {
        let Some(found) = self.look(path)? else {
            return Ok(());
        };
        let full = self.full(path);
        let removed = if found.is_dir() {
            fs::remove_dir_all(full)
        } else {
            fs::remove_file(full)
        };
        removed.map_err(self.failed(path))
    }

    /// Removes everything below a directory but the paths to keep, whose parents are kept too.
    pub(super) fn clear(&self, path: &Path, keep: &BTreeSet<PathBuf>) -> Result<(), UnpackError> {
        let mut directories = vec![path.to_owned()];
        while let Some(directory) = directories.pop() {
            if !self.look(&directory)?.is_some_and(|found| found.is_dir()) {
                continue;
            }
            let entries = fs::read_dir(self.full(&directory)).map_err(self.failed(&directory))?;
            for entry in entries {
                let entry = entry.map_err(self.failed(&directory))?;
                let child = directory.join(entry.file_name());
                if leads_to(&child, keep) {
                    directories.push(child);
                } else {
                    self.remove(&child)?;
                }
            }
        }
        Ok(())
    }

    /// Is each component of the path a directory and no link?
    pub(super) fn is_plain_directory(&self, path: &Path) -> Result<bool, UnpackError> {
        let mut here = PathBuf::new();
        for part in path {
            here.push(part);
            if !self.look(&here)?.is_some_and(|found| found.is_dir()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Is the path one of these, or a directory that one of them is in? What is in a directory follows it in the order.
pub(super) fn leads_to(path: &Path, kept: &BTreeSet<PathBuf>) -> bool {
    let mut behind = kept.range::<Path, _>((Bound::Included(path), Bound::Unbounded));
    behind.next().is_some_and(|next| next.starts_with(path))
}
