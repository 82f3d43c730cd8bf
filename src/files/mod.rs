//! Files: directories that are held open, and what may be opened, resumed or removed in them.
//!
//! A [`Directory`] is a handle. What is made, opened, renamed or removed in it goes by one name, and a name that is a link
//! is never followed: whoever may write beside a file cannot turn a write into one elsewhere. A [`Place`] is where a path
//! of the user leads. Links on that way are followed by hand, and only those that nobody else can have planted. What is
//! gone on with or taken over is checked first ([`Status::check_ours`], [`Directory::ours`]).
//!
//! Not here: what the files hold, and which of them a command writes.
//!
//! The decision that shaped it: one `openat` for each component, with `O_NOFOLLOW`. It works on every kernel and in every
//! sandbox, and needs no second way where `openat2` is refused.

mod change;
mod directory;
mod distrust;
mod kind;
mod place;
mod remove;
mod status;
mod walk;

pub use directory::Directory;
pub use distrust::Distrust;
pub use kind::Kind;
pub use place::Place;
pub use status::Status;

#[cfg(test)]
mod tests;
