//! What a threshold looks at: some of the samples, counted apart from the rest.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::Phase;

use super::series::is_unfinished;
use super::{
    Bytes, Catalogue, ExchangeSample, IterationClock, IterationSample, LatencyHistogram, Outcome,
    Outcomes, Starts, Subject, TrackId,
};

/// Which samples to count apart, known before the run: recording finds the views of a sample by index.
///
/// A sample is in a view by its track and by when its iteration was *due*; an exchange goes with its iteration, however
/// late it ends. Throughput is different: it counts what *ended* within the span, whenever it was due, so that it can
/// be divided by the span's length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Iterations or exchanges, and which of their clocks.
    pub subject: Subject,
    /// The tracks whose samples are in it.
    pub tracks: Vec<TrackId>,
    /// The tracks whose samples count as throughput: those above, with all other stages of their loads. What ends in
    /// a stage may have been due in the one before.
    pub throughput_tracks: Vec<TrackId>,
    /// The span of the measured window, from its opening.
    pub from: Duration,
    /// The end of the span; what is due at it is not in it. [`Duration::MAX`]: up to the end of the window.
    pub until: Duration,
}

/// What a view has counted. Those of several workers merge count by count.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Observed {
    /// What became of the iterations that were due; nothing for exchanges.
    pub starts: Starts,
    /// How the iterations or exchanges ended.
    pub outcomes: Outcomes,
    /// Bytes of their bodies, whatever their outcome.
    pub bytes: Bytes,
    /// Ok ones that ended within the span, whenever they were due.
    pub within: u64,
    /// The bytes of those.
    pub bytes_within: Bytes,
    /// Ok ones. For start lag: all that started.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub latency: LatencyHistogram,
    /// Those that were cancelled or timed out, as far as they came: lower bounds. Nothing for a phase other than the
    /// total, and nothing for start lag, which is known of all.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub unfinished: LatencyHistogram,
}

impl Observed {
    /// Returns the counts alone.
    #[must_use]
    pub fn without_latencies(&self) -> Self {
        Self {
            starts: self.starts,
            outcomes: self.outcomes,
            bytes: self.bytes,
            within: self.within,
            bytes_within: self.bytes_within,
            ..Self::default()
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.starts.merge(other.starts);
        self.outcomes.merge(other.outcomes);
        self.bytes.merge(other.bytes);
        self.within = self.within.saturating_add(other.within);
        self.bytes_within.merge(other.bytes_within);
        self.latency.merge(&other.latency);
        self.unfinished.merge(&other.unfinished);
    }
}

/// The views of a recorder, found by track.
#[derive(Debug)]
pub(super) struct Views {
    views: Vec<View>,
    /// By track: indexes of the views that its samples may be in.
    by_track: Vec<Vec<ViewOfTrack>>,
}

/// A view in which a track's samples may be.
#[derive(Debug, Clone, Copy)]
struct ViewOfTrack {
    view: usize,
    counts: bool,     // in `tracks`
    throughput: bool, // in `throughput_tracks`
}

impl View {
    const fn spans(&self, time: Duration) -> bool {
        let (from, time, until) = (self.from.as_nanos(), time.as_nanos(), self.until.as_nanos());
        from <= time && time < until
    }
}

impl Views {
    pub(super) fn new(catalogue: &Catalogue, views: &[View]) -> Self {
        let places = |track: TrackId| {
            let views = views.iter().enumerate();
            views.filter_map(move |(view, it)| {
                let place = ViewOfTrack {
                    view,
                    counts: it.tracks.contains(&track),
                    throughput: it.throughput_tracks.contains(&track),
                };
                (place.counts || place.throughput).then_some(place)
            })
        };
        Self {
            by_track: catalogue
                .tracks()
                .map(|(track, _)| places(track).collect())
                .collect(),
            views: views.to_vec(),
        }
    }

    pub(super) fn starts(
        &self,
        observed: &mut [Observed],
        track: TrackId,
        due: Duration,
        which: impl Fn(&mut Starts) -> &mut u64,
    ) {
        for place in self.by_track[track.index()].iter().filter(|it| it.counts) {
            let view = &self.views[place.view];
            if matches!(view.subject, Subject::Iterations(_)) && view.spans(due) {
                *which(&mut observed[place.view].starts) += 1;
            }
        }
    }

    pub(super) fn iteration(
        &self,
        observed: &mut [Observed],
        window: Duration,
        sample: &IterationSample,
    ) {
        for place in &self.by_track[sample.track.index()] {
            let view = &self.views[place.view];
            let Subject::Iterations(clock) = view.subject else {
                continue;
            };
            let observed = &mut observed[place.view];
            let time = match clock {
                IterationClock::Service => sample.service_time(),
                IterationClock::Response => sample.response_time(),
                IterationClock::StartLag => sample.start_lag(),
            };
            if place.counts && view.spans(sample.scheduled) {
                observed.outcomes.count(sample.outcome);
                observed.bytes.merge(sample.bytes());
                if sample.outcome == Outcome::Ok || clock == IterationClock::StartLag {
                    observed.latency.record(time);
                } else if is_unfinished(sample.outcome) {
                    observed.unfinished.record(time);
                }
            }
            if place.throughput && ended_within(view, sample.outcome, sample.finished, window) {
                observed.within += 1;
                observed.bytes_within.merge(sample.bytes());
            }
        }
    }

    pub(super) fn exchange(
        &self,
        observed: &mut [Observed],
        window: Duration,
        sample: &ExchangeSample,
    ) {
        for place in &self.by_track[sample.track.index()] {
            let view = &self.views[place.view];
            let Subject::Exchanges { operation, phase } = view.subject else {
                continue;
            };
            if operation.is_some_and(|it| it != sample.operation) {
                continue;
            }
            let observed = &mut observed[place.view];
            if place.counts && view.spans(sample.due) {
                observed.outcomes.count(sample.outcome);
                observed.bytes.merge(sample.bytes());
                if sample.outcome == Outcome::Ok {
                    if let Some(time) = sample.timings.of(phase) {
                        observed.latency.record(time);
                    }
                } else if is_unfinished(sample.outcome) && phase == Phase::Total {
                    observed.unfinished.record(sample.timings.total);
                }
            }
            if place.throughput && ended_within(view, sample.outcome, sample.finished, window) {
                observed.within += 1;
                observed.bytes_within.merge(sample.bytes());
            }
        }
    }
}

fn ended_within(view: &View, outcome: Outcome, finished: Duration, window: Duration) -> bool {
    outcome == Outcome::Ok && view.spans(finished) && finished <= window
}
