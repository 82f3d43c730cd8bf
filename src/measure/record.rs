//! Everything that was measured: of one worker at first, of the whole run when all are merged.

use std::borrow::Cow;
use std::time::Duration;

use crate::oci::Operation;

use super::latency_windows::{self, LatencyWindows};
use super::slowest::Slowest;
use super::time_series::WindowIndex;
use super::{
    AddressUse, Bytes, Catalogue, ExchangeSample, FailureLog, IterationClock, IterationFailureLog,
    IterationSample, JourneyId, JourneySeries, LatencyHistogram, Metric, Observed, OperationSeries,
    PackedHistogram, Period, PeriodTally, SlowExchange, TimeSeries, Totals, Track, TrackId, View,
};

/// The record of a run. Made by [`super::Recorder::into_record`]; two of them merge count by count, so it does not
/// matter how many workers there were.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub(super) catalogue: Catalogue,
    /// The length of the measured window.
    pub(super) window: Duration,
    pub(super) totals: [Totals; Period::ALL.len()],
    /// By track.
    pub(super) tracks: Vec<JourneySeries>,
    /// Track by track, each with one place per operation; filled for those that are expected or occurred.
    pub(super) operations: Vec<Option<Box<OperationSeries>>>,
    /// What thresholds look at, in the order of their views.
    pub(super) observed: Vec<Observed>,
    /// By period; the measured one stays empty.
    pub(super) tallies: [PeriodTally; Period::ALL.len()],
    pub(super) time_series: TimeSeries,
    /// In the windows of `time_series`.
    pub(super) latencies: LatencyWindows,
    /// By operation; filled for those that are expected or occurred.
    pub(super) slowest: Vec<Option<Box<Slowest>>>,
    pub(super) failures: FailureLog,
    pub(super) iteration_failures: IterationFailureLog,
    pub(super) transport: Bytes,
    pub(super) addresses: Vec<AddressUse>,
}

impl Record {
    pub(super) fn new(catalogue: &Catalogue, views: &[View], window: Duration) -> Self {
        let operations = catalogue.tracks().flat_map(|(_, track)| {
            Operation::ALL
                .map(|operation| catalogue.is_expected(track, operation).then(Box::default))
        });
        let time_series = TimeSeries::new(catalogue.len(), window);
        let expected: Vec<_> = catalogue.operations().collect();
        Self {
            catalogue: catalogue.clone(),
            window,
            totals: [Totals::default(); Period::ALL.len()],
            tracks: vec![JourneySeries::default(); catalogue.tracks().count()],
            operations: operations.collect(),
            observed: vec![Observed::default(); views.len()],
            tallies: std::array::from_fn(|_| PeriodTally::default()),
            latencies: LatencyWindows::new(catalogue, time_series.shift()),
            time_series,
            slowest: Operation::ALL
                .map(|operation| expected.contains(&operation).then(Box::default))
                .into(),
            failures: FailureLog::default(),
            iteration_failures: IterationFailureLog::default(),
            transport: Bytes::default(),
            addresses: Vec::new(),
        }
    }

    pub(super) fn track_mut(&mut self, track: TrackId) -> &mut JourneySeries {
        &mut self.tracks[track.index()]
    }

    /// Returns the window in which it ended, if that is of the measured period.
    pub(super) fn exchange(&mut self, sample: &ExchangeSample) -> Option<WindowIndex> {
        if sample.period == Period::Measure {
            let place = sample.track.index() * Operation::ALL.len() + sample.operation.index();
            // What the plan did not foresee must not be lost: it is reserved at first sight.
            self.operations[place]
                .get_or_insert_default()
                .record(sample, self.window);
            Some(self.time_series.exchange(sample))
        } else {
            self.tallies[sample.period.index()].record(sample);
            None
        }
    }

    pub(super) fn iteration(&mut self, sample: &IterationSample) -> (JourneyId, WindowIndex) {
        let window = self.window;
        self.track_mut(sample.track).record(sample, window);
        let journey = self.catalogue.journey_of(sample.track);
        (journey, self.time_series.iteration(journey, sample))
    }

