//! Images made from a seed.
//!
//! A layer is opaque: incompressible bytes, declared as a gzip layer, because that is the type that registries see.
//! It does not unpack, and the config's `diff_ids` are the digests of the layers as sent. A registry stores, hashes
//! and serves such an image as any other; a scanner that unpacks layers will refuse it.
//!
//! The bytes are slices of one seeded buffer of 4 MiB, so they cost no computing and no memory. Within a blob nothing
//! repeats at a distance of less than 2 MiB. Each blob ends in 64 bytes of its own, so no two blobs are equal; these
//! bytes also make an image new to a registry ([`SyntheticSet::unique_image`]).
//!
//! Layers that clients read in parts are tars of files with such content, as their [`Layout`](crate::lazy::Layout) says.
//! They unpack, and the config states the digests of what is in them. Only their metadata are in memory. Those for SOCI are as
//! their [`SociLayout`](crate::lazy::soci::SociLayout) says, and their tables are in an artifact that refers to the image
//! ([`SyntheticSet::soci_index`]).
//!
//! The same specification and seed give the same bytes on every platform.

mod config;
mod crc64;
mod draw;
mod layer_count;
mod lazy_layer;
mod lazy_stream;
#[cfg(test)]
mod lazy_tests;
mod limits;
mod set;
mod size;
mod sized;
mod soci_layer;
mod soci_stream;
#[cfg(test)]
mod soci_tests;
mod spec;
mod stream;
#[cfg(test)]
mod tests;

pub use layer_count::LayerCount;
pub(super) use lazy_stream::LazyStream;
pub use limits::SpecError;
pub use set::{Salt, SyntheticSet};
pub use size::SizeSpec;
pub use sized::SizedBlobs;
pub(super) use soci_stream::SociStream;
pub use spec::{Format, SyntheticSpec};
pub(super) use stream::Stream;
