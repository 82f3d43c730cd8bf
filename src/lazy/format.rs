//! The formats of layers that can be read in parts.

use crate::oci::MediaType;

/// A format of layers that can be read in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LazyFormat {
    /// gzip, with a table of contents and a footer at its end; read by the stargz snapshotter of containerd.
    Estargz,
    /// zstd, with a table of contents at its end whose place the manifest states; read by podman.
    ZstdChunked,
}

impl LazyFormat {
    /// Every format, by its word in scenarios.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("estargz", Self::Estargz),
        ("zstd-chunked", Self::ZstdChunked),
    ];

    /// The type of its layers.
    pub const fn layer(self) -> MediaType {
        match self {
            Self::Estargz => MediaType::OciLayerGzip,
            Self::ZstdChunked => MediaType::OciLayerZstd,
        }
    }

    /// The bytes of a file in a synthetic layer that is not too large for it.
    pub(super) const fn usual_file(self) -> u64 {
        match self {
            Self::Estargz => 64 * 1024,
            // Its metadata is larger: it can make the tar again.
            Self::ZstdChunked => 128 * 1024,
        }
    }
}

/// Returns the name of a file in a synthetic layer.
pub fn file_name(file: u64) -> String {
    format!("file-{file:05}")
}

/// How the layers of a set are made that clients read in parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LazyLayers {
    /// The format.
    pub format: LazyFormat,
    /// The share of each layer that is marked to be fetched when it is mounted, from 0 to 1; only eStargz can say so.
    pub prefetch: f64,
}
