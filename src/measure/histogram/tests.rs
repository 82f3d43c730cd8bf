//! Against sorted lists, hand-made counts and hostile bytes.

use proptest::prelude::*;

use super::*;

fn of(values: impl IntoIterator<Item = u64>) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    for value in values {
        histogram.record(Duration::from_micros(value));
    }
    histogram
}

#[test]
fn reserves_what_it_says() {
    // A place for each of 91 blocks.
    assert_eq!(LatencyHistogram::EMPTY_BYTES, 91 * 8);
    assert_eq!(crates(3).distinct_values(), LatencyHistogram::BUCKETS);
}

#[test]
fn nothing_has_no_latency() {
    let nothing = LatencyHistogram::new();
    assert_eq!(nothing.quantile(Quantile::P50), None);
    assert_eq!((nothing.min(), nothing.max()), (None, None));
    assert_eq!(nothing.mean(), None);
}

#[test]
fn beyond_an_hour_is_clamped_and_counted() {
    let hour = Duration::from_hours(1);
    let mut histogram = LatencyHistogram::new();
    histogram.record(Duration::from_nanos(999));
    histogram.record(hour);
    assert_eq!(histogram.clamped(), 0);
    histogram.record(hour + Duration::from_micros(1));
    histogram.record(Duration::MAX);
    assert_eq!((histogram.count(), histogram.clamped()), (4, 2));
    assert_eq!(histogram.min(), Some(Duration::ZERO));
    assert_eq!(histogram.max(), Some(hour));
}

#[test]
fn few_values_have_no_high_quantile() {
    assert_eq!(of(1..=999).quantile(Quantile::P999), None);
    let thousand = of(1..=1000);
    let micros = |q| thousand.quantile(q).map(|it| it.as_micros());
    assert_eq!(micros(Quantile::P999), Some(999));
    assert_eq!(micros(Quantile::P50), Some(500));
}

#[test]
fn buckets_are_as_narrow_as_three_digits() {
    // 2,048 values to each power of two: from 2,048 µs on a bucket is 2 µs wide, from 65,536 µs on 64 µs.
    let histogram = of([0, 7, 7, 2047, 2048, 2049, 99_000, HIGH_US]);
    let buckets: Vec<_> = histogram
        .buckets()
        .map(|it| (it.low.as_micros(), it.high.as_micros(), it.count))
        .collect();
    let (last, first) = buckets.split_last().unwrap();
    let wanted = [
        (0, 0, 1),
        (7, 7, 2),
        (2047, 2047, 1),
        (2048, 2049, 2),
        (98_944, 99_007, 1), // 1,546 * 64 = 98,944
    ];
    assert_eq!(first, wanted);
    // 1,716 * 2^21; the upper edge is beyond the range.
    assert_eq!(*last, (3_598_712_832, u128::from(HIGH_US), 1));
    assert_eq!(of([]).buckets().count(), 0);
}

#[test]
fn foreign_texts_are_refused() {
    for bad in ["", "AAAA", "not base64!", "HISTFAAAAAA="] {
        assert_eq!(
            LatencyHistogram::decode(bad, 0),
            Err(HistogramError::Encoding),
            "{bad}"
        );
    }
    let mut bytes = Vec::new();
    let seconds = Histogram::<u64>::new_with_bounds(1, 3600, 2).unwrap();
    V2DeflateSerializer::new()
        .serialize(&seconds, &mut bytes)
        .unwrap();
    assert_eq!(
        LatencyHistogram::decode(&STANDARD.encode(bytes), 0),
        Err(HistogramError::Shape)
    );
    let mut many = LatencyHistogram::new();
    many.counts.record_n(7, 1 << 54);
    assert_eq!(
        LatencyHistogram::decode(&many.encode(), 0),
        Err(HistogramError::TooMany)
    );
}

proptest! {
    #[test]
    fn quantiles_are_those_of_the_sorted_list(
        values in prop::collection::vec(0_u64..HIGH_US, 1..400),
        percentile in 0_u32..100,
    ) {
        let histogram = of(values.iter().copied());
        let quantile = Quantile::from_percentile(f64::from(percentile)).unwrap();
        let mut sorted = values;
        sorted.sort_unstable();
        // The smallest value with at least this share of the list at or below it, in integers.
        let rank = (sorted.len() * percentile as usize).div_ceil(100).max(1);
        let exact = sorted[rank - 1];
        let enough = sorted.len() * (100 - percentile as usize) >= 100;
        match histogram.quantile(quantile) {
            None => prop_assert!(!enough),
            Some(found) => {
                prop_assert!(enough);
                let found = u64::try_from(found.as_micros()).unwrap();
                prop_assert!(found.abs_diff(exact) <= exact / 1000, "{found} for {exact}");
            }
        }
    }

    #[test]
    fn merging_is_recording_into_one(
        left in prop::collection::vec(0_u64..HIGH_US * 2, 0..50),
        right in prop::collection::vec(0_u64..HIGH_US * 2, 0..50),
    ) {
        let mut merged = of(left.iter().copied());
        merged.merge(&of(right.iter().copied()));
        prop_assert_eq!(merged, of(left.into_iter().chain(right)));
    }

    #[test]
    fn decodes_what_it_encoded(values in prop::collection::vec(0_u64..HIGH_US * 2, 0..100)) {
        let histogram = of(values);
        let again = LatencyHistogram::decode(&histogram.encode(), histogram.clamped());
        prop_assert_eq!(again.as_ref(), Ok(&histogram));
        let (again, before) = (again.unwrap(), histogram);
        prop_assert_eq!((again.min(), again.max(), again.mean()), (before.min(), before.max(), before.mean()));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), deflated: bool) {
        let mut text = bytes.clone();
        if deflated {
            let mut v2 = of([1]).v2();
            v2.extend_from_slice(&bytes);
            let held = u32::try_from(v2.len() - V2_HEADER).unwrap();
            v2[4..8].copy_from_slice(&held.to_be_bytes());
            text = vec![0x1c, 0x84, 0x93, 0x14, 0, 0, 0, 0];
            std::io::copy(
                &mut flate2::read::ZlibEncoder::new(v2.as_slice(), flate2::Compression::fast()),
                &mut text,
            ).unwrap();
        }
        if let Ok(histogram) = LatencyHistogram::decode(&STANDARD.encode(text), 0) {
            let _ = (histogram.quantile(Quantile::P99), histogram.mean());
        }
    }
}

impl LatencyHistogram {
    fn v2(&self) -> Vec<u8> {
        let (mut counts, mut bytes) = (crates(3), Vec::new());
        self.counts.add_to(&mut counts);
        hdrhistogram::serialization::V2Serializer::new()
            .serialize(&counts, &mut bytes)
            .unwrap();
        bytes
    }
}
