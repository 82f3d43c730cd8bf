//! A manifest of any kind: its exact bytes, their digest, and the parsed document.
//!
//! The bytes are never written again from the parsed document: a digest is over bytes, and no two serialisers agree.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::entry::{annotations, lenient, null_is_empty};
use super::{Algorithm, Descriptor, Digest, Entry, ImageIndex, MediaType, Schema1, Unusable};

/// A manifest as it was received or made. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Manifest(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    raw: Bytes,
    signed_bytes: Bytes, // what the digest is over; `raw`, but for a signed schema 1
    media_type: MediaType,
    content: Content,
    sha256: OnceLock<Digest>, // computed on first use
}

/// The content of a manifest.
#[derive(Debug, Clone)]
pub enum Content {
    /// One image (or artifact): a config and layers.
    Image(Box<ImageManifest>),
    /// A choice of manifests, one for each platform.
    Index(Box<ImageIndex>),
    /// Docker's first format: layers only.
    Schema1(Box<Schema1>),
}

/// An image manifest, of OCI or of Docker's schema 2.
///
/// # Spec
/// image-spec, "OCI Image Manifest Specification".
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageManifest {
    /// REQUIRED, always 2; clients ignore it. 0 if it is missing.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub schema_version: u32,
    /// REQUIRED by Docker, recommended by OCI. Must equal the type in the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// OPTIONAL. The artifact type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// REQUIRED. The image config.
    pub config: Entry,
    /// REQUIRED. The layers, the bottom one first. A layer may occur twice.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub layers: Vec<Entry>,
    /// OPTIONAL. The manifest that this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Entry>,
    /// OPTIONAL. The annotations.
    #[serde(
        default,
        deserialize_with = "annotations",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

impl ImageManifest {
    /// Returns the descriptor of the config.
    ///
    /// # Errors
    /// Returns [`Unusable`] if it is none.
    pub fn config(&self) -> Result<&Descriptor, Unusable> {
        let config = self.config.descriptor();
        config.map_err(|error| Unusable::new("the config of the manifest", error))
    }

    /// Checks that config and distributed layers are complete descriptors.
    ///
    /// # Errors
    /// Returns [`Unusable`] for the first one that is not.
    pub fn check(&self) -> Result<(), Unusable> {
        self.config()?;
        self.distributed_layers()
            .try_for_each(|layer| layer.map(drop))
    }

    /// Returns the descriptor of the layer at a position, counted from 0.
    ///
    /// # Errors
    /// Returns [`Unusable`] if it is none.
    ///
    /// # Panics
    /// Panics if there is no such layer.
    pub fn layer(&self, place: usize) -> Result<&Descriptor, Unusable> {
        let layer = self.layers[place].descriptor();
        let named = || format!("layer {} of the manifest", place + 1);
        layer.map_err(|error| Unusable::new(named(), error))
    }

    /// The layers that registries distribute, the bottom one first, each as descriptor or error.
    pub fn distributed_layers(&self) -> impl Iterator<Item = Result<&Descriptor, Unusable>> {
        let layers = self.layers.iter().enumerate();
        let distributed = layers.filter(|(_, layer)| !layer.is_foreign_layer());
        distributed.map(|(place, _)| self.layer(place))
    }
}

/// Why bytes are not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or a property is missing or of the wrong kind.
    #[error("not a manifest of type {media_type}: {source}")]
    Malformed {
        /// The assumed type.
        media_type: MediaType,
        /// The error of the parser.
        source: serde_json::Error,
    },
    /// JSON, but no manifest, or one without a config and layers.
    #[error("the document is not a manifest that regstorm knows ({0})")]
    Unknown(Box<str>),
    /// The signature block of schema 1 does not describe the signed bytes.
    #[error("the signature of the schema 1 manifest does not say which bytes it covers")]
    Signature,
}

/// The part of a document that shows its kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    #[serde(default, deserialize_with = "lenient")]
    schema_version: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    media_type: Option<MediaType>,
    #[serde(default)]
    manifests: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    layers: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    config: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    fs_layers: Option<serde::de::IgnoredAny>,
}

