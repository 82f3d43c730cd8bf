//! The names of numbers of the target's side.

use std::fmt;
use std::str::FromStr;

use super::unit::FigureUnit;
use crate::units::stored_as_written;

/// What a number of the target's side is of: `server.cpu_per_pull`, `server.memory.slope`, `server.SOURCE.SERIES`.
///
/// A word without a source is of the first source, in the order of the scenario, that has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerMetric(String);

/// A text that is no such name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("numbers of the target's side are server.WORD or server.SOURCE.SERIES")]
pub struct ServerMetricError;

/// The words that sources have in common: what the plain word is counted in, and whether it is of a gauge.
const WORDS: [(&str, FigureUnit, bool); 24] = [
    ("cpu", FigureUnit::Cores, false),
    ("throttled", FigureUnit::Share, false),
    ("memory", FigureUnit::Bytes, true),
    ("heap", FigureUnit::Bytes, true),
    ("open_files", FigureUnit::Number, true),
    ("threads", FigureUnit::Number, true),
    ("goroutines", FigureUnit::Number, true),
    ("gc_pause", FigureUnit::Share, false),
    ("requests_in_flight", FigureUnit::Number, true),
    ("storage_time", FigureUnit::SecondsPerSecond, false),
    ("storage_operations", FigureUnit::PerSecond, false),
    ("database_time", FigureUnit::SecondsPerSecond, false),
    ("read_bytes", FigureUnit::BytesPerSecond, false),
    ("written_bytes", FigureUnit::BytesPerSecond, false),
    ("reads", FigureUnit::PerSecond, false),
    ("writes", FigureUnit::PerSecond, false),
    ("busy", FigureUnit::Share, false),
    ("queue", FigureUnit::Number, true),
    ("size", FigureUnit::Bytes, true),
    ("files", FigureUnit::Number, true),
    ("cache_hits", FigureUnit::PerSecond, false),
    ("cache_misses", FigureUnit::PerSecond, false),
    ("proxy_hits", FigureUnit::PerSecond, false),
    ("proxy_misses", FigureUnit::PerSecond, false),
];

/// The words that are made of others.
const DERIVED: [(&str, FigureUnit); 8] = [
    ("cpu_per_pull", FigureUnit::Seconds),
    ("cpu_per_push", FigureUnit::Seconds),
    ("cpu_per_iteration", FigureUnit::Seconds),
    ("cpu_per_gb", FigureUnit::Seconds),
    ("cache_hit_share", FigureUnit::Share),
    ("proxy_hit_share", FigureUnit::Share),
    ("restarts", FigureUnit::Number),
    (FETCHES_PER_BLOB, FigureUnit::Number),
];

/// What no source gives: an upstream of the target, which this process is, counts it.
const FETCHES_PER_BLOB: &str = "fetches_per_blob";

/// What the name of a number of a gauge ends with, beside that of its mean.
const OF_GAUGES: [&str; 3] = ["max", "growth", "slope"];

impl ServerMetric {
    /// What every name begins with.
    pub const PREFIX: &'static str = "server.";

    /// Returns the number that a word stands for: `cpu_per_pull`, `memory.slope`.
    pub fn of_word(word: &str) -> Self {
        Self(word.to_owned())
    }

    /// Returns a number of a source, by a word or by the name of a series.
    pub fn of_source(source: &str, word: &str) -> Self {
        Self(format!("{source}.{word}"))
    }

    /// Returns the name without what every name begins with.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Returns the name behind that of its source, if it begins with that.
    pub fn of(&self, source: &str) -> Option<&str> {
        self.0.strip_prefix(source)?.strip_prefix('.')
    }

    /// Returns every word that may stand without a source.
    pub fn words() -> impl Iterator<Item = String> {
        let gauges = WORDS.iter().filter(|it| it.2);
        let of_gauges = gauges.flat_map(|it| OF_GAUGES.map(|end| format!("{}.{end}", it.0)));
        let plain = WORDS.iter().map(|it| it.0);
        let plain = plain
            .chain(DERIVED.iter().map(|it| it.0))
            .map(str::to_owned);
        plain.chain(of_gauges)
    }

