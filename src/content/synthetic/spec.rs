//! The specification of a set of synthetic images.

use super::layer_count::LayerCount;
use super::limits::{MAX_CONFIG, MAX_LAYER, MAX_LAYERS, SpecError};
use super::size::SizeSpec;
use super::stream::TAIL;
use crate::lazy::soci::{SociLayers, SociLayout};
use crate::lazy::{ChunkFormat, ChunkedLayers, Layout, LazyFormat, LazyLayers, Table};
use crate::oci::MediaType;
use crate::units::ByteSize;

/// The kind of manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// An OCI image manifest.
    #[default]
    Oci,
    /// A Docker manifest, schema 2.
    Docker,
}

impl Format {
    pub(super) const fn manifest(self) -> MediaType {
        match self {
            Self::Oci => MediaType::OciManifest,
            Self::Docker => MediaType::DockerManifest,
        }
    }

    pub(super) const fn config(self) -> MediaType {
        match self {
            Self::Oci => MediaType::OciConfig,
            Self::Docker => MediaType::DockerConfig,
        }
    }

    pub(super) const fn layer(self) -> MediaType {
        match self {
            Self::Oci => MediaType::OciLayerGzip,
            Self::Docker => MediaType::DockerLayerGzip,
        }
    }
}

/// A set of synthetic images.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticSpec {
    /// Images; at least 1.
    pub count: usize,
    /// Layers of each image; those of all images together are at most 1,000,000.
    pub layers: LayerCount,
    /// The size of a layer. Drawn sizes below 64 bytes become 64, the smallest unique layer; 16 KiB in formats that clients
    /// read in parts.
    pub layer_size: SizeSpec,
    /// The number of layers, from the bottom, that all images share; no image has fewer layers.
    pub shared_base_layers: usize,
    /// The size of a config. A config never becomes smaller than its required content.
    pub config_size: SizeSpec,
    /// The kind of manifest.
    pub format: Format,
    /// The format of layers that clients read in parts; `None`: they are opaque.
    pub lazy_format: Option<LazyFormat>,
    /// The share of each layer that is marked to be fetched when it is mounted, from 0 to 1; only eStargz can say so.
    pub prefetch: Option<f64>,
    /// The content of a span in a layer for SOCI; `None`: as its tool makes it.
    pub span_size: Option<ByteSize>,
    /// The smallest layer that has a table for SOCI; `None`: as its tool makes it.
    pub min_layer_size: Option<ByteSize>,
}

impl Default for SyntheticSpec {
    /// One image of eight layers of 4 MiB, and a config of 1 to 15 kB.
    fn default() -> Self {
        Self {
            count: 1,
            layers: LayerCount::Fixed(8),
            layer_size: SizeSpec::Fixed(ByteSize::from_mib(4)),
            shared_base_layers: 0,
            config_size: SizeSpec::Uniform {
                min: ByteSize::from_bytes(1_000),
                max: ByteSize::from_bytes(15_000),
            },
            format: Format::Oci,
            lazy_format: None,
            prefetch: None,
            span_size: None,
            min_layer_size: None,
        }
    }
}

impl SyntheticSpec {
    /// Checks that there can be such a set.
    ///
    /// # Errors
    /// Returns [`SpecError`] if it is impossible.
    pub fn check(&self) -> Result<(), SpecError> {
        let count = self.count;
        if count == 0 {
            return Err(SpecError::Empty);
        }
        // Drawn numbers are added up when they are drawn.
        let layers = count.saturating_mul(self.layers.fixed().unwrap_or(1).max(1));
        if layers > MAX_LAYERS {
            return Err(SpecError::TooManyLayers { count, layers });
        }
        self.layers.check(count, self.shared_base_layers)?;
        match (self.layers.fixed(), &self.layer_size) {
            (None, SizeSpec::PerLayer(_)) => return Err(SpecError::PerLayerOfSome),
            (layers, size) => size.check(Some(layers.unwrap_or_default()))?,
        }
        self.config_size.check(None)?;
        if self.lazy_format.is_some() && self.format == Format::Docker {
            return Err(SpecError::LazyDocker);
        }
        let least = self.least_layer();
        let most = match self.lazy_format {
            Some(_) => ByteSize::from_bytes(Layout::MOST),
            None => MAX_LAYER,
        };
        for size in self.layer_size.given() {
            if size.get() < least {
                let least = ByteSize::from_bytes(least);
                return Err(SpecError::LayerTooSmall { size, least });
            }
            if size > most {
                return Err(SpecError::LayerTooLarge { size, most });
            }
            if let Some(LazyLayers::Soci(layers)) = self.lazy()
                && SociLayout::of(layers, size.get()).table_length() > Table::MOST
            {
                let most = ByteSize::from_bytes(Table::MOST);
                return Err(SpecError::TableTooLarge { size, most });
            }
        }
        match self.config_size.given().into_iter().max() {
            Some(size) if size > MAX_CONFIG => Err(SpecError::ConfigTooLarge(size)),
            _ => Ok(()),
        }
    }
}

impl SyntheticSpec {
    /// How the layers are made that clients read in parts; `None`: they are opaque.
    pub fn lazy(&self) -> Option<LazyLayers> {
        let chunked = |format| {
            let prefetch = self.prefetch.unwrap_or(0.0);
            LazyLayers::Chunked(ChunkedLayers { format, prefetch })
        };
        let size = |size: Option<ByteSize>, usual| size.map_or(usual, ByteSize::get);
        self.lazy_format.map(|format| match format {
            LazyFormat::Estargz => chunked(ChunkFormat::Estargz),
            LazyFormat::ZstdChunked => chunked(ChunkFormat::ZstdChunked),
            LazyFormat::Soci => LazyLayers::Soci(SociLayers {
                span_size: size(self.span_size, SociLayers::SPAN_SIZE),
                least: size(self.min_layer_size, SociLayers::LEAST),
            }),
        })
    }

    /// The largest layer that there may be.
    pub fn largest_layer(&self) -> Option<ByteSize> {
        self.layer_size.given().into_iter().max()
    }

    /// The bytes of the smallest layer.
    pub(super) const fn least_layer(&self) -> u64 {
        match self.lazy_format {
            Some(_) => Layout::LEAST,
            None => TAIL,
        }
    }
}

impl SizeSpec {
    /// The sizes that are written in the specification and may be drawn.
    fn given(&self) -> Vec<ByteSize> {
        match self {
            Self::Fixed(size) | Self::Stored { cap: size } | Self::Requested { cap: size } => {
                vec![*size]
            }
            Self::PerLayer(sizes) => sizes.clone(),
            Self::Uniform { min, max }
            | Self::LogUniform { min, max }
            | Self::LogNormal { min, max, .. } => vec![*min, *max],
        }
    }
}
