//! How many layers synthetic images have.

use rand::Rng;

use super::draw::{log_normal, log_uniform};
use super::limits::SpecError;

/// A number of layers, or a distribution of numbers over the images of a set.
#[derive(Debug, Clone, PartialEq)]
pub enum LayerCount {
    /// The same for all images.
    Fixed(usize),
    /// One for each image of the set; its length is the number of images.
    PerImage(Vec<usize>),
    /// Each doubling within a range is as likely as any other.
    LogUniform {
        /// The fewest, above zero.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A normal distribution of the logarithm.
    LogNormal {
        /// Half of the images have fewer.
        median: usize,
        /// The deviation of the natural logarithm; finite, not negative.
        sigma: f64,
        /// More become this.
        max: usize,
    },
    /// Images as public registries have them: lognormal with a median of 8 and a deviation of 0.633. Half of the images of
    /// Docker Hub had fewer than 8 layers, nine of ten fewer than 18, and none more than 120 (Zhao et al., CLUSTER'19).
    Stored {
        /// More become this.
        max: usize,
    },
}

/// Of images in public registries.
const STORED_MEDIAN: usize = 8;
const STORED_SIGMA: f64 = 0.633;

impl From<usize> for LayerCount {
    fn from(layers: usize) -> Self {
        Self::Fixed(layers)
    }
}

impl LayerCount {
    /// Checks that numbers for so many images can be drawn, none of which is below the layers that all share.
    pub(super) fn check(&self, images: usize, shared: usize) -> Result<(), SpecError> {
        let ordered = |min: usize, max: usize| {
            if min == 0 || min > max {
                return Err(SpecError::Layers { min, max });
            }
            Ok(())
        };
        match self {
            Self::Fixed(_) => {}
            Self::PerImage(counts) => {
                if counts.len() != images {
                    let counts = counts.len();
                    return Err(SpecError::PerImage { counts, images });
                }
            }
            Self::LogUniform { min, max } => ordered(*min, *max)?,
            Self::LogNormal { median, sigma, max } => {
                if !sigma.is_finite() || *sigma < 0.0 {
                    return Err(SpecError::Sigma(*sigma));
                }
                ordered(*median, *max)?;
            }
            Self::Stored { max } => ordered(1, *max)?,
        }
        let layers = self.most_shared();
        if shared > layers {
            return Err(SpecError::SharedBase { shared, layers });
        }
        Ok(())
    }

    /// Returns the most layers that all images can have in common.
    pub fn most_shared(&self) -> usize {
        match self {
            Self::Fixed(layers) => *layers,
            Self::PerImage(counts) => counts.iter().copied().min().unwrap_or_default(),
            Self::LogUniform { min, .. } => *min,
            Self::LogNormal { max, .. } | Self::Stored { max } => *max,
        }
    }

    /// Returns the number that all images have, unless it is drawn or differs.
    pub fn fixed(&self) -> Option<usize> {
        match self {
            Self::Fixed(layers) => Some(*layers),
            _ => None,
        }
    }

    /// Draws the number of layers of one image. Where the distribution has no least number, it is that of the layers that all
    /// images share, and at least one.
    pub(super) fn draw(&self, image: usize, shared: usize, rng: &mut impl Rng) -> usize {
        let normal = |median: usize, sigma, max, rng: &mut _| {
            let drawn = whole(log_normal(real(median), sigma, rng).round());
            drawn.max(shared).max(1).min(max)
        };
        match self {
            Self::Fixed(layers) => *layers,
            Self::PerImage(counts) => counts[image],
            Self::LogUniform { min, max } => {
                // Each number stands for all up to the next.
                whole(log_uniform(real(*min), real(*max + 1), rng)).clamp(*min, *max)
            }
            Self::LogNormal { median, sigma, max } => normal(*median, *sigma, *max, rng),
            Self::Stored { max } => normal(STORED_MEDIAN, STORED_SIGMA, *max, rng),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an image has far fewer than 2^52 layers"
)]
const fn real(layers: usize) -> f64 {
    layers as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates; drawn numbers are positive, and clamped by the caller"
)]
const fn whole(layers: f64) -> usize {
    layers as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::synthetic::stream::generator;

    fn draws(spec: &LayerCount, shared: usize) -> Vec<usize> {
        let mut rng = generator(b"test", &[1]);
        let drawn = (0..20_001).map(|image| spec.draw(image, shared, &mut rng));
        let mut drawn: Vec<usize> = drawn.collect();
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn stored_has_the_published_quantiles() {
        // Half below 8 and nine of ten below 18; rounding moves either by one at most.
        let drawn = draws(&LayerCount::Stored { max: 120 }, 0);
        assert!((7..=9).contains(&drawn[10_000]), "{}", drawn[10_000]);
        assert!((17..=19).contains(&drawn[18_000]), "{}", drawn[18_000]);
        assert!(drawn[0] >= 1 && drawn[20_000] <= 120);
        assert_eq!(draws(&LayerCount::Stored { max: 9 }, 0)[20_000], 9);
    }

    #[test]
    fn ranges_are_kept_and_filled() {
        let drawn = draws(&LayerCount::LogUniform { min: 2, max: 7 }, 2);
        let of = |layers| drawn.iter().filter(|it| **it == layers).count();
        assert_eq!((drawn[0], drawn[20_000]), (2, 7));
        // From 2 to 8 are two doublings, and 2 with 3 are the first of them.
        let first = of(2) + of(3);
        assert!((9_700..10_300).contains(&first), "{first}");
    }

    #[test]
    fn no_image_has_fewer_layers_than_all_share() {
        let spec = LayerCount::LogNormal {
            median: 4,
            sigma: 2.0,
            max: 40,
        };
        let (drawn, shared) = (draws(&spec, 0), draws(&spec, 3));
        assert_eq!((drawn[0], drawn[20_000]), (1, 40));
        assert_eq!((shared[0], shared[20_000]), (3, 40));
        assert!((4..=4).contains(&drawn[10_000]), "{}", drawn[10_000]);
    }
}
