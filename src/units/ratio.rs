//! A share of a whole.

use std::fmt;
use std::str::FromStr;

/// A share in `[0, 1]`, written `0.25` or `25%`.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct Ratio(f64);

/// A number that is not a share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share: write a number from 0 to 1, or a percentage")]
pub struct RatioError(String);

impl Ratio {
    /// Makes a share.
    ///
    /// # Errors
    /// Fails if the number is not finite or not in `[0, 1]`.
    pub fn try_new(value: f64) -> Result<Self, RatioError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(RatioError(value.to_string()))
        }
    }

    /// The number, in `[0, 1]`.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || RatioError(text.chars().take(60).collect());
        let (number, scale) = text
            .trim()
            .strip_suffix('%')
            .map_or((text.trim(), 1.0), |number| (number.trim_end(), 100.0));
        let value: f64 = number.parse().map_err(|_| refuse())?;
        Self::try_new(value / scale).map_err(|_| refuse())
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_shares_and_percentages() {
        assert_eq!("25%".parse(), Ratio::try_new(0.25));
        assert_eq!(" 0.5 ".parse(), Ratio::try_new(0.5));
        for bad in ["", "%", "101%", "-0.1", "NaN", "inf", "x"] {
            assert!(bad.parse::<Ratio>().is_err(), "{bad}");
        }
    }
}
