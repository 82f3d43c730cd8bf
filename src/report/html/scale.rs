//! From a value to its place on an axis, and where an axis has its marks.

/// How values lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// Equal differences are equally long.
    Linear { low: f64, high: f64 },
    /// Equal ratios are equally long; values are above 0.
    Log { low: f64, high: f64 },
    /// Percentiles: each further nine is equally long, so the tail is as wide as the body.
    Nines { low: f64, high: f64 },
}

impl Scale {
    /// From `low` to `high`, or a little more where there is no length between them.
    pub(super) fn linear(low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self::Linear { low, high }
    }

    /// Round numbers (1, 2 or 5 times a power of ten) around `low` and `high`. What is below 1 lies at 1.
    pub(super) fn log_around(low: f64, high: f64) -> Self {
        let low = low.max(1.0);
        let high = high.max(low);
        let (below, above) = (round_down(low), round_up(high));
        if above > below {
            Self::Log {
                low: below,
                high: above,
            }
        } else {
            Self::Log {
                low: below,
                high: round_up(above * 1.5),
            }
        }
    }

    /// Percentiles from 0 to `high`, which is below 100.
    pub(super) fn nines(high: f64) -> Self {
        Self::Nines {
            low: 0.0,
            high: high.clamp(50.0, 99.999_999),
        }
    }

    /// Returns the place of a value, 0 at the lower end and 1 at the upper; what lies outside is at the end.
    pub(super) fn place(self, value: f64) -> f64 {
        let (low, high, at) = match self {
            Self::Linear { low, high } => (low, high, value),
            Self::Log { low, high } => (low.log10(), high.log10(), value.max(low).log10()),
            Self::Nines { low, high } => (nines(low), nines(high), nines(value.min(high))),
        };
        ((at - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Returns the value at a place.
    pub(super) fn value(self, place: f64) -> f64 {
        let between = |low: f64, high: f64| low + (high - low) * place;
        match self {
            Self::Linear { low, high } => between(low, high),
            Self::Log { low, high } => 10_f64.powf(between(low.log10(), high.log10())),
            Self::Nines { low, high } => {
                100.0 - 100.0 * 10_f64.powf(-between(nines(low), nines(high)))
            }
        }
    }

    /// Round values within the scale, about that many.
    pub(super) fn ticks(self, about: u32) -> Vec<f64> {
        match self {
            Self::Linear { low, high } => {
                multiples(low, high, nice_step((high - low) / f64::from(about)))
            }
            Self::Log { low, high } => log_ticks(low, high, about),
            Self::Nines { high, .. } => {
                let known = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999];
                known.into_iter().filter(|it| *it <= high).collect()
            }
        }
    }
}

/// Returns how many nines a percentile has: 90 has 1, 99 has 2.
fn nines(percentile: f64) -> f64 {
    -(1.0 - percentile / 100.0).log10()
}

/// Returns the multiples of a step within bounds.
pub(super) fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let mut ticks = Vec::new();
    let mut count = (low / step).ceil();
    // A step is never so small that this is long, but bounds may be anything.
    while count * step <= high * (1.0 + 1e-9) && ticks.len() < 100 {
        ticks.push(count * step);
        count += 1.0;
    }
    ticks
}

/// Returns the smallest of 1, 2 and 5 times a power of ten that is not less.
pub(super) fn nice_step(least: f64) -> f64 {
    round_up(least)
}

/// Steps of time in seconds as clocks have them.
pub(super) fn clock_step(least: f64) -> f64 {
    const STEPS: [f64; 15] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
        21600.0,
    ];
    let fits = STEPS.into_iter().find(|it| *it >= least);
    fits.unwrap_or_else(|| 86_400.0 * round_up(least / 86_400.0).max(1.0))
}

