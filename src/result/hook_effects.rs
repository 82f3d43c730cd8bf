//! From the runs of hooks and the windows of a run to what the hooks did.

use std::ops::Range;
use std::time::Duration;

use super::section::micros;
use super::{Document, HookEffect, HookSection, HookSpan, LatencySeries, Recovery};
use crate::hooks::{HookRecord, HookRun};
use crate::measure::{IterationClock, Metric, PackedHistogram, Sum};
use crate::units::Quantile;

/// Before and after a run of a hook, at most so much counts.
const BESIDE: Duration = Duration::from_mins(1);

/// A latency has recovered that is at most so many times what it was before.
const RECOVERED: f64 = 1.2;

/// Windows that make a judgement at most.
const MOST_TOGETHER: usize = 10;

impl Document {
    /// Sets the hooks, and says what they did to the journeys.
    pub fn set_hooks(&mut self, records: Vec<HookRecord>) {
        let sections = records.into_iter().map(|mut record| {
            for run in &mut record.runs {
                run.closed_us = Some(self.window_us);
            }
            HookSection {
                record,
                effects: Vec::new(),
            }
        });
        self.hooks = sections.collect();
        let counts = self.hooks.iter().map(|it| it.record.counts);
        let (due, sum) = counts.fold((0, 0), |all, it| (all.0 + it.due, all.1 + it.sum()));
        if !self.hooks.is_empty() {
            self.closure.sums.push(Sum {
                name: "hooks: due = those of every end + missed".to_owned(),
                left: due,
                right: sum,
            });
        }
        self.judge_hooks();
    }

    /// Says anew what the hooks did to the journeys, after windows have come or changed.
    pub(super) fn judge_hooks(&mut self) {
        let records = self.hooks.iter().map(|it| &it.record);
        let effects: Vec<Vec<HookEffect>> = records.map(|it| self.effects(it)).collect();
        for (section, effects) in self.hooks.iter_mut().zip(effects) {
            section.effects = effects;
        }
    }

    /// Adds the hooks of another document, whose windows begin so much later.
    pub(super) fn add_hooks(&mut self, others: Vec<HookSection>, later_us: u64) {
        for mut theirs in others {
            let mut ours = self.hooks.iter_mut();
            if let Some(mine) = ours.find(|it| it.record.name == theirs.record.name) {
                mine.record.append(theirs.record, later_us);
            } else {
                theirs.record.delay(later_us);
                self.hooks.push(theirs);
            }
        }
    }

    fn effects(&self, record: &HookRecord) -> Vec<HookEffect> {
        let spans: Vec<Spans> = record.runs.iter().filter_map(|it| self.spans(it)).collect();
        if spans.is_empty() {
            return Vec::new();
        }
        let journeys = self.journeys.iter().enumerate();
        let effects = journeys.map(|(place, journey)| {
            let metric = Metric::of_journey(&journey.name, IterationClock::Response);
            let of = Course {
                document: self,
                journey: place,
                latencies: self.latency_over_time(&metric),
            };
            HookEffect {
                journey: journey.name.clone(),
                before: of.span(spans.iter().map(|it| &it.before)),
                during: of.span(spans.iter().map(|it| &it.during)),
                after: of.span(spans.iter().map(|it| &it.after)),
                recovery_p50: of.recovery(&spans, Quantile::P50),
                recovery_p99: of.recovery(&spans, Quantile::P99),
            }
        });
        effects.collect()
    }

    /// Returns the windows around a run; `None` if it was after all of them.
    fn spans(&self, run: &HookRun) -> Option<Spans> {
        let width = self.time_series.window_seconds();
        let width_us = width.saturating_mul(1_000_000);
        let window = |time: u64| usize::try_from(time / width_us).unwrap_or(usize::MAX);
        // What ends behind the measured window was cut or late: it compares with nothing.
        let mut until = window(run.closed_us.unwrap_or(self.window_us));
        let during = window(run.started_us)..(window(run.ended_us) + 1).min(until);
        if during.is_empty() {
            return None;
        }
        let mut from = window(run.opened_us).min(during.start);
        for other in self.hooks.iter().flat_map(|it| &it.record.runs) {
            let (began, ended) = (window(other.started_us), window(other.ended_us) + 1);
            if began < during.start {
                from = from.max(ended.min(during.start));
            } else if began >= during.end {
                until = until.min(began);
            }
        }
        let beside = usize::try_from(BESIDE.as_secs() / width)
            .unwrap_or(1)
            .max(1);
        Some(Spans {
            before: from.max(during.start.saturating_sub(beside))..during.start,
            after: during.end..until.min(during.end.saturating_add(beside)),
            rest: during.end..until,
            ended_us: run.ended_us,
            during,
        })
    }
}

