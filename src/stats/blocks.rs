//! The spread of a number within one run, whose windows are not independent of their neighbours.
//!
//! It knows the noise within the run and no other. Between two runs of the same build lies more, so that an interval of
//! here never decides whether two builds differ.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::moments::{Moments, is_constant};
use super::shift::{Interval, is_level, real};

/// A run of fewer blocks than this has no spread to speak of.
const MIN_BLOCKS: usize = 20;

/// How windows are drawn again: whole blocks of neighbours, so that what neighbours share stays together. The last window
/// is the neighbour of the first (the circular block bootstrap of Politis and Romano 1992): every window is drawn as
/// often as any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    windows: usize,
    length: usize,
}

/// A statistic of every resample.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    sorted: Vec<f64>,
}

/// Returns the integrated autocorrelation time of a series, in windows: 1 where neighbours have nothing in common, and n /
/// that many windows are worth as much as independent ones. Correlations are added up as long as two neighbouring lags
/// together are positive (the initial positive sequence of Geyer 1992), since beyond it they are noise.
///
/// Never less than 1: that noise which swings back makes a mean surer is not relied on. 1 for a series that never changes.
/// `None` for fewer than two windows, and for a value that is not finite.
pub fn autocorrelation_time(series: &[f64]) -> Option<f64> {
    let moments = Moments::of(series)?;
    if is_constant(series) {
        return Some(1.0);
    }
    let off: Vec<f64> = series.iter().map(|it| it - moments.mean).collect();
    let squares: f64 = off.iter().map(|it| it * it).sum();
    let correlation = |lag: usize| {
        let products = off.iter().zip(off.iter().skip(lag)).map(|(a, b)| a * b);
        products.sum::<f64>() / squares
    };
    let pairs = (0..series.len()).step_by(2);
    let pairs = pairs.map(|lag| correlation(lag) + correlation(lag + 1));
    let sum: f64 = pairs.take_while(|pair| *pair > 0.0).sum();
    Some((2.0 * sum - 1.0).max(1.0))
}

/// Returns how long blocks must be, in windows: twice the [autocorrelation time](autocorrelation_time), and not below
/// `at_least`.
///
/// `None` for a time that is not a positive finite number.
pub fn block_length(autocorrelation_time: f64, at_least: usize) -> Option<usize> {
    if !(autocorrelation_time > 0.0 && autocorrelation_time.is_finite()) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is positive, and a length beyond the range is cut to the largest"
    )]
    let length = (2.0 * autocorrelation_time).ceil() as usize;
    Some(length.max(at_least).max(1))
}

impl Blocks {
    /// Blocks of that length. `None` where the windows do not make 20 of them: too few for their spread to be known.
    pub fn new(windows: usize, length: usize) -> Option<Self> {
        let blocks = windows.checked_div(length)?;
        (blocks >= MIN_BLOCKS).then_some(Self { windows, length })
    }

    /// Returns the statistic of that many resamples. It is given the indices of the windows drawn, as many as there are
    /// windows, some of them several times.
    ///
    /// `None` without resamples, and where the statistic once had no value, or none that is finite: an interval of the
    /// others would be of another question.
    pub fn resample(
        self,
        resamples: usize,
        seed: u64,
        mut statistic: impl FnMut(&[usize]) -> Option<f64>,
    ) -> Option<Resampled> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut drawn = Vec::with_capacity(self.windows + self.length);
        let mut next = || {
            drawn.clear();
            while drawn.len() < self.windows {
                let start = random.random_range(0..self.windows);
                drawn.extend((start..start + self.length).map(|window| window % self.windows));
            }
            drawn.truncate(self.windows);
            statistic(&drawn).filter(|it| it.is_finite())
        };
        let mut sorted = (0..resamples)
            .map(|_| next())
            .collect::<Option<Vec<f64>>>()?;
        sorted.sort_unstable_by(f64::total_cmp);
        (!sorted.is_empty()).then_some(Resampled { sorted })
    }
}

