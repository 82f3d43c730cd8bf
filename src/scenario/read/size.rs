//! The sizes of layers: one, one for each layer, or a distribution.

use std::ops::RangeInclusive;

use super::spread::{Corpus, Kind, Spread, spread};
use crate::content::SizeSpec;
use crate::keys::codec::{Codec, size};
use crate::keys::tree::Value;
use crate::units::ByteSize;

/// Every layer has room for what makes it different from all others, and fits on a disk.
const LAYER: RangeInclusive<ByteSize> = ByteSize::from_bytes(64)..=ByteSize::from_mib(1024 * 1024);

/// The smallest layer that can be told from another.
const SMALLEST: ByteSize = ByteSize::from_bytes(64);

/// What the largest layers of the published corpora are.
const STORED_MAX: ByteSize = ByteSize::from_bytes(500_000_000);
const REQUESTED_MAX: ByteSize = ByteSize::from_mib(10 * 1024);

static SIZES: Kind<ByteSize> = Kind {
    what: "layer size",
    one: || size(LAYER),
    is_one: |value| matches!(value, Value::Text(_)),
    wanted: "a size such as \"4MiB\", \"stored\", \"requested\", a size for each layer, or a table such as",
    forms: [
        "\"4MiB\"",
        "{ min = \"1KiB\", max = \"64MiB\" }",
        "{ median = \"1MiB\", sigma = 1.0, max = \"64MiB\" }",
        "{ like = \"stored\", max = \"64MiB\" }",
        "[\"1MiB\", \"4MiB\"]",
    ],
    examples: ["\"1KiB\"", "\"1MiB\"", "\"64MiB\""],
    corpora: &[("stored", Corpus::Stored), ("requested", Corpus::Requested)],
    ends: |corpus| match corpus {
        Corpus::Stored => STORED_MAX,
        Corpus::Requested => REQUESTED_MAX,
    },
    // As many layers as an image may have.
    most: 128,
};

/// The size of layers.
pub(super) fn layer_size() -> Codec<SizeSpec> {
    let to = |spread| match spread {
        Spread::Same(size) => SizeSpec::Fixed(size),
        Spread::Each(sizes) => SizeSpec::PerLayer(sizes),
        Spread::Between(min, max) => SizeSpec::LogUniform { min, max },
        Spread::Normal { median, sigma, max } => SizeSpec::LogNormal {
            median,
            sigma,
            min: SMALLEST,
            max,
        },
        Spread::Like(Corpus::Stored, cap) => SizeSpec::Stored { cap },
        Spread::Like(Corpus::Requested, cap) => SizeSpec::Requested { cap },
    };
    spread(&SIZES).map(to, |spec: &SizeSpec| match *spec {
        SizeSpec::Fixed(size) => Spread::Same(size),
        SizeSpec::PerLayer(ref sizes) => Spread::Each(sizes.clone()),
        SizeSpec::Uniform { min, max } | SizeSpec::LogUniform { min, max } => {
            Spread::Between(min, max)
        }
        SizeSpec::LogNormal {
            median, sigma, max, ..
        } => Spread::Normal { median, sigma, max },
        SizeSpec::Stored { cap } => Spread::Like(Corpus::Stored, cap),
        SizeSpec::Requested { cap } => Spread::Like(Corpus::Requested, cap),
    })
}
