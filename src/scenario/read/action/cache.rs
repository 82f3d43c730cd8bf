//! How much of an image is where it is to go before an iteration begins.

use crate::keys::codec::{Codec, fraction, words_or};
use crate::keys::define::keys;
use crate::keys::key::Keyed;

/// How much of an image is where it is to go before an iteration begins, as the client knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cache {
    /// Nothing.
    Cold,
    /// Everything: the iteration finds nothing new.
    Warm,
    /// This share of its layers, from the bottom one upwards; above 0 and below 1.
    Share(f64),
}

impl Cache {
    /// How many of so many layers, from the bottom one upwards, are there.
    pub fn layers(self, of: usize) -> usize {
        match self {
            Self::Cold => 0,
            Self::Warm => of,
            Self::Share(share) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a share of a number of layers is not below 0 and not above it"
                )]
                let layers = (share * of as f64).round() as usize;
                layers.min(of)
            }
        }
    }
}

const WORDS: &[(&str, Cache)] = &[("cold", Cache::Cold), ("warm", Cache::Warm)];

keys! {
    struct Part {
        /// The share of an image's layers that are there, from the bottom one upwards.
        share: f64 => fraction(0.0..=1.0), 0.6, needed;
    }
}

/// `cache`: what of the image is there already.
pub(super) fn cache() -> Codec<Cache> {
    let part = Part::inline().case(
        |it| match it.share {
            ..=0.0 => Cache::Cold,
            1.0.. => Cache::Warm,
            share => Cache::Share(share),
        },
        |cache: &Cache| match *cache {
            Cache::Share(share) => Some(Part { share }),
            Cache::Cold | Cache::Warm => None,
        },
    );
    words_or("cache", WORDS, &["{ share = 0.6 }"]).or_table(part)
}
