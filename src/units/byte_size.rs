//! A number of bytes, written with a unit.

use std::fmt;
use std::str::FromStr;

/// A number of bytes: `4MiB`, `1.5 GB` or `512B`. A bare number is refused, because its unit is unclear.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

/// A text that is not a number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size: write a number and a unit, such as 512B, 4MiB or 1.5GB")]
pub struct ByteSizeError(String);

impl ByteSize {
    /// Makes a number of bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Makes a number of KiB.
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib << 10)
    }

    /// Makes a number of MiB.
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ByteSizeError(text.chars().take(60).collect());
        let text = text.trim();
        if !text.ends_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(refuse());
        }
        text.parse::<bytesize::ByteSize>()
            .map(|size| Self(size.as_u64()))
            .ok()
            // The specifications have sizes as signed 64-bit integers.
            .filter(|size| i64::try_from(size.0).is_ok())
            .ok_or_else(refuse)
    }
}

impl fmt::Display for ByteSize {
    /// Exact and parseable: in the largest binary unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        for (shift, unit) in UNITS {
            if self.0 != 0 && self.0.trailing_zeros() >= u32::try_from(shift).unwrap_or(u32::MAX) {
                return f.pad(&format!("{}{unit}", self.0 >> shift));
            }
        }
        f.pad(&format!("{}B", self.0))
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn needs_a_unit() {
        assert_eq!("4MiB".parse(), Ok(ByteSize::from_mib(4)));
        assert_eq!("1.5 kB".parse(), Ok(ByteSize::from_bytes(1500)));
        assert_eq!("0B".parse(), Ok(ByteSize::from_bytes(0)));
        for bad in [
            "",
            "4",
            "MiB",
            "-1MiB",
            "4 bananas",
            "1e99GB",
            "99999999999GiB",
        ] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(bytes in 0_u64..1 << 50, shift in 0_u32..30) {
            let size = ByteSize::from_bytes(bytes >> shift << shift);
            prop_assert_eq!(size.to_string().parse::<ByteSize>(), Ok(size));
        }
    }
}
