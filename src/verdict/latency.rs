//! Between what a percentile, a mean or an extreme lies when some of the latencies are only lower bounds, or not known.

use std::time::Duration;

use super::bounds::Bounds;
use crate::measure::{Bucket, LatencyHistogram};
use crate::plan::Statistic;

/// Returns the bounds of a statistic over those that finished, those that did not, and so many that never began, in whole
/// microseconds; `None` of none at all.
///
/// What never began may have been done in no time, or never.
pub(super) fn bounds(
    statistic: Statistic,
    finished: &LatencyHistogram,
    unfinished: &LatencyHistogram,
    dropped: u64,
) -> Option<Bounds<Duration>> {
    let begun = finished.count().saturating_add(unfinished.count());
    let all = begun.saturating_add(dropped);
    if all == 0 {
        return None;
    }
    let complete = unfinished.count() == 0 && dropped == 0;
    let at_once = (dropped > 0).then_some(Duration::ZERO);
    let first = |of: &LatencyHistogram| of.buckets().next();
    let last = |of: &LatencyHistogram| of.buckets().last();
    let low = |bucket: Option<Bucket>| bucket.map(|it| it.low);
    let high = |bucket: Option<Bucket>| bucket.map(|it| it.high);
    Some(match statistic {
        Statistic::Quantile(quantile) => {
            let rank = quantile.rank(all);
            Bounds {
                low: match rank.checked_sub(dropped).filter(|it| *it > 0) {
                    Some(rank) => merged(finished, unfinished).at_rank(rank)?.low,
                    None => Duration::ZERO,
                },
                // The endless ones are behind all others.
                high: high(finished.at_rank(rank)),
            }
        }
        Statistic::Min => Bounds {
            low: [low(first(finished)), low(first(unfinished)), at_once]
                .into_iter()
                .flatten()
                .min()?,
            high: high(first(finished)),
        },
        Statistic::Max => Bounds {
            low: low(last(finished))
                .max(low(last(unfinished)))
                .max(at_once)?,
            high: high(last(finished)).filter(|_| complete),
        },
        Statistic::Mean => {
            let sum = |end: fn(&Bucket) -> Duration| {
                let buckets = finished.buckets().chain(unfinished.buckets());
                let sums = buckets.map(|it| end(&it).as_micros() * u128::from(it.count));
                sums.sum::<u128>()
            };
            Bounds {
                low: micros(sum(|it| it.low) / u128::from(all)),
                high: complete.then(|| micros(sum(|it| it.high).div_ceil(u128::from(all)))),
            }
        }
    })
}

fn merged(one: &LatencyHistogram, other: &LatencyHistogram) -> LatencyHistogram {
    let mut both = one.clone();
    both.merge(other);
    both
}

