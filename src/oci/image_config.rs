//! The image config: the part of it that says which file systems the layers make.

use serde::Deserialize;

use super::{Digest, Platform};

/// What regstorm reads of an image config. The rest of the document is nobody's business here.
///
/// # Spec
/// image-spec, "OCI Image Configuration".
#[derive(Debug, Clone, Deserialize)]
pub struct ImageConfig {
    /// The platform the image runs on.
    #[serde(flatten)]
    pub platform: Option<Platform>,
    /// The uncompressed layers.
    #[serde(default)]
    pub rootfs: Rootfs,
}

/// The digests of the uncompressed layers, the bottom one first.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Rootfs {
    /// One for each layer of the manifest, in the same order.
    #[serde(default)]
    pub diff_ids: Vec<Digest>,
}

impl ImageConfig {
    /// Reads a config.
    ///
    /// # Errors
    /// When the bytes are not JSON, or a diff id is not a digest.
    pub fn parse(raw: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(raw)
    }
}