impl Resampled {
    /// Returns every value, in ascending order.
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// Returns the percentile interval at the level `1 - alpha`.
    ///
    /// `None` for an `alpha` outside `(0, 1)`, and for one that takes more resamples: it needs 2 / alpha - 1 of them.
    pub fn interval(&self, alpha: f64) -> Option<Interval> {
        if !is_level(alpha) {
            return None;
        }
        let count = self.sorted.len();
        // The k-th from either end, by the same reading as the bootstrap of pairs: 2 k / (resamples + 1) <= alpha.
        let within = |k: &usize| 2.0 * real(*k) <= alpha * real(count + 1);
        let k = (1..=count / 2).take_while(within).last()?;
        Some(Interval {
            low: self.sorted[k - 1],
            high: self.sorted[count - k],
        })
    }
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution as _, StandardNormal};

    use super::*;

    /// A first-order autoregression with sd 1, whose integrated autocorrelation time is (1 + kept) / (1 - kept).
    fn autoregression(kept: f64, windows: usize, seed: u64) -> Vec<f64> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut at: f64 = StandardNormal.sample(&mut random);
        let next = |()| {
            let new: f64 = StandardNormal.sample(&mut random);
            at = kept * at + (1.0 - kept * kept).sqrt() * new;
            at
        };
        std::iter::repeat_n((), windows).map(next).collect()
    }

    fn mean(series: &[f64], drawn: &[usize]) -> f64 {
        drawn.iter().map(|it| series[*it]).sum::<f64>() / real(drawn.len())
    }

    #[test]
    fn the_time_is_that_of_the_process() {
        for (kept, time) in [(0.0, 1.0), (0.5, 3.0), (0.8, 9.0)] {
            let found = autocorrelation_time(&autoregression(kept, 20_000, 1)).unwrap();
            assert!((found / time - 1.0).abs() < 0.15, "{time} {found}");
        }
        // What swings back and forth is not taken for more windows than there are.
        let swings: Vec<f64> = (0..100).map(|it| f64::from(it % 2)).collect();
        assert!((autocorrelation_time(&swings).unwrap() - 1.0).abs() < 1e-12);
    }

    /// Off by -1, -1, 1, 1: correlations 1, 1/4, -1/2, -1/4. The first two are 5/4 together, the next two negative: 2 * 5/4 - 1.
    #[test]
    fn the_time_of_four_windows_by_hand() {
        let found = autocorrelation_time(&[1.0, 1.0, 3.0, 3.0]).unwrap();
        assert!((found - 1.5).abs() < 1e-12, "{found}");
    }

    #[test]
    fn blocks_are_twice_the_time() {
        assert_eq!(block_length(1.0, 5), Some(5));
        assert_eq!(block_length(4.2, 5), Some(9));
        assert_eq!(block_length(1.0, 0), Some(2));
        assert_eq!(block_length(f64::NAN, 5), None);
        assert_eq!(block_length(f64::INFINITY, 5), None);
        assert_eq!(block_length(-1.0, 5), None);
    }

    /// The mean of n windows has the variance time / n. Single windows, drawn as if they were independent, have 1 / n.
    #[test]
    fn blocks_see_what_single_windows_do_not() {
        let series = autoregression(0.8, 4_000, 2);
        let width = |length| {
            let blocks = Blocks::new(series.len(), length).unwrap();
            let resampled = blocks
                .resample(500, 3, |drawn| Some(mean(&series, drawn)))
                .unwrap();
            let interval = resampled.interval(0.05).unwrap();
            interval.high - interval.low
        };
        let of_one = 2.0 * 1.96 / 4_000.0_f64.sqrt();
        let (blocks, single) = (width(100), width(1));
        assert!((blocks / (3.0 * of_one) - 1.0).abs() < 0.25, "{blocks}");
        assert!((single / of_one - 1.0).abs() < 0.25, "{single}");
    }

    #[test]
    fn what_is_drawn_are_blocks_of_neighbours() {
        let blocks = Blocks::new(100, 5).unwrap();
        let check = |drawn: &[usize]| {
            assert_eq!(drawn.len(), 100);
            for block in drawn.chunks(5) {
                assert!(block.windows(2).all(|two| two[1] == (two[0] + 1) % 100));
            }
            Some(real(drawn[0]))
        };
        let firsts = blocks.resample(2_000, 4, check).unwrap();
        // Every window begins a block, the last ones included: those reach around the end.
        assert!(firsts.sorted()[0] < 0.5 && firsts.sorted()[1_999] > 98.5);
        assert_eq!(
            firsts,
            blocks.resample(2_000, 4, |it| Some(real(it[0]))).unwrap()
        );
    }

    /// Of the values 1 to 19, 2 k / 20 <= 0.1 holds for k = 1.
    #[test]
    fn an_interval_takes_enough_resamples() {
        let values = |count: usize| {
            let mut next = 0.0;
            let blocks = Blocks::new(20, 1).unwrap();
            let count_up = |_: &[usize]| {
                next += 1.0;
                Some(next)
            };
            blocks.resample(count, 1, count_up).unwrap()
        };
        let ends = |it: Interval| (it.low, it.high);
        assert_eq!(values(19).interval(0.1).map(ends), Some((1.0, 19.0)));
        assert_eq!(values(39).interval(0.1).map(ends), Some((2.0, 38.0)));
        assert_eq!(values(18).interval(0.1), None);
        assert_eq!(values(18).interval(0.0), None);
    }

    #[test]
    fn nonsense_has_no_answer() {
        assert_eq!(Blocks::new(99, 5), None);
        assert_eq!(Blocks::new(0, 0), None);
        assert_eq!(Blocks::new(5, 0), None);
        assert_eq!(Blocks::new(0, 5), None);
        let blocks = Blocks::new(100, 5).unwrap();
        assert_eq!(blocks.resample(0, 1, |_| Some(1.0)), None);
        assert_eq!(blocks.resample(10, 1, |_| Some(f64::NAN)), None);
        let mut left = 5;
        let fails_once = |_: &[usize]| {
            left -= 1;
            (left != 0).then_some(1.0)
        };
        assert_eq!(blocks.resample(10, 1, fails_once), None);
        assert_eq!(autocorrelation_time(&[]), None);
        assert_eq!(autocorrelation_time(&[1.0]), None);
        assert_eq!(autocorrelation_time(&[1.0, f64::NAN]), None);
        assert_eq!(autocorrelation_time(&[1.0, 1.0]), Some(1.0));
    }
}
