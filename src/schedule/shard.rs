//! Which part of one load a machine does, where several make it together.

use std::fmt::{self, Display};
use std::str::FromStr;

/// One of the shards of a run: number `index` of `count`, counted from 0.
///
/// Everything that is numbered is dealt out in turn: of the arrivals of a load, of its users and of the iterations that its
/// users share, shard `i` of `n` has numbers `i`, `i + n`, `i + 2n`, ... Together the shards do what one machine would do,
/// however many there are and however many workers each has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Why a text names no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// It is not `I/N`.
    #[error("`{0}` is no shard: write its number and how many there are, such as 0/4")]
    Form(String),
    /// There is no such shard.
    #[error("there is no shard {index} of {count}: they are counted from 0, so the last is {last}", last = .count.saturating_sub(1))]
    Index {
        /// What was asked for.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// There are none, or too many.
    #[error("a run has 1 to {most} shards, not {0}", most = Shard::MOST)]
    Count(u32),
}

impl Shard {
    /// The most shards of a run.
    pub const MOST: u32 = 10_000;

    /// All of the run: the only shard of one.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Number `index` of `count`.
    ///
    /// # Errors
    /// When there is no such shard.
    pub const fn new(index: u32, count: u32) -> Result<Self, ShardError> {
        if count == 0 || count > Self::MOST {
            return Err(ShardError::Count(count));
        }
        if index >= count {
            return Err(ShardError::Index { index, count });
        }
        Ok(Self { index, count })
    }

    /// Returns its number, from 0.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Returns how many there are.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// Returns `true` for the one that prepares the target, probes it and cleans up.
    pub const fn is_first(self) -> bool {
        self.index == 0
    }

    /// Returns `true` if there is no other.
    pub const fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Returns `true` if what has that number is for this one.
    pub const fn has(self, number: u64) -> bool {
        number % self.count as u64 == self.index as u64
    }

    /// Returns how many of the numbers below `all` are for this one.
    pub const fn share(self, all: u64) -> u64 {
        let (index, count) = (self.index as u64, self.count as u64);
        all / count + (index < all % count) as u64
    }

    /// Returns which worker of this one has a number that is for it: its numbers are dealt out to the workers in turn.
    pub const fn worker(self, number: u64, workers: u64) -> u64 {
        number / self.count as u64 % workers
    }

    /// Returns what worker `worker` of `workers` takes as a lane out of how many: numbers `lane`, `lane + lanes`, ...
    pub const fn lane(self, worker: u64, workers: u64) -> (u64, u64) {
        let (index, count) = (self.index as u64, self.count as u64);
        (index + count * worker, count * workers)
    }

    /// The same shard if only the first `users` shards take part: `None` for one that does not.
    ///
    /// A load with fewer users than there are shards is for as many shards as it has users.
    pub const fn among(self, users: u64) -> Option<Self> {
        if users >= self.count as u64 {
            return Some(self);
        }
        if (self.index as u64) < users {
            // Less than `count`, which is a u32.
            #[expect(clippy::cast_possible_truncation, reason = "less than a u32")]
            let count = users as u32;
            return Some(Self {
                index: self.index,
                count,
            });
        }
        None
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let form = || ShardError::Form(text.to_owned());
        let (index, count) = text.split_once('/').ok_or_else(form)?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        let index = number(index).ok_or_else(form)?;
        let count = number(count).ok_or_else(form)?;
        Self::new(index, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_for_one_lane_of_one_shard() {
        for (count, workers) in [(1, 1), (1, 3), (2, 1), (3, 2), (5, 4)] {
            for number in 0..100 {
                let mut lanes = 0;
                for shard in (0..count).map(|index| Shard::new(index, count).unwrap()) {
                    for worker in 0..workers {
                        let (lane, of) = shard.lane(worker, workers);
                        let takes = number % of == lane;
                        lanes += u32::from(takes);
                        let its = shard.has(number) && shard.worker(number, workers) == worker;
                        assert_eq!(takes, its, "{number} {shard} {worker}");
                    }
                }
                assert_eq!(
                    lanes, 1,
                    "{number} of {count} shards with {workers} workers"
                );
            }
        }
    }

    #[test]
    fn shards_may_have_different_numbers_of_workers() {
        for number in 0..100_u64 {
            let takes = |(index, workers): (u32, u64)| {
                let shard = Shard::new(index, 3).unwrap();
                let lanes = (0..workers).map(move |worker| shard.lane(worker, workers));
                lanes.filter(|(lane, of)| number % of == *lane).count()
            };
            let all: usize = [(0, 1), (1, 4), (2, 7)].into_iter().map(takes).sum();
            assert_eq!(all, 1, "{number}");
        }
    }

    #[test]
    fn shares_are_what_the_shards_have_and_add_up() {
        for (count, all) in [(1, 7), (3, 7), (7, 3), (4, 0), (4, 8)] {
            let shards = (0..count).map(|index| Shard::new(index, count).unwrap());
            let mut sum = 0;
            for shard in shards {
                let has = (0..all).filter(|it| shard.has(*it)).count() as u64;
                assert_eq!(shard.share(all), has, "{shard} of {all}");
                sum += has;
            }
            assert_eq!(sum, all);
        }
    }

    #[test]
    fn fewer_users_than_shards_are_for_the_first_of_them() {
        let among = |index, users| Shard::new(index, 5).unwrap().among(users);
        assert_eq!(among(1, 2), Some(Shard::new(1, 2).unwrap()));
        assert_eq!(among(2, 2), None);
        assert_eq!(among(4, 5), Some(Shard::new(4, 5).unwrap()));
        assert_eq!(among(0, 0), None);
    }

    #[test]
    fn a_shard_is_written_as_it_is_read() {
        let shard: Shard = "2/5".parse().unwrap();
        assert_eq!((shard.index(), shard.count()), (2, 5));
        assert_eq!(shard.to_string(), "2/5");
        for text in [
            "",
            "2",
            "/5",
            "2/",
            "a/5",
            "-1/5",
            "+1/5",
            "1/2/3",
            " 1/2",
            "1/99999999999",
        ] {
            assert!(
                matches!(text.parse::<Shard>(), Err(ShardError::Form(_))),
                "{text}"
            );
        }
        let (index, count) = (5, 5);
        assert_eq!(
            "5/5".parse::<Shard>(),
            Err(ShardError::Index { index, count })
        );
        assert_eq!("0/0".parse::<Shard>(), Err(ShardError::Count(0)));
        assert_eq!("0/10001".parse::<Shard>(), Err(ShardError::Count(10_001)));
    }
}
