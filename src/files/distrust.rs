//! Why a file, directory or link is not trusted.

use std::io;
use std::path::PathBuf;

use super::kind::Kind;

/// Why a file, directory or link is not opened, resumed, followed or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It has another kind than needed.
    #[error("it is {found}, not {wanted}; remove it, or choose another path")]
    Kind {
        /// Its kind.
        found: Kind,
        /// The kind needed.
        wanted: Kind,
    },
    /// It belongs to another user.
    #[error("it belongs to user {owner}, and this is user {me}; remove it, or choose another path")]
    Owner {
        /// The numeric ID of its owner.
        owner: u32,
        /// The numeric ID of this process's user.
        me: u32,
    },
    /// Others may write to it.
    #[error("other users may write to it (mode {mode:04o}); remove it, or choose another path")]
    Writable {
        /// Its permissions.
        mode: u32,
    },
    /// It has other names, which may be files of another user.
    #[error("it has {links} names (hard links); remove it, or choose another path")]
    Linked {
        /// The number of names.
        links: u64,
    },
    /// A link in a directory that others may write to, made by one of them.
    #[error(
        "`{}` is {kind} that user {owner} put into a directory of others, and is not used; choose another path",
        .path.display()
    )]
    Planted {
        /// Its path.
        path: PathBuf,
        /// A link, a pipe or a device.
        kind: Kind,
        /// The numeric ID of its owner.
        owner: u32,
    },
}

impl From<Distrust> for io::Error {
    fn from(distrust: Distrust) -> Self {
        Self::other(distrust)
    }
}

impl Distrust {
    /// Returns the reason within an error, if it is one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}
