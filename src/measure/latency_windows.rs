//! Latencies by the window of the time series in which they ended.

use std::cmp::Ordering;
use std::time::Duration;

use crate::exchange::Phase;
use crate::oci::Operation;

use super::buckets::Buckets;
use super::histogram::whole_micros;
use super::time_series::WindowIndex;
use super::{
    Catalogue, ExchangeSample, IterationSample, JourneyId, Outcome, PackedHistogram, TimeSeries,
};

/// The phases of an operation that are kept by window.
pub(super) const PHASES: [Phase; 2] = [Phase::FirstByte, Phase::Total];

/// Response times of each journey, first byte and total of each operation, of ok ones.
///
/// The windows are those of the time series of the same record, and as wide.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LatencyWindows {
    shift: u32,
    journeys: usize,
    /// The journeys, then each operation with its [`PHASES`]. A list ends with the last window in which something ended.
    series: Vec<Vec<PackedHistogram>>,
}

/// The same while it is recorded.
#[derive(Debug)]
pub(super) struct LatencyRecorder {
    shift: u32,
    journeys: usize,
    series: Vec<Option<Box<Series>>>,
}

/// One series. Only the window that is filled has buckets; it is packed when a later one begins.
#[derive(Debug)]
struct Series {
    filled: Buckets<2>,
    /// The number of that window.
    window: usize,
    packed: Vec<PackedHistogram>,
}

impl LatencyWindows {
    /// Of nothing yet, in windows of 2^shift seconds.
    pub(super) fn new(catalogue: &Catalogue, shift: u32) -> Self {
        Self {
            shift,
            journeys: catalogue.len(),
            series: vec![Vec::new(); places(catalogue.len())],
        }
    }

    /// Returns the windows of a journey's response time, up to the last in which an iteration ended well.
    pub(super) fn journey(&self, journey: JourneyId) -> &[PackedHistogram] {
        self.at(journey.index())
    }

    /// Returns the windows of one of [`PHASES`].
    pub(super) fn operation(&self, operation: Operation, phase: Phase) -> &[PackedHistogram] {
        let of = PHASES.iter().position(|it| *it == phase);
        of.map_or(&[], |of| self.at(place(self.journeys, operation) + of))
    }

    fn at(&self, place: usize) -> &[PackedHistogram] {
        &self.series[place]
    }

    /// Adds the windows of another worker.
    pub(super) fn merge(&mut self, mut other: Self) {
        let shift = self.shift.max(other.shift);
        self.widen(shift);
        other.widen(shift);
        for (mine, theirs) in self.series.iter_mut().zip(other.series) {
            PackedHistogram::merge_windows(mine, theirs);
        }
    }

    fn widen(&mut self, shift: u32) {
        for windows in &mut self.series {
            PackedHistogram::widen(windows, shift - self.shift);
        }
        self.shift = shift;
    }
}

impl LatencyRecorder {
    /// The memory that one series reserves before its first value.
    pub(super) const EMPTY_BYTES: usize =
        Buckets::<2>::EMPTY_BYTES + TimeSeries::MAX_WINDOWS * size_of::<PackedHistogram>();

    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let journeys = catalogue.len();
        let mut series: Vec<Option<Box<Series>>> = (0..places(journeys)).map(|_| None).collect();
        for journey in &mut series[..journeys] {
            *journey = Some(Box::default());
        }
        for operation in catalogue.operations() {
            for of in 0..PHASES.len() {
                series[place(journeys, operation) + of] = Some(Box::default());
            }
        }
        Self {
            shift: 0,
            journeys,
            series,
        }
    }

    pub(super) fn exchange(&mut self, at: WindowIndex, sample: &ExchangeSample) {
        if sample.outcome != Outcome::Ok {
            return;
        }
        let first = place(self.journeys, sample.operation);
        for (of, phase) in PHASES.into_iter().enumerate() {
            if let Some(time) = sample.timings.of(phase) {
                self.record(at, first + of, time);
            }
        }
    }

    pub(super) fn iteration(
        &mut self,
        at: WindowIndex,
        journey: JourneyId,
        sample: &IterationSample,
    ) {
        if sample.outcome == Outcome::Ok {
            self.record(at, journey.index(), sample.response_time());
        }
    }

    fn record(&mut self, at: WindowIndex, place: usize, time: Duration) {
        if at.shift != self.shift {
            self.widen(at.shift);
        }
        // As the operations of a record: what the plan did not foresee is reserved at first sight.
        let series = self.series[place].get_or_insert_default();
        series.record(at.window, time);
    }

    fn widen(&mut self, shift: u32) {
        let by = shift.saturating_sub(self.shift);
        for series in self.series.iter_mut().flatten() {
            series.widen(by);
        }
        self.shift = shift;
    }

    /// Returns all of it, in windows of 2^shift seconds: those of the time series, which what failed may have widened
    /// since.
    pub(super) fn finish(mut self, shift: u32) -> LatencyWindows {
        self.widen(shift);
        let series = self.series.into_iter();
        let windows = series.map(|it| it.map(|it| it.finish()).unwrap_or_default());
        LatencyWindows {
            shift,
            journeys: self.journeys,
            series: windows.collect(),
        }
    }
}

