//! Held against the crate that defines these buckets.

use proptest::prelude::*;

use super::super::histogram::crates;
use super::*;

fn both<const DIGITS: u8>(values: &[(u64, u64)]) -> (Buckets<DIGITS>, Histogram<u64>) {
    let (mut ours, mut theirs) = (Buckets::new(), crates(DIGITS));
    for (value, count) in values {
        ours.record_n(*value, *count);
        theirs.saturating_record_n((*value).min(HIGH_US), *count);
    }
    (ours, theirs)
}

fn agree<const DIGITS: u8>(values: &[(u64, u64)], shares: &[f64]) {
    let (ours, theirs) = both::<DIGITS>(values);
    assert_eq!(ours.count(), theirs.len());
    let recorded = theirs.iter_recorded().map(|it| Filled {
        low: theirs.lowest_equivalent(it.value_iterated_to()),
        high: theirs.highest_equivalent(it.value_iterated_to()),
        count: it.count_at_value(),
    });
    assert!(ours.filled().eq(recorded));
    assert_eq!(ours.filled().next().map_or(0, |it| it.low), theirs.min());
    assert_eq!(ours.filled().last().map_or(0, |it| it.high), theirs.max());
    for share in shares {
        let rank = (share * real(ours.count())).ceil().max(1.0);
        let found = ours.at_rank(whole(rank)).map_or(0, |it| it.high);
        assert_eq!(found, theirs.value_at_quantile(*share));
    }
    let near = |one: f64, other: f64| (one - other).abs() <= other.abs() * 1e-9;
    assert!(near(ours.mean(), theirs.mean()));
    assert!(near(ours.deviation(), theirs.stdev()));
    for (value, _) in values.iter().filter(|it| it.0 <= HIGH_US) {
        assert_eq!(ours.count_up_to(*value), theirs.count_between(0, *value));
    }
    assert_eq!(Buckets::<DIGITS>::of(&theirs), ours);
    let mut again = crates(DIGITS);
    ours.add_to(&mut again);
    assert_eq!(again, theirs);
}

#[expect(clippy::cast_precision_loss, reason = "there are few values")]
const fn real(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is a whole number"
)]
const fn whole(rank: f64) -> u64 {
    rank as u64
}

/// Values of every size, and how often.
fn values() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let value = (0..HIGH_US * 2, 0_u32..32).prop_map(|(value, bits)| value >> bits);
    prop::collection::vec((value, 1_u64..1_000), 0..60)
}

proptest! {
    #[test]
    fn they_are_those_of_the_crate(values in values(), shares in prop::collection::vec(0.001..=1.0, 5)) {
        agree::<3>(&values, &shares);
        agree::<2>(&values, &shares);
    }

    #[test]
    fn adding_is_counting_all(left in values(), right in values()) {
        let (mut added, _) = both::<3>(&left);
        let (other, _) = both(&right);
        added.add(&other);
        prop_assert_eq!(added, both([left, right].concat().as_slice()).0);
    }

    #[test]
    fn a_bucket_is_where_its_values_are(value in 0..=HIGH_US, bits in 0_u32..32) {
        let value = value >> bits;
        let place = Buckets::<3>::place(value);
        prop_assert!(Buckets::<3>::low(place) <= value);
        prop_assert!(value < Buckets::<3>::low(place + 1));
    }
}

#[test]
fn only_what_was_fallen_into_is_there() {
    let mut buckets = Buckets::<3>::new();
    let blocks = |it: &Buckets<3>| it.blocks.iter().flatten().count();
    assert_eq!(blocks(&buckets.clone()), 0);
    // 2,048 µs one by one, 20 powers of two in 1,024 buckets each, and from 2^31 on those of 2^21 µs up to an hour: 22,528 and
    // 692 and the hour's own, in blocks of 256. With two digits 256, 23 times 128 and 86 of 2^24 µs, and one.
    assert_eq!(buckets.blocks.len(), 91);
    assert_eq!(Buckets::<2>::new().blocks.len(), 13);
    // 0 to 255 µs; 256 to 511; 1,024 buckets of 8 µs from 8,192 µs on, of which a block is 2,048 µs.
    for value in [0, 255, 256, 8_192, 10_239, 10_240] {
        buckets.record(value);
    }
    assert_eq!(blocks(&buckets), 4);
    assert_eq!(blocks(&buckets.clone()), 4);
    buckets.clear();
    assert_eq!((blocks(&buckets), buckets.count()), (4, 0));
    assert_eq!(buckets, Buckets::new());
}

#[test]
fn counts_stop_where_they_have_no_room() {
    let mut buckets = Buckets::<2>::new();
    buckets.record_n(7, u64::MAX);
    buckets.record(7);
    buckets.add(&buckets.clone());
    assert_eq!(
        (buckets.count(), buckets.at(Quantile::P50)),
        (u64::MAX, Some(7))
    );
}
