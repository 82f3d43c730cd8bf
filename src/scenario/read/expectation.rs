//! `expect`: an aggregation, an operator and a value. k6's grammar, but that a value says its unit.

use std::time::Duration;

use crate::keys::part::{Part, Wrong};
use crate::keys::table::nearest;
use crate::measure::{Metric, Quantity};
use crate::scenario::gate::Comparand;
use crate::scenario::threshold::{Expectation, Limit, Operator, Statistic};
use crate::units::{self, ByteSize, Quantile};

/// An expectation of no metric yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expression<'t> {
    aggregation: Aggregation,
    aggregated: Part<'t>,
    operator: Operator,
    symbol: &'static str,
    value: Part<'t>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Aggregation {
    Statistic(Statistic),
    Count,
    Rate,
}

/// The way an operator is written, how it is shown, and what it is.
const OPERATORS: [(&str, &str, Operator); 7] = [
    ("<", "<", Operator::Less),
    ("<=", "<=", Operator::LessOrEqual),
    (">", ">", Operator::Greater),
    (">=", ">=", Operator::GreaterOrEqual),
    ("==", "==", Operator::Equal),
    ("===", "==", Operator::Equal),
    ("!=", "!=", Operator::NotEqual),
];

/// What people write for an operator.
const MEANT: [(&str, &str); 6] = [
    ("=", "=="),
    ("=>", ">="),
    ("=<", "<="),
    ("<>", "!="),
    ("!", "!="),
    ("!==", "!="),
];

const AGGREGATIONS: [(&str, Aggregation); 6] = [
    ("avg", Aggregation::Statistic(Statistic::Mean)),
    ("min", Aggregation::Statistic(Statistic::Min)),
    ("max", Aggregation::Statistic(Statistic::Max)),
    (
        "med",
        Aggregation::Statistic(Statistic::Quantile(Quantile::P50)),
    ),
    ("count", Aggregation::Count),
    ("rate", Aggregation::Rate),
];

/// An expectation in its parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison<'t> {
    /// What stands in front of the operator; may be empty.
    pub(super) in_front: Part<'t>,
    pub(super) operator: Operator,
    /// The operator as it is written.
    pub(super) written: Part<'t>,
    /// How the operator is shown.
    pub(super) symbol: &'static str,
    /// What stands behind it; not empty.
    pub(super) value: Part<'t>,
}

/// Takes an expectation apart, whatever it is of.
pub(super) fn parse(text: &str) -> Result<Expression<'_>, Wrong> {
    let Comparison {
        in_front: aggregated,
        operator,
        written,
        symbol,
        value,
    } = take_apart(text)?;
    if aggregated.text.is_empty() {
        let label = "write what is compared in front: avg, min, max, med, p(N), count or rate";
        return Err(written.wrong("there is no aggregation", label));
    }
    Ok(Expression {
        aggregation: aggregation(aggregated)?,
        aggregated,
        operator,
        symbol,
        value,
    })
}

/// Finds the operator, and what stands on either side of it.
pub(super) fn take_apart(text: &str) -> Result<Comparison<'_>, Wrong> {
    let whole = Part::whole(text).trimmed();
    let is_operator = |c: char| "<>=!".contains(c);
    let Some(start) = whole.text.find(is_operator) else {
        let label = "write AGGREGATION OPERATOR VALUE, such as `p(99) < 250ms`";
        return Err(whole.wrong("nothing is compared here", label));
    };
    let behind = &whole.text[start..];
    let end = start + behind.find(|c| !is_operator(c)).unwrap_or(behind.len());
    let operator = whole.get(start..end);
    let Some((_, symbol, meaning)) = OPERATORS.iter().find(|it| it.0 == operator.text) else {
        let meant = MEANT.iter().find(|(wrong, _)| *wrong == operator.text);
        let label = meant.map_or_else(
            || "known: < <= > >= == !=".to_owned(),
            |(_, right)| format!("did you mean `{right}`?"),
        );
        return Err(operator.wrong("unknown operator", label));
    };
    let aggregated = whole.get(0..start).trimmed();
    let value = whole.get(end..whole.text.len()).trimmed();
    if value.text.is_empty() {
        let label = "write a value behind";
        return Err(operator.wrong("there is no value", label));
    }
    Ok(Comparison {
        in_front: aggregated,
        operator: *meaning,
        written: operator,
        symbol,
        value,
    })
}

