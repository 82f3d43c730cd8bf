//! The course of a run in a bounded number of windows.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::histogram::whole_micros;
use super::{Bytes, ExchangeSample, IterationSample, JourneyId, Outcome, Outcomes};

/// A window of a [`TimeSeries`] at its present width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowIndex {
    /// Windows are 2^shift seconds wide.
    pub(super) shift: u32,
    /// The number of the window, from 0.
    pub(super) window: usize,
}

/// Counts by the time at which things ended, in windows of 1, 2, 4, ... seconds.
///
/// There are never more than 600 windows: when a run outgrows them, neighbours are merged in pairs. Nothing is lost
/// by that, so the windows always add up to the totals of the run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Listed", into = "Listed")]
pub struct TimeSeries {
    /// A window is 2^shift seconds.
    shift: u32,
    /// The number of windows up to the last that counted anything; at most [`TimeSeries::MAX_WINDOWS`].
    used: usize,
    /// Always [`TimeSeries::MAX_WINDOWS`] of them.
    windows: Vec<Window>,
    /// Window by window, each with one entry per journey.
    iterations: Vec<JourneyWindow>,
    /// The number of journeys.
    journeys: usize,
}

/// All exchanges that ended in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// How they ended.
    pub exchanges: Outcomes,
    /// Bytes of their bodies.
    pub bytes: Bytes,
}

/// The iterations of one journey that ended in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct JourneyWindow {
    /// How they ended.
    pub iterations: Outcomes,
    /// The service times of the ok ones, added up, in microseconds.
    pub service_time_sum_us: u64,
    /// The longest of them, in microseconds.
    pub service_time_max_us: u64,
}

/// Counts by the time at which things ended.
// The form in a report.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Listed {
    /// The length of a window in seconds: a power of two.
    window_s: u64,
    /// The windows in order of time; at most 600.
    windows: Vec<ListedWindow>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct ListedWindow {
    /// How the exchanges ended.
    exchanges: Outcomes,
    /// Bytes of their bodies.
    bytes: Bytes,
    /// The journeys in the order of the plan.
    journeys: Vec<JourneyWindow>,
}

impl Window {
    fn merge(&mut self, other: &Self) {
        self.exchanges.merge(other.exchanges);
        self.bytes.merge(other.bytes);
    }
}

impl JourneyWindow {
    fn merge(&mut self, other: &Self) {
        self.iterations.merge(other.iterations);
        self.service_time_sum_us = self
            .service_time_sum_us
            .saturating_add(other.service_time_sum_us);
        self.service_time_max_us = self.service_time_max_us.max(other.service_time_max_us);
    }
}

impl TimeSeries {
    /// The most windows that a report holds.
    pub const MAX_WINDOWS: usize = 600;

    /// Creates an empty series of that many journeys, with windows wide enough for a run of that length.
    pub(super) fn new(journeys: usize, expected: Duration) -> Self {
        let mut series = Self {
            shift: 0,
            used: 0,
            windows: vec![Window::default(); Self::MAX_WINDOWS],
            iterations: vec![JourneyWindow::default(); Self::MAX_WINDOWS * journeys],
            journeys,
        };
        series.make_room(expected);
        series
    }

    /// Returns the length of a window in seconds: a power of two.
    pub const fn window_seconds(&self) -> u64 {
        1 << self.shift
    }

    /// Returns the binary logarithm of that.
    pub(super) const fn shift(&self) -> u32 {
        self.shift
    }

    /// Returns the windows in order of time, each with its journeys in the order of the plan. The last one counted
    /// something.
    pub fn windows(&self) -> impl Iterator<Item = (&Window, &[JourneyWindow])> {
        (0..self.used).map(|index| (&self.windows[index], &self.iterations[self.row(index)]))
    }

    fn row(&self, window: usize) -> std::ops::Range<usize> {
        window * self.journeys..(window + 1) * self.journeys
    }

    pub(super) fn exchange(&mut self, sample: &ExchangeSample) -> WindowIndex {
        let window = self.at(sample.finished);
        self.windows[window].exchanges.count(sample.outcome);
        self.windows[window].bytes.merge(sample.bytes());
        self.place(window)
    }

