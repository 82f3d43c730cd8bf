//! Where a path of the user leads, with links followed by hand.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use super::directory::{Directory, planted};
use super::status::{Kind, Status};

/// As many as Linux follows.
const MAX_LINKS: usize = 40;

/// A name in a directory that is held open: where a path of the user leads.
///
/// A link on the way, also the last one, is followed when this user, root or the owner of the directory has made it, or
/// when nobody else may write to that directory. Any other one may have been planted, and is refused.
#[derive(Debug)]
pub struct Place {
    directory: Directory,
    name: OsString,
    found: Option<Status>,
    is_link: bool,
}

impl Place {
    /// Finds the place of a path. Its directory must be there, and the file need not.
    ///
    /// # Errors
    /// Those of the system; [`Distrust`](super::Distrust) within the error for a link that is not followed.
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

    /// The directory that it is in.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The same, without the name.
    pub fn into_directory(self) -> Directory {
        self.directory
    }

    /// Its name in that directory.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Its path, links resolved.
    pub fn path(&self) -> PathBuf {
        self.directory.path_of(&self.name)
    }

    /// Returns `true` if the last component of the path was a link.
    pub fn is_behind_link(&self) -> bool {
        self.is_link
    }

    /// Can something be written there? Found out without a trace.
    ///
    /// # Errors
    /// Those of the system.
    pub fn check_writable(&self) -> io::Result<()> {
        match self.found.map(|it| it.kind) {
            Some(Kind::Directory) => Err(io::ErrorKind::IsADirectory.into()),
            None | Some(Kind::File) => self.directory.check_writable(),
            Some(Kind::Special | Kind::Link) => Ok(()),
        }
    }

    /// Writes a whole file there, or to the pipe or device that stands there. A file appears whole or not at all, with
    /// permissions that any program gives a file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let all = |file: &mut File| file.write_all(bytes);
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

/// The directory of a path, and the components at its end that are missing, if any are.
pub(super) fn walk(path: &Path) -> io::Result<(Directory, Option<Vec<OsString>>)> {
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

/// A path that is being gone along.
struct Walk {
    here: Directory,
    ahead: VecDeque<OsString>,
    links: usize,
}

impl Walk {
    fn new(path: &Path) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Self {
            here: Directory::start(path)?,
            ahead: parts(path).collect(),
            links: 0,
        })
    }

    /// Goes one component on.
    fn enter(&mut self, part: &OsStr) -> io::Result<()> {
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

    /// Puts the parts of a link before those that are ahead, if the link may be followed.
    fn follow(&mut self, name: &OsStr) -> io::Result<()> {
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

/// The components of a path behind its root. A slash at the end asks for a directory, as `.` does.
fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir => Some(".".into()),
        Component::RootDir | Component::Prefix(_) => None,
    });
    parts.collect::<Vec<_>>().into_iter()
}
