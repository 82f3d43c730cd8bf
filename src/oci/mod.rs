//! The nouns of the OCI image and distribution specifications, and of Docker's formats before them.
//!
//! Values only: nothing here opens a file or a socket. Each noun is made by parsing or by hashing, and is well formed
//! from then on. What a document states of other content is an [`Entry`], which is judged when it is used. A manifest
//! keeps its original bytes, because its digest is over those bytes.

mod checksum;
mod descriptor;
mod digest;
mod entry;
mod error_body;
mod glob;
mod image_config;
mod index;
mod manifest;
mod media_type;
mod operation;
mod platform;
mod reference;
mod schema1;
mod verify;

pub use checksum::{Checksum, Checksummer};
pub use descriptor::Descriptor;
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use entry::{Entry, EntryError, Unusable};
pub use error_body::{ErrorBody, ErrorCode, MAX_ERROR_BODY};
pub use glob::{ImageGlob, ImageSelector, SelectorError};
pub use image_config::{ImageConfig, Rootfs};
pub use index::ImageIndex;
pub use manifest::{Content, ImageManifest, Manifest, ManifestError};
pub use media_type::MediaType;
pub use operation::Operation;
pub use platform::{Platform, PlatformError};
pub use reference::{ImageName, NameError, Reference, RepositoryName, Tag, repository_of};
pub use schema1::{Schema1, Schema1History, Schema1Layer};
pub use verify::Verify;