    pub(super) fn iteration(
        &mut self,
        journey: JourneyId,
        sample: &IterationSample,
    ) -> WindowIndex {
        let window = self.at(sample.finished);
        let entry = &mut self.iterations[window * self.journeys + journey.index()];
        entry.iterations.count(sample.outcome);
        if sample.outcome == Outcome::Ok {
            let micros = whole_micros(sample.service_time());
            entry.service_time_sum_us = entry.service_time_sum_us.saturating_add(micros);
            entry.service_time_max_us = entry.service_time_max_us.max(micros);
        }
        self.place(window)
    }

    const fn place(&self, window: usize) -> WindowIndex {
        WindowIndex {
            shift: self.shift,
            window,
        }
    }

    /// Returns the window of that time, which it makes room for.
    fn at(&mut self, time: Duration) -> usize {
        let index = self.make_room(time);
        self.used = self.used.max(index + 1);
        index
    }

    fn make_room(&mut self, time: Duration) -> usize {
        loop {
            match usize::try_from(time.as_secs() >> self.shift) {
                Ok(index) if index < Self::MAX_WINDOWS => return index,
                _ => self.coarsen(),
            }
        }
    }

    /// Merges neighbours in pairs, in place: recording may need this, and must not allocate.
    fn coarsen(&mut self) {
        for index in 0..Self::MAX_WINDOWS / 2 {
            let mut window = self.windows[2 * index];
            window.merge(&self.windows[2 * index + 1]);
            self.windows[index] = window;
            for journey in 0..self.journeys {
                let mut entry = self.iterations[2 * index * self.journeys + journey];
                entry.merge(&self.iterations[(2 * index + 1) * self.journeys + journey]);
                self.iterations[index * self.journeys + journey] = entry;
            }
        }
        self.windows[Self::MAX_WINDOWS / 2..].fill(Window::default());
        self.iterations[Self::MAX_WINDOWS / 2 * self.journeys..].fill(JourneyWindow::default());
        self.used = self.used.div_ceil(2);
        self.shift += 1;
    }

    /// Adds the counts of another series of the same journeys. Returns `false`, and does nothing, if it has other journeys.
    #[must_use]
    pub fn merge(&mut self, mut other: Self) -> bool {
        if self.used == 0 {
            // An empty list does not say how many journeys it is of.
            std::mem::swap(self, &mut other);
        }
        if other.used > 0 && self.journeys != other.journeys {
            return false;
        }
        while self.shift < other.shift {
            self.coarsen();
        }
        while other.shift < self.shift {
            other.coarsen();
        }
        if other.used == 0 {
            return true;
        }
        for (mine, theirs) in self.windows.iter_mut().zip(&other.windows) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.iterations.iter_mut().zip(&other.iterations) {
            mine.merge(theirs);
        }
        self.used = self.used.max(other.used);
        true
    }

    /// Moves another series of the same journeys behind this one: both get windows of one width, in which they fit
    /// together, and the other begins where this one ends. Returns the number of its first window.
    pub fn make_room_behind(&mut self, other: &mut Self) -> usize {
        while self.shift < other.shift {
            self.coarsen();
        }
        while other.shift < self.shift {
            other.coarsen();
        }
        while self.used + other.used > Self::MAX_WINDOWS {
            self.coarsen();
            other.coarsen();
        }
        let (at, end) = (self.used, self.used + other.used);
        other.windows.copy_within(0..other.used, at);
        other.windows[..at].fill(Window::default());
        let journeys = other.journeys;
        other
            .iterations
            .copy_within(0..other.used * journeys, at * journeys);
        other.iterations[..at * journeys].fill(JourneyWindow::default());
        if other.used > 0 {
            other.used = end;
        }
        at
    }

