//! One worker's side of measuring: samples go in, nothing comes out before the end.

use std::time::Duration;

use crate::exchange::{RangeRequest, RangeResponse};

use super::block_pool;
use super::latency_windows::LatencyRecorder;
use super::view::Views;
use super::{
    AddressUse, Bytes, Catalogue, DroppedStart, ExchangeSample, FailureExample, Identity,
    IterationFailure, IterationSample, LeftConnectionEnd, Live, Observed, Outcome, Period, Record,
    Starts, TrackId, View,
};

/// Counts the samples of one worker.
///
/// There is one per worker, without a lock. Its memory grows by what [`make_room`](Self::make_room) has provided. The engine's part of
/// the contract, which [`Record::check`] holds it to:
///
/// - an iteration that is due is announced by [`scheduled`](Self::scheduled), then either
///   [`started`](Self::started) or [`dropped`](Self::dropped), and a started one ends in one
///   [`iteration`](Self::iteration);
/// - each exchange ends in one [`exchange`](Self::exchange), also one that failed or was cancelled;
/// - [`transport_bytes`](Self::transport_bytes) counts the bytes of all bodies on another path than the samples do.
#[derive(Debug)]
pub struct Recorder {
    record: Record,
    live: Live,
    views: Views,
    latencies: LatencyRecorder,
}

impl Recorder {
    /// Creates a recorder for a measured window of that length.
    ///
    /// The length decides how wide the windows of the time series are, and what ends too late to count in a rate:
    /// see [`Recorder::end_window`] for a run whose length is not known before.
    ///
    /// `views` are what thresholds look at beside what is always counted.
    pub fn new(catalogue: &Catalogue, views: &[View], expected_duration: Duration) -> Self {
        Self {
            record: Record::new(catalogue, views, expected_duration),
            live: Live::new(),
            views: Views::new(catalogue, views),
            latencies: LatencyRecorder::new(catalogue),
        }
    }

    /// Closes the measured window early, at that time since it opened: the run was interrupted, or had nothing more
    /// to do. To be called before a sample is recorded that ended later.
    pub fn end_window(&mut self, at: Duration) {
        self.record.end_window(at);
    }

    /// Counts an iteration that is due at that time since the measured window opened.
    pub fn scheduled(&mut self, track: TrackId, period: Period, due: Duration) {
        self.starts(track, period, due, |starts| &mut starts.scheduled);
    }

    /// Counts an iteration that begins; `due` as it was scheduled.
    pub fn started(&mut self, track: TrackId, period: Period, due: Duration) {
        self.starts(track, period, due, |starts| &mut starts.started);
    }

    /// Counts an iteration that was due and will not begin; `due` as it was scheduled.
    pub fn dropped(&mut self, track: TrackId, period: Period, due: Duration, why: DroppedStart) {
        self.starts(track, period, due, |starts| &mut starts.dropped);
        if period == Period::Measure {
            self.record.track_mut(track).dropped(why);
        }
    }

    fn starts(
        &mut self,
        track: TrackId,
        period: Period,
        due: Duration,
        which: impl Fn(&mut Starts) -> &mut u64,
    ) {
        *which(&mut self.live.totals_mut(period).starts) += 1;
        if period == Period::Measure {
            *which(&mut self.record.track_mut(track).counts.starts) += 1;
            let observed = &mut self.record.observed;
            self.views.starts(observed, track, due, which);
        }
    }

    /// Counts a connection that a client opens and leaves in an iteration of that period. To be followed by one
    /// [`left_connection`](Self::left_connection).
    pub fn leaves_connection(&mut self, track: TrackId, period: Period) {
        if period == Period::Measure {
            self.record.track_mut(track).counts.left_connections.begun += 1;
        }
    }

    /// Counts the end of a connection that was left; track and period as when it began.
    pub fn left_connection(&mut self, track: TrackId, period: Period, end: LeftConnectionEnd) {
        if period == Period::Measure {
            let series = self.record.track_mut(track);
            series.counts.left_connections.count(end);
        }
    }