    /// Returns what a word is counted in; `None` for what is no word, such as the name of a series.
    pub fn unit_of(word: &str) -> Option<FigureUnit> {
        if let Some((_, unit)) = DERIVED.iter().find(|it| it.0 == word) {
            return Some(*unit);
        }
        let (plain, end) = match word.rsplit_once('.') {
            Some((plain, end)) => (plain, Some(end)),
            None => (word, None),
        };
        let (_, unit, is_gauge) = WORDS.iter().find(|it| it.0 == plain)?;
        match end {
            None => Some(*unit),
            Some("slope") if *is_gauge => Some(unit.per_second()),
            Some(end) if *is_gauge && OF_GAUGES.contains(&end) => Some(*unit),
            Some(_) => None,
        }
    }

    /// Returns what it is counted in, with or without a source in front of its word; `None` for a series by its own name.
    pub fn unit(&self) -> Option<FigureUnit> {
        let behind = self.0.split_once('.').map(|(_, behind)| behind);
        Self::unit_of(&self.0).or_else(|| Self::unit_of(behind?))
    }

    /// Returns how often a blob was fetched from the upstream, on average.
    pub fn fetches_per_blob() -> Self {
        Self::of_word(FETCHES_PER_BLOB)
    }

    /// Returns whether it is how fast a gauge grows.
    pub fn is_slope(&self) -> bool {
        self.0
            .rsplit_once('.')
            .is_some_and(|(_, end)| end == "slope")
    }

    /// Returns whether it is processor time, or made of it.
    pub fn is_cpu(&self) -> bool {
        let last = self.0.rsplit('.').next().unwrap_or(&self.0);
        last == "cpu" || last.starts_with("cpu_per_")
    }

    /// Returns whether more of it is better: hits of caches. Of anything else less is.
    pub fn is_better_high(&self) -> bool {
        let last = self.0.rsplit('.').next().unwrap_or(&self.0);
        last.contains("hit")
    }
}

/// Returns whether a word is one that sources have in common.
pub(super) fn is_common(series: &str) -> bool {
    WORDS.iter().any(|it| it.0 == series)
}

impl fmt::Display for ServerMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0)
    }
}

impl FromStr for ServerMetric {
    type Err = ServerMetricError;

    fn from_str(text: &str) -> Result<Self, ServerMetricError> {
        let name = text.strip_prefix(Self::PREFIX).ok_or(ServerMetricError)?;
        if name.is_empty() || name.starts_with('.') || name.ends_with('.') {
            return Err(ServerMetricError);
        }
        Ok(Self(name.to_owned()))
    }
}

stored_as_written!(ServerMetric);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_unit_and_is_read_as_it_is_written() {
        for word in ServerMetric::words() {
            assert!(ServerMetric::unit_of(&word).is_some(), "{word}");
            let metric = ServerMetric::of_word(&word);
            assert_eq!(metric.to_string().parse(), Ok(metric));
        }
        assert_eq!(
            ServerMetric::unit_of("memory.slope"),
            Some(FigureUnit::BytesPerSecond)
        );
        assert_eq!(
            ServerMetric::unit_of("goroutines.slope"),
            Some(FigureUnit::PerSecond)
        );
        for word in ["cpu.slope", "memory.min", "go_goroutines", ""] {
            assert_eq!(ServerMetric::unit_of(word), None, "{word}");
        }
    }

    #[test]
    fn a_name_may_name_its_source() {
        let metric = ServerMetric::of_source("zot", "memory.slope");
        assert_eq!(metric.to_string(), "server.zot.memory.slope");
        assert_eq!(metric.of("zot"), Some("memory.slope"));
        assert_eq!(metric.of("zo"), None);
        for text in ["cpu", "server", "server.", "server..cpu", "server.cpu."] {
            assert!(text.parse::<ServerMetric>().is_err(), "{text}");
        }
    }
}