    /// Lets the series begin that much earlier, to the nearest window, and gives the number of windows that come first.
    /// They are wider afterwards where they would not fit.
    pub fn delay(&mut self, micros: u64) -> usize {
        let at = loop {
            let width = self.window_seconds().saturating_mul(1_000_000);
            let at = micros.saturating_add(width / 2) / width;
            match usize::try_from(at) {
                Ok(at) if at + self.used <= Self::MAX_WINDOWS => break at,
                _ => self.coarsen(),
            }
        };
        if self.used > 0 {
            self.windows.copy_within(0..self.used, at);
            self.windows[..at].fill(Window::default());
            let journeys = self.journeys;
            let used = self.used * journeys;
            self.iterations.copy_within(0..used, at * journeys);
            self.iterations[..at * journeys].fill(JourneyWindow::default());
            self.used += at;
        }
        at
    }

    /// Returns what all windows add up to: exchanges, their bytes, iterations.
    pub(super) fn sums(&self) -> (Window, Outcomes) {
        let mut all = Window::default();
        for window in &self.windows {
            all.merge(window);
        }
        let mut iterations = Outcomes::default();
        for entry in &self.iterations {
            iterations.merge(entry.iterations);
        }
        (all, iterations)
    }
}

impl PartialEq for TimeSeries {
    fn eq(&self, other: &Self) -> bool {
        self.shift == other.shift && self.windows().eq(other.windows())
    }
}

impl Eq for TimeSeries {}

impl From<TimeSeries> for Listed {
    fn from(series: TimeSeries) -> Self {
        let windows = series.windows().map(|(window, journeys)| ListedWindow {
            exchanges: window.exchanges,
            bytes: window.bytes,
            journeys: journeys.to_vec(),
        });
        Self {
            window_s: series.window_seconds(),
            windows: windows.collect(),
        }
    }
}

/// Why a list of windows is not a time series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a time series has at most 600 windows of 1, 2, 4, ... seconds, all with the same journeys"
)]
struct NotASeries;

impl TryFrom<Listed> for TimeSeries {
    type Error = NotASeries;

    fn try_from(listed: Listed) -> Result<Self, Self::Error> {
        let journeys = listed.windows.first().map_or(0, |it| it.journeys.len());
        let aligned = listed
            .windows
            .iter()
            .all(|it| it.journeys.len() == journeys);
        // With windows of 2^55 seconds, 600 hold every duration there is.
        let sane = listed.window_s.is_power_of_two() && listed.window_s <= 1 << 55;
        if !aligned || !sane || listed.windows.len() > Self::MAX_WINDOWS {
            return Err(NotASeries);
        }
        let mut series = Self::new(journeys, Duration::ZERO);
        series.shift = listed.window_s.trailing_zeros();
        series.used = listed.windows.len();
        for (index, window) in listed.windows.into_iter().enumerate() {
            series.windows[index] = Window {
                exchanges: window.exchanges,
                bytes: window.bytes,
            };
            let row = series.row(index);
            series.iterations[row].copy_from_slice(&window.journeys);
        }
        Ok(series)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Catalogue, Period, Spent};
    use super::*;

    fn journey(index: usize) -> JourneyId {
        let journeys = vec![("a".into(), vec![]), ("b".into(), vec![])];
        Catalogue::new(journeys).journey(index).unwrap()
    }

    fn iteration(outcome: Outcome, finished: Duration) -> IterationSample {
        let journeys = vec![("a".into(), vec![])];
        IterationSample {
            track: Catalogue::new(journeys).track(0).unwrap(),
            period: Period::Measure,
            scheduled: Duration::ZERO,
            started: finished.saturating_sub(Duration::from_micros(250)),
            finished,
            sent: 0,
            received: 0,
            spent: Spent::at_rest(finished.min(Duration::from_micros(250))),
            outcome,
        }
    }