impl Manifest {
    /// Parses a manifest. `content_type` is the type in the registry's header, if there was one.
    ///
    /// The header counts if it names a kind of manifest; otherwise the document's own `mediaType`; otherwise its
    /// shape. OCI allows a manifest without `mediaType`, and some registries send `application/json`.
    ///
    /// # Errors
    /// Returns [`ManifestError`] if the bytes are not a manifest of that kind.
    pub fn parse(raw: Bytes, content_type: Option<&MediaType>) -> Result<Self, ManifestError> {
        let known = |media_type: &MediaType| MediaType::MANIFESTS.contains(media_type);
        let malformed = |media_type: &MediaType| {
            let media_type = media_type.clone();
            |source| ManifestError::Malformed { media_type, source }
        };
        let media_type = match content_type.filter(|media_type| known(media_type)) {
            Some(media_type) => media_type.clone(),
            None => Self::sniff(&raw)?,
        };
        let (content, signed_bytes) = if media_type.is_index() {
            let index = serde_json::from_slice(&raw).map_err(malformed(&media_type))?;
            (Content::Index(index), raw.clone())
        } else if media_type.is_schema1() {
            let schema1: Schema1 = serde_json::from_slice(&raw).map_err(malformed(&media_type))?;
            let payload = schema1.payload(&raw).ok_or(ManifestError::Signature)?;
            (Content::Schema1(Box::new(schema1)), payload)
        } else {
            let image = serde_json::from_slice(&raw).map_err(malformed(&media_type))?;
            (Content::Image(image), raw.clone())
        };
        Ok(Self::new(raw, signed_bytes, media_type, content))
    }

    fn new(raw: Bytes, signed_bytes: Bytes, media_type: MediaType, content: Content) -> Self {
        Self(Arc::new(Inner {
            raw,
            signed_bytes,
            media_type,
            content,
            sha256: OnceLock::new(),
        }))
    }

    fn sniff(raw: &[u8]) -> Result<MediaType, ManifestError> {
        let probe: Probe =
            serde_json::from_slice(raw).map_err(|source| ManifestError::Malformed {
                media_type: MediaType::OciManifest,
                source,
            })?;
        match probe {
            Probe {
                media_type: Some(media_type),
                ..
            } if MediaType::MANIFESTS.contains(&media_type) => Ok(media_type),
            Probe {
                schema_version: Some(1),
                fs_layers: Some(_),
                ..
            } => Ok(MediaType::DockerSchema1Signed),
            Probe {
                manifests: Some(_), ..
            } => Ok(MediaType::OciIndex),
            Probe {
                config: Some(_), ..
            }
            | Probe {
                layers: Some(_), ..
            } => Ok(MediaType::OciManifest),
            Probe { media_type, .. } => Err(ManifestError::Unknown(
                media_type.map_or_else(|| "no mediaType".into(), |it| it.as_str().into()),
            )),
        }
    }

    /// Makes an image manifest and its bytes.
    ///
    /// # Panics
    /// Never: every value of the type is valid JSON.
    pub fn from_image(image: &ImageManifest, media_type: MediaType) -> Self {
        let raw: Bytes = serde_json::to_vec(image)
            .expect("a manifest holds nothing that JSON cannot say")
            .into();
        let content = Content::Image(Box::new(image.clone()));
        Self::new(raw.clone(), raw, media_type, content)
    }

    /// Makes an index and its bytes.
    ///
    /// # Panics
    /// Never: every value of the type is valid JSON.
    pub fn from_index(index: &ImageIndex, media_type: MediaType) -> Self {
        let raw: Bytes = serde_json::to_vec(index)
            .expect("an index holds nothing that JSON cannot say")
            .into();
        let content = Content::Index(Box::new(index.clone()));
        Self::new(raw.clone(), raw, media_type, content)
    }