fn micros(value: u128) -> Duration {
    // A mean is not more than the longest, which is an hour.
    Duration::from_micros(u64::try_from(value).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Quantile;

    fn of(millis: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for value in millis {
            histogram.record(Duration::from_millis(value));
        }
        histogram
    }

    fn quantile(percentile: f64) -> Statistic {
        Statistic::Quantile(Quantile::from_percentile(percentile).unwrap())
    }

    /// Both ends, to the millisecond: a bucket of at most half a second is narrower.
    fn near(
        statistic: Statistic,
        finished: &LatencyHistogram,
        unfinished: &LatencyHistogram,
    ) -> (u128, Option<u128>) {
        let millis = |it: Duration| (it.as_micros() + 500) / 1000;
        let found = bounds(statistic, finished, unfinished, 0).unwrap();
        (millis(found.low), found.high.map(millis))
    }

    #[test]
    fn nothing_has_no_bounds() {
        for statistic in [
            Statistic::Mean,
            Statistic::Min,
            Statistic::Max,
            quantile(50.0),
        ] {
            assert_eq!(bounds(statistic, &of([]), &of([]), 0), None);
        }
    }

    #[test]
    fn finished_ones_are_known_to_three_digits() {
        let (all, none) = (of(1..=100), of([]));
        let cases = [
            (quantile(50.0), 50_000),
            (quantile(99.0), 99_000),
            (quantile(99.5), 100_000), // the 99.5th is the 100th
            (Statistic::Min, 1_000),
            (Statistic::Max, 100_000),
            (Statistic::Mean, 50_500), // 5,050 / 100
        ];
        for (statistic, wanted) in cases {
            let found = bounds(statistic, &all, &none, 0).unwrap();
            let (low, high) = (found.low.as_micros(), found.high.unwrap().as_micros());
            assert!(low <= wanted && wanted <= high, "{statistic:?} {found:?}");
            assert!(high - low <= wanted / 1000, "{statistic:?} {found:?}");
        }
        // 99,000 is between 1,546 * 64 and 1,547 * 64.
        let found = bounds(quantile(99.0), &all, &none, 0).unwrap();
        assert_eq!(found.low, Duration::from_micros(98_944));
        assert_eq!(found.high, Some(Duration::from_micros(99_007)));
    }

    #[test]
    fn the_mean_is_between_those_of_both_ends() {
        // 1,000 and 2,000 are buckets of their own; 1 + 2 + 2 ms are 5,000 µs, a third of that is 1,666.67.
        let found = bounds(Statistic::Mean, &of([1, 2, 2]), &of([]), 0).unwrap();
        let wanted = (
            Duration::from_micros(1666),
            Some(Duration::from_micros(1667)),
        );
        assert_eq!((found.low, found.high), wanted);
    }

    #[test]
    fn the_unfinished_are_a_floor_as_they_are_and_a_ceiling_without_end() {
        // 98 of 1, 2, ..., 98 ms finished; two were cut at 10 ms.
        let (finished, cut) = (of(1..=98), of([10, 10]));
        // As they are, the sorted list is 1..=10, 10, 10, 11, ...: the 50th is 48. Endless, the 50th is 50.
        assert_eq!(near(quantile(50.0), &finished, &cut), (48, Some(50)));
        // The 98th: 96, and the last that finished.
        assert_eq!(near(quantile(98.0), &finished, &cut), (96, Some(98)));
        // The 99th: 97, and one of the endless.
        assert_eq!(near(quantile(99.0), &finished, &cut), (97, None));
        assert_eq!(near(Statistic::Max, &finished, &cut), (98, None));
        assert_eq!(near(Statistic::Min, &finished, &cut), (1, Some(1)));
        // 1 + ... + 98 = 4,851, and 20: 48.71.
        assert_eq!(near(Statistic::Mean, &finished, &cut), (49, None));
        // One that is cut late is behind all others even as it is.
        assert_eq!(near(Statistic::Max, &finished, &of([500])).0, 500);
        assert_eq!(near(Statistic::Min, &of([]), &of([7])), (7, None));
    }

    #[test]
    fn what_never_began_took_no_time_at_the_least_and_no_end_at_the_most() {
        // 1, 2, ..., 90 ms finished, and ten never began: of all hundred the p(50) is the 40th that finished if they
        // took no time, and the 50th if they took for ever.
        let finished = of(1..=90);
        let near = |statistic| {
            let millis = |it: Duration| (it.as_micros() + 500) / 1000;
            let found = bounds(statistic, &finished, &of([]), 10).unwrap();
            (millis(found.low), found.high.map(millis))
        };
        assert_eq!(near(quantile(50.0)), (40, Some(50)));
        assert_eq!(near(quantile(10.0)), (0, Some(10)));
        assert_eq!(near(quantile(90.0)), (80, Some(90)));
        assert_eq!(near(quantile(91.0)), (81, None));
        assert_eq!(near(Statistic::Max), (90, None));
        assert_eq!(near(Statistic::Min), (0, Some(1)));
        // 90 * 91 / 2 = 4,095 ms over 100.
        assert_eq!(near(Statistic::Mean), (41, None));
        // Of nothing that began, nothing is known but that.
        let found = bounds(quantile(50.0), &of([]), &of([]), 3).unwrap();
        assert_eq!((found.low, found.high), (Duration::ZERO, None));
    }

    /// Returns the nearest rank of a sorted list.
    fn truth(statistic: Statistic, sorted: &[u64]) -> f64 {
        let micros = |it: u64| f64::from(u32::try_from(it).unwrap());
        let count = u64::try_from(sorted.len()).unwrap();
        match statistic {
            Statistic::Min => micros(sorted[0]),
            Statistic::Max => micros(sorted[sorted.len() - 1]),
            Statistic::Mean => sorted.iter().copied().map(micros).sum::<f64>() / micros(count),
            Statistic::Quantile(quantile) => {
                let place = (quantile.get() * micros(count)).ceil() - 1.0;
                let reached = |index: &usize| micros(u64::try_from(*index).unwrap()) >= place;
                micros(sorted[(0..sorted.len()).find(reached).unwrap()])
            }
        }
    }

    proptest! {
        #[test]
        fn however_the_unfinished_would_have_ended_the_truth_is_within(
            finished in prop::collection::vec(0_u64..5_000_000, 0..60),
            unfinished in prop::collection::vec((0_u64..5_000_000, 0_u64..20_000_000), 0..20),
            dropped in prop::collection::vec(0_u64..20_000_000, 0..20),
            percentile in prop::sample::select(vec![1.0, 12.5, 50.0, 75.0, 90.0, 99.0, 99.9]),
        ) {
            prop_assume!(!finished.is_empty() || !unfinished.is_empty() || !dropped.is_empty());
            let record = |values: &mut dyn Iterator<Item = u64>| {
                let mut histogram = LatencyHistogram::new();
                values.for_each(|it| histogram.record(Duration::from_micros(it)));
                histogram
            };
            let ended = record(&mut finished.iter().copied());
            let cut = record(&mut unfinished.iter().map(|(bound, _)| *bound));
            let completed = unfinished.iter().map(|(bound, more)| bound + more);
            let mut all: Vec<u64> = finished.iter().copied().chain(completed).chain(dropped.iter().copied()).collect();
            all.sort_unstable();
            for statistic in [
                Statistic::Min,
                Statistic::Max,
                Statistic::Mean,
                quantile(percentile),
            ] {
                let found = bounds(statistic, &ended, &cut, dropped.len() as u64).unwrap();
                let micros = |it: Duration| it.as_secs_f64() * 1e6;
                let truth = truth(statistic, &all);
                prop_assert!(micros(found.low) <= truth + 1e-3, "{statistic:?} {found:?} {truth}");
                if let Some(high) = found.high {
                    prop_assert!(truth <= micros(high) + 1e-3, "{statistic:?} {found:?} {truth}");
                }
            }
        }
    }
}
