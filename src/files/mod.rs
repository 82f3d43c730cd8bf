//! Files: directories that are held open, and what may be opened, resumed or removed in them.
//!
//! A [`Directory`] is a handle. Entries are made, opened, renamed and removed by one name, and a name that is a link
//! is never followed: a user who may write beside a file cannot redirect a write. A [`ResolvedPath`] is a resolved path of
//! the user. Links on that path are followed by hand, and only those that no other user can have planted. Anything
//! that is resumed or taken over is checked first ([`Status::check_ours`], [`Directory::ours`]). A [`Reserve`] keeps room for
//! a file to come.
//!
//! Not here: the content of files, and which of them a command writes.
//!
//! The decision behind it: one `openat` for each component, with `O_NOFOLLOW`. It works on every kernel and in every
//! sandbox, and needs no second way where `openat2` is refused.

mod change;
mod directory;
mod distrust;
mod kind;
mod remove;
mod reserve;
mod resolved_path;
mod status;
mod walk;

pub use directory::Directory;
pub use distrust::Distrust;
pub use kind::Kind;
pub use reserve::Reserve;
pub use resolved_path::ResolvedPath;
pub use status::Status;

#[cfg(test)]
mod tests;
