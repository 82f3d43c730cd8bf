//! The image config: the part of it that says which file systems the layers make.

use serde::Deserialize;

use super::entry::{lenient, null_is_empty};
use super::{Digest, Platform};

/// What regstorm reads of an image config. The rest of the document is nobody's business here.
///
/// # Spec
/// image-spec, "OCI Image Configuration".
#[derive(Debug, Clone)]
pub struct ImageConfig {
    /// The platform the image runs on, if the config says one.
    pub platform: Option<Platform>,
    /// The uncompressed layers.
    pub rootfs: Rootfs,
}

/// The digests of the uncompressed layers, the bottom one first.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Rootfs {
    /// One for each layer of the manifest, in the same order.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub diff_ids: Vec<Digest>,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "lenient")]
    os: String,
    #[serde(default, deserialize_with = "lenient")]
    architecture: String,
    #[serde(default, deserialize_with = "lenient")]
    variant: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    rootfs: Rootfs,
}

impl ImageConfig {
    /// Reads a config. `null` is read as nothing.
    ///
    /// # Errors
    /// When the bytes are not JSON, or a diff id is not a digest.
    pub fn parse(raw: &[u8]) -> Result<Self, serde_json::Error> {
        let fields: Fields = serde_json::from_slice(raw)?;
        let platform = Platform {
            variant: (!fields.variant.is_empty()).then_some(fields.variant),
            ..Platform::new(&fields.os, &fields.architecture)
        };
        Ok(Self {
            platform: (!platform.is_empty()).then_some(platform),
            rootfs: fields.rootfs,
        })
    }
}
