//! A path of the user, resolved with links followed by hand.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::directory::{Directory, planted};
use super::kind::Kind;
use super::status::Status;
use super::walk::Walk;

/// A resolved path of the user: a name in a directory that is held open.
///
/// A link on the way, and the last one, is followed if this user, root or the owner of the directory made it, or if
/// no other user may write to that directory. Any other link may have been planted, and is refused.
#[derive(Debug)]
pub struct ResolvedPath {
    directory: Directory,
    name: OsString,
    found: Option<Status>,
    is_link: bool,
}

impl ResolvedPath {
    /// Resolves a path. Its directory must exist; the file need not.
    ///
    /// # Errors
    /// Errors of the system; [`Distrust`](super::Distrust) within the error for a link that is not followed.
    pub fn find(path: &Path) -> io::Result<Self> {
        let mut walk = Walk::new(path)?;
        let mut is_link = false;
        while let Some(part) = walk.ahead.pop_front() {
            let is_last = walk.ahead.iter().all(|it| it == ".");
            let is_name = part != "." && part != "..";
            if !(is_last && is_name) {
                walk.enter(&part)?;
                continue;
            }
            let found = walk.here.look(&part)?;
            if found.is_some_and(|it| it.kind == Kind::Link) && !walk.here.is_proc() {
                walk.follow(&part)?;
                is_link = true;
                continue;
            }
            if let Some(special) = found.filter(|it| it.kind == Kind::Special)
                && special.is_planted_in(&walk.here.status()?)
            {
                return Err(planted(&walk.here, &part, &special));
            }
            return Ok(Self {
                directory: walk.here,
                name: part,
                found,
                is_link,
            });
        }
        Err(io::ErrorKind::IsADirectory.into())
    }

    /// The directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Returns the directory.
    pub fn into_directory(self) -> Directory {
        self.directory
    }

    /// The name in the directory.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// The path, with links resolved.
    pub fn path(&self) -> PathBuf {
        self.directory.path_of(&self.name)
    }

    /// Returns `true` if the last component of the path was a link.
    pub fn is_behind_link(&self) -> bool {
        self.is_link
    }

    /// Checks that a file can be written there, and leaves nothing behind.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn check_writable(&self) -> io::Result<()> {
        match self.found.map(|it| it.kind) {
            Some(Kind::Directory) => Err(io::ErrorKind::IsADirectory.into()),
            None | Some(Kind::File) => self.directory.check_writable(),
            Some(Kind::Special | Kind::Link) => Ok(()),
        }
    }

    /// Writes a whole file there, or to the pipe or device of that name. A file appears whole or not at all, with the
    /// usual permissions of a new file.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.write_with(|file| file.write_all(bytes))
    }

    /// Writes a whole file as [`ResolvedPath::write`] does, from its start to its end by `all`.
    ///
    /// # Errors
    /// Errors of the system and of `all`.
    pub fn write_with(&self, all: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        match self.found.map(|it| it.kind) {
            Some(Kind::Directory) => Err(io::ErrorKind::IsADirectory.into()),
            Some(Kind::Special) => all(&mut self.directory.open_special(&self.name)?),
            // An open file of this process, such as `/dev/fd/3`.
            Some(Kind::Link) => all(&mut self.directory.open_own(&self.name)?),
            None | Some(Kind::File) => self.directory.replace(&self.name, 0o666, |file| {
                all(file)?;
                file.sync_all()
            }),
        }
    }
}
