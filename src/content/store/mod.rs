//! Where a pull puts what it brings: an OCI layout, or a directory of layers.
//!
//! A blob is written under another name and renamed when its digest was right. So a blob that is there is true, and
//! what an interruption left can be gone on with.

mod error;
mod layer_files;
mod layout_writer;
mod partial_blob;

pub use error::StoreError;
pub use layer_files::LayerFiles;
pub use layout_writer::LayoutWriter;
pub use partial_blob::PartialBlob;

#[cfg(test)]
mod tests;
