//! Following a path of the user component by component, links by hand.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use super::directory::{Directory, planted};
use super::kind::Kind;

/// The most links, as in Linux.
const MAX_LINKS: usize = 40;

impl Directory {
    /// Opens a directory that the user named. Links on the way are followed as [`ResolvedPath`](super::ResolvedPath) says.
    ///
    /// # Errors
    /// Errors of the system; a [`Distrust`](super::Distrust) within the error.
    pub fn open(path: &Path) -> io::Result<Self> {
        let (directory, missing) = walk(path)?;
        match missing {
            None => Ok(directory),
            Some(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Opens a directory that the user named, and makes it and its parents where they are missing.
    ///
    /// # Errors
    /// Errors of the system; a [`Distrust`](super::Distrust) within the error.
    pub fn create_all(path: &Path) -> io::Result<Self> {
        let (mut directory, missing) = walk(path)?;
        for part in missing.iter().flatten() {
            directory = directory.make(part, 0o777)?;
        }
        Ok(directory)
    }
}

/// Returns the directory of a path, and the missing components at its end.
fn walk(path: &Path) -> io::Result<(Directory, Option<Vec<OsString>>)> {
    let mut walk = Walk::new(path)?;
    while let Some(part) = walk.ahead.pop_front() {
        match walk.enter(&part) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let missing = std::iter::once(part).chain(walk.ahead);
                let missing = missing.filter(|it| it != ".").collect();
                return Ok((walk.here, Some(missing)));
            }
            entered => entered?,
        }
    }
    Ok((walk.here, None))
}

/// A path that is being followed.
pub(super) struct Walk {
    pub(super) here: Directory,
    pub(super) ahead: VecDeque<OsString>,
    links: usize,
}

impl Walk {
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Self {
            here: Directory::start(path)?,
            ahead: parts(path).collect(),
            links: 0,
        })
    }

    /// Follows one component.
    pub(super) fn enter(&mut self, part: &OsStr) -> io::Result<()> {
        if part == "." {
            return Ok(());
        }
        if part == ".." {
            self.here = self.here.above()?;
            return Ok(());
        }
        match self.here.child(part) {
            Ok(next) => self.here = next,
            Err(error) => match self.here.look(part)? {
                Some(found) if found.kind == Kind::Link => self.follow(part)?,
                Some(found) if found.kind != Kind::Directory => {
                    return Err(io::ErrorKind::NotADirectory.into());
                }
                _ => return Err(error),
            },
        }
        Ok(())
    }

    /// Puts the components of a link before those ahead, if the link may be followed.
    pub(super) fn follow(&mut self, name: &OsStr) -> io::Result<()> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(rustix::io::Errno::LOOP.into());
        }
        if let Some(link) = self.here.look(name)?
            && link.is_planted_in(&self.here.status()?)
        {
            return Err(planted(&self.here, name, &link));
        }
        let target = PathBuf::from(OsString::from_vec(self.here.read_link(name)?));
        if target.is_absolute() {
            self.here = Directory::start(&target)?;
        }
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            self.ahead.push_front(part);
        }
        Ok(())
    }
}

/// Returns the components of a path after its root. A slash at the end requires a directory, as `.` does.
fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir => Some(".".into()),
        Component::RootDir | Component::Prefix(_) => None,
    });
    parts.collect::<Vec<_>>().into_iter()
}