/// Windows around a run of a hook.
struct Spans {
    before: Range<usize>,
    during: Range<usize>,
    after: Range<usize>,
    /// In which it may recover.
    rest: Range<usize>,
    ended_us: u64,
}

/// One journey over time.
struct Course<'a> {
    document: &'a Document,
    journey: usize,
    latencies: Option<&'a LatencySeries>,
}

impl Course<'_> {
    /// Returns the latencies of windows; those in which nothing ended at the end of a run are not there.
    fn histograms(&self, windows: Range<usize>) -> &[PackedHistogram] {
        let all = self.latencies.map_or(&[][..], |it| &it.windows);
        let end = windows.end.min(all.len());
        all.get(windows.start.min(end)..end).unwrap_or_default()
    }

    fn span<'r>(&self, ranges: impl Iterator<Item = &'r Range<usize>> + Clone) -> HookSpan {
        let width = self.document.time_series.window_seconds();
        let mut span = HookSpan::default();
        for range in ranges.clone() {
            span.seconds += range.len() as u64 * width;
            let windows = self.document.time_series.windows();
            for (_, journeys) in windows.skip(range.start).take(range.len()) {
                if let Some(it) = journeys.get(self.journey) {
                    span.ok += it.iterations.ok;
                    span.failed += it.iterations.failed;
                }
            }
        }
        let all: Vec<_> = ranges.flat_map(|it| self.histograms(it.clone())).collect();
        let quantile = |it| PackedHistogram::quantile_of(all.iter().copied(), it).map(micros);
        span.p50_us = quantile(Quantile::P50);
        span.p99_us = quantile(Quantile::P99);
        span
    }

    fn recovery(&self, spans: &[Spans], quantile: Quantile) -> Recovery {
        let mut recovery = Recovery::default();
        for spans in spans {
            match self.recovered(spans, quantile) {
                Back::After(micros) => {
                    recovery.recovered += 1;
                    recovery.longest_us = recovery.longest_us.max(Some(micros));
                }
                Back::Never => recovery.not_recovered += 1,
                Back::Unknown => recovery.unknown += 1,
            }
        }
        recovery
    }

    /// Returns when the percentile was where it was before. As many windows are taken together as have values enough before the
    /// hook. Windows with less than half as many values as then have not recovered: the target did not get the work done.
    fn recovered(&self, spans: &Spans, quantile: Quantile) -> Back {
        let enough = if quantile == Quantile::P50 { 20 } else { 500 };
        let count = |all: &[PackedHistogram]| all.iter().map(PackedHistogram::count).sum::<u64>();
        let before = self.histograms(spans.before.clone());
        let (values, most) = (count(before), MOST_TOGETHER.min(before.len()));
        let known = |together: &usize| values * *together as u64 >= enough * before.len() as u64;
        let together = (1..=most).find(known);
        let was = PackedHistogram::quantile_of(before, quantile);
        let (Some(together), Some(was)) = (together, was) else {
            return Back::Unknown;
        };
        if spans.rest.len() < together {
            return Back::Unknown;
        }
        let is_back = |first: &usize| {
            let windows = self.histograms(*first..first + together);
            let now = PackedHistogram::quantile_of(windows, quantile);
            let half = count(windows) * 2 * before.len() as u64 >= values * together as u64;
            half && now.is_some_and(|it| it <= was.mul_f64(RECOVERED))
        };
        let first = spans.rest.start;
        let width_us = self.document.time_series.window_seconds() * 1_000_000;
        match (first..=spans.rest.end - together).find(is_back) {
            None => Back::Never,
            // It was, as soon as it could be seen.
            Some(found) if found == first => Back::After(0),
            Some(found) => Back::After((found as u64 * width_us).saturating_sub(spans.ended_us)),
        }
    }
}

/// Whether a percentile came back to where it was before a run of a hook.
enum Back {
    /// So many microseconds after its end.
    After(u64),
    /// Not before the next run or the end.
    Never,
    /// There are too few values to say.
    Unknown,
}
