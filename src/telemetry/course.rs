//! The readings of one source over the measured window, added up.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::problems::Problems;
use super::reading::{Life, Number, Reading, micros};
use super::record::{Product, Readings, Series, SeriesKind, SourceRecord};
use super::series::SeriesCourse;
use super::source::Identity;

/// The most series of a source.
pub(super) const MOST_SERIES: usize = 256;

/// Restarts whose times are kept.
const MOST_RESTARTS: usize = 100;

/// How a reading came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// It ended before the next was due.
    Timely,
    /// It did not.
    Late,
}

/// What the readings of a source come to, from the opening of the measured window to its close.
#[derive(Debug)]
pub(super) struct Course {
    /// When the window opened; nothing counts before.
    opened: Option<Instant>,
    closed: Option<Instant>,
    product: Option<Product>,
    readings: Readings,
    restarts_us: Vec<u64>,
    restarts: u64,
    problems: Problems,
    series: BTreeMap<Cow<'static, str>, SeriesCourse>,
    life: Option<Life>,
}

impl Course {
    pub(super) const fn new() -> Self {
        Self {
            opened: None,
            closed: None,
            product: None,
            readings: Readings {
                due: 0,
                good: 0,
                late: 0,
                failed: 0,
                missed: 0,
            },
            restarts_us: Vec::new(),
            restarts: 0,
            problems: Problems::new(),
            series: BTreeMap::new(),
            life: None,
        }
    }

    /// Opens the window.
    pub(super) const fn open(&mut self, at: Instant) {
        self.opened = Some(at);
    }

    /// Closes it: no reading counts for longer.
    pub(super) const fn close(&mut self, at: Instant) {
        self.closed = Some(at);
    }

    /// Returns `true` once the window has opened.
    pub(super) const fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    /// Notes readings that were due and were not made.
    pub(super) fn missed(&mut self, count: u64) {
        if self.is_open() && self.closed.is_none() {
            self.readings.due += count;
            self.readings.missed += count;
        }
    }

    /// Notes a reading that failed. Returns `true` if that was not told before.
    pub(super) fn failed(&mut self, at: Instant, why: impl Into<Cow<'static, str>>) -> bool {
        if self.is_open() {
            self.readings.due += 1;
            self.readings.failed += 1;
        }
        self.problem(at, why)
    }

    /// Notes a problem. Returns `true` if it was not told before.
    pub(super) fn problem(&mut self, at: Instant, why: impl Into<Cow<'static, str>>) -> bool {
        let first = self.opened.map_or(Duration::ZERO, |opened| {
            at.saturating_duration_since(opened)
        });
        self.problems.add(why.into(), first)
    }

    /// Adds a reading. Returns what is to be told of it for the first time.
    pub(super) fn good(&mut self, reading: Reading, timing: Timing) -> Vec<Cow<'static, str>> {
        let at = reading.at;
        let mut told: Vec<_> = reading.problems;
        self.product = self.product.or(reading.product);
        let Some(opened) = self.opened else {
            told.retain(|it| self.problem(at, it.clone()));
            return told;
        };
        self.readings.due += 1;
        self.readings.good += 1;
        self.readings.late += u64::from(timing == Timing::Late);
        let before = std::mem::replace(&mut self.life, reading.life);
        let is_new = match (before, reading.life) {
            (Some(before), Some(now)) => Some(!before.is(&now)),
            _ => None,
        };
        let began = reading.life.and_then(|it| it.began);
        let mut has_fallen = false;
        for number in reading.numbers {
            match self.number(&number, at, opened, (is_new, began)) {
                Fell::Not => {}
                Fell::Restart => has_fallen = true,
                Fell::Strangely => told.push(
                    format!("{} went down although nothing was restarted: a part of it is left out", number.name)
                        .into(),
                ),
                Fell::NoRoom => told.push(
                    format!("it gives more than {MOST_SERIES} numbers: those after the first are left out").into(),
                ),
            }
        }
        if is_new == Some(true) || has_fallen {
            let since = at.saturating_duration_since(opened);
            for course in self.series.values_mut() {
                course.forget(since);
            }
            self.restarted(began.filter(|it| *it >= opened).unwrap_or(at), opened);
        }
        told.retain(|it| self.problem(at, it.clone()));
        told
    }

    fn restarted(&mut self, at: Instant, opened: Instant) {
        self.restarts += 1;
        if self.restarts_us.len() < MOST_RESTARTS {
            let since = at.saturating_duration_since(opened);
            self.restarts_us.push(micros(since));
        }
    }

    fn number(
        &mut self,
        number: &Number,
        at: Instant,
        opened: Instant,
        (is_new, began): (Option<bool>, Option<Instant>),
    ) -> Fell {
        let until = self.closed.map(|it| it.saturating_duration_since(opened));
        let since = at.saturating_duration_since(opened);
        let is_full = self.series.len() >= MOST_SERIES;
        let course = match self.series.get_mut(&number.name) {
            Some(course) => course,
            None if is_full => return Fell::NoRoom,
            None => self
                .series
                .entry(number.name.clone())
                .or_insert_with(|| SeriesCourse::new(number.unit, number.kind)),
        };
        course.until(until);
        if number.kind == SeriesKind::Gauge {
            course.gauge(since, number.value);
            return Fell::Not;
        }
        let fell = course.is_below(number.value);
        let began = began.map(|it| it.saturating_duration_since(opened));
        match (is_new, fell) {
            (Some(true), _) => course.restart(since, number.value, began),
            (None, true) => course.restart(since, number.value, None),
            (Some(false), true) => course.rebase(since, number.value),
            (Some(false) | None, false) => course.counter(since, number.value),
        }
        match (is_new, fell) {
            (None, true) => Fell::Restart,
            (Some(false), true) => Fell::Strangely,
            _ => Fell::Not,
        }
    }

    /// Returns the binary logarithm of the length of its windows in seconds.
    pub(super) fn shift(&self) -> u32 {
        let shifts = self.series.values().map(SeriesCourse::shift);
        shifts.max().unwrap_or(0)
    }

    /// Returns what a report says of it, with windows of 2^shift seconds.
    pub(super) fn record(&self, identity: &Identity, shift: u32) -> SourceRecord {
        let series = self.series.iter();
        let series: Vec<Series> = series
            .map(|(name, course)| course.series(name, shift))
            .collect();
        SourceRecord {
            name: identity.name.clone(),
            kind: identity.kind,
            from: identity.from.clone(),
            product: self.product,
            readings: self.readings,
            restarts_us: self.restarts_us.clone(),
            restarts: self.restarts,
            problems: self.problems.list(),
            series,
        }
    }
}

/// Whether a counter went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fell {
    Not,
    /// It began again from zero.
    Restart,
    /// It did, and its process is the same.
    Strangely,
    /// There are too many series.
    NoRoom,
}

#[cfg(test)]
mod tests;
