//! The numbers of layers of images: one, one for each image, or a distribution.

use std::ops::RangeInclusive;

use super::spread::{Corpus, Kind, Spread, spread};
use crate::content::LayerCount;
use crate::keys::codec::{Codec, whole};
use crate::keys::tree::Value;

/// As many layers as an image may have.
const LAYERS: RangeInclusive<u32> = 1..=128;

/// The most layers of an image in the published corpus.
const STORED_MAX: usize = 120;

static NUMBERS: Kind<usize> = Kind {
    what: "number of layers",
    one: || number(LAYERS),
    is_one: |value| matches!(value, Value::Integer(_)),
    wanted: "a number such as 8, \"stored\", a number for each image, or a table such as",
    forms: [
        "8",
        "{ min = 3, max = 12 }",
        "{ median = 8, sigma = 0.6, max = 60 }",
        "{ like = \"stored\", max = 60 }",
        "[3, 8, 5]",
    ],
    examples: ["3", "8", "60"],
    corpora: &[("stored", Corpus::Stored)],
    ends: |_| STORED_MAX,
    // As many images as a set may have.
    most: 100_000,
};

/// How many layers images have.
pub(super) fn layers() -> Codec<LayerCount> {
    let to = |spread| match spread {
        Spread::Same(layers) => LayerCount::Fixed(layers),
        Spread::Each(counts) => LayerCount::PerImage(counts),
        Spread::Between(min, max) => LayerCount::LogUniform { min, max },
        Spread::Normal { median, sigma, max } => LayerCount::LogNormal { median, sigma, max },
        Spread::Like(_, max) => LayerCount::Stored { max },
    };
    spread(&NUMBERS).map(to, |count: &LayerCount| match *count {
        LayerCount::Fixed(layers) => Spread::Same(layers),
        LayerCount::PerImage(ref counts) => Spread::Each(counts.clone()),
        LayerCount::LogUniform { min, max } => Spread::Between(min, max),
        LayerCount::LogNormal { median, sigma, max } => Spread::Normal { median, sigma, max },
        LayerCount::Stored { max } => Spread::Like(Corpus::Stored, max),
    })
}

/// A number of things; there is no machine on which `usize` is smaller.
pub(super) fn number(range: RangeInclusive<u32>) -> Codec<usize> {
    whole(range).map(
        |number| usize::try_from(number).unwrap_or(usize::MAX),
        |number: &usize| u32::try_from(*number).unwrap_or(u32::MAX),
    )
}
