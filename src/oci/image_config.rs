//! The image config: the platform, and the uncompressed layers.

use serde::Deserialize;

use super::entry::{lenient, null_is_empty};
use super::{Digest, Platform};

/// The parts of an image config that regstorm uses.
///
/// # Spec
/// image-spec, "OCI Image Configuration".
#[derive(Debug, Clone)]
pub struct ImageConfig {
    /// The platform of the image, if the config states it.
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
    /// Parses a config. `null` counts as missing.
    ///
    /// # Errors
    /// Fails if the bytes are not JSON, or if a diff id is not a digest.
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
