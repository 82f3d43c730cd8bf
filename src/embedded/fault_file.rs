//! The TOML form of faults.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::oci::{ErrorCode, Operation};
use crate::units::{self, ByteSize, Ratio};

use super::fault::{Fault, FaultKind, Point, Stall, When};
use super::lengths::Lengths;

/// A fault file that does not say what to do; shows the line.
#[derive(Debug, thiserror::Error)]
pub enum FaultFileError {
    /// No TOML, or not what a fault file has.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// Tables in tables, far beyond what a fault file has.
    #[error(
        "line {0} is nested too deep: at most 32 brackets within brackets, and 32 words in a key"
    )]
    TooDeep(usize),
}

/// Reads a fault file: tables `[[fault]]`, each with one thing that goes wrong.
///
/// ```
/// let faults = regstorm::embedded::parse_faults(r#"
///     seed = 42                  # of everything that is drawn; 0 when left out
///
///     [[fault]]
///     operation = "blob-get"     # an operation's name, or "*"
///     delay = "200ms"
///     every = 3                  # or probability = 0.1
///     after = 10                 # behind the first 10 such requests,
///     for = 100                  # and for 100 of them
///
///     [[fault]]
///     operation = "*"
///     status = 429
///     code = "TOOMANYREQUESTS"
///     retry_after = "2s"
///
///     [[fault]]
///     operation = "upload-patch"
///     reset = "1MiB"             # behind so many bytes of the body, or "head"
/// "#)?;
/// assert_eq!(faults.len(), 3);
/// # Ok::<(), regstorm::embedded::FaultFileError>(())
/// ```
///
/// Further kinds: `rate = "2MiB"` (a second), `close = "64KiB"` (or `"head"`), `stall = "10s"` or `"forever"` with
/// `at = "64KiB"` (or `"head"`, the default), `corrupt = "100B"` (the offset of the wrong byte), `freeze = "1s"` (the
/// whole registry; with `after = 200` and `for = 1` once, at the 201st request).
///
/// The length of a `delay` or a `stall` is drawn for each request when it is a table: `{ min = "5ms", max = "50ms" }`
/// is uniform, `{ mean = "20ms", max = "1s" }` exponential, `{ median = "20ms", sigma = 0.8, max = "1s" }` log-normal;
/// what is longer than `max` becomes `max`.
///
/// # Errors
/// When the text is not TOML, names something unknown, or a table holds no or more than one kind.
pub fn parse_faults(text: &str) -> Result<Vec<Fault>, FaultFileError> {
    if let Some(place) = units::too_deep(text) {
        let before = text[..place.start].matches('\n').count();
        return Err(FaultFileError::TooDeep(before + 1));
    }
    let mut file: FaultFile = toml::from_str(text)?;
    for (index, fault) in (0..).zip(&mut file.fault) {
        // Two faults of one file draw from two streams.
        let own = file.seed.wrapping_add(index);
        if let When::Probability(_, seed) = &mut fault.when {
            *seed = own;
        }
        if let FaultKind::DrawnDelay(lengths) | FaultKind::Stall(_, Stall::Drawn(lengths)) =
            &mut fault.kind
        {
            *lengths = lengths.seeded(own);
        }
    }
    Ok(file.fault)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultFile {
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    fault: Vec<Fault>,
}

/// A table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(deserialize_with = "operation")]
    operation: Option<Operation>,
    #[serde(default, deserialize_with = "delay")]
    delay: Option<FaultKind>,
    #[serde(default, deserialize_with = "size")]
    rate: Option<ByteSize>,
    #[serde(default, deserialize_with = "status")]
    status: Option<StatusCode>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default, deserialize_with = "length")]
    retry_after: Option<Duration>,
    #[serde(default, deserialize_with = "point")]
    reset: Option<Point>,
    #[serde(default, deserialize_with = "point")]
    close: Option<Point>,
    #[serde(default, deserialize_with = "stall")]
    stall: Option<Stall>,
    #[serde(default, deserialize_with = "point")]
    at: Option<Point>,
    #[serde(default, deserialize_with = "size")]
    corrupt: Option<ByteSize>,
    #[serde(default, deserialize_with = "length")]
    freeze: Option<Duration>,
    #[serde(default)]
    every: Option<u64>,
    #[serde(default, deserialize_with = "share")]
    probability: Option<Ratio>,
    #[serde(default)]
    after: u64,
    #[serde(default, rename = "for")]
    count: Option<u64>,
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer)?
            .into_fault()
            .map_err(de::Error::custom)
    }
}

