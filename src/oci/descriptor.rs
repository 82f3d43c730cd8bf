//! A descriptor: what a document says of another piece of content before anyone fetches it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Digest, MediaType};

/// Type, digest and size of a piece of content.
///
/// # Spec
/// image-spec, "OCI Content Descriptors".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// REQUIRED. The type of the content.
    pub media_type: MediaType,
    /// REQUIRED. The digest of the exact bytes.
    pub digest: Digest,
    /// REQUIRED. Bytes; at most `i64::MAX`, as the specification's signed integer allows.
    #[serde(deserialize_with = "signed_size")]
    pub size: u64,
    /// OPTIONAL. Where else the content may be had; layers that are not distributed have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// OPTIONAL. Notes by key.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
    /// OPTIONAL, in an index. What the manifest runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// OPTIONAL. The type of artifact, in an index and in a list of referrers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// A descriptor with the three required properties.
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

fn signed_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = i64::deserialize(deserializer)?;
    u64::try_from(size).map_err(|_| serde::de::Error::custom("a size cannot be negative"))
}

/// Some writers put `null` where the specification has an object or nothing.
pub(super) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An operating system and a processor, `os/architecture[/variant]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// A value of Go's `GOARCH`, such as `amd64`.
    pub architecture: String,
    /// A value of Go's `GOOS`, such as `linux`.
    pub os: String,
    /// OPTIONAL. The variant of the processor, such as `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A text that is not `os/architecture[/variant]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform: write os/architecture[/variant], such as linux/arm64/v8")]
pub struct PlatformError(String);

impl Platform {
    /// The platform of nearly every server, and what regstorm asks for unless told otherwise.
    pub fn linux_amd64() -> Self {
        Self {
            architecture: "amd64".into(),
            os: "linux".into(),
            variant: None,
        }
    }

    /// Does content for `other` run where `self` was asked for? A variant matters only when `self` names one.
    pub fn accepts(&self, other: &Self) -> bool {
        self.os == other.os
            && self.architecture == other.architecture
            && (self.variant.is_none() || self.variant == other.variant)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .iter()
            .try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(os), Some(architecture), variant, None)
                if !os.is_empty() && !architecture.is_empty() && variant != Some("") =>
            {
                Ok(Self {
                    architecture: architecture.into(),
                    os: os.into(),
                    variant: variant.map(Into::into),
                })
            }
            _ => Err(PlatformError(text.chars().take(100).collect())),
        }
    }
}
