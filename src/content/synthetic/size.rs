//! How large the layers and configs of synthetic images are.

use rand::{Rng, RngExt as _};

use super::draw::{log_normal, log_uniform};
use super::limits::SpecError;
use crate::units::ByteSize;

/// A size, or a distribution of sizes.
#[derive(Debug, Clone, PartialEq)]
pub enum SizeSpec {
    /// All the same.
    Fixed(ByteSize),
    /// One for each layer of an image, the bottom one first; its length is the number of layers.
    PerLayer(Vec<ByteSize>),
    /// Any size of a range is as likely as any other.
    Uniform {
        /// The smallest.
        min: ByteSize,
        /// The largest.
        max: ByteSize,
    },
    /// Each doubling within a range is as likely as any other.
    LogUniform {
        /// The smallest, above zero.
        min: ByteSize,
        /// The largest.
        max: ByteSize,
    },
    /// A normal distribution of the logarithm.
    LogNormal {
        /// Half of the sizes are below.
        median: ByteSize,
        /// The deviation of the natural logarithm; finite, not negative.
        sigma: f64,
        /// Smaller sizes become this.
        min: ByteSize,
        /// Larger sizes become this.
        max: ByteSize,
    },
    /// Blobs as registries store them: lognormal with a median of 4 MB and a deviation of 2.15, up to 500 MB.
    Stored {
        /// Larger sizes become this.
        cap: ByteSize,
    },
    /// Blobs as clients request them: fitted to the blob requests of the FAST'18 registry traces, mean 14 MB, up to
    /// 10 GiB.
    Requested {
        /// Larger sizes become this. Without it few blobs are most of the bytes: 0.05% are larger than 1 GiB.
        cap: ByteSize,
    },
}

const MB: f64 = 1e6;
const MIB64: f64 = 67_108_864.0;
const GIB10: f64 = 10_737_418_240.0;

impl SizeSpec {
    /// Checks that sizes can be drawn from these numbers.
    pub(super) fn check(&self, layers: Option<usize>) -> Result<(), SpecError> {
        let ordered = |min: &ByteSize, max: &ByteSize| {
            if min > max {
                return Err(SpecError::Range {
                    min: *min,
                    max: *max,
                });
            }
            Ok(())
        };
        match self {
            Self::Fixed(_) | Self::Stored { .. } | Self::Requested { .. } => Ok(()),
            Self::PerLayer(sizes) => match layers {
                Some(layers) if layers == sizes.len() => Ok(()),
                Some(layers) => Err(SpecError::PerLayer {
                    sizes: sizes.len(),
                    layers,
                }),
                None => Err(SpecError::ConfigPerLayer),
            },
            Self::Uniform { min, max } => ordered(min, max),
            Self::LogUniform { min, max } => {
                if min.get() == 0 {
                    return Err(SpecError::LogOfZero);
                }
                ordered(min, max)
            }
            Self::LogNormal {
                median,
                sigma,
                min,
                max,
            } => {
                if median.get() == 0 {
                    return Err(SpecError::LogOfZero);
                }
                if !sigma.is_finite() || *sigma < 0.0 {
                    return Err(SpecError::Sigma(*sigma));
                }
                ordered(min, max)
            }
        }
    }

    /// Draws one size, in bytes.
    pub(super) fn draw(&self, layer: usize, rng: &mut impl Rng) -> u64 {
        match self {
            Self::Fixed(size) => size.get(),
            Self::PerLayer(sizes) => sizes[layer].get(),
            Self::Uniform { min, max } => rng.random_range(min.get()..=max.get()),
            Self::LogUniform { min, max } => {
                let size = log_uniform(real(*min), real(*max), rng);
                whole(size).clamp(min.get(), max.get())
            }
            Self::LogNormal {
                median,
                sigma,
                min,
                max,
            } => whole(log_normal(real(*median), *sigma, rng)).clamp(min.get(), max.get()),
            Self::Stored { cap } => loop {
                let size = log_normal(4.0 * MB, 2.15, rng);
                if size <= 500.0 * MB {
                    break whole(size).min(cap.get());
                }
            },
            Self::Requested { cap } => whole(requested(rng)).min(cap.get()),
        }
    }
}

