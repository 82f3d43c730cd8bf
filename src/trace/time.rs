//! A moment of the wall clock, in nanoseconds.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment in UTC, in nanoseconds since 1970: to the year 2554. Shown as in RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Makes a moment of nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Returns how long it is after another moment; zero if it is before.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the moment that is earlier by that time; 1970 if there is none.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(nanos))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(self.0);
        humantime::format_rfc3339_nanos(time).fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = humantime::parse_rfc3339(&text).map_err(de::Error::custom)?;
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since.ok().and_then(|it| u64::try_from(it.as_nanos()).ok());
        nanos
            .map(Self)
            .ok_or_else(|| de::Error::custom("a moment outside 1970 to 2554"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_stored_as_it_is_shown() {
        for nanos in [0, 1, 1_800_000_000_123_456_789, u64::MAX] {
            let time = Timestamp::from_nanos(nanos);
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(json, format!("\"{time}\""));
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
        }
        assert_eq!(
            Timestamp::from_nanos(951_782_400_000_000_001).to_string(),
            "2000-02-29T00:00:00.000000001Z"
        );
    }
}
