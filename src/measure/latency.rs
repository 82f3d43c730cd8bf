//! The fields of a latency in a report. Only the histogram is read back: the rest follows from it.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::units::Quantile;

use super::LatencyHistogram;
use super::histogram::whole_micros;

/// Latencies of up to an hour. Values are in whole microseconds; null where there are too few samples to know.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LatencyHistogram")]
struct Fields {
    /// How many there are.
    count: u64,
    /// How many of them were more than an hour and are counted as an hour.
    clamped: u64,
    /// The smallest.
    min_us: Option<u64>,
    /// Their mean.
    mean_us: Option<u64>,
    /// The value that half of them do not exceed.
    p50_us: Option<u64>,
    /// The same of nine in ten; from 10 values on.
    p90_us: Option<u64>,
    /// The same of 19 in 20; from 20 values on.
    p95_us: Option<u64>,
    /// The same of 99 in 100; from 100 values on.
    p99_us: Option<u64>,
    /// The same of 999 in 1,000; from 1,000 values on.
    p999_us: Option<u64>,
    /// The largest.
    max_us: Option<u64>,
    /// HdrHistogram V2, deflated, base64; the unit is microseconds.
    histogram: String,
}

#[derive(Deserialize)]
struct Essence {
    count: u64,
    clamped: u64,
    histogram: String,
}

impl Serialize for LatencyHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = |value: Option<Duration>| value.map(whole_micros);
        let at = |quantile| micros(self.quantile(quantile));
        Fields {
            count: self.count(),
            clamped: self.clamped(),
            min_us: micros(self.min()),
            mean_us: micros(self.mean()),
            p50_us: at(Quantile::P50),
            p90_us: at(Quantile::P90),
            p95_us: at(Quantile::P95),
            p99_us: at(Quantile::P99),
            p999_us: at(Quantile::P999),
            max_us: micros(self.max()),
            histogram: self.encode(),
        }
        .serialize(serializer)
    }
}

impl JsonSchema for LatencyHistogram {
    fn schema_name() -> Cow<'static, str> {
        Fields::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Fields::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for LatencyHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Essence {
            count,
            clamped,
            histogram,
        } = Essence::deserialize(deserializer)?;
        let histogram = Self::decode(&histogram, clamped).map_err(de::Error::custom)?;
        if histogram.count() != count || clamped > count {
            return Err(de::Error::custom(format_args!(
                "a histogram of {} values does not fit to a count of {count}, {clamped} of them clamped",
                histogram.count()
            )));
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_null_where_it_does_not_know() {
        let mut histogram = LatencyHistogram::new();
        let json = serde_json::to_value(&histogram).unwrap();
        assert_eq!(json["count"], 0);
        assert!(json["p50_us"].is_null() && json["max_us"].is_null() && json["mean_us"].is_null());
        for micros in 1..=100 {
            histogram.record(Duration::from_micros(micros));
        }
        let json = serde_json::to_value(&histogram).unwrap();
        // 1 + 2 + ... + 100 = 5,050.
        let shown = [
            "min_us", "mean_us", "p50_us", "p90_us", "p95_us", "p99_us", "max_us",
        ];
        assert_eq!(
            shown.map(|name| json[name].as_u64().unwrap()),
            [1, 50, 50, 90, 95, 99, 100]
        );
        assert!(json["p999_us"].is_null());
    }

    #[test]
    fn a_count_that_lies_is_refused() {
        let mut histogram = LatencyHistogram::new();
        histogram.record(Duration::from_secs(2));
        let mut json = serde_json::to_value(&histogram).unwrap();
        json["max_us"] = 1.into(); // not read
        assert_eq!(
            serde_json::from_value::<LatencyHistogram>(json.clone()).unwrap(),
            histogram
        );
        json["count"] = 2.into();
        assert!(serde_json::from_value::<LatencyHistogram>(json).is_err());
    }
}
