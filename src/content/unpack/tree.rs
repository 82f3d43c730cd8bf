//! A directory tree that no path leaves.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::error::UnpackError;
use crate::files::{Directory, Distrust, Kind, Status};

/// The most links, as in Linux.
const MAX_LINKS: usize = 40;
/// Linux' limit of a path. Links could make longer ones.
const MAX_PATH: usize = 4096;

/// How missing directories are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    Stop,
}

/// The target directory. Its paths are relative to it and contain no link; a link that another user puts there is not
/// followed.
#[derive(Debug)]
pub(super) struct Tree {
    root: Rc<Directory>,
    implied: Cell<u64>, // directories made because a name goes through them
    last: RefCell<Option<Last>>, // most entries are beside the one before
}

/// The directory that was used last.
#[derive(Debug)]
struct Last {
    asked: PathBuf,
    path: PathBuf,
    opened: Rc<Directory>,
}

impl Tree {
    pub(super) fn new(root: Directory) -> Self {
        Self {
            root: Rc::new(root),
            implied: Cell::new(0),
            last: RefCell::default(),
        }
    }

    /// Directories that are no entries, made on the way to others.
    pub(super) const fn implied(&self) -> u64 {
        self.implied.get()
    }

    pub(super) fn failed(&self, path: &Path) -> impl FnOnce(io::Error) -> UnpackError {
        let path = self.root.path_of(path);
        move |source| UnpackError::Write { path, source }
    }

    /// Opens a directory of the tree.
    fn open(&self, path: &Path) -> io::Result<Rc<Directory>> {
        if let Some(last) = &*self.last.borrow()
            && last.path == path
        {
            return Ok(Rc::clone(&last.opened));
        }
        let mut here = Rc::clone(&self.root);
        for part in path {
            here = Rc::new(here.child(part)?);
        }
        Ok(here)
    }

    /// Runs `work` on the directory of a path, with the last name.
    fn at<T>(
        &self,
        path: &Path,
        work: impl FnOnce(&Directory, &OsStr) -> io::Result<T>,
    ) -> Result<T, UnpackError> {
        let name = path.file_name().unwrap_or_default();
        let parent = path.parent().unwrap_or(Path::new(""));
        self.open(parent)
            .and_then(|parent| work(&parent, name))
            .map_err(self.failed(path))
    }

    /// Returns the status of an entry, links not followed.
    pub(super) fn look(&self, path: &Path) -> Result<Option<Status>, UnpackError> {
        if path.as_os_str().is_empty() {
            return self.root.status().map(Some).map_err(self.failed(path));
        }
        self.at(path, |parent, name| parent.look(name))
    }

    /// Returns `true` if there is a directory.
    pub(super) fn has_directory(&self, path: &Path) -> Result<bool, UnpackError> {
        Ok(self
            .look(path)?
            .is_some_and(|found| found.kind == Kind::Directory))
    }

    pub(super) fn make_directory(&self, path: &Path) -> Result<(), UnpackError> {
        self.at(path, |parent, name| parent.make(name, 0o777).map(drop))
    }

    /// Makes a file under a free name.
    pub(super) fn make_file(&self, path: &Path) -> Result<File, UnpackError> {
        self.at(path, |parent, name| parent.create_file(name))
    }

    pub(super) fn symlink(&self, target: &[u8], path: &Path) -> Result<(), UnpackError> {
        self.at(path, |parent, name| parent.symlink(target, name))
    }

    /// A hard link to a symbolic link is one to the link itself.
    pub(super) fn hard_link(&self, existing: &Path, path: &Path) -> Result<(), UnpackError> {
        let from = existing.parent().unwrap_or(Path::new(""));
        let from = self.open(from).map_err(self.failed(existing))?;
        let old = existing.file_name().unwrap_or_default();
        self.at(path, |parent, name| parent.hard_link(&from, old, name))
    }

