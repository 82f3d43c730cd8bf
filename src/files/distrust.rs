//! Why something on the disk is not used.

use std::io;
use std::path::PathBuf;

use super::kind::Kind;

/// Why a file, directory or link is not opened, resumed, followed or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It is something else than what is needed.
    #[error("it is {found}, not {wanted}; remove it, or choose another path")]
    Kind {
        /// What it is.
        found: Kind,
        /// What is needed.
        wanted: Kind,
    },
    /// It belongs to somebody else.
    #[error("it belongs to user {owner}, and this is user {me}; remove it, or choose another path")]
    Owner {
        /// The numeric ID of its owner.
        owner: u32,
        /// The numeric ID of the user who runs this.
        me: u32,
    },
    /// Others may write to it.
    #[error("other users may write to it (mode {mode:04o}); remove it, or choose another path")]
    Writable {
        /// Its permissions.
        mode: u32,
    },
    /// It has other names, which may be files of somebody else.
    #[error("it has {links} names (hard links); remove it, or choose another path")]
    Linked {
        /// How many.
        links: u64,
    },
    /// A link in a directory to which others may write, made by one of them.
    #[error(
        "`{}` is {kind} that user {owner} put into a directory of others, and is not used; choose another path",
        .path.display()
    )]
    Planted {
        /// Where it is.
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
    /// The reason within an error, if it is one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}