impl Written {
    fn into_fault(self) -> Result<Fault, &'static str> {
        if self.status.is_none() && (self.code.is_some() || self.retry_after.is_some()) {
            return Err("`code` and `retry_after` belong to a `status`");
        }
        if self.stall.is_none() && self.at.is_some() {
            return Err("`at` belongs to a `stall`");
        }
        let (code, retry_after) = (self.code, self.retry_after);
        let kinds = [
            self.delay,
            self.rate.map(FaultKind::Rate),
            self.status.map(|status| FaultKind::Status {
                status,
                code: code.as_deref().map(ErrorCode::from),
                retry_after,
            }),
            self.reset.map(FaultKind::Reset),
            self.close.map(FaultKind::Close),
            self.stall
                .map(|length| FaultKind::Stall(self.at.unwrap_or(Point::BeforeHead), length)),
            self.corrupt.map(|offset| FaultKind::Corrupt(offset.get())),
            self.freeze.map(FaultKind::Freeze),
        ];
        let mut kinds = kinds.into_iter().flatten();
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            return Err(
                "a fault has exactly one of `delay`, `rate`, `status`, `reset`, `close`, `stall`, `corrupt`, `freeze`",
            );
        };
        let when = match (self.every, self.probability) {
            (None, None) => When::Always,
            (Some(0), None) => return Err("`every` counts from 1"),
            (Some(n), None) => When::Every(n),
            (None, Some(share)) => When::Probability(share, 0),
            (Some(_), Some(_)) => return Err("use `every` or `probability`, not both"),
        };
        Ok(Fault {
            operation: self.operation,
            kind,
            when,
            after: self.after,
            count: self.count,
        })
    }
}

fn parsed<'de, D, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(de::Error::custom)
}

fn operation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Operation>, D::Error> {
    parsed(deserializer, |text| match text {
        "*" => Ok(None),
        name => Operation::from_name(name).map(Some).ok_or_else(|| {
            let names: Vec<_> = Operation::ALL.iter().map(|known| known.name()).collect();
            format!("unknown operation `{name}`; known: *, {}", names.join(", "))
        }),
    })
}

fn length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parsed(deserializer, |text| {
        units::parse_duration(text)
            .map(Some)
            .map_err(|e| e.to_string())
    })
}

fn delay<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FaultKind>, D::Error> {
    let kind = match deserializer.deserialize_any(TextOrTable)? {
        Time::Text(text) => FaultKind::Delay(time(&text)?),
        Time::Drawn(lengths) => FaultKind::DrawnDelay(lengths),
    };
    Ok(Some(kind))
}

fn stall<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Stall>, D::Error> {
    let stall = match deserializer.deserialize_any(TextOrTable)? {
        Time::Text(text) if text == "forever" => Stall::Forever,
        Time::Text(text) => Stall::For(time(&text)?),
        Time::Drawn(lengths) => Stall::Drawn(lengths),
    };
    Ok(Some(stall))
}

fn time<E: de::Error>(text: &str) -> Result<Duration, E> {
    units::parse_duration(text).map_err(E::custom)
}

/// A length of time as it is written: one, or a distribution.
enum Time {
    Text(String),
    Drawn(Lengths),
}

struct TextOrTable;

impl<'de> Visitor<'de> for TextOrTable {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length of time such as \"250ms\", or a table such as { min = \"5ms\", max = \"50ms\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
        Ok(Time::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Time, A::Error> {
        Lengths::deserialize(MapAccessDeserializer::new(map)).map(Time::Drawn)
    }
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ByteSize>, D::Error> {
    parsed(deserializer, |text| {
        text.parse()
            .map(Some)
            .map_err(|e: units::ByteSizeError| e.to_string())
    })
}

fn point<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Point>, D::Error> {
    parsed(deserializer, |text| match text {
        "head" => Ok(Some(Point::BeforeHead)),
        text => text
            .parse()
            .map(|bytes| Some(Point::AfterBody(bytes)))
            .map_err(|e: units::ByteSizeError| format!("{e}; or \"head\"")),
    })
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StatusCode>, D::Error> {
    let number = u16::deserialize(deserializer)?;
    StatusCode::from_u16(number)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .map(Some)
        .ok_or_else(|| de::Error::custom("a status is a number from 200 to 599"))
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Ratio>, D::Error> {
    let number = f64::deserialize(deserializer)?;
    Ratio::try_new(number).map(Some).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests;
