//! A descriptor: what a document states of other content.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Digest, MediaType, Platform};

/// Type, digest and size of a piece of content. Documents are read as [`Entry`](super::Entry) first.
///
/// # Spec
/// image-spec, "OCI Content Descriptors".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// REQUIRED. The type of the content.
    pub media_type: MediaType,
    /// REQUIRED. The digest of the exact bytes.
    pub digest: Digest,
    /// REQUIRED. Bytes; at most `i64::MAX`, as the specification's signed integer allows.
    pub size: u64,
    /// OPTIONAL. Other URLs of the content; layers that are not distributed have them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// OPTIONAL. The annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// OPTIONAL, in an index. The platform of the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// OPTIONAL. The artifact type, in an index and in a list of referrers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// Makes a descriptor with the three required properties.
    pub const fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            platform: None,
            artifact_type: None,
        }
    }
}
