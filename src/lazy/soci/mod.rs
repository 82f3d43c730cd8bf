//! SOCI: gzip layers as they are, whose tables (zTOCs) are in an artifact beside the image, and what the SOCI snapshotter asks
//! for.
//!
//! # Spec
//! The formats and the requests follow the sources of soci-snapshotter: `ztoc.fbs` and `gzip_zinfo.c` for a table, `soci_index.go`
//! for the artifact, `fs.go`, `artifact_fetcher.go` and `span_manager.go` for what is asked for.

mod flat_reader;
mod flat_writer;
mod layout;
#[cfg(test)]
mod tests;
mod ztoc;

pub use layout::SociLayout;
pub use ztoc::{Span, WINDOW, Ztoc, checkpoints, parse, write};

/// The type of an index that refers to its image, which is the type of its config.
pub const INDEX_V1: &str = "application/vnd.amazon.soci.index.v1+json";
/// The type of an index that its image names.
pub const INDEX_V2: &str = "application/vnd.amazon.soci.index.v2+json";
/// The type of a table.
pub const TABLE: &str = "application/octet-stream";
/// The annotation of a table that states the digest of its layer.
pub const LAYER_DIGEST: &str = "com.amazon.soci.image-layer-digest";
/// The annotation of a table that states the type of its layer.
pub const LAYER_TYPE: &str = "com.amazon.soci.image-layer-mediaType";
/// The annotation of a table that states how large spans were to be.
pub const SPAN_SIZE: &str = "com.amazon.soci.span-size";
/// The annotation of an index that states what has made it.
pub const BUILD_TOOL: &str = "com.amazon.soci.build-tool-identifier";
/// The annotation of an image that states the digest of its index.
pub const INDEX_DIGEST: &str = "com.amazon.soci.index-digest";
/// What makes synthetic tables.
pub const MAKER: &str = "regstorm";

/// How the layers of a set are made that have their tables beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SociLayers {
    /// A span has more content than so many bytes, and ends at the next end of a block.
    pub span_size: u64,
    /// The bytes of the smallest layer that has a table.
    pub least: u64,
}

impl SociLayers {
    /// The size of spans unless the tool is told otherwise, in bytes.
    pub const SPAN_SIZE: u64 = 4 << 20;
    /// The smallest layer with a table unless the tool is told otherwise, in bytes.
    pub const LEAST: u64 = 10 << 20;

    /// Returns whether a layer of that size has a table.
    pub const fn has_table(self, size: u64) -> bool {
        size >= self.least
    }
}
