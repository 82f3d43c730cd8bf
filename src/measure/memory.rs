//! The memory that the series of a catalogue take.

use super::latency_windows::{LatencyRecorder, PHASES};
use super::{Catalogue, JourneySeries, LatencyHistogram, OperationSeries, Track};

impl Catalogue {
    /// Returns the number of histograms of one [`super::Recorder`].
    pub fn histograms(&self) -> usize {
        let of_track = |track: &Track| {
            let operations = self.expected(track.journey);
            JourneySeries::HISTOGRAMS + operations * OperationSeries::HISTOGRAMS
        };
        self.tracks().map(|(_, track)| of_track(track)).sum()
    }

    /// Returns the number of bytes that they take before the first value, with the latencies that are kept by window.
    pub fn empty_bytes(&self) -> usize {
        let windowed = self.len() + self.operations().count() * PHASES.len();
        self.histograms() * LatencyHistogram::EMPTY_BYTES + windowed * LatencyRecorder::EMPTY_BYTES
    }
}
