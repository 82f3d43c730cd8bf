//! The windows of one series: 1, 2, 4, ... seconds wide, as those of a run's time series.

use std::time::Duration;

/// The most windows: as many as a run's time series has.
const MOST: usize = 600;

/// Sums with their weights in windows of 2^shift seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Windows {
    shift: u32,
    sums: Vec<Sum>,
}

/// Of a gauge the sum of its readings and their number; of a counter its increase and the seconds that it took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sum {
    value: f64,
    weight: f64,
}

impl Windows {
    /// Adds a reading.
    pub(super) fn add(&mut self, at: Duration, value: f64) {
        self.put(at, value, 1.0);
    }

    /// Adds an increase that is spread evenly over a time. One over no time is left out.
    pub(super) fn spread(&mut self, from: Duration, until: Duration, value: f64) {
        let whole = until.saturating_sub(from).as_secs_f64();
        let mut at = from;
        while at < until {
            // Making room may widen the windows.
            self.index(at);
            let next = self.end_of(at).min(until);
            let seconds = next.saturating_sub(at).as_secs_f64();
            self.put(at, value * seconds / whole, seconds);
            at = next;
        }
    }

    fn put(&mut self, at: Duration, value: f64, weight: f64) {
        let index = self.index(at);
        let sum = &mut self.sums[index];
        sum.value += value;
        sum.weight += weight;
    }

    /// Returns when the window of that time ends.
    const fn end_of(&self, at: Duration) -> Duration {
        Duration::from_secs(((at.as_secs() >> self.shift) + 1) << self.shift)
    }

    /// Returns the window of that time, which it makes room for.
    fn index(&mut self, at: Duration) -> usize {
        loop {
            match usize::try_from(at.as_secs() >> self.shift) {
                Ok(index) if index < MOST => {
                    if self.sums.len() <= index {
                        self.sums.resize(index + 1, Sum::default());
                    }
                    return index;
                }
                _ => self.coarsen(),
            }
        }
    }

    /// Merges neighbours in pairs.
    fn coarsen(&mut self) {
        let pairs = self.sums.chunks(2).map(|pair| Sum {
            value: pair.iter().map(|it| it.value).sum(),
            weight: pair.iter().map(|it| it.weight).sum(),
        });
        self.sums = pairs.collect();
        self.shift += 1;
    }

    /// Returns the binary logarithm of a window's length in seconds.
    pub(super) const fn shift(&self) -> u32 {
        self.shift
    }

    /// Returns the means of gauges, or the increases of counters in a second, in windows of at least 2^shift seconds.
    pub(super) fn means(mut self, shift: u32) -> Vec<Option<f64>> {
        while self.shift < shift {
            self.coarsen();
        }
        let means = self.sums.iter();
        means
            .map(|it| (it.weight > 0.0).then(|| it.value / it.weight))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn an_increase_is_spread_over_the_windows_that_it_took() {
        let mut windows = Windows::default();
        windows.spread(ms(500), ms(2500), 4.0);
        windows.spread(ms(4000), ms(4000), 7.0);
        // Two in a second, of which the first window saw half.
        assert_eq!(windows.clone().means(0), [Some(2.0), Some(2.0), Some(2.0)]);
        windows.spread(ms(2500), ms(3000), 3.0);
        assert_eq!(windows.means(0), [Some(2.0), Some(2.0), Some(4.0)]);
    }

    #[test]
    fn windows_widen_and_keep_their_sums() {
        let mut windows = Windows::default();
        for second in 0..600 {
            windows.add(
                ms(1000 * second),
                f64::from(u32::try_from(second % 2).unwrap()),
            );
        }
        assert_eq!(windows.shift(), 0);
        windows.add(ms(600_000), 5.0);
        assert_eq!(windows.shift(), 1);
        let means = windows.means(0);
        assert_eq!(means.len(), 301);
        assert_eq!(
            (means[0], means[299], means[300]),
            (Some(0.5), Some(0.5), Some(5.0))
        );
        // A reading after 10 days makes them as wide as that takes: 864,000 s in 600 windows.
        let mut late = Windows::default();
        late.add(ms(0), 1.0);
        late.spread(ms(0), Duration::from_hours(240), 864_000.0);
        assert_eq!(late.shift(), 11);
        assert!(late.means(0).len() <= 600);
    }

    #[test]
    fn what_is_not_known_is_none() {
        let mut windows = Windows::default();
        windows.add(ms(3000), 1.5);
        windows.add(ms(3999), 2.5);
        assert_eq!(windows.clone().means(0), [None, None, None, Some(2.0)]);
        assert_eq!(windows.means(1), [None, Some(2.0)]);
    }
}
