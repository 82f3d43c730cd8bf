//! A number of iterations in a unit of time.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

/// A number of iterations in a unit of time: `50/s`, `0.5/s`, `90/m`. Zero, or up to 1,000,000 a second.
///
/// Exact: it is kept as millionths of an iteration in whole nanoseconds, so `100/m` is not rounded to a number of
/// iterations per second. Two rates are equal when they are equally fast, whatever their units: `60/m` is `1/s`.
#[derive(Clone, Copy)]
pub struct Rate {
    /// Millionths of an iteration in a unit.
    millionths: u64,
    /// Nanoseconds, not zero.
    unit_ns: u64,
}

impl Default for Rate {
    /// No iteration in a second.
    fn default() -> Self {
        Self::ZERO
    }
}

/// A number that is not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not a number, infinite or negative.
    #[error("a rate is a number of iterations, zero or more")]
    NotANumber,
    /// Above zero, but stored as zero.
    #[error("the least rate above zero is 0.000001 of the time unit")]
    TooSlow,
    /// More than [`Rate::MAX_PER_SECOND`].
    #[error("the highest rate is 1,000,000 iterations per second")]
    TooFast,
    /// A unit of time outside [`Rate::UNITS`].
    #[error("a time unit is 1ms to 1d")]
    Unit,
}

impl Rate {
    /// The parts of an iteration that are counted.
    pub const MILLIONTHS: u64 = 1_000_000;

    /// The most iterations per second.
    pub const MAX_PER_SECOND: u64 = 1_000_000;

    /// The shortest and the longest unit of time.
    pub const UNITS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_hours(24));

    /// Makes a rate, rounded to a millionth of an iteration.
    ///
    /// # Errors
    /// Fails if the number is not finite, negative, too small to be stored or too fast, or if the unit is out of
    /// range.
    pub fn new(iterations: f64, unit: Duration) -> Result<Self, RateError> {
        if !iterations.is_finite() || iterations < 0.0 {
            return Err(RateError::NotANumber);
        }
        if unit < Self::UNITS.0 || unit > Self::UNITS.1 {
            return Err(RateError::Unit);
        }
        let rate = Self {
            millionths: millionths(iterations),
            unit_ns: u64::try_from(unit.as_nanos()).map_err(|_| RateError::Unit)?,
        };
        if rate.millionths == 0 && iterations > 0.0 {
            Err(RateError::TooSlow)
        } else if rate > Self::FASTEST {
            Err(RateError::TooFast)
        } else {
            Ok(rate)
        }
    }

    /// No iterations.
    pub const ZERO: Self = Self {
        millionths: 0,
        unit_ns: 1_000_000_000,
    };

    const FASTEST: Self = Self {
        millionths: Self::MAX_PER_SECOND * Self::MILLIONTHS,
        unit_ns: 1_000_000_000,
    };

    /// Multiplies the rate by a factor, in the same unit of time. The result is the nearest rate that can be stored,
    /// but not zero, and at most [`MAX_PER_SECOND`](Self::MAX_PER_SECOND). A factor that is not above zero gives the
    /// smallest rate.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            millionths: millionths(self.per_unit() * factor).clamp(1, self.most()),
            ..self
        }
    }

    /// Returns the nearest rate with that many significant digits in the same unit of time, at most
    /// [`MAX_PER_SECOND`](Self::MAX_PER_SECOND): `141.4/s` for √2 × 100.
    #[must_use]
    pub fn rounded(self, digits: u32) -> Self {
        let present = self.millionths.checked_ilog10().map_or(0, |it| it + 1);
        let step = 10_u64.pow(present.saturating_sub(digits));
        let millionths = (self.millionths + step / 2) / step * step;
        Self {
            millionths: millionths.min(self.most()),
            ..self
        }
    }

    /// The most iterations in the unit of time.
    fn most(self) -> u64 {
        let most = u128::from(Self::FASTEST.millionths) * u128::from(self.unit_ns)
            / u128::from(Self::FASTEST.unit_ns);
        u64::try_from(most).unwrap_or(u64::MAX)
    }

    /// Iterations in a unit of time.
    pub fn per_unit(self) -> f64 {
        float(self.millionths) / float(Self::MILLIONTHS)
    }

    /// Iterations per second.
    pub fn per_second(self) -> f64 {
        self.per_unit() / self.unit().as_secs_f64()
    }

    /// The unit of time, 1 ms to 24 h.
    pub const fn unit(self) -> Duration {
        Duration::from_nanos(self.unit_ns)
    }

    /// Millionths of an iteration in a unit of time, at most 86,400,000,000,000,000.
    pub const fn millionths(self) -> u64 {
        self.millionths
    }

    /// Returns `true` if the rate is zero.
    pub const fn is_zero(self) -> bool {
        self.millionths == 0
    }

    /// Returns the rate in lowest terms, so that equal rates have equal terms.
    fn lowest(self) -> (u64, u64) {
        let (mut a, mut b) = (self.millionths, self.unit_ns);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        (self.millionths / a, self.unit_ns / a)
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> Ordering {
        let cross = |a: &Self, b: &Self| u128::from(a.millionths) * u128::from(b.unit_ns);
        cross(self, other).cmp(&cross(other, self))
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rate {}

impl Hash for Rate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lowest().hash(state);
    }
}

