//! Unpacking an image: its layers are applied over each other in a directory.
//!
//! The names in a layer are untrusted. Each is resolved by hand below the directory, as a process in the container
//! would see it: an absolute link starts at the top again, `..` stops there, and the operating system never follows a
//! link: each directory is opened below the handle of the one above it. Names that contain `..` are refused.
//!
//! Kept: files, directories, hard and symbolic links, permissions, and times of change (except those of symbolic
//! links). Dropped and counted: owners (everything belongs to this user), set-user-id and set-group-id bits (they
//! would give away this user's rights), devices and pipes, extended attributes.
//!
//! Each layer's uncompressed bytes must have the digest in the config. This is known after the layer was applied;
//! after this error, as after any other, everything unpacked is removed.
//!
//! Blocks of zeros are not written, so that a file is as sparse as when it was packed. They count against
//! [`UnpackOptions::max_bytes`] all the same: a hole of a terabyte is two kilobytes of an archive.

mod error;
mod layer;
mod options;
mod padded;
mod rootfs;
mod tree;

#[cfg(test)]
mod tests;

pub use error::UnpackError;
pub use options::{UnpackOptions, Unpacked};
pub use rootfs::{unpack, unpack_files};