/// The aggregation that a word or `p(N)` names.
pub(super) fn aggregation(part: Part<'_>) -> Result<Aggregation, Wrong> {
    if let Some((_, known)) = AGGREGATIONS.iter().find(|(word, _)| *word == part.text) {
        return Ok(*known);
    }
    let inside = part.text.strip_prefix("p(");
    if let Some(inside) = inside.and_then(|it| it.strip_suffix(')')) {
        let number = part.get(2..2 + inside.len()).trimmed();
        let quantile = percentile(number)?;
        return Ok(Aggregation::Statistic(Statistic::Quantile(quantile)));
    }
    let meant = meant(part.text).map_or_else(
        || "known: avg, min, max, med, p(N), count, rate".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    Err(part.wrong("unknown aggregation", meant))
}

fn percentile(number: Part<'_>) -> Result<Quantile, Wrong> {
    let wrong = |label: &str| number.wrong("this is not a percentile", label);
    let value = decimal(number.text).ok_or_else(|| wrong("a number between 0 and 100"))?;
    if value <= 0.0 {
        return Err(wrong("more than 0; write `min` for the least of all"));
    }
    Quantile::from_percentile(value)
        .map_err(|_| wrong("less than 100; write `max` for the most of all"))
}

/// The aggregation that was probably meant.
fn meant(word: &str) -> Option<String> {
    let word = word.to_ascii_lowercase();
    let known = match word.as_str() {
        "average" | "mean" => Some("avg"),
        "median" => Some("med"),
        "minimum" => Some("min"),
        "maximum" => Some("max"),
        _ => None,
    };
    if let Some(known) = known {
        return Some(known.to_owned());
    }
    let number = word
        .strip_prefix('p')
        .map(|it| it.trim_matches(['(', ')', '[', ']', ' ']));
    if let Some(number) = number.filter(|it| percentile(Part::whole(it)).is_ok()) {
        return Some(format!("p({number})"));
    }
    nearest(&word, AGGREGATIONS.iter().map(|it| it.0)).map(str::to_owned)
}

impl Aggregation {
    /// What two builds are compared by, if they can be by that.
    pub(super) fn compared(self, written: Part<'_>, metric: Metric) -> Result<Comparand, Wrong> {
        match (metric.quantity(), self) {
            (Quantity::Latency, Self::Statistic(Statistic::Min | Statistic::Max)) => {
                let label = "one request of a run says nothing of a build; such as p(99)";
                Err(written.wrong("this cannot be compared", label))
            }
            (Quantity::Latency, Self::Statistic(statistic)) => {
                Ok(Comparand::Latency(metric, statistic))
            }
            (Quantity::Latency, _) => {
                let label = "of a latency: avg, med or p(N)";
                Err(written.wrong("this cannot be compared", label))
            }
            (_, Self::Rate) => Ok(Comparand::Rate(metric)),
            (_, _) => {
                let label = "write `rate`";
                Err(written.wrong("this cannot be compared", label))
            }
        }
    }
}

impl Expression<'_> {
    /// The expectation of a metric, if it can be one.
    pub(super) fn fit(&self, metric: &Metric) -> Result<Expectation, Wrong> {
        let limit = match (metric.quantity(), self.aggregation) {
            (Quantity::Latency, Aggregation::Statistic(statistic)) => {
                Limit::Latency(statistic, latency(self.value)?)
            }
            (Quantity::Bytes(_), Aggregation::Count) => Limit::Bytes(amount(self.value)?),
            (Quantity::Bytes(_), Aggregation::Rate) => {
                Limit::BytesPerSecond(throughput(self.value)?)
            }
            (Quantity::Ended, Aggregation::Rate) => Limit::PerSecond(per_second(self.value)?),
            (Quantity::Failed | Quantity::Dropped, Aggregation::Rate) => {
                Limit::Share(share(self.value)?)
            }
            (Quantity::Ended | Quantity::Failed | Quantity::Dropped, Aggregation::Count) => {
                Limit::Count(count(self.value)?)
            }
            (Quantity::Latency, Aggregation::Count | Aggregation::Rate) => {
                return Err(self.misfit(metric, "avg, min, max, med and p(N)"));
            }
            (_, Aggregation::Statistic(_)) => {
                return Err(self.misfit(metric, "count and rate"));
            }
        };
        let aggregated: String = self.aggregated.text.split_whitespace().collect();
        let value: Vec<&str> = self.value.text.split_whitespace().collect();
        Ok(Expectation {
            operator: self.operator,
            limit,
            written: format!("{aggregated} {} {}", self.symbol, value.join(" ")),
        })
    }

    fn misfit(&self, metric: &Metric, has: &str) -> Wrong {
        let message = format!("`{}` has no such aggregation", metric.word());
        self.aggregated.wrong(message, format!("it has {has}"))
    }
}

