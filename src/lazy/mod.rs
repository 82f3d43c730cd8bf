//! Layers that clients read in parts instead of pulling them: their formats, where their bytes are, and which ranges a
//! client asks for.
//!
//! Values only, as in `oci`: nothing here opens a file or a socket. Content makes layers by a [`Layout`] or a
//! [`soci::SociLayout`], clients read the [`Table`] or [`soci::Ztoc`] of a layer and ask for what their reader
//! ([`estargz::Reader`], [`zstd_chunked`], [`soci`]) says, and the forecast of a plan adds up the same ranges without a registry.
//! [`Checker`] verifies what has come.

/// The most layers that are mounted at once. The first mount of an image resolves all its layers together; of images with
/// more than these, some wait.
pub const MOUNTS: usize = 16;

mod checker;
mod contents;
mod draw;
pub mod estargz;
mod forecast;
mod format;
mod layout;
pub mod soci;
mod spans;
pub mod stored;
mod table;
pub mod zstd_chunked;

pub use checker::Checker;
pub use contents::{estargz_toc, zstd_manifest};
pub use draw::drawn;
pub use forecast::{Forecast, forecast};
pub use format::{ChunkFormat, ChunkedLayers, LazyFormat, LazyLayers, file_name};
pub use layout::Layout;
pub use spans::Spans;
pub use table::{Chunk, Landmark, Payload, Table, TableError, verify};
