//! One number of a source over the measured window.

use std::time::Duration;

use super::reading::micros;
use super::record::{Series, SeriesKind, Unit};
use super::windows::Windows;

/// One number of a source over the measured window. Times are since it opened.
#[derive(Debug)]
pub(super) struct SeriesCourse {
    unit: Unit,
    kind: SeriesKind,
    windows: Windows,
    covered: Duration,
    increase: f64,
    first: Option<f64>,
    highest: Option<f64>,
    last: Option<(Duration, f64)>,
    /// When the window closed.
    until: Option<Duration>,
}

impl SeriesCourse {
    pub(super) fn new(unit: Unit, kind: SeriesKind) -> Self {
        Self {
            unit,
            kind,
            windows: Windows::default(),
            covered: Duration::ZERO,
            increase: 0.0,
            first: None,
            highest: None,
            last: None,
            until: None,
        }
    }

    /// Sets when the window closed, once it has.
    pub(super) const fn until(&mut self, until: Option<Duration>) {
        self.until = until;
    }

    /// Returns a time, which is no later than the close of the window.
    fn within(&self, at: Duration) -> Duration {
        self.until.map_or(at, |until| at.min(until))
    }

    /// Adds a reading of a gauge.
    pub(super) fn gauge(&mut self, at: Duration, value: f64) {
        let at = self.within(at);
        if let Some((before, _)) = self.last {
            self.covered += at.saturating_sub(before);
        }
        // The close belongs to the last window, not to one behind it.
        let inside = match self.until {
            Some(until) if at >= until => until.saturating_sub(Duration::from_nanos(1)),
            _ => at,
        };
        self.windows.add(inside, value);
        self.first.get_or_insert(value);
        self.highest = Some(self.highest.map_or(value, |it| it.max(value)));
        self.last = Some((at, value));
    }

    /// Returns `true` if a counter is below its last reading.
    pub(super) fn is_below(&self, value: f64) -> bool {
        self.last.is_some_and(|(_, last)| value < last)
    }

    /// Adds a reading of a counter that did not begin again.
    pub(super) fn counter(&mut self, at: Duration, value: f64) {
        if let Some((before, last)) = self.last {
            self.grow((before, at), value - last, (before, at));
        }
        self.last = Some((at, value));
    }

    /// Adds a reading of a counter that began again from zero: at that time, if it is known. What it had counted between its last
    /// reading and its end nobody knows.
    pub(super) fn restart(&mut self, at: Duration, value: f64, began: Option<Duration>) {
        if let Some((before, _)) = self.last {
            match began.filter(|it| (before..=at).contains(it)) {
                Some(began) => self.grow((began, at), value, (began, at)),
                None => self.grow((before, at), value, (at, at)),
            }
        }
        self.last = Some((at, value));
    }

    /// Goes on from a reading without asking what came before.
    pub(super) const fn rebase(&mut self, at: Duration, value: f64) {
        self.last = Some((at, value));
    }

    /// Forgets a counter that was not read at that time, when others began again.
    pub(super) fn forget(&mut self, at: Duration) {
        if self.kind == SeriesKind::Counter && self.last.is_some_and(|(last, _)| last < at) {
            self.last = None;
        }
    }

    /// Adds an increase of a span, of which a part counts as seen; what lies behind the close of the window is cut off.
    fn grow(&mut self, (from, to): (Duration, Duration), value: f64, seen: (Duration, Duration)) {
        let end = self.within(to);
        let whole = to.saturating_sub(from).as_secs_f64();
        let share = if end < to && whole > 0.0 {
            end.saturating_sub(from).as_secs_f64() / whole
        } else {
            1.0
        };
        self.increase += value * share;
        self.covered += self.within(seen.1).saturating_sub(seen.0);
        self.windows.spread(from, end, value * share);
    }

    pub(super) const fn shift(&self) -> u32 {
        self.windows.shift()
    }

    /// Returns what a report says of it.
    pub(super) fn series(&self, name: &str, shift: u32) -> Series {
        let is_gauge = self.kind == SeriesKind::Gauge;
        Series {
            name: name.to_owned(),
            unit: self.unit,
            kind: self.kind,
            windows: self.windows.clone().means(shift),
            covered_us: micros(self.covered),
            increase: (!is_gauge && !self.covered.is_zero()).then_some(self.increase),
            highest: self.highest,
            first: self.first,
            last: self.last.map(|(_, value)| value).filter(|_| is_gauge),
        }
    }
}