/// Digits, with or without a point.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: Option<f64> = text.parse().ok();
    number.filter(|number| plain && number.is_finite())
}

fn latency(value: Part<'_>) -> Result<Duration, Wrong> {
    if decimal(value.text).is_some() {
        // Milliseconds, in k6.
        let label = format!("write {}ms", value.text);
        return Err(value.wrong("a latency needs a unit", label));
    }
    let Ok(time) = units::parse_duration(value.text) else {
        let label = "such as 250ms, 2s or 1m30s";
        return Err(value.wrong("this is not a length of time", label));
    };
    if time >= Duration::from_hours(1) {
        let label = "less than 1h: latencies beyond are not told apart";
        return Err(value.wrong("this value is out of range", label));
    }
    if !time.subsec_nanos().is_multiple_of(1000) {
        let label = "whole microseconds: latencies are not known better";
        return Err(value.wrong("this value is too fine", label));
    }
    Ok(time)
}

fn count(value: Part<'_>) -> Result<u64, Wrong> {
    let plain = value.text.bytes().all(|b| b.is_ascii_digit());
    let number = value.text.parse().ok().filter(|_| plain);
    number.ok_or_else(|| value.wrong("a count is a whole number", "such as 0 or 1000"))
}

fn per_second(value: Part<'_>) -> Result<f64, Wrong> {
    let number = value.text.strip_suffix("/s").unwrap_or(value.text);
    decimal(number.trim_end())
        .ok_or_else(|| value.wrong("this is not a rate per second", "such as 50/s"))
}

pub(super) fn share(value: Part<'_>) -> Result<f64, Wrong> {
    let number = value.text.strip_suffix('%').map(str::trim_end);
    // A hundredth by its exponent: 0.7 / 100 is not the number that is nearest to 0.007.
    let share = match number {
        Some(number) => decimal(number).and_then(|_| format!("{number}e-2").parse().ok()),
        None => decimal(value.text),
    };
    let Some(share) = share else {
        return Err(value.wrong("this is not a share", "such as 0.1% or 0.001"));
    };
    if share <= 1.0 {
        return Ok(share);
    }
    let label = match number {
        None if share <= 100.0 => format!("write {}%, or a number from 0 to 1", value.text),
        _ => "at most 100%".to_owned(),
    };
    Err(value.wrong("this is more than all of them", label))
}

fn amount(value: Part<'_>) -> Result<ByteSize, Wrong> {
    if let Some(amount) = value.text.strip_suffix("/s") {
        let label = format!("use `rate`, or write {}", amount.trim_end());
        return Err(match amount.parse::<ByteSize>() {
            Ok(_) => value.wrong("`count` is not per second", label),
            Err(_) => not_bytes(value),
        });
    }
    value.text.parse().map_err(|_| not_bytes(value))
}

fn throughput(value: Part<'_>) -> Result<ByteSize, Wrong> {
    if let Some(amount) = value.text.strip_suffix("/s") {
        return amount.parse().map_err(|_| not_bytes(value));
    }
    Err(match value.text.parse::<ByteSize>() {
        Ok(_) => value.wrong("`rate` is per second", format!("write {}/s", value.text)),
        Err(_) => not_bytes(value),
    })
}

fn not_bytes(value: Part<'_>) -> Wrong {
    value.wrong(
        "this is not a number of bytes",
        "write a number and a unit, such as 500MiB/s for a rate or 1GiB for a count",
    )
}