    /// Adds the record of another worker of the same run.
    ///
    /// # Panics
    /// When the other was made from another catalogue, or for other views.
    pub fn merge(&mut self, other: Self) {
        assert!(
            self.catalogue == other.catalogue,
            "the records to merge are of two different plans"
        );
        self.window = self.window.max(other.window);
        for (mine, theirs) in self.totals.iter_mut().zip(&other.totals) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.tracks.iter_mut().zip(&other.tracks) {
            mine.merge(theirs);
        }
        assert_eq!(
            self.observed.len(),
            other.observed.len(),
            "the records to merge were made for other views"
        );
        for (mine, theirs) in self.observed.iter_mut().zip(&other.observed) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.operations.iter_mut().zip(other.operations) {
            match (mine, theirs) {
                (_, None) => {}
                (Some(mine), Some(theirs)) => mine.merge(&theirs),
                (mine @ None, theirs) => *mine = theirs,
            }
        }
        for (mine, theirs) in self.tallies.iter_mut().zip(&other.tallies) {
            mine.merge(theirs);
        }
        let merged = self.time_series.merge(other.time_series);
        debug_assert!(merged, "one catalogue has one number of journeys");
        self.latencies.merge(other.latencies);
        for (mine, theirs) in self.slowest.iter_mut().zip(other.slowest) {
            match (mine, theirs) {
                (_, None) => {}
                (Some(mine), Some(theirs)) => mine.merge(*theirs),
                (mine @ None, theirs) => *mine = theirs,
            }
        }
        self.failures.merge(other.failures);
        self.iteration_failures.merge(other.iteration_failures);
        self.transport.merge(other.transport);
        AddressUse::merge(&mut self.addresses, other.addresses);
    }

    /// Closes the measured window early, at that time since it opened. To be called when nothing that ended later was
    /// counted as within it.
    pub fn end_window(&mut self, at: Duration) {
        self.window = self.window.min(at);
    }

    /// Returns the length of the measured window: what a rate is divided by.
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Returns the sums of one period.
    pub const fn totals(&self, period: Period) -> &Totals {
        &self.totals[period.index()]
    }

    /// Returns the journeys in the order of the catalogue, each with all its tracks merged.
    pub fn journeys(&self) -> impl Iterator<Item = (JourneyId, &str, Cow<'_, JourneySeries>)> {
        self.catalogue.journeys().map(|(id, name)| {
            let tracks = self.tracks_of(id).map(|track| &self.tracks[track.index()]);
            (id, name, merged(tracks, JourneySeries::merge))
        })
    }

    /// Returns the operations of one journey that were expected or occurred, in the order of [`Operation::ALL`], each with
    /// all tracks of the journey merged.
    pub fn operations(
        &self,
        journey: JourneyId,
    ) -> impl Iterator<Item = (Operation, Cow<'_, OperationSeries>)> {
        self.operations_of(self.tracks_of(journey).collect())
    }