    /// The exact bytes.
    pub fn raw(&self) -> &Bytes {
        &self.0.raw
    }

    /// The type under which it is sent.
    pub fn media_type(&self) -> &MediaType {
        &self.0.media_type
    }

    /// The parsed document.
    pub fn content(&self) -> &Content {
        &self.0.content
    }

    /// The digest that names it in a registry. For a signed schema 1 it covers the signed bytes only.
    pub fn digest(&self, algorithm: Algorithm) -> Digest {
        let compute = || algorithm.digest(&self.0.signed_bytes);
        match algorithm {
            Algorithm::Sha256 => *self.0.sha256.get_or_init(compute),
            Algorithm::Sha512 => compute(),
        }
    }

    /// Returns a descriptor of the manifest itself.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(
            self.media_type().clone(),
            self.digest(Algorithm::Sha256),
            self.raw().len() as u64,
        )
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str, content_type: Option<&MediaType>) -> Result<Manifest, ManifestError> {
        Manifest::parse(Bytes::copy_from_slice(text.as_bytes()), content_type)
    }

    const EMPTY: &str = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";
    const OTHER: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_digest_is_of_the_exact_bytes() {
        let text = format!(
            r#"{{ "schemaVersion":2,
            "config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{OTHER}","size":3}},
            "layers":[] }}"#
        );
        let manifest = parse(&text, None).unwrap();
        assert_eq!(manifest.media_type(), &MediaType::OciManifest);
        assert_eq!(
            manifest.digest(Algorithm::Sha256),
            Digest::sha256(text.as_bytes())
        );
        assert_eq!(manifest.raw(), text.as_bytes());
    }

    #[test]
    fn schema1_is_signed_without_its_signatures() {
        // The payload, and the document a registry makes of it: the signatures stand before the last brace.
        let payload = format!(
            "{{\n   \"schemaVersion\": 1,\n   \"fsLayers\": [{{\"blobSum\": \"{EMPTY}\"}}, {{\"blobSum\": \"{OTHER}\"}}, {{\"blobSum\": \"{EMPTY}\"}}]\n}}"
        );
        let length = payload.len() - 2;
        let protected = URL_SAFE_NO_PAD.encode(format!(
            r#"{{"formatLength":{length},"formatTail":"{}"}}"#,
            URL_SAFE_NO_PAD.encode("\n}")
        ));
        let signed = format!(
            "{},\n   \"signatures\": [{{\"protected\": \"{protected}\"}}]\n}}",
            &payload[..length]
        );
        let manifest = parse(&signed, Some(&MediaType::DockerSchema1Signed)).unwrap();
        assert_eq!(
            manifest.digest(Algorithm::Sha256),
            Digest::sha256(payload.as_bytes())
        );
        let Content::Schema1(schema1) = manifest.content() else {
            panic!("{manifest:?}");
        };
        let layers: Vec<_> = schema1
            .layers_bottom_first()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(layers, [EMPTY, OTHER, EMPTY]);
    }

    #[test]
    fn negative_sizes_and_bad_digests_are_refused_where_they_are_used() {
        let with = |digest: &str, size: &str| {
            let text = format!(
                r#"{{"schemaVersion":2,"config":{{"mediaType":"x","digest":"{digest}","size":{size}}}}}"#
            );
            let manifest = parse(&text, None).unwrap();
            let Content::Image(image) = manifest.content() else {
                panic!("{manifest:?}");
            };
            image.config().map(|config| config.size)
        };
        assert_eq!(with(OTHER, "1"), Ok(1));
        assert!(with(OTHER, "-1").is_err());
        assert!(with("sha256:../../etc", "1").is_err());
        assert!(parse("{}", None).is_err());
        assert!(parse("<html>", Some(&MediaType::OciManifest)).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_panic(bytes: Vec<u8>) {
            for media_type in MediaType::MANIFESTS {
                let _ = Manifest::parse(bytes.clone().into(), Some(&media_type));
            }
            let _ = Manifest::parse(bytes.into(), None);
        }
    }
}
