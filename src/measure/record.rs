//! Everything that was measured: of one worker at first, of the whole run when all are merged.

use std::time::Duration;

use crate::oci::Operation;

use super::{
    Bytes, Catalogue, Closure, ExchangeSample, FailureLog, IterationSample, JourneyId,
    JourneySeries, LatencyHistogram, OperationSeries, Period, PeriodTally, TimeSeries, Totals,
    closure,
};

/// The record of a run. Made by [`super::Recorder::into_record`]; two of them merge count by count, so it does not
/// matter how many workers there were.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub(super) catalogue: Catalogue,
    /// The length of the measured window.
    pub(super) window: Duration,
    pub(super) totals: [Totals; Period::ALL.len()],
    pub(super) journeys: Vec<JourneySeries>,
    /// Journey by journey, each with one place per operation; filled for those that are expected or occurred.
    pub(super) operations: Vec<Option<Box<OperationSeries>>>,
    /// By period; the measured one stays empty.
    pub(super) tallies: [PeriodTally; Period::ALL.len()],
    pub(super) time_series: TimeSeries,
    pub(super) failures: FailureLog,
    pub(super) transport: Bytes,
}

impl Record {
    pub(super) fn new(catalogue: &Catalogue, window: Duration) -> Self {
        let journeys = catalogue.len();
        let operations = (0..journeys).flat_map(|journey| {
            Operation::ALL
                .map(|operation| catalogue.is_expected(journey, operation).then(Box::default))
        });
        Self {
            catalogue: catalogue.clone(),
            window,
            totals: [Totals::default(); Period::ALL.len()],
            journeys: vec![JourneySeries::default(); journeys],
            operations: operations.collect(),
            tallies: std::array::from_fn(|_| PeriodTally::new()),
            time_series: TimeSeries::new(journeys, window),
            failures: FailureLog::default(),
            transport: Bytes::default(),
        }
    }

    pub(super) fn journey_mut(&mut self, journey: JourneyId) -> &mut JourneySeries {
        &mut self.journeys[journey.index()]
    }

    pub(super) fn exchange(&mut self, sample: &ExchangeSample) {
        if sample.period == Period::Measure {
            let place = sample.journey.index() * Operation::ALL.len() + sample.operation.index();
            // What the plan did not foresee must not be lost: it is reserved at first sight.
            self.operations[place]
                .get_or_insert_default()
                .record(sample, self.window);
            self.time_series.exchange(sample);
        } else {
            self.tallies[sample.period.index()].record(sample);
        }
    }

    pub(super) fn iteration(&mut self, sample: &IterationSample) {
        let window = self.window;
        self.journey_mut(sample.journey).record(sample, window);
        self.time_series.iteration(sample);
    }

    /// Adds the record of another worker of the same run.
    ///
    /// # Panics
    /// When the other was made from another catalogue.
    pub fn merge(&mut self, other: Self) {
        assert!(
            self.catalogue == other.catalogue,
            "the records to merge are of two different plans"
        );
        self.window = self.window.max(other.window);
        for (mine, theirs) in self.totals.iter_mut().zip(&other.totals) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.journeys.iter_mut().zip(&other.journeys) {
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
        self.failures.merge(other.failures);
        self.transport.merge(other.transport);
    }

    /// Closes the measured window early, at that time since it opened. To be called when nothing that ended later was
    /// counted as within it.
    pub fn end_window(&mut self, at: Duration) {
        self.window = self.window.min(at);
    }

    /// Adds up everything that must agree.
    pub fn check(&self) -> Closure {
        closure::of(self)
    }

    /// The length of the measured window: what a rate is divided by.
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// The sums of one period.
    pub const fn totals(&self, period: Period) -> &Totals {
        &self.totals[period.index()]
    }

    /// The journeys in the order of the catalogue.
    pub fn journeys(&self) -> impl Iterator<Item = (JourneyId, &str, &JourneySeries)> {
        self.catalogue
            .journeys()
            .zip(&self.journeys)
            .map(|((id, name), series)| (id, name, series))
    }

    /// The name of a journey.
    pub fn journey_name(&self, journey: JourneyId) -> &str {
        self.catalogue
            .journeys()
            .nth(journey.index())
            .map_or("", |(_, name)| name)
    }

    /// The operations of one journey that were expected or occurred, in the order of [`Operation::ALL`].
    pub fn operations(
        &self,
        journey: JourneyId,
    ) -> impl Iterator<Item = (Operation, &OperationSeries)> {
        let first = journey.index() * Operation::ALL.len();
        Operation::ALL
            .into_iter()
            .zip(&self.operations[first..first + Operation::ALL.len()])
            .filter_map(|(operation, series)| Some((operation, series.as_deref()?)))
    }

    /// The exchanges of a period outside the measured window; nothing for [`Period::Measure`].
    pub const fn tally(&self, period: Period) -> &PeriodTally {
        &self.tallies[period.index()]
    }

    /// The course of the measured window and what ended after it.
    pub const fn time_series(&self) -> &TimeSeries {
        &self.time_series
    }

    /// Failures by kind, of all periods.
    pub const fn failures(&self) -> &FailureLog {
        &self.failures
    }

    /// Bytes of bodies as the transport counted them, of all periods.
    pub const fn transport(&self) -> Bytes {
        self.transport
    }

    /// How many durations were more than an hour and are counted as an hour.
    pub fn clamped(&self) -> u64 {
        let journeys = self.journeys.iter().flat_map(JourneySeries::histograms);
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

#[cfg(test)]
mod tests;