    /// Returns some tracks merged.
    pub fn merged(&self, tracks: &[TrackId]) -> Cow<'_, JourneySeries> {
        let tracks = tracks.iter().map(|track| &self.tracks[track.index()]);
        merged(tracks, JourneySeries::merge)
    }

    /// Returns the operations that were expected or occurred in some tracks, in the order of [`Operation::ALL`], merged.
    pub fn operations_of(
        &self,
        tracks: Vec<TrackId>,
    ) -> impl Iterator<Item = (Operation, Cow<'_, OperationSeries>)> {
        Operation::ALL.into_iter().filter_map(move |operation| {
            let mut series = tracks
                .iter()
                .filter_map(|track| self.operation(*track, operation))
                .peekable();
            series.peek()?;
            Some((operation, merged(series, OperationSeries::merge)))
        })
    }

    /// Returns the tracks in the order of the catalogue.
    pub fn tracks(&self) -> impl Iterator<Item = (TrackId, &Track, &JourneySeries)> {
        self.catalogue
            .tracks()
            .zip(&self.tracks)
            .map(|((id, track), series)| (id, track, series))
    }

    /// Returns the operations of one track that were expected or occurred, in the order of [`Operation::ALL`].
    pub fn track_operations(
        &self,
        track: TrackId,
    ) -> impl Iterator<Item = (Operation, &OperationSeries)> {
        Operation::ALL
            .into_iter()
            .filter_map(move |operation| Some((operation, self.operation(track, operation)?)))
    }

    fn operation(&self, track: TrackId, operation: Operation) -> Option<&OperationSeries> {
        let place = track.index() * Operation::ALL.len() + operation.index();
        self.operations[place].as_deref()
    }

    fn tracks_of(&self, journey: JourneyId) -> impl Iterator<Item = TrackId> {
        let tracks = self.catalogue.tracks();
        tracks.filter_map(move |(id, track)| (track.journey == journey).then_some(id))
    }

    /// Returns the name of a track's journey.
    pub fn journey_name(&self, track: TrackId) -> &str {
        let journey = self.catalogue.journey_of(track);
        let mut journeys = self.catalogue.journeys();
        let found = journeys.find(|(id, _)| *id == journey);
        found.map_or("", |(_, name)| name)
    }

    /// Returns the journey of a track, with its stage and its client where there is more than one track of it.
    pub(super) fn track_name(&self, track: TrackId) -> String {
        let name = self.journey_name(track);
        let journey = self.catalogue.journey_of(track);
        if self.tracks_of(journey).count() < 2 {
            return name.to_owned();
        }
        let Some((_, of)) = self.catalogue.tracks().nth(track.index()) else {
            return name.to_owned();
        };
        let stage = Some(&of.stage).filter(|stage| **stage != of.load);
        let parts = [Some(&of.load), stage, of.client.as_ref()];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        format!("{name} ({})", parts.join(", "))
    }

    /// Returns what thresholds look at, in the order of the views that the recorder was made with.
    pub fn observed(&self) -> &[Observed] {
        &self.observed
    }

    /// Returns the exchanges of a period outside the measured window; nothing for [`Period::Measure`].
    pub const fn tally(&self, period: Period) -> &PeriodTally {
        &self.tallies[period.index()]
    }

    /// Returns the course of the measured window and what ended after it.
    pub const fn time_series(&self) -> &TimeSeries {
        &self.time_series
    }

    /// Latencies of ok ones in the windows of [`Record::time_series`], one for each: the response time of each journey, first
    /// byte and total of each operation that occurred.
    pub fn latency_series(&self) -> impl Iterator<Item = (Metric, Vec<PackedHistogram>)> {
        let windows = self.time_series.windows().count();
        self.windowed().map(move |(metric, latencies, _)| {
            let mut latencies = latencies.to_vec();
            latencies.resize_with(windows, PackedHistogram::default);
            (metric, latencies)
        })
    }

    /// Returns each latency that is kept by window, up to its last, with the count of the whole histogram.
    pub(super) fn windowed(&self) -> impl Iterator<Item = (Metric, &[PackedHistogram], u64)> {
        let journeys = self.journeys().map(|(id, name, series)| {
            let metric = Metric::of_journey(name, IterationClock::Response);
            let count = series.latencies.response_time.count();
            (metric, self.latencies.journey(id), count)
        });
        let occurred = Operation::ALL.into_iter().filter(|operation| {
            let mut series = self.series_of(*operation);
            series.any(|it| it.counts.outcomes.ended() > 0)
        });
        let operations = occurred.flat_map(move |operation| {
            latency_windows::PHASES.map(|phase| {
                let metric = Metric::of_operation(operation, phase);
                let series = self.series_of(operation);
                let count = series.map(|it| it.latencies.phases.of(phase).count()).sum();
                (metric, self.latencies.operation(operation, phase), count)
            })
        });
        journeys.chain(operations)
    }

    /// Returns an operation in all tracks.
    fn series_of(&self, operation: Operation) -> impl Iterator<Item = &OperationSeries> {
        let tracks = self.catalogue.tracks();
        tracks.filter_map(move |(track, _)| self.operation(track, operation))
    }

    /// Failed iterations by kind, of all periods.
    pub const fn iteration_failures(&self) -> &IterationFailureLog {
        &self.iteration_failures
    }

    /// Returns the slowest ok exchanges of an operation in the measured period, of all tracks, the slowest first.
    pub fn slowest(&self, operation: Operation) -> Vec<SlowExchange> {
        let kept = self.slowest[operation.index()].clone();
        kept.map_or_else(Vec::new, |it| it.into_sorted())
    }

    /// Failed exchanges by kind, of all periods.
    pub const fn failures(&self) -> &FailureLog {
        &self.failures
    }

    /// Returns the addresses that connections went to, of all periods and every host.
    pub fn addresses(&self) -> &[AddressUse] {
        &self.addresses
    }

    /// Bytes of bodies as the transport counted them, of all periods.
    pub const fn transport(&self) -> Bytes {
        self.transport
    }

    /// Returns how many durations were more than an hour and are counted as an hour.
    pub fn clamped(&self) -> u64 {
        let journeys = self.tracks.iter().flat_map(JourneySeries::histograms);
        let operations = self
            .operations
            .iter()
            .flatten()
            .flat_map(|it| it.histograms());
        journeys
            .chain(operations)
            .map(LatencyHistogram::clamped)
            .sum()
    }
}

/// Returns the one there is, or all of them merged.
fn merged<'a, T: Clone + Default>(
    mut parts: impl Iterator<Item = &'a T>,
    merge: impl Fn(&mut T, &T),
) -> Cow<'a, T> {
    let Some(first) = parts.next() else {
        return Cow::Owned(T::default());
    };
    let mut all = Cow::Borrowed(first);
    for part in parts {
        merge(all.to_mut(), part);
    }
    all
}

#[cfg(test)]
mod tests;
