//! Latencies in buckets of three significant digits.

use std::io::Read;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

use crate::units::Quantile;

use super::buckets::{Buckets, Filled, HIGH_US};

const LOW_US: u64 = 1;

/// The header of the V2 format: cookie, length, offset, digits, lowest, highest, ratio.
const V2_HEADER: usize = 40;
/// The cookie and the length in front of the deflated V2 format.
const DEFLATE_HEADER: usize = 8;
/// At most nine bytes for each bucket.
const V2_MAX: usize = V2_HEADER + LatencyHistogram::BUCKETS * 9;

/// Latencies from 0 µs to 1 h, each known to one part in a thousand.
///
/// There is one range and one precision, so any two merge count by count. A duration is cut to whole microseconds;
/// one of more than an hour is counted as an hour, and as clamped.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyHistogram {
    counts: Buckets<3>,
    clamped: u64,
}

/// Values that the histogram does not distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// None of them is less, but for the part of a microsecond.
    pub low: Duration,
    /// None of them is more. They may be what is [`clamped`](LatencyHistogram::clamped): then an hour stands for more.
    pub high: Duration,
    /// How many values there are; not zero.
    pub count: u64,
}

/// Why a text is not an encoded histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// Not base64, not deflate, or not the V2 format.
    #[error("not an HdrHistogram in its V2 format, deflated and in base64")]
    Encoding,
    /// A histogram of other buckets than ours: merging would move values.
    #[error("the histogram's range or precision is not 1 µs to 1 h in 3 digits, or 2 in a window")]
    Shape,
    /// More values than a run can have.
    #[error("the histogram claims more than 2^53 values")]
    TooMany,
}

impl LatencyHistogram {
    const BUCKETS: usize = 23 * 1024;

    /// The memory that one takes before its first value. It grows by 2 KiB where a value falls that has no near one yet.
    pub const EMPTY_BYTES: usize = Buckets::<3>::EMPTY_BYTES;

    /// Creates an empty histogram.
    pub fn new() -> Self {
        Self {
            counts: Buckets::new(),
            clamped: 0,
        }
    }

    /// Counts one duration.
    pub fn record(&mut self, value: Duration) {
        let micros = whole_micros(value);
        if micros > HIGH_US {
            self.clamped += 1;
        }
        self.counts.record(micros);
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.clamped = self.clamped.saturating_add(other.clamped);
    }

    /// Returns the number of values.
    pub fn count(&self) -> u64 {
        self.counts.count()
    }

    /// Returns `true` if no value was recorded.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Returns how many of them were more than an hour.
    pub const fn clamped(&self) -> u64 {
        self.clamped
    }

    /// Returns the value that this share of all values does not exceed; `None` when there are too few of them to know
    /// ([`Quantile::is_known_from`]).
    pub fn quantile(&self, quantile: Quantile) -> Option<Duration> {
        self.counts.at(quantile).map(micros)
    }

    /// Returns the bucket of a value by its rank in ascending order, counted from 1, or `None` beyond the last.
    pub fn at_rank(&self, rank: u64) -> Option<Bucket> {
        self.counts.at_rank(rank).map(Bucket::from)
    }

    /// Returns the smallest value, if there is one.
    pub fn min(&self) -> Option<Duration> {
        self.counts.filled().next().map(|it| micros(it.low))
    }

    /// Returns the largest value, if there is one.
    pub fn max(&self) -> Option<Duration> {
        self.counts.filled().next_back().map(|it| micros(it.high))
    }

    /// Returns the mean of the values, if there is one.
    pub fn mean(&self) -> Option<Duration> {
        (!self.counts.is_empty()).then(|| Duration::from_secs_f64(self.counts.mean() / 1e6))
    }

    pub(super) const fn counts(&self) -> &Buckets<3> {
        &self.counts
    }

