//! The latencies of one window of the time series: few digits, little memory.

use std::borrow::Cow;
use std::mem;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::buckets::{Buckets, HIGH_US};
use super::histogram::{Bucket, HistogramError, deflate, from_encoded, micros, whole_micros};
use crate::units::Quantile;

/// A number takes no more of them.
const MOST_BYTES: usize = 5;

/// Latencies from 0 µs to 1 h, each known to one part in a hundred; only the buckets in use take memory.
///
/// In a report it is an HdrHistogram in its V2 format, deflated, in base64, the unit being microseconds; `null` when it
/// is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackedHistogram {
    /// Of each bucket in use, ascending: twice its distance from the last one in buckets, and one more if a number follows,
    /// which is that of its values; otherwise it has one. Most take a byte, the others two (LEB128).
    counts: Box<[u8]>,
}

impl PackedHistogram {
    /// Returns what a histogram of [`DIGITS`] digits has counted.
    pub(super) fn pack(counts: &Buckets<2>) -> Self {
        let filled = counts.filled();
        let used = filled.map(|it| (clamped(it.high), saturated(it.count)));
        Self::of_used(used, counts.filled().count())
    }

    /// Of `most` buckets in ascending order: the highest value of each, and the number of values. Allocated once, cut to size
    /// once.
    fn of_used(used: impl IntoIterator<Item = (u32, u32)>, most: usize) -> Self {
        let mut counts = Vec::with_capacity(most * 2 * MOST_BYTES);
        let mut last = 0;
        let mut close = |(value, count): (u32, u32)| {
            let place = place(value);
            put(&mut counts, (place - last) << 1 | u32::from(count > 1));
            if count > 1 {
                put(&mut counts, count);
            }
            last = place;
        };
        let mut open: Option<(u32, u32)> = None;
        for bucket in used {
            match &mut open {
                Some((value, count)) if *value == bucket.0 => {
                    *count = count.saturating_add(bucket.1);
                }
                _ => open.replace(bucket).into_iter().for_each(&mut close),
            }
        }
        open.into_iter().for_each(close);
        Self {
            counts: counts.into(),
        }
    }

    /// Returns the buckets again.
    fn used(&self) -> impl Iterator<Item = (u32, u32)> {
        let mut counts = &*self.counts;
        let mut last = 0;
        std::iter::from_fn(move || {
            let step = take(&mut counts)?;
            last += step >> 1;
            let count = if step & 1 == 0 { 1 } else { take(&mut counts)? };
            Some((highest(last), count))
        })
    }

    /// Creates a single value.
    pub(super) fn of(value: Duration) -> Self {
        let place = Buckets::<2>::place(whole_micros(value).min(HIGH_US));
        let highest = Buckets::<2>::low(place + 1) - 1;
        Self::of_used([(clamped(highest), 1)], 1)
    }

    /// Returns the number of values.
    pub fn count(&self) -> u64 {
        self.used().map(|it| u64::from(it.1)).sum()
    }

    /// Returns `true` if no value was recorded.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Returns the value that this share of all values does not exceed; `None` when there are too few of them to know
    /// ([`Quantile::is_known_from`]).
    pub fn quantile(&self, quantile: Quantile) -> Option<Duration> {
        Self::quantile_of([self], quantile)
    }

    /// Returns the same of all values of several: a percentile of histograms is never a mean of percentiles.
    pub fn quantile_of<'a>(
        several: impl IntoIterator<Item = &'a Self>,
        quantile: Quantile,
    ) -> Option<Duration> {
        let mut all = Buckets::new();
        for one in several {
            one.add_to(&mut all);
        }
        all.at(quantile).map(micros)
    }

    /// Returns the values in ascending order, as exactly as they are known.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        self.used().map(|(value, count)| Bucket {
            low: micros(Buckets::<2>::low(place(value) as usize)),
            high: micros(u64::from(value)),
            count: u64::from(count),
        })
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
        } else if !other.is_empty() {
            self.merge(&other);
        }
    }

    /// Adds window by window; the longer list decides how many there are.
    pub fn merge_windows(mine: &mut Vec<Self>, theirs: Vec<Self>) {
        if mine.len() < theirs.len() {
            mine.resize_with(theirs.len(), Self::default);
        }
        for (mine, theirs) in mine.iter_mut().zip(theirs) {
            mine.add(theirs);
        }
    }

    /// Merges neighbours in pairs, so many times, as the time series does when its windows become wider.
    pub fn widen(windows: &mut Vec<Self>, times: u32) {
        for _ in 0..times {
            for index in 0..windows.len().div_ceil(2) {
                let mut both = mem::take(&mut windows[2 * index]);
                if let Some(second) = windows.get_mut(2 * index + 1) {
                    both.add(mem::take(second));
                }
                windows[index] = both;
            }
            windows.truncate(windows.len().div_ceil(2));
        }
    }

    fn merge(&mut self, other: &Self) {
        let mut all: Vec<(u32, u32)> = self.used().chain(other.used()).collect();
        all.sort_unstable_by_key(|it| it.0);
        let most = all.len();
        *self = Self::of_used(all, most);
    }

    /// As other programs read it, see [`LatencyHistogram::encode`](super::LatencyHistogram::encode).
    pub fn encode(&self) -> String {
        let mut all = Buckets::new();
        self.add_to(&mut all);
        deflate(&all)
    }

    /// Reads what [`PackedHistogram::encode`] wrote.
    ///
    /// # Errors
    /// When the text is anything else, or a bucket has more than 2^32 values, see [`HistogramError`].
    pub fn decode(text: &str) -> Result<Self, HistogramError> {
        let counts = from_encoded::<2>(text)?;
        let packed = Self::pack(&counts);
        if packed.count() == counts.count() {
            Ok(packed)
        } else {
            Err(HistogramError::TooMany)
        }
    }

    pub(super) fn add_to(&self, all: &mut Buckets<2>) {
        for (value, count) in self.used() {
            all.record_n(u64::from(value), u64::from(count));
        }
    }
}

