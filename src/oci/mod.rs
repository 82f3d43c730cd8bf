//! The nouns of the OCI image and distribution specifications, and of Docker's formats before them.
//!
//! Values only: nothing here opens a file or a socket. Each noun is made by parsing or by hashing and is
//! well formed from then on. A manifest keeps the bytes it came as, because its digest is over those bytes.

mod checksum;
mod descriptor;
mod digest;
mod error_body;
mod image_config;
mod manifest;
mod media_type;
mod operation;
mod reference;
mod verify;

pub use checksum::{Checksum, Checksummer};
pub use descriptor::{Descriptor, Platform, PlatformError};
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use error_body::{ErrorBody, ErrorCode, MAX_ERROR_BODY};
pub use image_config::{ImageConfig, Rootfs};
pub use manifest::{
    Content, ImageIndex, ImageManifest, Manifest, ManifestError, Schema1, Schema1History,
    Schema1Layer,
};
pub use media_type::MediaType;
pub use operation::Operation;
pub use reference::{NameError, Reference, RepositoryName, Tag, Version};
pub use verify::Verify;
