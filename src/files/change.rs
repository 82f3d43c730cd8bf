//! Changing a directory: moving, removing, and writing whole files.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;

use rustix::fs::{self as sys, AtFlags, Mode, OFlags, RenameFlags};

use super::directory::{Directory, PLAIN, single};
use super::kind::Kind;

/// The prefix of unfinished files.
const TEMPORARY: &str = ".regstorm-";

impl Directory {
    /// Moves an entry to another directory, and replaces an entry of that name there.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn rename(
        &self,
        name: impl AsRef<OsStr>,
        to: &Self,
        new: impl AsRef<OsStr>,
    ) -> io::Result<()> {
        let (name, new) = (single(name.as_ref())?, single(new.as_ref())?);
        Ok(sys::renameat(&self.handle, name, &to.handle, new)?)
    }

    /// Moves an entry to another directory. Fails if the name is taken there.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn move_to(
        &self,
        name: impl AsRef<OsStr>,
        to: &Self,
        new: impl AsRef<OsStr>,
    ) -> io::Result<()> {
        let (name, new) = (single(name.as_ref())?, single(new.as_ref())?);
        match self.move_as_it_is(name, to, new) {
            // A directory without write permission may not be moved, because its `..` changes.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let found = self.look(name)?;
                let Some(found) = found.filter(|it| it.kind == Kind::Directory) else {
                    return Err(error);
                };
                self.permit(name, found.mode | 0o700)?;
                let moved = self.move_as_it_is(name, to, new);
                let now = if moved.is_ok() {
                    to.permit(new, found.mode)
                } else {
                    self.permit(name, found.mode)
                };
                moved.and(now)
            }
            moved => moved,
        }
    }

    fn move_as_it_is(&self, name: &OsStr, to: &Self, new: &OsStr) -> io::Result<()> {
        let flags = RenameFlags::NOREPLACE;
        match sys::renameat_with(&self.handle, name, &to.handle, new, flags) {
            // Some file systems cannot promise that.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                if to.look(new)?.is_some() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                self.rename(name, to, new)
            }
            moved => Ok(moved?),
        }
    }

    /// Removes a file or a link.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn remove_file(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = single(name.as_ref())?;
        Ok(sys::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn remove_directory(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = single(name.as_ref())?;
        Ok(sys::unlinkat(&self.handle, name, AtFlags::REMOVEDIR)?)
    }

    /// Sets the permissions of a directory that is ours.
    pub(super) fn permit(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        // The handle cannot do it, and by name a link in its place would be followed.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | PLAIN;
        let mode = Mode::from_raw_mode(mode);
        match sys::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(directory) => Ok(sys::fchmod(directory, mode)?),
            // It is not readable. Only this user and root can put a link in its place, because it is ours.
            Err(rustix::io::Errno::ACCESS) => {
                Ok(sys::chmodat(&self.handle, name, mode, AtFlags::empty())?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a whole file: readers see the old one or the new one. An existing entry is replaced, and a link is not
    /// followed. `mode` are the permissions of a new file, less the user's mask.
    ///
    /// # Errors
    /// Errors of the system and of `fill`; nothing new is left then.
    pub fn replace(
        &self,
        name: impl AsRef<OsStr>,
        mode: u32,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let name = single(name.as_ref())?;
        let (mut new, temporary) = self.temporary(mode)?;
        let written = fill(&mut new).and_then(|()| self.rename(&temporary, self, name));
        if written.is_err() {
            // The first error is returned.
            let _ = self.remove_file(&temporary);
        }
        written
    }

    /// Returns `true` if a file can be made in it.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn check_writable(&self) -> io::Result<()> {
        let (_, temporary) = self.temporary(0o600)?;
        self.remove_file(temporary)
    }

    /// A new file with an unpredictable name.
    fn temporary(&self, mode: u32) -> io::Result<(File, OsString)> {
        let flags = OFlags::WRONLY | PLAIN | OFlags::CREATE | OFlags::EXCL;
        loop {
            // The keys are random numbers of the system.
            let random = RandomState::new().build_hasher().finish();
            let name = OsString::from(format!("{TEMPORARY}{random:016x}"));
            match sys::openat(&self.handle, &name, flags, Mode::from_raw_mode(mode)) {
                Err(rustix::io::Errno::EXIST) => {}
                opened => return Ok((opened?.into(), name)),
            }
        }
    }
}