/// Returns the number of the bucket that a value is in, counted from 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "there are some thousand buckets"
)]
const fn place(value: u32) -> u32 {
    Buckets::<2>::place(value as u64) as u32
}

/// Returns the highest value of that bucket.
fn highest(place: u32) -> u32 {
    clamped(Buckets::<2>::low(place as usize + 1) - 1)
}

/// Writes a number in groups of seven bits, the lowest first; all but the last are marked.
fn put(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Reads a number that was written so.
fn take(bytes: &mut &[u8]) -> Option<u32> {
    let end = bytes.iter().position(|byte| *byte < 0x80)?;
    let (number, rest) = bytes.split_at(end + 1);
    *bytes = rest;
    Some((number.iter().rev()).fold(0, |sum, byte| (sum << 7) | u32::from(byte & 0x7f)))
}

/// Returns a number of microseconds, cut to the range: the highest bucket ends beyond it.
fn clamped(micros: u64) -> u32 {
    saturated(micros.min(HIGH_US))
}

/// Returns a count, cut to 32 bits: a window with more is found by its sum, which then does not close.
fn saturated(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Serialize for PackedHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (!self.is_empty())
            .then(|| self.encode())
            .serialize(serializer)
    }
}

#[cfg(test)]
impl PackedHistogram {
    /// Of these values, for the tests of other rooms.
    pub(crate) fn of_values(values: impl IntoIterator<Item = Duration>) -> Self {
        let mut all = Buckets::new();
        for value in values {
            all.record(whole_micros(value));
        }
        Self::pack(&all)
    }
}

impl JsonSchema for PackedHistogram {
    fn schema_name() -> Cow<'static, str> {
        "PackedHistogram".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Latencies of up to an hour, each known to one part in a hundred: HdrHistogram V2, deflated, \
                            base64; the unit is microseconds. Null of none.",
            "type": ["string", "null"],
            "contentEncoding": "base64",
        })
    }
}

