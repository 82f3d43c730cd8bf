//! What shards of one run have in common: the time in which all of them ran, and what they say of themselves.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use super::{Document, JourneySection, OperationSection, ShardSection};
use crate::exchange::Phase;
use crate::measure::{Metric, PackedHistogram};
use crate::oci::Operation;

/// A time on the wall clock, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from_us: u64,
    pub(super) until_us: u64,
}

impl Span {
    pub(super) const fn length(self) -> u64 {
        self.until_us.saturating_sub(self.from_us)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            from_us: self.from_us.max(other.from_us),
            until_us: self.until_us.min(other.until_us),
        }
    }

    /// Returns `true` if two windows are those of one load: for most of the longer one both were open.
    pub(super) fn is_one_load_with(self, other: Self) -> bool {
        let longer = self.length().max(other.length());
        2 * self.and(other).length() >= longer
    }
}

/// Returns a time as reports write it; 0 for none.
pub(super) fn micros_of(time: &str) -> u64 {
    let parsed = humantime::parse_rfc3339(time).ok();
    let since = parsed.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |it| u64::try_from(it.as_micros()).unwrap_or(u64::MAX))
}

impl Document {
    /// Returns the time that its rates are of.
    pub(super) fn span(&self) -> Span {
        let opened = micros_of(&self.window_opened);
        let from_us = opened.saturating_add(self.window_from_us);
        Span {
            from_us,
            until_us: from_us.saturating_add(self.window_us),
        }
    }

    /// This run as one of the shards of a merged report; those that it is made of, if it is one.
    pub(super) fn as_shards(&self) -> Vec<ShardSection> {
        if !self.shards.is_empty() {
            return self.shards.clone();
        }
        vec![ShardSection {
            host: self.environment.host.clone(),
            labels: self.environment.labels.clone(),
            window_opened: self.window_opened.clone(),
            window_us: self.window_us,
        }]
    }

    /// Counts as throughput what ended within that part of the window alone, as exactly as the windows of the time series
    /// know it.
    pub(super) fn narrow(&mut self, to: Span) {
        let own = self.span();
        if own == to {
            return;
        }
        let inside = Inside::of(self, to);
        for journey in &mut self.journeys {
            let share = inside.journey(&journey.name).unwrap_or(inside.time);
            journey.narrow(share, &inside);
        }
        for operation in &mut self.operations {
            operation.narrow(inside.operation(operation.name));
        }
        for threshold in &mut self.thresholds {
            let share = inside.metric(&threshold.metric);
            threshold.narrow(share, own.length(), to.length());
        }
        self.window_from_us += to.from_us - own.from_us;
        self.window_us = to.length();
    }
}

/// Which share of what ended in the window ended in a part of it.
struct Inside {
    /// The part of the window's length, for what no window tells.
    time: f64,
    journeys: BTreeMap<String, f64>,
    operations: BTreeMap<Operation, f64>,
}

impl Inside {
    fn of(document: &Document, to: Span) -> Self {
        let own = document.span();
        let opened = micros_of(&document.window_opened);
        let width = document.time_series.window_seconds() * 1_000_000;
        let lies_in = |index: usize, span: Span| {
            let from = opened + index as u64 * width;
            from >= span.from_us && from + width <= span.until_us
        };
        let windows = document.time_series.windows().count();
        let covered = |span| (0..windows).filter(|it| lies_in(*it, span)).count();
        let time = float(to.length()) / float(own.length().max(1));
        let (inner, outer) = (covered(to), covered(own));
        let share = |counts: &dyn Fn(usize) -> u64| {
            let sum = |span| -> u64 {
                (0..windows)
                    .filter(|it| lies_in(*it, span))
                    .map(counts)
                    .sum()
            };
            let (part, all) = (sum(to), sum(own));
            if inner == 0 || outer == 0 || all == 0 {
                return time;
            }
            // As many as would be in the whole of both, at the rates of the windows that lie in them.
            let part = float(part) / float(inner as u64) * float(to.length());
            let all = float(all) / float(outer as u64) * float(own.length());
            part / all
        };
        let series: Vec<_> = document.time_series.windows().map(|(_, it)| it).collect();
        let of_journey = |(place, journey): (usize, &JourneySection)| {
            let count = |index: usize| series[index].get(place).map_or(0, |it| it.iterations.ok);
            (journey.name.clone(), share(&count))
        };
        let of_operation = |operation: &OperationSection| {
            let total = Metric::of_operation(operation.name, Phase::Total);
            let windows = &document.latency_over_time(&total)?.windows;
            let count = |index: usize| windows.get(index).map_or(0, PackedHistogram::count);
            Some((operation.name, share(&count)))
        };
        Self {
            time,
            journeys: document
                .journeys
                .iter()
                .enumerate()
                .map(of_journey)
                .collect(),
            operations: document
                .operations
                .iter()
                .filter_map(of_operation)
                .collect(),
        }
    }

    fn journey(&self, name: &str) -> Option<f64> {
        self.journeys.get(name).copied()
    }

    fn operation(&self, name: Operation) -> f64 {
        self.operations.get(&name).copied().unwrap_or(self.time)
    }

    /// Of a metric of an operation and a journey the share of the operation.
    fn metric(&self, metric: &Metric) -> f64 {
        let of_operation = || self.operations.get(&metric.operation()?).copied();
        let of_journey = || self.journey(metric.journey()?);
        of_operation().or_else(of_journey).unwrap_or(self.time)
    }
}

impl JourneySection {
    fn narrow(&mut self, share: f64, inside: &Inside) {
        let counts = &mut self.counts;
        counts.within_window = part(counts.within_window, share);
        for operation in &mut self.operations {
            operation.narrow(inside.operation(operation.name));
        }
    }
}

impl OperationSection {
    fn narrow(&mut self, share: f64) {
        let counts = &mut self.counts;
        counts.within_window = part(counts.within_window, share);
        let bytes = &mut counts.bytes_within_window;
        bytes.sent = part(bytes.sent, share);
        bytes.received = part(bytes.received, share);
    }
}

/// Returns a share of a count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is no less than zero, and a rate has three digits"
)]
fn part(count: u64, share: f64) -> u64 {
    (float(count) * share).round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "a rate has three digits")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn span(from_us: u64, until_us: u64) -> Span {
        Span { from_us, until_us }
    }

    #[test]
    fn most_of_the_longer_window_makes_one_load() {
        for (one, other, is) in [
            (span(0, 60), span(0, 60), true),
            (span(0, 60), span(30, 90), true),
            (span(0, 60), span(31, 91), false),
            (span(0, 60), span(60, 120), false),
            (span(0, 60), span(70, 130), false),
            // One that was over soon was no part of the rest.
            (span(0, 60), span(0, 29), false),
            (span(0, 60), span(10, 40), true),
        ] {
            assert_eq!(one.is_one_load_with(other), is, "{one:?} {other:?}");
            assert_eq!(other.is_one_load_with(one), is, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_time_is_read_as_it_is_written() {
        assert_eq!(micros_of("1970-01-01T00:00:01.500000Z"), 1_500_000);
        assert_eq!(micros_of("1970-01-01T00:01:00.000Z"), 60_000_000);
        assert_eq!(micros_of("yesterday"), 0);
    }
}