impl Series {
    fn record(&mut self, window: usize, time: Duration) {
        match window.cmp(&self.window) {
            Ordering::Equal => {}
            Ordering::Greater => {
                self.pack();
                self.window = window;
            }
            // Ends need not be recorded in their order.
            Ordering::Less => return self.put(window, PackedHistogram::of(time)),
        }
        self.filled.record(whole_micros(time));
    }

    /// Makes room for the next window.
    fn pack(&mut self) {
        if !self.filled.is_empty() {
            self.put(self.window, PackedHistogram::pack(&self.filled));
            self.filled.clear();
        }
    }

    fn put(&mut self, window: usize, latencies: PackedHistogram) {
        if self.packed.len() <= window {
            self.packed
                .resize_with(window + 1, PackedHistogram::default);
        }
        self.packed[window].add(latencies);
    }

    fn widen(&mut self, by: u32) {
        PackedHistogram::widen(&mut self.packed, by);
        self.window = self.window.checked_shr(by).unwrap_or(0);
    }

    fn finish(mut self) -> Vec<PackedHistogram> {
        self.pack();
        self.packed
    }
}

impl Default for Series {
    fn default() -> Self {
        Self {
            filled: Buckets::new(),
            window: 0,
            packed: Vec::with_capacity(TimeSeries::MAX_WINDOWS),
        }
    }
}

fn places(journeys: usize) -> usize {
    journeys + Operation::ALL.len() * PHASES.len()
}

/// Returns the place of an operation's first series.
fn place(journeys: usize, operation: Operation) -> usize {
    journeys + operation.index() * PHASES.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(window: usize) -> WindowIndex {
        WindowIndex { shift: 0, window }
    }

    fn counts(series: Series) -> Vec<u64> {
        let packed = series.finish();
        packed.iter().map(PackedHistogram::count).collect()
    }

    #[test]
    fn what_is_told_late_is_counted_where_it_ended() {
        let mut series = Series::default();
        for window in [3, 3, 5, 3, 0, 5, 6] {
            series.record(window, Duration::from_millis(1));
        }
        assert_eq!(counts(series), [1, 0, 0, 3, 0, 2, 1]);
    }

    #[test]
    fn the_window_that_is_filled_is_widened_with_the_others() {
        let mut series = Series::default();
        for window in [0, 4, 5] {
            series.record(window, Duration::from_millis(1));
        }
        series.widen(1); // 0, 2, 2
        series.record(2, Duration::from_millis(1));
        series.record(1, Duration::from_millis(1));
        assert_eq!(counts(series), [1, 1, 3]);
    }

    #[test]
    fn what_is_not_recorded_is_widened_all_the_same() {
        let catalogue = Catalogue::new(vec![("pull".into(), vec![Operation::BlobGet])]);
        let mut recorder = LatencyRecorder::new(&catalogue);
        for window in [0, 1, 2] {
            recorder.record(place(window), 0, Duration::from_millis(1));
        }
        let journey = catalogue.journey(0).unwrap();
        let finished = recorder.finish(1);
        let counts: Vec<_> = finished
            .journey(journey)
            .iter()
            .map(PackedHistogram::count)
            .collect();
        assert_eq!(counts, [2, 1]);
        let nothing: &[PackedHistogram] = &[];
        assert_eq!(
            finished.operation(Operation::BlobGet, Phase::Total),
            nothing
        );
    }

    #[test]
    fn a_series_reserves_what_it_says() {
        let series = Series::default();
        // A place for each of 13 blocks of 256 buckets.
        let reserved = 13 * 8 + series.packed.capacity() * size_of::<PackedHistogram>();
        assert_eq!(reserved, LatencyRecorder::EMPTY_BYTES);
    }
}
