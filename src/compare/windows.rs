//! One run each: what the windows within them tell. That is the noise within a run, and not the one between two.

use crate::measure::PackedHistogram;
use crate::plan::Statistic;
use crate::result::{Document, LatencySeries};
use crate::scenario::Comparand;
use crate::stats::{Blocks, Interval, Shift, autocorrelation_time, block_length};
use crate::units::Quantile;

/// Blocks are at least that long, in seconds: queues and collections of garbage last.
const BLOCK: u64 = 5;

/// How often windows are drawn again.
const RESAMPLES: usize = 2_000;

/// What the windows of two runs say of a percentile; its estimate is of the whole runs. `None` where the reports hold no
/// windows of it, or too few.
pub(super) fn shift(
    (base, candidate): (&Document, &Document),
    comparand: &Comparand,
    estimate: f64,
    (alpha, seed): (f64, u64),
) -> Option<Shift> {
    let Comparand::Latency(metric, Statistic::Quantile(quantile)) = comparand else {
        return None;
    };
    let name = metric.to_string();
    let drawn = |document: &Document, seed: u64| {
        let mut series = document.latency_series.iter();
        let series = series.find(|it| it.metric == name)?;
        resampled(series, document, *quantile, seed)
    };
    let ours = drawn(base, seed)?;
    let theirs = drawn(candidate, seed.wrapping_add(1))?;
    let mut ratios: Vec<f64> = ours
        .iter()
        .zip(&theirs)
        .map(|(a, b)| (b / a).ln())
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let interval = percentile_interval(&ratios, alpha)?;
    let below = ratios.iter().filter(|it| **it <= 0.0).count();
    let smaller = below.min(ratios.len() - below);
    let p = (2.0 * count(smaller + 1) / count(ratios.len() + 1)).min(1.0);
    // Windows know two digits, the whole run three: the spread is the windows', the place the run's.
    let middle = ratios.get(ratios.len() / 2)?;
    let moved = estimate - middle;
    Some(Shift {
        estimate,
        interval: Interval {
            low: interval.low + moved,
            high: interval.high + moved,
        },
        p,
        rank_estimate: estimate,
        rank_p: p,
    })
}

/// The percentile of every resample, in the order of drawing.
fn resampled(
    series: &LatencySeries,
    document: &Document,
    quantile: Quantile,
    seed: u64,
) -> Option<Vec<f64>> {
    let width = document.time_series.window_seconds();
    let measured = usize::try_from(document.window().as_secs() / width).ok()?;
    let windows = series.windows.get(..measured.min(series.windows.len()))?;
    let table = Table::of(windows);
    let course: Vec<f64> = windows
        .iter()
        .filter_map(|it| it.quantile(Quantile::P50))
        .map(|it| it.as_secs_f64().max(1e-6).ln())
        .collect();
    let at_least = usize::try_from(BLOCK.div_ceil(width)).ok()?;
    let length = block_length(autocorrelation_time(&course)?, at_least)?;
    let mut values = Vec::with_capacity(RESAMPLES);
    Blocks::new(windows.len(), length)?.resample(RESAMPLES, seed, |drawn| {
        let value = table.quantile(drawn, quantile)?;
        values.push(value);
        Some(value)
    })?;
    Some(values)
}

/// Counts by window and bucket: resampling adds up rows of it, a few thousand times.
struct Table {
    /// The highest value of each bucket in use, in microseconds, ascending.
    values: Vec<f64>,
    /// Window by window.
    rows: Vec<Vec<u64>>,
}

impl Table {
    fn of(windows: &[PackedHistogram]) -> Self {
        let mut all = PackedHistogram::default();
        for window in windows {
            all.add(window.clone());
        }
        let highs: Vec<_> = all.buckets().map(|it| it.high).collect();
        let row = |window: &PackedHistogram| {
            let mut row = vec![0; highs.len()];
            for bucket in window.buckets() {
                if let Ok(place) = highs.binary_search(&bucket.high) {
                    row[place] = bucket.count;
                }
            }
            row
        };
        Self {
            values: highs.iter().map(|it| it.as_secs_f64() * 1e6).collect(),
            rows: windows.iter().map(row).collect(),
        }
    }

    /// The percentile of the windows drawn, all their samples together.
    fn quantile(&self, drawn: &[usize], quantile: Quantile) -> Option<f64> {
        let mut counts = vec![0_u64; self.values.len()];
        for window in drawn {
            for (sum, count) in counts.iter_mut().zip(self.rows.get(*window)?) {
                *sum += count;
            }
        }
        let total: u64 = counts.iter().sum();
        if !quantile.is_known_from(total) {
            return None;
        }
        let rank = quantile.rank(total);
        let mut seen = 0;
        let place = counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        self.values.get(place).copied()
    }
}

/// The interval between the outermost values on either side.
fn percentile_interval(sorted: &[f64], alpha: f64) -> Option<Interval> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a few thousand"
    )]
    let outside = (count(sorted.len()) * alpha / 2.0).floor() as usize;
    let last = sorted.len().checked_sub(outside + 1)?;
    Some(Interval {
        low: *sorted.get(outside)?,
        high: *sorted.get(last)?,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
const fn count(number: usize) -> f64 {
    number as f64
}
