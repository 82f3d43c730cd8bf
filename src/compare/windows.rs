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

/// Returns what the windows of two runs say of a percentile; its estimate is of the whole runs. `None` where the reports hold
/// no windows of it, or too few.
pub(super) fn shift(
    (base, candidate): (&Document, &Document),
    comparand: &Comparand,
    estimate: f64,
    (alpha, seed): (f64, u64),
) -> Option<Shift> {
    let Comparand::Latency(metric, Statistic::Quantile(quantile)) = comparand else {
        return None;
    };
    let drawn = |document: &Document, seed: u64| {
        let series = document.latency_over_time(metric)?;
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

/// Returns the percentile of every resample, in the order of drawing.
fn resampled(
    series: &LatencySeries,
    document: &Document,
    quantile: Quantile,
    seed: u64,
) -> Option<Vec<f64>> {
    let width = document.time_series.window_seconds();
    let measured = usize::try_from(document.window().as_secs() / width).ok()?;
    let known = document.time_series.windows().count();
    let most = measured.min(known).min(series.windows.len());
    let windows = series.windows.get(..most)?;
    let course: Vec<f64> = windows
        .iter()
        .filter_map(|it| it.quantile(Quantile::P50))
        .map(|it| it.as_secs_f64().max(1e-6).ln())
        .collect();
    let at_least = usize::try_from(BLOCK.div_ceil(width)).ok()?;
    let length = block_length(autocorrelation_time(&course)?, at_least)?;
    let blocks = Blocks::new(windows.len(), length)?;
    let table = Table::of(windows, length);
    let mut values = Vec::with_capacity(RESAMPLES);
    blocks.resample(RESAMPLES, seed, |drawn| {
        let value = table.quantile(drawn, quantile)?;
        values.push(value);
        Some(value)
    })?;
    Some(values)
}

/// Counts by window and bucket. Windows are drawn in blocks of neighbours, whose sums are there beforehand: a few thousand
/// resamples are then a few thousand times twenty additions or more, not six hundred.
struct Table {
    /// The highest value of each bucket in use, in microseconds, ascending.
    values: Vec<f64>,
    /// Window by window.
    rows: Vec<Vec<u64>>,
    /// The sums of so many windows, by the first of them; the last window is the neighbour of the first.
    blocks: Vec<Vec<u64>>,
    length: usize,
}

impl Table {
    fn of(windows: &[PackedHistogram], length: usize) -> Self {
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
        let rows: Vec<Vec<u64>> = windows.iter().map(row).collect();
        let block = |first: usize| {
            let mut sums = vec![0; highs.len()];
            for window in first..first + length {
                add(&mut sums, &rows[window % rows.len()]);
            }
            sums
        };
        Self {
            values: highs.iter().map(|it| it.as_secs_f64() * 1e6).collect(),
            blocks: (0..rows.len()).map(block).collect(),
            rows,
            length,
        }
    }

    /// Returns the percentile of the windows drawn, all their samples together.
    fn quantile(&self, drawn: &[usize], quantile: Quantile) -> Option<f64> {
        let mut counts = vec![0_u64; self.values.len()];
        for block in drawn.chunks(self.length) {
            match block {
                [first, ..] if block.len() == self.length => {
                    add(&mut counts, self.blocks.get(*first)?);
                }
                // The last block is cut where there are windows enough.
                cut => {
                    for window in cut {
                        add(&mut counts, self.rows.get(*window)?);
                    }
                }
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

fn add(sums: &mut [u64], counts: &[u64]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// Returns the interval between the outermost values on either side.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// So many values of 1, 2, 3 and 4 ms, a window for each number.
    fn table(length: usize) -> Table {
        let window = |(millis, many): (u64, usize)| {
            PackedHistogram::of_values(vec![Duration::from_millis(millis); many])
        };
        let windows: Vec<PackedHistogram> = [(1, 10), (2, 20), (3, 30), (4, 40)].map(window).into();
        Table::of(&windows, length)
    }

    #[test]
    fn a_percentile_is_of_all_samples_of_the_windows_drawn() {
        let median = |length: usize, drawn: &[usize]| {
            let value = table(length).quantile(drawn, Quantile::P50).unwrap();
            // Two digits.
            (value / 1000.0).round()
        };
        for length in [1, 2] {
            // 30 of 3 ms and 40 of 4 ms; 10 of 1 ms and 20 of 2 ms; the 50th of these hundred is one of 3 ms.
            assert!((median(length, &[2, 3, 0, 1]) - 3.0).abs() < 0.1);
            // Twice 10 of 1 ms and 20 of 2 ms: the 30th of sixty is one of 2 ms.
            assert!((median(length, &[0, 1, 0, 1]) - 2.0).abs() < 0.1);
            // The last window is the neighbour of the first, and the last block is cut: 40 of 4, 10 of 1, 40 of 4.
            assert!((median(length, &[3, 0, 3]) - 4.0).abs() < 0.1);
        }
    }

    #[test]
    fn too_few_samples_have_no_percentile() {
        assert_eq!(table(1).quantile(&[0], Quantile::P99), None);
        assert_eq!(table(1).quantile(&[], Quantile::P50), None);
        assert!(table(1).quantile(&[0; 10], Quantile::P99).is_some());
    }

    #[test]
    fn the_interval_leaves_out_as_much_on_either_side() {
        let sorted: Vec<f64> = (0..1000).map(f64::from).collect();
        let Interval { low, high } = percentile_interval(&sorted, 0.05).unwrap();
        // A fortieth of a thousand on either side.
        assert!((low - 25.0).abs() < 1e-9 && (high - 974.0).abs() < 1e-9);
        assert!(percentile_interval(&[], 0.05).is_none());
    }
}