    /// Records the end of an exchange.
    ///
    /// # Panics
    /// When the track is of another catalogue.
    pub fn exchange(&mut self, sample: &ExchangeSample) {
        let totals = self.live.totals_mut(sample.period);
        totals.exchanges.count(sample.outcome);
        totals.bytes.merge(sample.bytes());
        if let Some(place) = self.record.exchange(sample) {
            self.live.measured(sample.operation, sample.outcome);
            self.latencies.exchange(place, sample);
            let record = &mut self.record;
            self.views
                .exchange(&mut record.observed, record.window, sample);
        }
    }

    /// Counts a request for ranges of a blob. To be called once for each, beside [`exchange`](Self::exchange).
    ///
    /// # Panics
    /// When the track is of another catalogue.
    pub fn ranges(
        &mut self,
        sample: &ExchangeSample,
        asked: RangeRequest,
        response: RangeResponse,
    ) {
        if sample.period == Period::Measure {
            let ranges = &mut self.record.track_mut(sample.track).ranges;
            ranges.count(asked, response, sample.received);
        }
    }

    /// Records the end of an iteration.
    ///
    /// # Panics
    /// When the track is of another catalogue.
    pub fn iteration(&mut self, sample: &IterationSample) {
        let totals = self.live.totals_mut(sample.period);
        totals.iterations.count(sample.outcome);
        if sample.period == Period::Measure {
            if sample.outcome == Outcome::Ok {
                self.live.ok_response_time(sample.response_time());
            }
            let (journey, place) = self.record.iteration(sample);
            self.latencies.iteration(place, journey, sample);
            let record = &mut self.record;
            self.views
                .iteration(&mut record.observed, record.window, sample);
        }
    }

    /// Returns `true` if the exchange is one of the slowest of its operation so far, which
    /// [`keep_slow`](Self::keep_slow) keeps. It has to be ok, and of the measured period.
    pub fn is_slow(&self, sample: &ExchangeSample) -> bool {
        sample.outcome == Outcome::Ok
            && sample.period == Period::Measure
            && self.record.slowest[sample.operation.index()]
                .as_ref()
                .is_none_or(|it| it.takes(sample.timings.total))
    }

    /// Keeps an exchange that [`is_slow`](Self::is_slow), in memory that is there for the operations of the catalogue.
    pub fn keep_slow(&mut self, sample: &ExchangeSample, identity: &Identity<'_>) {
        self.record.slowest[sample.operation.index()]
            .get_or_insert_default()
            .keep(sample, identity);
    }

    /// Counts a failure by its kind and keeps it as the example if it is the first. To be called once for each
    /// failed exchange, beside [`exchange`](Self::exchange).
    pub fn failure_example(&mut self, example: &FailureExample<'_>) {
        self.record.failures.record(example);
    }

    /// Counts a failed iteration by its kind and keeps it as the example if it is the first. To be called once for each
    /// failed iteration, beside [`iteration`](Self::iteration).
    pub fn iteration_failure(&mut self, failure: &IterationFailure<'_>) {
        self.record.iteration_failures.record(failure);
    }

    /// Adds bytes of bodies as the transport counted them.
    pub fn transport_bytes(&mut self, sent: u64, received: u64) {
        self.record.transport.merge(Bytes { sent, received });
    }

    /// Adds the addresses that connections went to.
    pub fn addresses(&mut self, used: Vec<AddressUse>) {
        AddressUse::merge(&mut self.record.addresses, used);
    }

    /// Provides memory for the latencies to come, so that recording them on this thread allocates none. To be called where
    /// no latency is measured, a few times a second; what a burst needs beyond it is allocated as it comes.
    pub fn make_room(&self) {
        block_pool::provide(block_pool::ROOM);
    }

    /// Returns the counts so far, for a progress line. Copies some KiB.
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Returns what thresholds look at, so far. Copies two histograms for each view of a latency, some KiB each.
    pub fn observed(&self) -> Vec<Observed> {
        self.record.observed.clone()
    }

    /// Everything that was recorded.
    pub fn into_record(self) -> Record {
        let mut record = self.record;
        record.latencies = self.latencies.finish(record.time_series.shift());
        for period in Period::ALL {
            record.totals[period.index()] = *self.live.totals(period);
        }
        record
    }
}
