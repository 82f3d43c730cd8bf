//! The limits of a set of synthetic images, and the errors beyond them.

use crate::units::ByteSize;

/// The most layers of a whole set; a set keeps some 300 bytes for each.
pub(super) const MAX_LAYERS: usize = 1_000_000;
/// The largest layer: 1 TiB takes ten minutes to hash.
pub(super) const MAX_LAYER: ByteSize = ByteSize::from_mib(1 << 20);
/// The most metadata of layers that clients read in parts, of a whole set: they are kept in memory.
pub(super) const MAX_METADATA: ByteSize = ByteSize::from_mib(1024);
/// Registries refuse manifests above 4 MiB; a config is read whole by every client.
pub(super) const MAX_CONFIG: ByteSize = ByteSize::from_mib(4);

/// Why a set is impossible.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// No image.
    #[error("a set has at least one image")]
    Empty,
    /// Too many layers to keep in memory.
    #[error(
        "{count} images have {layers} layers, more than {MAX_LAYERS}: make fewer images, or images of fewer layers"
    )]
    TooManyLayers {
        /// Images.
        count: usize,
        /// Layers of all together.
        layers: usize,
    },
    /// The list of numbers of layers has another length than a set has images.
    #[error("{counts} numbers of layers for {images} images; give one for each")]
    PerImage {
        /// Numbers.
        counts: usize,
        /// Images.
        images: usize,
    },
    /// A range of numbers of layers that is empty or begins at none.
    #[error(
        "images cannot have from {min} to {max} layers: write at least 1, and no fewer at the end than at the start"
    )]
    Layers {
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// More base layers than layers.
    #[error("{shared} shared base layers, but only {layers} layers")]
    SharedBase {
        /// Base layers.
        shared: usize,
        /// Layers.
        layers: usize,
    },
    /// The list of sizes has another length than an image has layers.
    #[error("{sizes} sizes for {layers} layers; give one for each")]
    PerLayer {
        /// Sizes.
        sizes: usize,
        /// Layers.
        layers: usize,
    },
    /// A list of sizes for layers whose number differs from image to image.
    #[error("a size for each layer needs images of one number of layers")]
    PerLayerOfSome,
    /// A list of sizes for the config, which has one.
    #[error("an image has one config: a list of sizes makes no sense for it")]
    ConfigPerLayer,
    /// A range that ends before it starts.
    #[error("the smallest size, {min}, is larger than the largest, {max}")]
    Range {
        /// The smallest.
        min: ByteSize,
        /// The largest.
        max: ByteSize,
    },
    /// A logarithm of zero.
    #[error("a logarithmic distribution of sizes starts above 0B")]
    LogOfZero,
    /// An invalid deviation.
    #[error("the deviation of a lognormal distribution is a number from 0 up, not {0}")]
    Sigma(f64),
    /// A layer without room for its unique tail, or for what its format adds.
    #[error("a layer has at least {least}, not {size}: smaller ones could not be told apart")]
    LayerTooSmall {
        /// The size.
        size: ByteSize,
        /// The least there can be.
        least: ByteSize,
    },
    /// A layer that takes too long to hash, or has too many chunks.
    #[error("a layer of {size} is too large; the most is {most}")]
    LayerTooLarge {
        /// The size.
        size: ByteSize,
        /// The most there can be.
        most: ByteSize,
    },
    /// A layer whose table no client would read.
    #[error(
        "the table of a layer of {size} would be larger than {most}: make smaller layers, or larger spans"
    )]
    TableTooLarge {
        /// The size of the layer.
        size: ByteSize,
        /// The most that a table may have.
        most: ByteSize,
    },
    /// More metadata of layers than there is memory for.
    #[error(
        "the tables of contents of the set take {bytes} of memory, more than {MAX_METADATA}: make fewer or smaller layers"
    )]
    TooMuchMetadata {
        /// How much.
        bytes: ByteSize,
    },
    /// Docker's manifests have no annotations.
    #[error(
        "layers that clients read in parts need annotations, which Docker's manifests do not have"
    )]
    LazyDocker,
    /// A config that no client would read.
    #[error("a config of {0} is too large; the most is {MAX_CONFIG}")]
    ConfigTooLarge(ByteSize),
}
