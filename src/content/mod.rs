//! Content: the images of pushes, and the storage of pulled ones.
//!
//! - [`SyntheticSet`] makes images from a seed. Digests are known before anything is sent, memory does not grow with
//!   the size of a blob, and a variant that no registry has seen costs one hash of 64 bytes per layer.
//! - [`open`] reads the output of `docker save`, skopeo, crane, buildah and others: a directory or a tar of the
//!   docker-save layouts, or of an OCI layout. An [`Image`] that it returns is verified: every digest and size is
//!   right, and the layers are those of the config.
//! - [`LayoutWriter`] and [`LayerFiles`] write pulled images; [`unpack()`] makes a file system of one.
//!
//! Nothing here knows HTTP: the order of requests is in the client profiles.
//!
//! Files are read at offsets, in frames of 256 KiB, and not mapped. Mapping needs `unsafe`, and truncating a mapped
//! file kills the process; a short read is an error value. Archives are indexed once, and never extracted.
//!
//! The invariant: whatever an archive or a directory says, no byte outside of it is read, and whatever a layer says,
//! nothing outside of the target directory is touched.

mod archive;
mod artifact;
mod blob;
mod candidate;
mod compression;
mod digesting;
mod docker_save;
mod error;
mod frame;
mod image;
mod loader;
mod metered;
mod oci_layout;
mod open;
mod region;
mod root;
mod spool;
mod store;
mod synthetic;
#[cfg(test)]
mod testing;
mod unpack;

pub use blob::{Blob, BlobReader, Frames};
pub use error::{ContentError, Mismatch};
pub use frame::FRAME_SIZE;
pub use image::Image;
pub use loader::{Compression, OpenOptions};
pub use open::{open, open_all};
pub use store::{LayerFiles, LayoutWriter, PartialBlob, StoreError};
pub use synthetic::{
    Format, LayerCount, Salt, SizeSpec, SizedBlobs, SpecError, SyntheticSet, SyntheticSpec,
};
pub use unpack::{UnpackError, UnpackOptions, Unpacked, unpack, unpack_files};
