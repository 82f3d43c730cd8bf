//! Making a file system of an image: its layers applied one over the other in a directory.
//!
//! The names in a layer are whatever its author wrote. Each is resolved by hand below the directory, as a process in
//! the container would see it: an absolute link starts at the top again, `..` stops there, and no link is ever followed
//! by the operating system: each directory is opened below the handle of the one above it. Names that contain `..` are
//! refused.
//!
//! What is kept: files, directories, links of both kinds, permissions, and times of change (but not of symbolic links).
//! What is not, and is counted: owners (everything belongs to who unpacks), the set-user-id and set-group-id bits
//! (they would give away the rights of who unpacks), devices and pipes, extended attributes.
//!
//! Each layer's uncompressed bytes must have the digest that the config names for it. That is known when the layer was
//! applied; after that error, as after any other, everything that was unpacked is removed.
//!
//! Blocks of zeros are not written but skipped, so that a file is as sparse as it was when it was packed. They count all the
//! same against [`UnpackOptions::max_bytes`]: a hole of a terabyte is two kilobytes of an archive.

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
