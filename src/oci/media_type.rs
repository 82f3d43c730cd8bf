//! Media types of manifests, configs and layers, of Docker and of OCI.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! media_types {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// A media type. Unknown types are kept verbatim.
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub enum MediaType {
            $($(#[$doc])* $variant,)*
            /// Any other type, verbatim.
            Other(Box<str>),
        }

        impl MediaType {
            /// The type on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }

            /// Returns the known type of this name.
            fn known(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl From<&str> for MediaType {
            /// Parses a type of a header or a document. Parameters (`; charset=utf-8`) are dropped.
            fn from(text: &str) -> Self {
                Self::known(text).unwrap_or_else(|| {
                    let bare = text.split(';').next().unwrap_or_default().trim();
                    Self::known(bare).unwrap_or_else(|| Self::Other(bare.into()))
                })
            }
        }
    };
}

media_types! {
    /// OCI image manifest.
    OciManifest = "application/vnd.oci.image.manifest.v1+json",
    /// OCI image index.
    OciIndex = "application/vnd.oci.image.index.v1+json",
    /// OCI image config.
    OciConfig = "application/vnd.oci.image.config.v1+json",
    /// OCI layer, plain tar.
    OciLayer = "application/vnd.oci.image.layer.v1.tar",
    /// OCI layer, gzip.
    OciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip",
    /// OCI layer, zstd.
    OciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd",
    /// OCI layer that must not be pushed, plain tar.
    OciForeignLayer = "application/vnd.oci.image.layer.nondistributable.v1.tar",
    /// OCI layer that must not be pushed, gzip.
    OciForeignLayerGzip = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    /// The empty JSON object, `{}`.
    OciEmpty = "application/vnd.oci.empty.v1+json",
    /// Docker manifest, schema 2.
    DockerManifest = "application/vnd.docker.distribution.manifest.v2+json",
    /// Docker manifest list.
    DockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json",
    /// Docker image config.
    DockerConfig = "application/vnd.docker.container.image.v1+json",
    /// Docker layer, plain tar.
    DockerLayer = "application/vnd.docker.image.rootfs.diff.tar",
    /// Docker layer, gzip.
    DockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip",
    /// Docker layer that must not be pushed.
    DockerForeignLayerGzip = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    /// Docker manifest, schema 1, unsigned.
    DockerSchema1 = "application/vnd.docker.distribution.manifest.v1+json",
    /// Docker manifest, schema 1, with its JWS signatures.
    DockerSchema1Signed = "application/vnd.docker.distribution.manifest.v1+prettyjws",
}

impl MediaType {
    /// The types of manifests that regstorm reads, in the order of `Accept`.
    ///
    /// Without `Accept` a registry may convert a manifest to schema 1 or deny that it exists.
    pub const MANIFESTS: [Self; 6] = [
        Self::OciManifest,
        Self::DockerManifest,
        Self::OciIndex,
        Self::DockerIndex,
        Self::DockerSchema1Signed,
        Self::DockerSchema1,
    ];

    /// Returns `true` for a list of manifests.
    pub const fn is_index(&self) -> bool {
        matches!(self, Self::OciIndex | Self::DockerIndex)
    }

    /// Returns `true` for a manifest of schema 1.
    pub const fn is_schema1(&self) -> bool {
        matches!(self, Self::DockerSchema1 | Self::DockerSchema1Signed)
    }

    /// Returns `true` for a layer that is stored elsewhere: it is not pushed, and registries rarely store it.
    pub const fn is_foreign_layer(&self) -> bool {
        matches!(
            self,
            Self::OciForeignLayer | Self::OciForeignLayerGzip | Self::DockerForeignLayerGzip
        )
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for MediaType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(text.as_ref().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_dropped_and_unknown_types_kept() {
        assert_eq!(
            MediaType::from("application/vnd.oci.image.index.v1+json; charset=utf-8"),
            MediaType::OciIndex
        );
        assert_eq!(MediaType::from("text/html").as_str(), "text/html");
    }
}
