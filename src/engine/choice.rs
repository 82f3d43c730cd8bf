//! What an iteration does, drawn from the seed and the id of the iteration alone.
//!
//! No generator runs along with a user: the draws of any iteration can be made again, in any order and on any
//! worker. Clean-up finds what was pushed in this way, without a list.

use std::time::Duration;

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::iteration_id::IterationId;
use crate::plan::{Load, Pick, ThinkTime};

/// The draws of one iteration.
#[derive(Debug)]
pub(super) struct Choice {
    random: Xoshiro256PlusPlus,
    place: u64, // where a round robin stands: user + iteration
}

impl Choice {
    pub(super) fn of(seed: u64, id: IterationId) -> Self {
        let (lane, number) = (id.lane(), id.number());
        // Three numbers are stirred into one; each step is a bijection of the last, so that none is lost.
        let stirred = stir(stir(stir(seed) ^ lane) ^ number);
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(stirred),
            place: lane.wrapping_add(number),
        }
    }

    /// Draws a journey of a mix, by weight, and returns its place in the mix. Drawn first.
    pub(super) fn journey(&mut self, load: &Load) -> usize {
        let total: u64 = load.mix.iter().map(|share| u64::from(share.weight)).sum();
        let mut point = self.random.random_range(0..total.max(1));
        for (place, share) in load.mix.iter().enumerate() {
            match point.checked_sub(u64::from(share.weight)) {
                Some(rest) => point = rest,
                None => return place,
            }
        }
        load.mix.len().saturating_sub(1)
    }

    /// Draws an image out of `count`. Drawn second.
    pub(super) fn image(&mut self, pick: Pick, count: usize) -> usize {
        let drawn = self.random.next_u64();
        let last = count.saturating_sub(1);
        let index = match pick {
            Pick::RoundRobin => self.place % (count as u64).max(1),
            Pick::Random => drawn % (count as u64).max(1),
            Pick::Zipf(exponent) => {
                let mut random = Xoshiro256PlusPlus::seed_from_u64(drawn);
                zipf(count, exponent).map_or(0, |zipf| rank(zipf.sample(&mut random)))
            }
        };
        usize::try_from(index).unwrap_or(last).min(last)
    }

    /// Draws how long the user thinks after the iteration. Drawn last.
    pub(super) fn think_time(&mut self, think_time: ThinkTime) -> Duration {
        match think_time {
            ThinkTime::None => Duration::ZERO,
            ThinkTime::Fixed(time) => time,
            ThinkTime::Uniform(low, high) => self.random.random_range(low..=high.max(low)),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a set has far fewer than 2^52 images"
)]
fn zipf(count: usize, exponent: f64) -> Option<Zipf<f64>> {
    Zipf::new(count.max(1) as f64, exponent).ok()
}

/// Returns the index of a rank, which is a whole number from 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float-to-integer cast saturates, and the caller keeps the index within the set"
)]
fn rank(rank: f64) -> u64 {
    (rank - 1.0) as u64
}

/// Returns a number of an iteration that tells nothing of its other draws, nor they of it; another for each purpose.
pub(super) const fn apart(seed: u64, id: IterationId, purpose: u64) -> u64 {
    stir(stir(stir(stir(seed) ^ id.lane()) ^ id.number()) ^ purpose)
}

/// Applies the finaliser of `SplitMix64`.
pub(super) const fn stir(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Begin, ConstantVus, Executor, Share};

    fn choice(seed: u64, vu: u64, iteration: u64) -> Choice {
        Choice::of(seed, IterationId::of_user(0, vu, iteration))
    }

    fn counts(draw: impl Fn(u64) -> usize, kinds: usize) -> Vec<u32> {
        let mut counts = vec![0; kinds];
        for iteration in 0..10_000 {
            counts[draw(iteration)] += 1;
        }
        counts
    }

    #[test]
    fn a_mix_follows_its_weights() {
        let load = Load {
            name: "load-0".to_owned(),
            begin: Begin::WITH_THE_RUN,
            pacing: None,
            mix: [(0, 3), (1, 1)]
                .map(|(journey, weight)| Share { journey, weight })
                .to_vec(),
            executor: Executor::ConstantVus(ConstantVus {
                vus: 1,
                duration: Duration::ZERO,
            }),
            warmup: Duration::ZERO,
            graceful_stop: Duration::ZERO,
        };
        let counts = counts(|it| choice(42, 7, it).journey(&load), 2);
        // 7,500 expected; the standard deviation of the binomial is 43.
        assert!((7_300..7_700).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn round_robin_visits_all_and_users_start_apart() {
        let image = |vu, it| choice(1, vu, it).image(Pick::RoundRobin, 3);
        assert_eq!([0, 1, 2, 3].map(|it| image(0, it)), [0, 1, 2, 0]);
        assert_eq!([0, 1, 2, 3].map(|it| image(1, it)), [1, 2, 0, 1]);
    }

    #[test]
    fn zipf_prefers_the_first() {
        let counts = counts(|it| choice(42, 0, it).image(Pick::Zipf(1.0), 4), 4);
        // The shares are 1, 1/2, 1/3, 1/4 of 25/12: 4,800, 2,400, 1,600, 1,200.
        for (count, wanted) in counts.iter().zip([4_800_u32, 2_400, 1_600, 1_200]) {
            assert!(count.abs_diff(wanted) < 200, "{counts:?}");
        }
    }

    #[test]
    fn draws_can_be_made_again_and_differ_between_users() {
        let draw = |vu| {
            let mut drawn = choice(9, vu, 5);
            (0..8)
                .map(|_| drawn.image(Pick::Random, 1000))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
