//! What numbers of the target's side are counted in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units;

/// What a number of the target's side is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FigureUnit {
    /// Processors kept busy: seconds of their time in a second.
    Cores,
    /// Seconds.
    Seconds,
    /// Seconds in a second, of all that went on at a time.
    SecondsPerSecond,
    /// Bytes.
    Bytes,
    /// Bytes in a second.
    BytesPerSecond,
    /// A share, in `[0, 1]`.
    Share,
    /// A number of things.
    Number,
    /// Things in a second.
    PerSecond,
}

impl FigureUnit {
    /// Returns what a change of it in a second is counted in.
    pub(super) const fn per_second(self) -> Self {
        match self {
            Self::Bytes | Self::BytesPerSecond => Self::BytesPerSecond,
            _ => Self::PerSecond,
        }
    }

    /// Returns a value with its unit, in three digits.
    pub fn text(self, value: f64) -> String {
        let sign = if value < 0.0 { "-" } else { "" };
        let size = value.abs();
        let text = match self {
            Self::Cores => format!("{} cores", units::number(size)),
            Self::Seconds => units::seconds(size),
            Self::SecondsPerSecond => format!("{} s/s", units::number(size)),
            Self::Bytes => units::amount(size),
            Self::BytesPerSecond => units::per_second(size, "B"),
            Self::Share => units::share(size),
            Self::Number => units::number(size),
            Self::PerSecond => units::per_second(size, ""),
        };
        format!("{sign}{text}")
    }
}
