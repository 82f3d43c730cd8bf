//! How requests are spread over names, in bounded memory.

use serde::Serialize;

use super::names::ByPseudonym;
use super::request::Pseudonym;

/// The most names that are counted. Of more, a sample is: those with the lowest hashes.
const MOST: usize = 1 << 18;
/// The names that are listed.
const LISTED: usize = 10;
/// The most bytes of a name that is listed.
const LONGEST: usize = 80;

/// How requests are spread over names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Popularity {
    /// Names; estimated if `one_in` is more than 1.
    pub distinct: u64,
    /// Requests.
    pub requests: u64,
    /// Of how many names one was counted: 1 up to 262,144 names.
    pub one_in: u64,
    /// Share of the requests that go to the most popular hundredth of the names, at least to one; `null` without any.
    pub top_1_percent: Option<f64>,
    /// Share of the requests that go to the most popular tenth.
    pub top_10_percent: Option<f64>,
    /// Share of the requests whose name was requested before.
    pub repeated: Option<f64>,
    /// The most popular names, among those that were counted.
    pub most: Vec<Popular>,
}

/// A popular name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Popular {
    /// The name, or its pseudonym.
    pub name: String,
    /// Requests.
    pub requests: u64,
}

/// Counts requests by name.
#[derive(Debug, Default)]
pub(super) struct Counter {
    counts: ByPseudonym<Count>,
    requests: u64,
    /// Names are counted whose hash has so many zeros at its end.
    zeros: u32,
}

#[derive(Debug, Default)]
struct Count {
    requests: u64,
    name: Option<Box<str>>,
}

impl Counter {
    /// Counts a request.
    pub(super) fn add(&mut self, pseudonym: Pseudonym, name: Option<&str>) {
        self.requests += 1;
        if pseudonym.get().trailing_zeros() < self.zeros {
            return;
        }
        let count = self.counts.entry(pseudonym).or_insert_with(|| Count {
            requests: 0,
            name: name.map(|it| it[..it.floor_char_boundary(LONGEST)].into()),
        });
        count.requests += 1;
        while self.counts.len() > MOST {
            self.zeros += 1;
            let zeros = self.zeros;
            self.counts
                .retain(|it, _| it.get().trailing_zeros() >= zeros);
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "shares, shown with three digits"
    )]
    pub(super) fn finish(self) -> Popularity {
        let one_in = 1_u64 << self.zeros.min(63);
        let mut counts: Vec<(Pseudonym, Count)> = self.counts.into_iter().collect();
        counts.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(count.requests), *name));
        let counted: u64 = counts.iter().map(|(_, it)| it.requests).sum();
        let top = |share: usize| {
            let names = counts.len().div_ceil(share);
            let requests: u64 = counts.iter().take(names).map(|(_, it)| it.requests).sum();
            (counted > 0).then(|| requests as f64 / counted as f64)
        };
        let repeated = (counted > 0).then(|| 1.0 - counts.len() as f64 / counted as f64);
        let most = counts
            .iter()
            .take(LISTED)
            .map(|(pseudonym, count)| Popular {
                name: match &count.name {
                    Some(name) => crate::units::foreign_words(name, LONGEST),
                    None => pseudonym.to_string(),
                },
                requests: count.requests,
            });
        Popularity {
            distinct: (counts.len() as u64).saturating_mul(one_in),
            requests: self.requests,
            one_in,
            top_1_percent: top(100),
            top_10_percent: top(10),
            repeated,
            most: most.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_most_popular() {
        let mut counter = Counter::default();
        // Two hundred names: one 50 times, one 30 times, the others once.
        for name in 1..=200_u64 {
            let times = match name {
                7 => 50,
                9 => 30,
                _ => 1,
            };
            for _ in 0..times {
                counter.add(Pseudonym::new(name), Some(&format!("name {name}")));
            }
        }
        let found = counter.finish();
        assert_eq!(
            (found.distinct, found.requests, found.one_in),
            (200, 278, 1)
        );
        assert_eq!(found.top_1_percent, Some(80.0 / 278.0));
        assert_eq!(found.top_10_percent, Some(98.0 / 278.0));
        assert_eq!(found.repeated, Some(1.0 - 200.0 / 278.0));
        assert_eq!(
            (found.most[0].name.as_str(), found.most[0].requests),
            ("name 7", 50)
        );
        assert_eq!(Counter::default().finish().top_1_percent, None);
    }

    #[test]
    fn of_many_names_a_sample_is_counted() {
        let mut counter = Counter::default();
        let mut hash = 1_u64;
        for _ in 0..600_000 {
            hash = hash
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let name = Pseudonym::new(hash ^ (hash >> 33));
            counter.add(name, None);
            counter.add(name, None);
        }
        let found = counter.finish();
        assert_eq!(found.one_in, 4);
        assert_eq!(found.requests, 1_200_000);
        // A quarter of 600,000 is sampled: 150,000, give or take 335 (one standard deviation), six of which are 8,040.
        assert!(
            found.distinct.abs_diff(600_000) < 8_040,
            "{}",
            found.distinct
        );
        assert_eq!(found.repeated, Some(0.5));
    }
}