impl<'de> Deserialize<'de> for PackedHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        let packed = text.map(|text| Self::decode(&text)).transpose();
        Ok(packed.map_err(de::Error::custom)?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::LatencyHistogram;
    use super::super::histogram::crates;
    use super::*;

    const HOUR: u64 = HIGH_US;

    fn of(values: &[u64]) -> PackedHistogram {
        let mut all = Buckets::new();
        for value in values {
            all.record(*value);
        }
        PackedHistogram::pack(&all)
    }

    #[test]
    fn buckets_are_as_narrow_as_two_digits() {
        // 256 values from 0 on each to itself, then 128 to each power of two.
        let packed = of(&[0, 255, 255, 256, 257, 1_000, HOUR]);
        let buckets: Vec<_> = packed
            .buckets()
            .map(|it| (it.low.as_micros(), it.high.as_micros(), it.count))
            .collect();
        assert_eq!(
            buckets,
            [
                (0, 0, 1),
                (255, 255, 2),
                (256, 257, 2),
                (1_000, 1_003, 1),
                (3_590_324_224, u128::from(HOUR), 1), // 214 * 2^24
            ]
        );
        assert_eq!(packed.count(), 7);
    }

    #[test]
    fn few_values_have_no_high_quantile() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(of(&hundred[1..]).quantile(Quantile::P99), None);
        let micros = |q| of(&hundred).quantile(q).map(|it| it.as_micros());
        assert_eq!(micros(Quantile::P99), Some(99));
        assert_eq!(micros(Quantile::P50), Some(50));
        // Two halves, each of which has too few.
        let (low, high) = hundred.split_at(50);
        let halves = [of(low), of(high)];
        let both = PackedHistogram::quantile_of(&halves, Quantile::P99);
        assert_eq!(both, Some(Duration::from_micros(99)));
    }

    #[test]
    fn texts_that_are_none_are_refused() {
        for bad in ["", "AAAA", "not base64!", "HISTFAAAAAA="] {
            let refused = PackedHistogram::decode(bad);
            assert_eq!(refused, Err(HistogramError::Encoding), "{bad}");
        }
        let mut precise = LatencyHistogram::new();
        precise.record(Duration::from_secs(1));
        let refused = PackedHistogram::decode(&precise.encode());
        assert_eq!(refused, Err(HistogramError::Shape));
        let mut many = Buckets::<2>::new();
        for (count, wanted) in [
            (u64::from(u32::MAX), Ok(())),
            (1, Err(HistogramError::TooMany)), // one more than a window holds of one bucket
            (1 << 54, Err(HistogramError::TooMany)),
        ] {
            many.record_n(7, count);
            let read = PackedHistogram::decode(&deflate(&many)).map(|_| ());
            assert_eq!(read, wanted, "{count}");
        }
    }

    #[test]
    fn nothing_is_null() {
        let nothing = PackedHistogram::default();
        assert!(nothing.is_empty() && of(&[]) == nothing);
        assert_eq!(nothing.quantile(Quantile::P50), None);
        assert_eq!(serde_json::to_string(&nothing).unwrap(), "null");
        assert_eq!(
            serde_json::from_str::<PackedHistogram>("null").unwrap(),
            nothing
        );
    }

    #[test]
    fn windows_are_widened_in_pairs() {
        let mut windows: Vec<_> = [1, 2, 3, 4, 5].iter().map(|it| of(&[*it])).collect();
        PackedHistogram::widen(&mut windows, 0);
        assert_eq!(windows.len(), 5);
        PackedHistogram::widen(&mut windows, 1);
        assert_eq!(windows, [of(&[1, 2]), of(&[3, 4]), of(&[5])]);
        PackedHistogram::widen(&mut windows, 2);
        assert_eq!(windows, [of(&[1, 2, 3, 4, 5])]);
        PackedHistogram::merge_windows(&mut windows, vec![of(&[6]), of(&[7])]);
        assert_eq!(windows, [of(&[1, 2, 3, 4, 5, 6]), of(&[7])]);
    }

    #[test]
    fn a_bucket_takes_a_few_bytes() {
        // A thousand latencies around 5 ms, in buckets of 32 µs.
        let around: Vec<u64> = (0..1_000).map(|it| 4_500 + it).collect();
        let packed = of(&around);
        assert_eq!(packed.buckets().count(), 32);
        assert!(packed.counts.len() <= 32 * 2 + 1, "{}", packed.counts.len());
        // A value alone, at a short distance from the next: one byte.
        let rare: Vec<u64> = (0..32).map(|it| 4_500 + 1_000 * it).collect();
        assert!(
            of(&rare).counts.len() <= 32 + 1,
            "{}",
            of(&rare).counts.len()
        );
        let mut bytes = Vec::new();
        for number in [0, 0x7f, 0x80, 0x3fff, 0x4000, u32::MAX] {
            put(&mut bytes, number);
            let mut written = &*bytes;
            assert_eq!(take(&mut written), Some(number));
            assert!(written.is_empty());
            bytes.clear();
        }
        assert_eq!(take(&mut &[][..]), None);
    }

    proptest! {
        #[test]
        fn buckets_are_those_of_the_histogram(value in 0..=HOUR, bits in 0_u32..32) {
            let shape = crates(2);
            let value = clamped(value >> bits);
            let end = clamped(shape.highest_equivalent(value.into()));
            prop_assert_eq!(highest(place(value)), end);
            prop_assert!(end == clamped(HOUR) || place(end + 1) == place(value) + 1);
        }

        #[test]
        fn a_value_is_known_to_a_part_in_a_hundred(values in prop::collection::vec(0..HOUR, 1..50)) {
            let packed = of(&values);
            prop_assert_eq!(packed.count(), u64::try_from(values.len()).unwrap());
            let mut sorted = values;
            sorted.sort_unstable();
            let mut known = packed.buckets().flat_map(|it| (0..it.count).map(move |_| it));
            for value in sorted {
                let bucket = known.next().unwrap();
                let (low, high) = (whole_micros(bucket.low), whole_micros(bucket.high));
                prop_assert!(low <= value && value <= high);
                prop_assert!(high - low <= value / 100);
            }
        }

        #[test]
        fn adding_is_packing_all(
            left in prop::collection::vec(0..HOUR * 2, 0..50),
            right in prop::collection::vec(0..HOUR * 2, 0..50),
        ) {
            let mut added = of(&left);
            added.add(of(&right));
            let mut one_by_one = of(&left);
            for value in &right {
                one_by_one.add(PackedHistogram::of(Duration::from_micros(*value)));
            }
            prop_assert_eq!(&one_by_one, &added);
            prop_assert_eq!(added, of(&[left, right].concat()));
        }

        #[test]
        fn decodes_what_it_encoded(values in prop::collection::vec(0..HOUR * 2, 1..100)) {
            let packed = of(&values);
            prop_assert_eq!(PackedHistogram::decode(&packed.encode()), Ok(packed.clone()));
            let json = serde_json::to_string(&packed).unwrap();
            prop_assert_eq!(serde_json::from_str::<PackedHistogram>(&json).unwrap(), packed);
        }
    }
}
