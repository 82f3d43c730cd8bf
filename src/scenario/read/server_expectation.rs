//! `expect` of a number of the target's side: an operator and a value in the unit of the number.

use crate::keys::part::{Part, Wrong};
use crate::scenario::threshold::{Expectation, Limit};
use crate::telemetry::{FigureUnit, ServerMetric};
use crate::units::{self, ByteSize};

use super::expectation::{Comparison, decimal, share, take_apart};

/// Lengths of time that something may be a rate by.
const PER: [(&str, f64); 3] = [("/s", 1.0), ("/min", 60.0), ("/h", 3600.0)];

/// Reads `< 2ms`, or `value < 2ms`.
pub(super) fn read(text: &str, metric: &ServerMetric) -> Result<Expectation, Wrong> {
    let Comparison {
        in_front,
        operator,
        symbol,
        value,
        written: _,
    } = take_apart(text)?;
    if !matches!(in_front.text, "" | "value") {
        let label =
            "remove it: the metric is one number; the highest reading of a gauge is NAME.max";
        return Err(in_front.wrong("a number of the target's side has no aggregation", label));
    }
    let (unit, limit) = match metric.unit() {
        Some(unit) => (unit, known(value, unit)?),
        None => of_any_unit(value)?,
    };
    let shown: Vec<&str> = value.text.split_whitespace().collect();
    Ok(Expectation::of_server(
        operator,
        Limit::Server(unit, limit),
        format!("{symbol} {}", shown.join(" ")),
    ))
}

/// Reads a value in the unit of its number.
fn known(value: Part<'_>, unit: FigureUnit) -> Result<f64, Wrong> {
    let (read, example) = match unit {
        FigureUnit::Seconds => (seconds(value.text), "such as 2ms"),
        FigureUnit::Bytes => (bytes(value.text), "such as 500MiB"),
        FigureUnit::BytesPerSecond => (rate(value.text, bytes), "such as 1MiB/min or 20MB/s"),
        FigureUnit::PerSecond => (rate(value.text, decimal), "such as 10/s or 5/min"),
        FigureUnit::Share => return share(value),
        FigureUnit::Cores | FigureUnit::Number | FigureUnit::SecondsPerSecond => {
            (decimal(value.text), "a number, such as 1.5")
        }
    };
    read.ok_or_else(|| value.wrong("this is not in the unit of the number", example))
}

/// Reads a value of a series by its own name: its unit says what the series must be counted in.
fn of_any_unit(value: Part<'_>) -> Result<(FigureUnit, f64), Wrong> {
    let text = value.text;
    if text.ends_with('%') {
        return Ok((FigureUnit::Share, share(value)?));
    }
    let tries = [
        (FigureUnit::Number, decimal(text)),
        (FigureUnit::Seconds, seconds(text)),
        (FigureUnit::Bytes, bytes(text)),
        (FigureUnit::PerSecond, rate(text, decimal)),
        (FigureUnit::BytesPerSecond, rate(text, bytes)),
    ];
    let found = tries
        .into_iter()
        .find_map(|(unit, read)| Some((unit, read?)));
    let label = "such as 10, 5%, 2ms, 500MiB, 10/s or 1MiB/min";
    found.ok_or_else(|| value.wrong("this is not a limit", label))
}

fn seconds(text: &str) -> Option<f64> {
    let time = units::parse_duration(text).ok()?;
    Some(time.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a limit has few digits")]
fn bytes(text: &str) -> Option<f64> {
    let size: ByteSize = text.parse().ok()?;
    Some(size.get() as f64)
}

fn rate(text: &str, of: impl Fn(&str) -> Option<f64>) -> Option<f64> {
    let (number, seconds) = PER.iter().find_map(|(end, seconds)| {
        let number = text.strip_suffix(end)?;
        Some((number.trim_end(), seconds))
    })?;
    Some(of(number)? / seconds)
}