    /// Opens a directory to set its permissions and times; `None` if there is another entry there or on the way.
    pub(super) fn directory_itself(&self, path: &Path) -> Result<Option<File>, UnpackError> {
        let opened = self.at(path, |parent, name| {
            parent.child(name)?; // tells a link from a directory that may not be read
            parent.child_for_attributes(name)
        });
        match opened {
            Err(UnpackError::Write { source, .. }) if is_replaced(&source) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opens a directory, as a process whose root is this tree would.
    pub(super) fn directory(
        &self,
        parts: &[&OsStr],
        missing: Missing,
    ) -> Result<Option<PathBuf>, UnpackError> {
        let asked: PathBuf = parts.iter().collect();
        if let Some(last) = &*self.last.borrow()
            && last.asked == asked
        {
            return Ok(Some(last.path.clone()));
        }
        let name = || asked.to_string_lossy().into_owned();
        let mut ahead: VecDeque<OsString> = parts.iter().map(|part| (*part).to_owned()).collect();
        let mut here = PathBuf::new();
        let mut opened = Some(Rc::clone(&self.root)); // `here`, unless the way led back
        let mut links = 0;
        while let Some(part) = ahead.pop_front() {
            match part.as_bytes() {
                b"" | b"." => continue,
                b".." => {
                    here.pop();
                    opened = None;
                    continue;
                }
                _ => {}
            }
            let parent = match opened.take() {
                Some(opened) => opened,
                None => self.open(&here).map_err(self.failed(&here))?,
            };
            let path = here.join(&part);
            if path.as_os_str().len() > MAX_PATH {
                return Err(self.failed(&path)(io::ErrorKind::InvalidFilename.into()));
            }
            let found = parent.look(&part).map_err(self.failed(&path))?;
            match found.map(|found| found.kind) {
                None if missing == Missing::Stop => return Ok(None),
                Some(Kind::Link) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(UnpackError::LinkLoop(name()));
                    }
                    let target = parent.read_link(&part).map_err(self.failed(&path))?;
                    opened = Some(parent);
                    if target.starts_with(b"/") {
                        here = PathBuf::new();
                        opened = Some(Rc::clone(&self.root));
                    }
                    for part in target.rsplit(|byte| *byte == b'/') {
                        ahead.push_front(OsStr::from_bytes(part).to_owned());
                    }
                    continue;
                }
                Some(Kind::Directory) | None => {}
                Some(_) => return Err(UnpackError::NotADirectory(name())),
            }
            let next = if found.is_some() {
                parent.child(&part)
            } else {
                self.implied.set(self.implied.get() + 1);
                parent.make(&part, 0o777)
            };
            opened = Some(Rc::new(next.map_err(self.failed(&path))?));
            here = path;
        }
        let opened = match opened {
            Some(opened) => opened,
            None => self.open(&here).map_err(self.failed(&here))?,
        };
        *self.last.borrow_mut() = Some(Last {
            asked,
            path: here.clone(),
            opened,
        });
        Ok(Some(here))
    }

    /// Removes an entry, if there is one. Links are removed, not followed.
    pub(super) fn remove(&self, path: &Path) -> Result<(), UnpackError> {
        let Some(found) = self.look(path)? else {
            return Ok(());
        };
        let removed = self.at(path, |parent, name| parent.remove_all(name));
        if found.kind != Kind::File {
            // The path to the last directory may have led through it.
            *self.last.borrow_mut() = None;
        }
        removed
    }

    /// Removes everything below a directory except the paths to keep and their parents.
    pub(super) fn clear(&self, path: &Path, keep: &BTreeSet<PathBuf>) -> Result<(), UnpackError> {
        let mut directories = vec![path.to_owned()];
        while let Some(directory) = directories.pop() {
            if !self.has_directory(&directory)? {
                continue;
            }
            let opened = self.open(&directory);
            let names = opened.and_then(|it| it.names(usize::MAX));
            for name in names.map_err(self.failed(&directory))? {
                let child = directory.join(name);
                if leads_to(&child, keep) {
                    directories.push(child);
                } else {
                    self.remove(&child)?;
                }
            }
        }
        Ok(())
    }
}

/// Returns `true` if the entry is no directory.
fn is_replaced(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || Distrust::of(error).is_some()
}

/// Returns `true` if the path is one of these, or a directory that contains one of them. The contents of a directory follow
/// it in the order.
pub(super) fn leads_to(path: &Path, kept: &BTreeSet<PathBuf>) -> bool {
    let mut behind = kept.range::<Path, _>((Bound::Included(path), Bound::Unbounded));
    behind.next().is_some_and(|next| next.starts_with(path))
}
