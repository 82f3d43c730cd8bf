//! One reading of a source.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use super::record::{Product, SeriesKind, Unit};

/// What a source gave at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// When its numbers were so.
    pub(super) at: Instant,
    /// Whose numbers these are, where that is known.
    pub(super) life: Option<Life>,
    /// Finite, and no name twice.
    pub(super) numbers: Vec<Number>,
    /// The registry that its metrics are known to be of.
    pub(super) product: Option<Product>,
    /// What is missing in it, and why.
    pub(super) problems: Vec<Cow<'static, str>>,
}

/// One run of a process, or whatever else counts from zero when it begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Life {
    /// Tells it from others.
    pub(super) id: (u64, u64),
    /// Whether `id.1` is in milliseconds and off by a whole second now and then.
    pub(super) is_rounded: bool,
    /// When it began.
    pub(super) began: Option<Instant>,
}

/// One number of a source, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// A common word such as `cpu`, or a metric of the source by its own name.
    pub name: Cow<'static, str>,
    /// What it is counted in.
    pub unit: Unit,
    /// Whether it is a gauge or a counter.
    pub kind: SeriesKind,
    /// Finite. Of a counter, what it stands at.
    pub value: f64,
}

impl Reading {
    pub(super) const fn new(at: Instant) -> Self {
        Self {
            at,
            life: None,
            numbers: Vec::new(),
            product: None,
            problems: Vec::new(),
        }
    }

    /// Adds a gauge, if there is one.
    pub(super) fn gauge(&mut self, name: &'static str, unit: Unit, value: Option<u64>) {
        self.number(name, (unit, SeriesKind::Gauge), value.map(float));
    }

    /// Adds a counter, if there is one.
    pub(super) fn counter(&mut self, name: &'static str, unit: Unit, value: Option<f64>) {
        self.number(name, (unit, SeriesKind::Counter), value);
    }

    fn number(&mut self, name: &'static str, (unit, kind): (Unit, SeriesKind), value: Option<f64>) {
        let number = value.map(|value| Number {
            name: name.into(),
            unit,
            kind,
            value,
        });
        self.numbers.extend(number);
    }
}

impl Life {
    /// Returns `true` if it is the same life.
    ///
    /// Of a rounded one, a process that took the place of another within a second or so began at another part of a second: one
    /// in 25 of those is not told from the one before.
    pub(super) const fn is(&self, other: &Self) -> bool {
        let apart = self.id.1.abs_diff(other.id.1);
        let is_a_second = self.is_rounded && apart.abs_diff(1000) <= 20;
        self.id.0 == other.id.0 && (apart == 0 || (self.is_rounded && apart <= 20) || is_a_second)
    }
}

/// Returns a time in whole microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Returns a count as the number that is stored.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to 2^53: 8 PiB, 285 years in microseconds"
)]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

impl Unit {
    /// Returns the unit that the name of a metric tells: `..._bytes`, `..._seconds`, `..._ratio`, also before `_total`.
    pub(super) fn of_name(name: &str) -> Self {
        let name = name.strip_suffix("_total").unwrap_or(name);
        let name = name.strip_suffix("_sum").unwrap_or(name);
        match name.rsplit('_').next() {
            Some("bytes") => Self::Bytes,
            Some("seconds") => Self::Seconds,
            Some("ratio") => Self::Share,
            _ => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of the machine is a whole second, rounded anew each time.
    #[test]
    fn a_life_is_told_from_the_next_within_a_second() {
        let began = |ms| Life {
            id: (0, ms),
            is_rounded: true,
            began: None,
        };
        for same in [50_370, 50_371, 51_370, 49_370, 51_360] {
            assert!(began(50_370).is(&began(same)), "{same}");
        }
        for other in [50_620, 51_270, 51_720, 52_370, 90_370] {
            assert!(!began(50_370).is(&began(other)), "{other}");
        }
    }
}