    /// Returns the values in ascending order, as exactly as they are known.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        self.counts.filled().map(Bucket::from)
    }

    /// Returns the buckets as other programs read them: HdrHistogram V2, deflated, in base64, the unit being microseconds.
    /// The number of clamped values is not part of it.
    pub fn encode(&self) -> String {
        deflate(&self.counts)
    }

    /// Reads what [`LatencyHistogram::encode`] wrote.
    ///
    /// # Errors
    /// When the text is anything else, see [`HistogramError`].
    pub fn decode(text: &str, clamped: u64) -> Result<Self, HistogramError> {
        let counts = from_encoded(text)?;
        Ok(Self { counts, clamped })
    }
}

impl From<Filled> for Bucket {
    fn from(filled: Filled) -> Self {
        Self {
            low: micros(filled.low),
            high: micros(filled.high),
            count: filled.count,
        }
    }
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the crate's own, empty, from 1 µs to 1 h.
pub(super) fn crates(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(LOW_US, HIGH_US, digits)
        .expect("the bounds are constants, and 2 or 3 digits are allowed")
}

/// HdrHistogram V2, deflated, in base64.
pub(super) fn deflate<const DIGITS: u8>(buckets: &Buckets<DIGITS>) -> String {
    let mut counts = crates(DIGITS);
    buckets.add_to(&mut counts);
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&counts, &mut bytes)
        .expect("a vector takes every byte, and no count comes near 2^63");
    STANDARD.encode(bytes)
}

/// Reads a histogram of our range with that many digits.
pub(super) fn from_encoded<const DIGITS: u8>(
    text: &str,
) -> Result<Buckets<DIGITS>, HistogramError> {
    let v2 = inflate(text).ok_or(HistogramError::Encoding)?;
    check_counts(v2.get(V2_HEADER..).ok_or(HistogramError::Encoding)?)?;
    let counts: Histogram<u64> = Deserializer::new()
        .deserialize(&mut v2.as_slice())
        .map_err(|_| HistogramError::Encoding)?;
    if (counts.low(), counts.high(), counts.sigfig()) != (LOW_US, HIGH_US, DIGITS) {
        return Err(HistogramError::Shape);
    }
    Ok(Buckets::of(&counts))
}

/// Returns the V2 bytes, of a length that says so itself: the crate would reserve whatever length a file claims.
fn inflate(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(text).ok()?;
    let mut v2 = Vec::new();
    let limit = u64::try_from(V2_MAX + 1).ok()?;
    ZlibDecoder::new(bytes.get(DEFLATE_HEADER..)?)
        .take(limit)
        .read_to_end(&mut v2)
        .ok()?;
    let claimed = u32::from_be_bytes(v2.get(4..8)?.try_into().ok()?);
    let held = v2.len().checked_sub(V2_HEADER)?;
    (v2.len() <= V2_MAX && usize::try_from(claimed).ok()? == held).then_some(v2)
}

/// Walks the counts (zigzag LEB128, a negative number being a run of empty buckets) before the crate does, which
/// takes sums on trust.
fn check_counts(mut payload: &[u8]) -> Result<(), HistogramError> {
    let mut total = 0_u64;
    while !payload.is_empty() {
        let mut number = 0_u64;
        for position in 0..9 {
            let (byte, rest) = payload.split_first().ok_or(HistogramError::Encoding)?;
            payload = rest;
            let last = position == 8;
            let bits = if last { *byte } else { byte & 0x7f };
            number |= u64::from(bits) << (7 * position);
            if last || byte & 0x80 == 0 {
                break;
            }
        }
        let value = number >> 1;
        if value > 1 << 53 {
            return Err(HistogramError::TooMany);
        }
        if number & 1 == 0 {
            total = total.saturating_add(value);
        }
    }
    if total > 1 << 53 {
        return Err(HistogramError::TooMany);
    }
    Ok(())
}

/// Whole microseconds, the rest cut off.
pub(super) fn whole_micros(value: Duration) -> u64 {
    value
        .as_secs()
        .saturating_mul(1_000_000)
        .saturating_add(u64::from(value.subsec_micros()))
}

/// Returns a value as a duration, cut to the range: a bucket's upper edge may lie beyond it, no value does.
pub(super) fn micros(value: u64) -> Duration {
    Duration::from_micros(value.min(HIGH_US))
}

#[cfg(test)]
mod tests;
