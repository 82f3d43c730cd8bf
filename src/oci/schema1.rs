//! Docker's first manifest format, which describes which of its own bytes are signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Deserialize;

use super::Digest;
use super::entry::null_is_empty;

/// A manifest of Docker's schema 1: no sizes, no config, and the top layer first.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema1 {
    /// The layers, **top first**, the shared empty layer once for each instruction that changed no file.
    pub fs_layers: Vec<Schema1Layer>,
    /// The processor the image was built for.
    #[serde(default)]
    pub architecture: Option<String>,
    /// A config for each layer, top first.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub history: Vec<Schema1History>,
    #[serde(default, deserialize_with = "null_is_empty")]
    signatures: Vec<Signature>,
}

/// One layer of a schema 1 manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema1Layer {
    /// The digest of the compressed layer.
    pub blob_sum: Digest,
}

/// The config of one layer of a schema 1 manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema1History {
    /// A JSON document in a string.
    pub v1_compatibility: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Signature {
    protected: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protected {
    format_length: usize,
    format_tail: String,
}

impl Schema1 {
    /// The layers in the order of application, the bottom one first, with repeats.
    pub fn layers_bottom_first(&self) -> Vec<Digest> {
        self.fs_layers
            .iter()
            .rev()
            .map(|layer| layer.blob_sum)
            .collect()
    }

    /// Returns the signed bytes: the document without its signatures. `None` if the first signature does not describe
    /// them.
    pub(super) fn payload(&self, raw: &Bytes) -> Option<Bytes> {
        let Some(signature) = self.signatures.first() else {
            return Some(raw.clone());
        };
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let protected = decode(&signature.protected)?;
        let protected: Protected = serde_json::from_slice(&protected).ok()?;
        let head = raw.get(..protected.format_length)?;
        Some([head, &decode(&protected.format_tail)?].concat().into())
    }
}