fn log_ticks(low: f64, high: f64, about: u32) -> Vec<f64> {
    let decades = (high / low).log10();
    let factors: &[f64] = if decades > f64::from(about) / 2.0 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let mut ticks = Vec::new();
    let mut decade = power_below(low);
    while decade <= high * 1.000_001 && ticks.len() < 100 {
        let within = factors.iter().map(|it| it * decade);
        ticks.extend(within.filter(|it| *it >= low * 0.999_999 && *it <= high * 1.000_001));
        decade *= 10.0;
    }
    ticks
}

fn power_below(value: f64) -> f64 {
    10_f64.powf((value.log10() + 1e-9).floor())
}

fn round_up(value: f64) -> f64 {
    let decade = power_below(value.max(f64::MIN_POSITIVE));
    let fits = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|it| it * decade >= value * 0.999_999_9);
    fits.unwrap_or(10.0) * decade
}

fn round_down(value: f64) -> f64 {
    let decade = power_below(value);
    let fits = [5.0, 2.0]
        .into_iter()
        .find(|it| it * decade <= value * 1.000_000_1);
    fits.unwrap_or(1.0) * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9 * right.abs().max(1.0)
    }

    #[track_caller]
    fn assert_all_near(left: &[f64], right: &[f64]) {
        let same = left.len() == right.len() && left.iter().zip(right).all(|(a, b)| near(*a, *b));
        assert!(same, "{left:?} and {right:?}");
    }

    #[test]
    fn places_are_shares_of_the_axis() {
        let linear = Scale::linear(10.0, 20.0);
        assert!(near(linear.place(12.5), 0.25));
        assert!(near(linear.place(-5.0), 0.0) && near(linear.place(21.0), 1.0));
        // From 1 ms to 1 s are three decades of microseconds; 10 ms is one of them.
        let log = Scale::log_around(1_000.0, 1_000_000.0);
        assert!(near(log.place(10_000.0), 1.0 / 3.0));
        assert!(near(log.place(0.0), 0.0));
        // 90, 99 and 99.9 have one, two and three nines.
        let nines = Scale::nines(99.9);
        assert!(near(nines.place(90.0), 1.0 / 3.0) && near(nines.place(99.0), 2.0 / 3.0));
        for scale in [linear, log, nines] {
            for place in [0.0, 0.3, 1.0] {
                assert!(near(scale.place(scale.value(place)), place), "{scale:?}");
            }
        }
    }

    #[test]
    fn ticks_are_round() {
        assert_all_near(
            &Scale::linear(0.0, 97.0).ticks(5),
            &[0.0, 20.0, 40.0, 60.0, 80.0],
        );
        assert_all_near(
            &Scale::linear(-0.03, 0.05).ticks(4),
            &[-0.02, 0.0, 0.02, 0.04],
        );
        // 3 to 700 lie between 2 and 1,000: with few decades, each has three marks.
        let log = Scale::log_around(3.0, 700.0);
        assert_eq!(
            log,
            Scale::Log {
                low: 2.0,
                high: 1000.0
            }
        );
        assert_all_near(
            &log.ticks(6),
            &[2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0],
        );
        assert_all_near(
            &Scale::log_around(1.0, 1e9).ticks(6),
            &[1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9],
        );
        assert_all_near(
            &Scale::nines(99.95).ticks(0),
            &[0.0, 50.0, 90.0, 99.0, 99.9],
        );
        let steps = [0.7, 3.0, 61.0, 30_000.0, 200_000.0].map(clock_step);
        assert_all_near(&steps, &[1.0, 5.0, 120.0, 86_400.0, 432_000.0]);
    }

    #[test]
    fn nothing_has_an_axis_too() {
        assert_eq!(
            Scale::linear(0.0, 0.0),
            Scale::Linear {
                low: 0.0,
                high: 1.0
            }
        );
        assert_eq!(
            Scale::log_around(0.0, 0.0),
            Scale::Log {
                low: 1.0,
                high: 2.0
            }
        );
        assert_eq!(
            Scale::log_around(5.0, 5.0),
            Scale::Log {
                low: 5.0,
                high: 10.0
            }
        );
    }
}
