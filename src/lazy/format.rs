//! The formats of layers that can be read in parts.

use super::soci::SociLayers;
use crate::oci::MediaType;

/// A format of layers that can be read in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LazyFormat {
    /// gzip, with a table of contents and a footer at its end; read by the stargz snapshotter of containerd.
    Estargz,
    /// zstd, with a table of contents at its end whose place the manifest states; read by podman.
    ZstdChunked,
    /// gzip as any, with a table in an artifact that refers to the image; read by the SOCI snapshotter of containerd.
    Soci,
}

impl LazyFormat {
    /// Every format, by its word in scenarios.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("estargz", Self::Estargz),
        ("zstd-chunked", Self::ZstdChunked),
        ("soci", Self::Soci),
    ];

    /// What reads it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Estargz => "eStargz, with the stargz snapshotter of containerd",
            Self::ZstdChunked => "zstd:chunked, with podman",
            Self::Soci => {
                "gzip with a SOCI index beside the image, with the SOCI snapshotter of containerd"
            }
        }
    }
}

/// A format of layers that hold their table of contents themselves, and whose files are chunks of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkFormat {
    /// That of [`LazyFormat::Estargz`].
    Estargz,
    /// That of [`LazyFormat::ZstdChunked`].
    ZstdChunked,
}

impl ChunkFormat {
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
pub enum LazyLayers {
    /// With their tables in them.
    Chunked(ChunkedLayers),
    /// With their tables beside them.
    Soci(SociLayers),
}

/// How the layers of a set are made whose tables are in them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChunkedLayers {
    /// The format.
    pub format: ChunkFormat,
    /// The share of each layer that is marked to be fetched when it is mounted, from 0 to 1; only eStargz can say so.
    pub prefetch: f64,
}
