//! Storage of pulled images: an OCI layout, or a directory of layers.
//!
//! A blob is written under another name, and renamed when its digest was right. An existing blob is therefore
//! complete, and an interrupted one can be resumed.

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
