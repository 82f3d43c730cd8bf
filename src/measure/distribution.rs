//! A latency histogram as the steps of its percentiles, for tools that plot the whole of it.

use std::time::Duration;

use crate::units::Quantile;

use super::LatencyHistogram;

/// The rest that is left after so many halvings is less than one value of any run.
const HALVINGS: i32 = 50;

/// One step up the percentiles of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// As many values as `count` are not more than this.
    pub value: Duration,
    /// The share of all values that the step stands for, in `[0, 1]`: half of what is left above the last is taken in
    /// `ticks` steps. The last is 1.
    pub share: f64,
    /// How many values are not more than `value`.
    pub count: u64,
}

impl LatencyHistogram {
    /// Returns the steps that HdrHistogram's percentile text has: `ticks` of them until half of the rest is left, then
    /// `ticks` until half of that, and so on to the maximum. None of an empty histogram.
    ///
    /// Each share is computed for itself: added up, as the crate does it, a share of 3/4 may be a little more, and then
    /// names the value after the one that it is.
    pub fn steps(&self, ticks: u32) -> Vec<Step> {
        let all = self.count();
        let mut count = 0;
        let values = self.buckets().map(|bucket| {
            count += bucket.count;
            (bucket.high, count)
        });
        let mut values = values.peekable();
        let mut steps = Vec::new();
        let rests = (0..HALVINGS).map(|halvings| 0.5_f64.powi(halvings));
        let ticks = f64::from(ticks);
        let shares = rests.flat_map(|rest| {
            let ticked = std::iter::successors(Some(0.0), |tick| Some(tick + 1.0));
            let ticked = ticked.take_while(move |tick| *tick < ticks);
            ticked.map(move |tick| 1.0 - rest + rest / 2.0 * tick / ticks)
        });
        for share in shares.map_while(|it| Quantile::from_percentile(it * 100.0).ok()) {
            while values.next_if(|it| it.1 < share.rank(all)).is_some() {}
            let Some(&(value, count)) = values.peek() else {
                break;
            };
            let share = share.get();
            steps.push(Step {
                value,
                share,
                count,
            });
            if count == all {
                break;
            }
        }
        steps.extend(values.last().map(|(value, count)| Step {
            value,
            share: 1.0,
            count,
        }));
        steps
    }

    /// Returns how far values lie from their mean: the standard deviation, if there is a value.
    pub fn deviation(&self) -> Option<Duration> {
        let counts = self.counts();
        (!counts.is_empty()).then(|| Duration::from_secs_f64(counts.deviation() / 1e6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_halve_the_rest_and_end_at_the_maximum() {
        assert_eq!(LatencyHistogram::new().steps(5), []);
        let mut histogram = LatencyHistogram::new();
        for micros in 1..=8 {
            histogram.record(Duration::from_micros(micros));
        }
        let steps = histogram.steps(1);
        let told: Vec<(u64, u64)> = steps
            .iter()
            .map(|it| (u64::try_from(it.value.as_micros()).unwrap(), it.count))
            .collect();
        // With one step to each half: none, 1/2, 3/4, 7/8, 15/16, which takes the last value, and all.
        assert_eq!(told, [(1, 1), (4, 4), (6, 6), (7, 7), (8, 8), (8, 8)]);
        let shares: Vec<f64> = steps.iter().map(|it| it.share).collect();
        for (share, is) in shares.iter().zip([0.0, 0.5, 0.75, 0.875, 0.9375, 1.0]) {
            assert!((share - is).abs() < 1e-12, "{shares:?}");
        }
        // Of 432 values three quarters are 324, whichever way 3/4 was added up.
        let mut exact = LatencyHistogram::new();
        (1..=432).for_each(|micros| exact.record(Duration::from_micros(micros)));
        let steps = exact.steps(5);
        let quarter = steps.iter().find(|it| (it.share - 0.75).abs() < 1e-9);
        assert_eq!(quarter.unwrap().count, 324);
        // The mean is 4.5; the squares of 0.5, 1.5, 2.5 and 3.5 have a mean of 5.25.
        let deviation = histogram.deviation().unwrap();
        assert_eq!(deviation.as_nanos(), 2_291); // sqrt(5.25) µs
    }
}
