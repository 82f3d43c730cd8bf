//! Lengths of time that differ from request to request, drawn from a known distribution.

use std::time::Duration;

use rand::{Rng, RngExt as _};
use rand_distr::{Distribution as _, Exp1, StandardNormal};

/// A distribution of lengths of time, and the seed that they are drawn with: one for each request that is hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lengths {
    shape: Shape,
    seed: u64,
}

/// What a draw is made of; checked when it was made.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Uniform {
        min: Duration,
        max: Duration,
    },
    Exponential {
        mean: Duration,
        max: Duration,
    },
    LogNormal {
        median: Duration,
        sigma: f64, // of the natural logarithm
        max: Duration,
    },
}

/// Numbers that no length of time can be drawn from.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum LengthsError {
    /// The range is empty.
    #[error("`max` must not be less than {0}")]
    Range(&'static str),
    /// The deviation is not one.
    #[error("`sigma` is a number from 0 to 5")]
    Sigma,
}

impl Lengths {
    /// Any length from `min` to `max` is as likely as any other.
    ///
    /// # Errors
    /// When `max` is less than `min`.
    pub fn uniform(min: Duration, max: Duration) -> Result<Self, LengthsError> {
        not_below(max, min, "`min`")?;
        Ok(Self::of(Shape::Uniform { min, max }))
    }

    /// Returns an exponential distribution, as of waiting for the next of many independent events. What is longer than `max`
    /// becomes `max`, which makes the mean of what is drawn a little less than `mean`.
    ///
    /// # Errors
    /// When `max` is less than `mean`.
    pub fn exponential(mean: Duration, max: Duration) -> Result<Self, LengthsError> {
        not_below(max, mean, "`mean`")?;
        Ok(Self::of(Shape::Exponential { mean, max }))
    }

    /// Returns a normal distribution of the logarithm, as latencies of servers mostly have. Half of the lengths are below
    /// `median`; `sigma`, from 0 to 5, is the deviation of the natural logarithm. What is longer than `max` becomes `max`.
    ///
    /// # Errors
    /// When `sigma` is out of its range, or `max` is less than `median`.
    pub fn log_normal(median: Duration, sigma: f64, max: Duration) -> Result<Self, LengthsError> {
        if !(0.0..=5.0).contains(&sigma) {
            return Err(LengthsError::Sigma);
        }
        not_below(max, median, "`median`")?;
        Ok(Self::of(Shape::LogNormal { median, sigma, max }))
    }

    const fn of(shape: Shape) -> Self {
        Self { shape, seed: 0 }
    }

    /// Returns the same distribution, drawn with this seed in place of 0: the same seed gives the same lengths.
    #[must_use]
    pub const fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub(super) const fn seed(self) -> u64 {
        self.seed
    }

    /// Draws one length.
    pub(super) fn draw(self, random: &mut impl Rng) -> Duration {
        match self.shape {
            Shape::Uniform { min, max } => random.random_range(min..=max),
            Shape::Exponential { mean, max } => {
                let times: f64 = Exp1.sample(random);
                scaled(mean, times, max)
            }
            Shape::LogNormal { median, sigma, max } => {
                let normal: f64 = StandardNormal.sample(random);
                scaled(median, (sigma * normal).exp(), max)
            }
        }
    }
}

fn not_below(max: Duration, least: Duration, name: &'static str) -> Result<(), LengthsError> {
    if max < least {
        return Err(LengthsError::Range(name));
    }
    Ok(())
}

/// So many times a length, but no more than `max`.
fn scaled(length: Duration, times: f64, max: Duration) -> Duration {
    // What no duration can hold is longer than any `max`.
    Duration::try_from_secs_f64(length.as_secs_f64() * times).map_or(max, |drawn| drawn.min(max))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    /// 10,001 draws, sorted.
    fn draws(lengths: Lengths) -> Vec<Duration> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut all: Vec<_> = (0..10_001).map(|_| lengths.draw(&mut random)).collect();
        all.sort_unstable();
        all
    }

    /// The sample quantile of 10,001 draws has a standard deviation of sqrt(q (1 - q) / 10,000) / density there; the
    /// bounds below are five of them.
    #[test]
    fn quantiles_are_those_of_the_distribution() {
        let within = |what: Duration, expected: f64, five_deviations: f64| {
            let off = (what.as_secs_f64() * 1e3 - expected).abs();
            assert!(off < five_deviations, "{what:?}, not {expected} ms");
        };
        // Density 1/90 per ms everywhere: 0.5% * 90 ms.
        let all = draws(Lengths::uniform(ms(10), ms(100)).unwrap());
        within(all[5_000], 55.0, 5.0 * 0.45);
        assert!(all[0] >= ms(10) && all[10_000] <= ms(100));
        // Quantile q is -20 ms ln(1 - q); the density there is (1 - q) / 20 ms.
        let all = draws(Lengths::exponential(ms(20), ms(100)).unwrap());
        within(all[5_000], 13.863, 5.0 * 0.2);
        within(all[9_000], 46.052, 5.0 * 0.6);
        // e^-5 of all, 0.67%, are beyond the end and become it.
        assert_eq!((all[9_960], all[10_000]), (ms(100), ms(100)));
        // p90 is e^(1.2816 sigma) medians: 1.8980. The density at the median is 0.3989 / (0.5 * 20 ms) = 0.03989 per
        // ms, at p90 it is 0.1755 / (0.5 * 37.96 ms) = 0.009246 per ms.
        let all = draws(Lengths::log_normal(ms(20), 0.5, ms(1_000)).unwrap());
        within(all[5_000], 20.0, 5.0 * 0.125);
        within(all[9_000], 37.96, 5.0 * 0.325);
    }

    #[test]
    fn extremes_stay_in_their_range() {
        let random = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        for lengths in [
            Lengths::uniform(Duration::MAX, Duration::MAX),
            Lengths::exponential(Duration::MAX, Duration::MAX),
            Lengths::log_normal(Duration::MAX, 5.0, Duration::MAX),
        ] {
            lengths.unwrap().draw(random);
        }
        let nothing = Lengths::exponential(ms(0), ms(0)).unwrap();
        assert_eq!(nothing.draw(random), ms(0));
        let always = Lengths::log_normal(ms(7), 0.0, ms(9)).unwrap();
        assert_eq!(always.draw(random), ms(7));
    }

    #[test]
    fn what_cannot_be_drawn_from_is_refused() {
        assert!(Lengths::uniform(ms(2), ms(1)).is_err());
        assert!(Lengths::exponential(ms(2), ms(1)).is_err());
        assert!(Lengths::log_normal(ms(2), 1.0, ms(1)).is_err());
        for sigma in [-0.1, 5.1, f64::NAN, f64::INFINITY] {
            assert_eq!(
                Lengths::log_normal(ms(1), sigma, ms(2)),
                Err(LengthsError::Sigma)
            );
        }
    }
}