    #[test]
    fn a_series_that_begins_earlier_has_empty_windows_first() {
        let mut series = TimeSeries::new(2, Duration::from_mins(1));
        for second in [0, 1, 1, 3] {
            let sample = iteration(Outcome::Ok, Duration::from_millis(1_000 * second + 500));
            series.iteration(journey(0), &sample);
        }
        let counts = |series: &TimeSeries| -> Vec<u64> {
            let windows = series.windows().map(|(_, it)| it[0].iterations.ok);
            windows.collect()
        };
        assert_eq!(counts(&series), [1, 2, 0, 1]);
        assert_eq!(series.delay(1_499_999), 1);
        assert_eq!(counts(&series), [0, 1, 2, 0, 1]);
        // 597 s more than the 5 that there are do not fit into 600 windows of one second.
        assert_eq!(series.delay(597_000_000), 299);
        assert_eq!(series.window_seconds(), 2);
        assert_eq!(counts(&series)[299..], [1, 2, 1]);
        assert_eq!(TimeSeries::new(2, Duration::ZERO).delay(5_000_000), 5);
    }

    #[test]
    fn widens_when_the_run_is_longer_than_expected() {
        let mut series = TimeSeries::new(2, Duration::from_mins(1));
        for second in [0, 1, 1, 599] {
            series.iteration(
                journey(1),
                &iteration(Outcome::Ok, Duration::from_secs(second)),
            );
        }
        assert_eq!(series.window_seconds(), 1);
        series.iteration(
            journey(0),
            &iteration(Outcome::Cancelled, Duration::from_mins(10)),
        );
        assert_eq!(series.window_seconds(), 2);
        let windows: Vec<_> = series.windows().map(|(_, journeys)| journeys).collect();
        assert_eq!(windows.len(), 301);
        assert_eq!(windows[0][1].iterations.ok, 3);
        assert_eq!(windows[0][1].service_time_sum_us, 500); // the one at 0 took no time
        assert_eq!(windows[0][1].service_time_max_us, 250);
        assert_eq!(windows[299][1].iterations.ok, 1);
        assert_eq!(windows[300][0].iterations.cancelled, 1);
    }

    #[test]
    fn starts_wide_for_a_run_known_to_be_long() {
        let hours = |n: u64| TimeSeries::new(1, Duration::from_secs(n * 3600)).window_seconds();
        assert_eq!([hours(0), hours(1), hours(24)], [1, 8, 256]); // 3600 / 600 = 6, 86400 / 600 = 144
    }

    #[test]
    fn any_time_has_a_window() {
        let mut series = TimeSeries::new(2, Duration::ZERO);
        series.iteration(journey(0), &iteration(Outcome::Ok, Duration::MAX));
        assert_eq!(series.sums().1.ok, 1);
    }

    #[test]
    fn lists_that_are_no_series_are_refused() {
        let window = r#"{"exchanges":{"ok":0,"failed":0,"cancelled":0},"bytes":{"sent":0,"received":0},"journeys":[]}"#;
        let read = |seconds: u64, windows: usize| {
            let windows = vec![window; windows].join(",");
            serde_json::from_str::<TimeSeries>(&format!(
                r#"{{"window_s":{seconds},"windows":[{windows}]}}"#
            ))
        };
        assert!(read(4, 600).is_ok());
        assert!(read(4, 601).is_err());
        assert!(read(3, 1).is_err());
        assert!(read(0, 1).is_err());
    }

    proptest! {
        #[test]
        fn windows_sum_to_totals_however_they_are_merged(
            left in prop::collection::vec(0_u64..5_000, 0..40),
            right in prop::collection::vec(0_u64..50_000, 0..40),
            expected in 0_u64..10_000,
        ) {
            let record = |times: &[u64], expected| {
                let mut series = TimeSeries::new(2, Duration::from_secs(expected));
                for time in times {
                    series.iteration(journey(0), &iteration(Outcome::Ok, Duration::from_secs(*time)));
                }
                series
            };
            let mut merged = record(&left, 0);
            prop_assert!(merged.merge(record(&right, expected)));
            let all = u64::try_from(left.len() + right.len()).unwrap();
            prop_assert_eq!(merged.sums().1.ok, all);
            let both: Vec<u64> = left.iter().chain(&right).copied().collect();
            if !left.is_empty() && !right.is_empty() {
                prop_assert_eq!(&merged, &record(&both, expected));
            }
            let json = serde_json::to_string(&merged).unwrap();
            prop_assert_eq!(serde_json::from_str::<TimeSeries>(&json).unwrap(), merged);
        }
    }
}