/// A mixture with the moments and the tail of the traces; below 1 MB only its total mass is known.
fn requested(rng: &mut impl Rng) -> f64 {
    let kind: f64 = rng.random();
    if kind < 0.650 {
        log_uniform(200.0, MB, rng)
    } else if kind < 0.800 {
        log_uniform(MB, 10.0 * MB, rng)
    } else if kind < 0.941_442 {
        log_uniform(10.0 * MB, MIB64, rng)
    } else {
        let alpha = 1.72;
        let share: f64 = rng.random();
        let cut = 1.0 - (MIB64 / GIB10).powf(alpha);
        MIB64 / (1.0 - share * cut).powf(1.0 / alpha)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the parameter of a random draw; a byte more or less among 2^53 is nothing"
)]
const fn real(size: ByteSize) -> f64 {
    size.get() as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates; sizes are positive, and clamped by who asks"
)]
const fn whole(size: f64) -> u64 {
    size as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::synthetic::stream::generator;

    fn draws(spec: &SizeSpec, count: usize) -> Vec<u64> {
        let mut rng = generator(b"test", &[1]);
        let mut sizes: Vec<u64> = (0..count).map(|_| spec.draw(0, &mut rng)).collect();
        sizes.sort_unstable();
        sizes
    }

    fn share_above(sizes: &[u64], limit: u64) -> f64 {
        let above = sizes.iter().filter(|size| **size > limit).count();
        f64::from(u32::try_from(above).unwrap()) / f64::from(u32::try_from(sizes.len()).unwrap())
    }

    #[test]
    fn requested_has_the_published_tail() {
        // From the traces: 5.856% above 64 MiB, 0.559% above 256 MiB, 35% above 1 MB.
        let cap = ByteSize::from_mib(1 << 20);
        let sizes = draws(&SizeSpec::Requested { cap }, 200_000);
        assert!((share_above(&sizes, 64 << 20) - 0.0586).abs() < 0.002);
        assert!((share_above(&sizes, 256 << 20) - 0.0055).abs() < 0.001);
        assert!((share_above(&sizes, 1_000_000) - 0.35).abs() < 0.005);
        assert!(sizes[0] >= 200);
        assert!(*sizes.last().unwrap() <= 10 << 30);
    }

    #[test]
    fn stored_has_its_median_and_its_limit() {
        let cap = ByteSize::from_mib(1 << 20);
        let sizes = draws(&SizeSpec::Stored { cap }, 100_001);
        // Redrawing above 500 MB removes 1.2% at the top, so the median falls a little below 4 MB.
        assert!(
            (3_500_000..4_100_000).contains(&sizes[50_000]),
            "{}",
            sizes[50_000]
        );
        assert!(*sizes.last().unwrap() <= 500_000_000);
        let capped = draws(
            &SizeSpec::Stored {
                cap: ByteSize::from_mib(1),
            },
            1000,
        );
        assert_eq!(*capped.last().unwrap(), 1 << 20);
    }

    #[test]
    fn ranges_are_kept_and_filled() {
        let (min, max) = (ByteSize::from_bytes(1000), ByteSize::from_bytes(1_000_000));
        let sizes = draws(&SizeSpec::LogUniform { min, max }, 30_001);
        assert!(sizes[0] >= 1000 && sizes[30_000] <= 1_000_000);
        // The middle of the logarithm is the geometric mean, 31,623.
        assert!(
            (30_000..33_300).contains(&sizes[15_000]),
            "{}",
            sizes[15_000]
        );
        let sizes = draws(&SizeSpec::Uniform { min, max }, 30_001);
        assert!(
            (490_000..511_000).contains(&sizes[15_000]),
            "{}",
            sizes[15_000]
        );
        let spec = SizeSpec::LogNormal {
            median: ByteSize::from_bytes(30_000),
            sigma: 3.0,
            min,
            max,
        };
        let sizes = draws(&spec, 30_001);
        assert!(
            (28_000..32_000).contains(&sizes[15_000]),
            "{}",
            sizes[15_000]
        );
        assert_eq!((sizes[0], sizes[30_000]), (1000, 1_000_000));
    }
}