impl fmt::Display for Rate {
    /// Exact: `50/s`, `0.5/s`, `90/m`, `3/10s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, parts) = (
            self.millionths / Self::MILLIONTHS,
            self.millionths % Self::MILLIONTHS,
        );
        let mut text = whole.to_string();
        if parts != 0 {
            text.push('.');
            text.push_str(format!("{parts:06}").trim_end_matches('0'));
        }
        // A unit of one is not spelled out: `50/s`, not `50/1s`.
        let unit = humantime::format_duration(self.unit()).to_string();
        let unit = match unit.strip_prefix('1') {
            Some(name) if name.chars().all(char::is_alphabetic) => {
                if name == "day" {
                    "d"
                } else {
                    name
                }
            }
            _ => &unit,
        };
        f.pad(&format!("{text}/{}", unit.replace(' ', "")))
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and what is above the highest rate is refused or cut"
)]
fn millionths(iterations: f64) -> u64 {
    (iterations * float(Rate::MILLIONTHS)).round() as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "fifteen digits are more than a rate is written with"
)]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_mins(1);

    fn rate(iterations: f64, unit: Duration) -> Rate {
        Rate::new(iterations, unit).unwrap()
    }

    #[test]
    fn prints_as_it_is_written() {
        let shown = |iterations, unit| rate(iterations, unit).to_string();
        assert_eq!(shown(50.0, SECOND), "50/s");
        assert_eq!(shown(0.5, SECOND), "0.5/s");
        assert_eq!(shown(0.000_001, SECOND), "0.000001/s");
        assert_eq!(shown(90.0, MINUTE), "90/m");
        assert_eq!(shown(12.05, 60 * MINUTE), "12.05/h");
        assert_eq!(shown(7.0, 24 * 60 * MINUTE), "7/d");
        assert_eq!(shown(3.0, 10 * SECOND), "3/10s");
        assert_eq!(shown(2.0, Duration::from_millis(1)), "2/ms");
        assert_eq!(shown(2.0, 90 * SECOND), "2/1m30s");
        assert_eq!(shown(0.0, SECOND), "0/s");
    }

    #[test]
    fn refuses_what_is_no_rate() {
        for (iterations, unit, why) in [
            (f64::NAN, SECOND, RateError::NotANumber),
            (f64::INFINITY, SECOND, RateError::NotANumber),
            (-1.0, SECOND, RateError::NotANumber),
            (1e-7, SECOND, RateError::TooSlow),
            (1_000_000.1, SECOND, RateError::TooFast),
            (1_000.1, Duration::from_millis(1), RateError::TooFast),
            (1e300, SECOND, RateError::TooFast),
            (1.0, Duration::ZERO, RateError::Unit),
            (1.0, 25 * 60 * MINUTE, RateError::Unit),
        ] {
            assert_eq!(Rate::new(iterations, unit), Err(why), "{iterations}");
        }
        // 60,000,000 in a minute are 1,000,000 in a second.
        assert!(Rate::new(60e6, MINUTE).is_ok());
        assert!(Rate::new(60e6 + 1.0, MINUTE).is_err());
    }

    #[test]
    fn equal_when_equally_fast() {
        assert_eq!(rate(60.0, MINUTE), rate(1.0, SECOND));
        assert!(rate(61.0, MINUTE) > rate(1.0, SECOND));
        assert!(rate(59.0, MINUTE) < rate(1.0, SECOND));
        let same = HashSet::from([
            rate(60.0, MINUTE),
            rate(1.0, SECOND),
            rate(0.001, Duration::from_millis(1)),
        ]);
        assert_eq!(same.len(), 1);
        assert_eq!(rate(0.0, MINUTE), rate(0.0, SECOND));
    }

    #[test]
    fn a_factor_keeps_the_unit_and_the_bounds() {
        assert_eq!(rate(90.0, MINUTE).times(2.0).to_string(), "180/m");
        assert_eq!(rate(3.0, SECOND).times(0.5).to_string(), "1.5/s");
        assert_eq!(rate(600_000.0, SECOND).times(2.0), rate(1e6, SECOND));
        assert_eq!(rate(1.0, SECOND).times(0.0), rate(0.000_001, SECOND));
        assert_eq!(rate(1.0, SECOND).times(f64::NAN), rate(0.000_001, SECOND));
    }

    #[test]
    fn rounds_to_significant_digits() {
        let rounded = |iterations: f64| rate(iterations, SECOND).rounded(4).to_string();
        assert_eq!(rounded(141.421_356), "141.4/s");
        assert_eq!(rounded(0.012_345), "0.01235/s");
        assert_eq!(rounded(999_960.0), "1000000/s");
        assert_eq!(rounded(50.0), "50/s");
        assert_eq!(rounded(0.000_001), "0.000001/s");
        assert_eq!(rounded(0.0), "0/s");
        let odd = Duration::from_micros(1_234_567);
        let most = rate(1_234_567.0, odd);
        assert_eq!(most.rounded(4), most);
    }
}
