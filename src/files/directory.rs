//! A directory that is held open. Names in it are single components, and no link is followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{self as sys, AtFlags, CWD, Dir, FlockOperation, Mode, OFlags};

use super::distrust::Distrust;
use super::kind::Kind;
use super::status::Status;

/// Flags for directories: enough to make, open and remove what is in them.
const HANDLE: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Flags for files. A pipe would block the opener; it is checked for afterwards.
pub(super) const PLAIN: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// The permissions of files: writable by their owner. The user's mask applies too.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// A directory that is held open.
///
/// Every name that its methods take must be one component. Whatever happens to the directories above, all operations
/// are on this one.
#[derive(Debug)]
pub struct Directory {
    pub(super) handle: OwnedFd,
    path: PathBuf, // for messages
}

impl Directory {
    /// The start of a user's path.
    pub(super) fn start(path: &Path) -> io::Result<Self> {
        let (at, path) = if path.is_absolute() {
            ("/", "/")
        } else {
            (".", "")
        };
        Ok(Self {
            handle: sys::openat(CWD, at, HANDLE, Mode::empty())?,
            path: path.into(),
        })
    }

    /// Its path when it was opened, for messages.
    pub fn path(&self) -> &Path {
        if self.path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.path
        }
    }

    /// The path of a name in it, for messages.
    pub fn path_of(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.path.join(name.as_ref())
    }

    /// Returns a second handle of the same directory.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn again(&self) -> io::Result<Self> {
        Ok(Self {
            handle: self.handle.try_clone()?,
            path: self.path.clone(),
        })
    }

    /// The status of the directory itself.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn status(&self) -> io::Result<Status> {
        Ok(Status::new(&sys::fstat(&self.handle)?))
    }

    /// Returns the status of an entry; `None` if there is none.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn look(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Status>> {
        let name = single(name.as_ref())?;
        match sys::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Status::new(&stat))),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes that an unprivileged user may still write on its file system; `None` if unknown.
    pub fn free_space(&self) -> Option<u64> {
        let status = sys::fstatvfs(&self.handle).ok()?;
        let bytes = status.f_bavail.saturating_mul(status.f_frsize);
        (status.f_blocks > 0).then_some(bytes)
    }

    /// Returns names in it, at most `limit`, in the order of the system.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn names(&self, limit: usize) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::new(self.readable()?)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            if names.len() == limit {
                break;
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }

    /// Opens a directory in it.
    ///
    /// # Errors
    /// Errors of the system; a [`Distrust`] if something else is there.
    pub fn child(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = single(name.as_ref())?;
        match sys::openat(&self.handle, name, HANDLE, Mode::empty()) {
            Ok(handle) => Ok(Self {
                handle,
                path: self.path_of(name),
            }),
            Err(error) => {
                if let Some(found) = self.look(name)? {
                    found.check_kind(Kind::Directory)?;
                }
                Err(error.into())
            }
        }
    }

    /// Makes a directory in it and opens it.
    ///
    /// # Errors
    /// Errors of the system: also when the name is taken.
    pub fn make(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<Self> {
        let name = single(name.as_ref())?;
        sys::mkdirat(&self.handle, name, Mode::from_raw_mode(mode))?;
        self.child(name)
    }

    /// Opens the directory of that name, which must be writable by this user only, or makes one that only this user
    /// may read.
    ///
    /// # Errors
    /// Errors of the system; a [`Distrust`] if the entry is not ours.
    pub fn ours(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = single(name.as_ref())?;
        let directory = match self.make(name, 0o700) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.child(name)?,
            made => made?,
        };
        directory.status()?.check_ours()?;
        Ok(directory)
    }

    /// Opens or makes a directory that is part of the user's path: no link, owned by this user or by the owner of
    /// this directory, and not writable by everybody.
    ///
    /// # Errors
    /// Errors of the system; a [`Distrust`] if the entry is another.
    pub fn part(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = single(name.as_ref())?;
        let directory = match self.make(name, 0o755) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.child(name)?,
            made => made?,
        };
        directory.status()?.check_owned(self.status()?.owner)?;
        Ok(directory)
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// Errors of the system; a [`Distrust`] if something else is there.
    pub fn open_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.open_plain(name.as_ref(), OFlags::RDONLY)
    }

    /// Opens a file, which must be ours, to append to it; or makes it.
    ///
    /// # Errors
    /// Errors of the system; a [`Distrust`] if the entry is not ours.
    pub fn resume_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let name = name.as_ref();
        let append = OFlags::RDWR | OFlags::APPEND;
        let file = match self.open_plain(name, append) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.create(name, append);
            }
            opened => opened?,
        };
        Status::new(&sys::fstat(&file)?).check_ours()?;
        Ok(file)
    }

    /// Makes a file for writing. The name must be free.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn create_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create(name.as_ref(), OFlags::WRONLY)
    }

    fn create(&self, name: &OsStr, how: OFlags) -> io::Result<File> {
        let flags = how | PLAIN | OFlags::CREATE | OFlags::EXCL;
        let file = sys::openat(&self.handle, single(name)?, flags, FILE_MODE)?;
        Ok(file.into())
    }

    fn open_plain(&self, name: &OsStr, how: OFlags) -> io::Result<File> {
        let name = single(name)?;
        match sys::openat(&self.handle, name, how | PLAIN, Mode::empty()) {
            Ok(file) => {
                Status::new(&sys::fstat(&file)?).check_kind(Kind::File)?;
                Ok(file.into())
            }
            Err(error) => {
                // The kind says more than the error of the system.
                if let Some(found) = self.look(name)? {
                    found.check_kind(Kind::File)?;
                }
                Err(error.into())
            }
        }
    }

    /// Opens an entry that is no regular file for writing. A pipe blocks until it has a reader.
    pub(super) fn open_special(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = sys::openat(&self.handle, single(name)?, flags, Mode::empty())?;
        Status::new(&sys::fstat(&file)?).check_kind(Kind::Special)?;
        Ok(file.into())
    }

    /// Opens a directory in it so that its own permissions and times can be set.
    ///
    /// # Errors
    /// As [`Directory::child`].
    pub fn child_for_attributes(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | PLAIN;
        let file = sys::openat(&self.handle, single(name.as_ref())?, flags, Mode::empty())?;
        Ok(file.into())
    }

    /// Returns the target of a link, uninterpreted.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn read_link(&self, name: impl AsRef<OsStr>) -> io::Result<Vec<u8>> {
        let target = sys::readlinkat(&self.handle, single(name.as_ref())?, Vec::new())?;
        Ok(target.into_bytes())
    }

    /// Makes a symbolic link. The name must be free.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn symlink(&self, target: &[u8], name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = single(name.as_ref())?;
        Ok(sys::symlinkat(target, &self.handle, name)?)
    }

    /// Adds a second name for a file of another directory. A symbolic link is not followed.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn hard_link(
        &self,
        from: &Self,
        existing: impl AsRef<OsStr>,
        name: impl AsRef<OsStr>,
    ) -> io::Result<()> {
        let (existing, name) = (single(existing.as_ref())?, single(name.as_ref())?);
        let linked = sys::linkat(&from.handle, existing, &self.handle, name, AtFlags::empty());
        Ok(linked?)
    }

    /// Returns a handle for reading it.
    fn readable(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(sys::openat(&self.handle, ".", flags, Mode::empty())?)
    }

    /// Locks the directory for this process until the file is dropped; `None` if another process holds the lock.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn lock(&self) -> io::Result<Option<File>> {
        let file = self.readable()?;
        match sys::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            // Some network file systems have no locks.
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOLCK) => {
                Ok(Some(file.into()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the target of a magic link of /proc: an open file of this process.
    pub(super) fn open_own(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        Ok(sys::openat(&self.handle, single(name)?, flags, Mode::empty())?.into())
    }

    /// Returns `true` if its links are those of /proc, which no path can replace.
    pub(super) fn is_proc(&self) -> bool {
        sys::fstatfs(&self.handle).is_ok_and(|it| it.f_type == sys::PROC_SUPER_MAGIC)
    }

    /// The directory above, whatever links led here.
    pub(super) fn above(&self) -> io::Result<Self> {
        Ok(Self {
            handle: sys::openat(&self.handle, "..", HANDLE, Mode::empty())?,
            path: self.path.join(".."),
        })
    }
}

/// Fails for a name that is a way.
pub(super) fn single(name: &OsStr) -> io::Result<&OsStr> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.contains(&b'/') || bytes == b"." || bytes == b".." {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    Ok(name)
}

/// The error of something that others may have planted.
pub(super) fn planted(directory: &Directory, name: &OsStr, found: &Status) -> io::Error {
    Distrust::Planted {
        path: directory.path_of(name),
        kind: found.kind,
        owner: found.owner,
    }
    .into()
}
