//! How images are to be made: their number, their layers and the sizes of these.

use crate::units::ByteSize;

/// A set of synthetic images.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticSpec {
    /// How many images.
    pub count: u32,
    /// Layers of each image, without the config.
    pub layers: u32,
    /// The sizes of the layers.
    pub layer_size: SizeSpec,
    /// How many of the lowest layers all images of the set have in common. At most `layers`.
    pub shared_base_layers: u32,
    /// Whose media types the manifests use.
    pub format: Format,
}

/// How large the layers of a set are.
#[derive(Debug, Clone, PartialEq)]
pub enum SizeSpec {
    /// All alike.
    Fixed(ByteSize),
    /// One size for each layer of an image, lowest first.
    PerLayer(Vec<ByteSize>),
    /// The logarithm is uniform between both ends.
    LogUniform {
        /// The smallest layer.
        min: ByteSize,
        /// The largest layer.
        max: ByteSize,
    },
    /// The logarithm is normal; what is larger than `max` is drawn again.
    LogNormal {
        /// Half of the layers are smaller, before `max` is applied.
        median: ByteSize,
        /// The standard deviation of the natural logarithm.
        sigma: f64,
        /// The largest layer.
        max: ByteSize,
    },
    /// As production registries store layers; what is larger than `max` is drawn again.
    Stored {
        /// The largest layer.
        max: ByteSize,
    },
    /// As production registries are asked for layers; what is larger than `max` is drawn again.
    Requested {
        /// The largest layer.
        max: ByteSize,
    },
}

/// Whose media types a manifest uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OCI image manifest.
    Oci,
    /// Docker manifest, schema 2.
    Docker,
}

/// What becomes of the layers of an archive before they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Plain layers are compressed with gzip.
    Gzip,
    /// Layers are sent as the archive has them.
    Keep,
}
