//! Removing a directory with all that is in it, however deep it is.

use std::ffi::{OsStr, OsString};
use std::io;

use super::directory::Directory;
use super::kind::Kind;

/// The most names that are held at once.
const BATCH: usize = 1024;

impl Directory {
    /// Removes an entry with everything in it. Links are removed and not followed. A missing entry is no error.
    ///
    /// The entry must be ours. However deep it is, few handles are open at once and no path grows: directories below
    /// the first are moved up into it before they are emptied.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn remove_all(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = name.as_ref();
        match self.look(name)?.map(|it| it.kind) {
            None => Ok(()),
            Some(Kind::Directory) => {
                self.to_empty(name)?.clear()?;
                self.remove_directory(name)
            }
            Some(_) => self.remove_file(name),
        }
    }

    /// Removes everything in it.
    ///
    /// # Errors
    /// As [`Directory::remove_all`].
    pub fn clear(&self) -> io::Result<()> {
        let mut moved = 0;
        loop {
            let names = self.names(BATCH)?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                match self.look(&name)?.map(|it| it.kind) {
                    None => {}
                    Some(Kind::Directory) => {
                        self.to_empty(&name)?.empty_into(self, &mut moved)?;
                        self.remove_directory(&name)?;
                    }
                    Some(_) => self.remove_file(&name)?,
                }
            }
        }
    }

    /// Removes the files in it, and moves its directories up.
    fn empty_into(&self, top: &Self, moved: &mut u64) -> io::Result<()> {
        loop {
            let names = self.names(BATCH)?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                match self.look(&name)?.map(|it| it.kind) {
                    None => {}
                    Some(Kind::Directory) => self.move_up(&name, top, moved)?,
                    Some(_) => self.remove_file(&name)?,
                }
            }
        }
    }

    fn move_up(&self, name: &OsStr, top: &Self, moved: &mut u64) -> io::Result<()> {
        loop {
            let free = OsString::from(format!(".removed-{moved}"));
            *moved += 1;
            match self.move_to(name, top, &free) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                moved => return moved,
            }
        }
    }

    /// Opens a directory to empty it, whatever its permissions.
    fn to_empty(&self, name: &OsStr) -> io::Result<Self> {
        let directory = self.child(name)?;
        if directory.status()?.mode & 0o700 != 0o700 {
            self.permit(name, 0o700)?;
        }
        Ok(directory)
    }
}
