//! The status of a directory entry: kind, owner, permissions.

use std::io;

use rustix::fs::{FileType, Stat};
use rustix::process::geteuid;

use super::distrust::Distrust;
use super::kind::Kind;

/// Write permission of the group or of everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;
const WRITABLE_BY_ALL: u32 = 0o002;

/// The status of a directory entry, links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Its kind.
    pub kind: Kind,
    /// The size of a file, in bytes.
    pub size: u64,
    /// The numeric ID of its owner.
    pub owner: u32,
    /// Its permissions, 12 bits.
    pub mode: u32,
    /// The number of its names.
    pub links: u64,
}

impl Status {
    pub(super) fn new(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Link,
            _ => Kind::Special,
        };
        #[allow(
            clippy::useless_conversion,
            clippy::allow_attributes,
            reason = "these fields have other types on other machines"
        )]
        Self {
            kind,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            owner: stat.st_uid,
            mode: stat.st_mode & 0o7777,
            links: u64::from(stat.st_nlink),
        }
    }

    /// Fails unless it has that kind.
    pub(super) fn check_kind(&self, wanted: Kind) -> io::Result<()> {
        if self.kind == wanted {
            return Ok(());
        }
        let found = self.kind;
        Err(Distrust::Kind { found, wanted }.into())
    }

    /// Fails unless this process's user owns it, no other user may write to it, and a file has one name.
    ///
    /// # Errors
    /// A [`Distrust`] within the error.
    pub fn check_ours(&self) -> io::Result<()> {
        let me = me();
        if self.owner != me {
            let owner = self.owner;
            return Err(Distrust::Owner { owner, me }.into());
        }
        if self.mode & WRITABLE_BY_OTHERS != 0 {
            return Err(Distrust::Writable { mode: self.mode }.into());
        }
        if self.kind == Kind::File && self.links != 1 {
            return Err(Distrust::Linked { links: self.links }.into());
        }
        Ok(())
    }

    /// Fails if it belongs to neither this user nor `owner`, the owner of the directory that the user named, or if
    /// everybody may write to it. The group may write: many users have a mask of 002.
    ///
    /// # Errors
    /// A [`Distrust`] within the error.
    pub fn check_owned(&self, owner: u32) -> io::Result<()> {
        let me = me();
        if self.owner != me && self.owner != owner {
            let owner = self.owner;
            return Err(Distrust::Owner { owner, me }.into());
        }
        if self.mode & WRITABLE_BY_ALL != 0 {
            return Err(Distrust::Writable { mode: self.mode }.into());
        }
        Ok(())
    }

    /// Returns `true` if a user without a part in the directory may have put it there. This is the rule of Linux'
    /// `fs.protected_symlinks`, applied whether or not that is on, to every directory that others may write to.
    pub(super) fn is_planted_in(&self, directory: &Self) -> bool {
        let known = [me(), 0, directory.owner].contains(&self.owner);
        !known && directory.mode & WRITABLE_BY_OTHERS != 0
    }
}

/// The numeric ID of this process's effective user.
pub(super) fn me() -> u32 {
    geteuid().as_raw()
}
