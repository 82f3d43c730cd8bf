//! How large a layer is on average, in closed form.

use crate::content::SizeSpec;
use crate::units::ByteSize;

/// The mean of the sizes of the layers of one image, in bytes. What is larger than `max` is drawn again.
pub(super) fn of(sizes: &SizeSpec) -> f64 {
    match sizes {
        SizeSpec::Fixed(size) => float(*size),
        SizeSpec::PerLayer(sizes) => {
            let total: f64 = sizes.iter().copied().map(float).sum();
            total / count(sizes.len()).max(1.0)
        }
        SizeSpec::LogUniform { min, max } => {
            let (min, max) = (float(*min), float(*max));
            if min < max {
                (max - min) / (max / min).ln()
            } else {
                min
            }
        }
        SizeSpec::LogNormal { median, sigma, max } => {
            log_normal(float(*median), *sigma, float(*max))
        }
        SizeSpec::Stored { max } => log_normal(4e6, 2.15, float(*max).min(500e6)),
        SizeSpec::Requested { max } => requested(float(*max)),
    }
}

/// The mean of the lowest layers of an image, which a set may share.
pub(super) fn of_lowest(sizes: &SizeSpec, layers: u32) -> f64 {
    match sizes {
        SizeSpec::PerLayer(sizes) if layers > 0 => {
            let lowest = usize::try_from(layers).unwrap_or(usize::MAX);
            let lowest = &sizes[..lowest.min(sizes.len())];
            of(&SizeSpec::PerLayer(lowest.to_vec()))
        }
        sizes => of(sizes),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "three digits are shown of a number with at least fifteen exact ones"
)]
const fn float(size: ByteSize) -> f64 {
    size.get() as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a list is far shorter than 2^53"
)]
const fn count(length: usize) -> f64 {
    length as f64
}

/// The mean of a log-normal distribution below `max`.
fn log_normal(median: f64, sigma: f64, max: f64) -> f64 {
    let end = (max / median).ln() / sigma;
    let mean = median * (sigma * sigma / 2.0).exp();
    mean * normal_below(end - sigma) / normal_below(end)
}

/// The share of a standard normal distribution below `x`.
///
/// Abramowitz and Stegun, 7.1.26: off by at most 1.5e-7, far less than the three digits that are shown.
fn normal_below(x: f64) -> f64 {
    const SERIES: [f64; 5] = [
        0.254_829_592,
        -0.284_496_736,
        1.421_413_741,
        -1.453_152_027,
        1.061_405_429,
    ];
    let z = x.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series = SERIES.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    let tail = series * (-z * z).exp() / 2.0;
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// The mean of the sizes that production registries are asked for, below `max`.
///
/// Three log-uniform pieces and a Pareto tail, fitted to the requests of a public trace.
fn requested(max: f64) -> f64 {
    const MIB_64: f64 = 67_108_864.0;
    const GIB_10: f64 = 10_737_418_240.0;
    const PIECES: [(f64, f64, f64); 3] = [
        (0.650, 200.0, 1e6),
        (0.150, 1e6, 1e7),
        (0.141_442, 1e7, MIB_64),
    ];
    const TAIL: f64 = 0.058_558;
    const ALPHA: f64 = 1.72;
    let mut share = 0.0;
    let mut sum = 0.0;
    for (weight, low, high) in PIECES {
        let end = max.clamp(low, high);
        let width = (high / low).ln();
        share += weight * (end / low).ln() / width;
        sum += weight * (end - low) / width;
    }
    let end = max.clamp(MIB_64, GIB_10);
    let whole = 1.0 - (MIB_64 / GIB_10).powf(ALPHA);
    share += TAIL * (1.0 - (MIB_64 / end).powf(ALPHA)) / whole;
    let slope = ALPHA / (ALPHA - 1.0);
    sum += TAIL * slope * (MIB_64 - end * (MIB_64 / end).powf(ALPHA)) / whole;
    if share > 0.0 { sum / share } else { max }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, wanted: f64, tolerance: f64) {
        let off = (value / wanted - 1.0).abs();
        assert!(off < tolerance, "{value} is not {wanted}");
    }

    #[test]
    fn simple_sizes_have_simple_means() {
        let mib = ByteSize::from_mib;
        near(of(&SizeSpec::Fixed(mib(4))), 4_194_304.0, 1e-12);
        let two = SizeSpec::PerLayer(vec![mib(1), mib(3)]);
        near(of(&two), 2_097_152.0, 1e-12);
        near(of_lowest(&two, 1), 1_048_576.0, 1e-12);
        // (e - 1) / ln(e), with e to seven digits.
        let (min, max) = (
            ByteSize::from_bytes(1_000_000),
            ByteSize::from_bytes(2_718_282),
        );
        near(of(&SizeSpec::LogUniform { min, max }), 1_718_282.0, 1e-6);
    }

    #[test]
    fn log_normal_means_are_those_of_tables() {
        // Without an end: median * exp(sigma² / 2); exp(0.5) = 1.648721.
        near(log_normal(1e6, 1.0, 1e15), 1_648_721.0, 1e-6);
        // Cut at the median: 2 * exp(0.5) * P(Z < -1); the table says P = 0.158655.
        near(
            log_normal(1e6, 1.0, 1e6),
            2.0 * 1_648_721.0 * 0.158_655,
            1e-5,
        );
        near(normal_below(1.96), 0.975_002, 1e-6);
    }

    #[test]
    fn the_requested_sizes_have_the_mean_of_the_trace() {
        // The published trace has 14.00 MB; two million draws of the same pieces gave 14.03 MB.
        let max = ByteSize::from_mib(10 * 1024);
        near(of(&SizeSpec::Requested { max }), 14.03e6, 2e-3);
        // Below the second piece only the first counts: (1e6 - 200) / ln(5000), with ln(5000) = 8.517193.
        let max = ByteSize::from_bytes(1_000_000);
        near(
            of(&SizeSpec::Requested { max }),
            999_800.0 / 8.517_193,
            1e-6,
        );
    }
}
