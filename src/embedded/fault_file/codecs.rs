//! Codecs of values that only fault files have.

use std::str::FromStr;
use std::time::Duration;

use super::super::fault::{Point, Stall};
use super::super::lengths::Lengths;
use crate::keys::codec::{Codec, DAY, fraction, size, time, whole};
use crate::keys::define::keys;
use crate::keys::form::{Described, Form};
use crate::keys::key::Keyed;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Text, Value};
use crate::keys::value::{flag, parsed, text, unknown};
use crate::oci::Operation;
use crate::units::{ByteSize, ByteSizeError};

/// A length of time, or a distribution of them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    Fixed(Duration),
    Drawn(Lengths),
}

keys! {
    /// A distribution as it is written: which keys it has says which one it is.
    struct Drawn {
        /// Uniform: the shortest length.
        min: Option<Duration> => time(Duration::ZERO..=30 * DAY).optional(), "5ms";
        /// Exponential: the mean.
        mean: Option<Duration> => time(Duration::ZERO..=30 * DAY).optional(), "20ms";
        /// Log-normal: the median.
        median: Option<Duration> => time(Duration::ZERO..=30 * DAY).optional(), "20ms";
        /// Log-normal: the deviation of the natural logarithm.
        sigma: Option<f64> => fraction(0.0..=5.0).optional(), 0.8;
        /// The longest length; what is longer becomes this.
        max: Duration => time(Duration::ZERO..=30 * DAY), "1s", needed;
    }
}

/// The name of an operation, or `*`.
pub(super) fn operation() -> Codec<Option<Operation>> {
    let names = || std::iter::once("*").chain(Operation::ALL.map(Operation::name));
    let read = move |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        if text.value == "*" {
            return Some(None);
        }
        let found = Operation::from_name(&text.value);
        if found.is_none() {
            sink.report(unknown("operation", &text, item, names()));
        }
        found.map(Some)
    };
    Codec::new(Form::Words(names().collect()), read, |_| None)
}

/// `true`: the effect is there. Without it the key is left out.
pub(super) fn when_true() -> Codec<bool> {
    let read = |item: &Item, sink: &Sink| {
        let flag = flag(item, sink)?;
        if !flag {
            let problem = Problem::new("the effect is absent without the key", item.spot.clone());
            sink.report(problem.label("remove the key, or write `true`"));
        }
        flag.then_some(true)
    };
    Codec::new(Form::Flag, read, |_| None)
}

pub(super) fn string(item: &Item, sink: &Sink) -> Option<String> {
    text(item, sink).map(|text| text.value)
}

pub(super) fn bytes() -> Codec<ByteSize> {
    size(ByteSize::from_bytes(0)..=ByteSize::from_mib(1 << 30))
}

pub(super) fn status() -> Codec<u16> {
    whole(200..=599).map(
        |status| u16::try_from(status).unwrap_or(599),
        |status: &u16| u32::from(*status),
    )
}

pub(super) fn share() -> Codec<f64> {
    fraction(0.0..=1.0)
}

/// A number of bytes of a body, or its head.
pub(super) fn point() -> Codec<Point> {
    let form = Form::Either(vec![bytes().form, Form::Words(vec!["head"])]);
    let read = |item: &Item, sink: &Sink| match &item.value {
        Value::Text(Text { value, .. }) if value == "head" => Some(Point::BeforeHead),
        Value::Text(_) => parsed::<PointText>(item, sink).map(|it| Point::AfterBody(it.0)),
        _ => {
            sink.expected(item, "a size such as \"64KiB\", or \"head\"");
            None
        }
    };
    Codec::new(form, read, |_| None)
}

struct PointText(ByteSize);

impl FromStr for PointText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = text.parse().map(Self);
        size.map_err(|error: ByteSizeError| format!("{error}; or \"head\""))
    }
}

/// A length of time, or a table of a distribution.
pub(super) fn length() -> Codec<Length> {
    Codec::new(
        Form::Either(length_forms()),
        |item, sink| read_length(item, sink, "a length of time such as \"250ms\""),
        |_| None,
    )
}

fn length_forms() -> Vec<Form> {
    let distribution = |names: &[&str]| {
        let keys = Drawn::described().into_iter();
        let keys = keys.filter(|key| names.contains(&key.name));
        Form::Inline(keys.map(Described::needed).collect())
    };
    vec![
        time(Duration::ZERO..=30 * DAY).form,
        distribution(&["min", "max"]),
        distribution(&["mean", "max"]),
        distribution(&["median", "sigma", "max"]),
    ]
}

fn read_length(item: &Item, sink: &Sink, wanted: &str) -> Option<Length> {
    match &item.value {
        Value::Text(_) => (time(Duration::ZERO..=30 * DAY).read)(item, sink).map(Length::Fixed),
        Value::Table(_) => lengths(item, sink).map(Length::Drawn),
        _ => {
            let table = "or a table such as { min = \"5ms\", max = \"50ms\" }";
            sink.expected(item, &format!("{wanted}, {table}"));
            None
        }
    }
}

fn lengths(item: &Item, sink: &Sink) -> Option<Lengths> {
    let mut table = Table::open(item, sink)?;
    let (it, is_good) = Drawn::read(&mut table);
    table.finish();
    if !is_good {
        return None;
    }
    let lengths = match (it.min, it.mean, it.median, it.sigma) {
        (Some(min), None, None, None) => Lengths::uniform(min, it.max),
        (None, Some(mean), None, None) => Lengths::exponential(mean, it.max),
        (None, None, Some(median), Some(sigma)) => Lengths::log_normal(median, sigma, it.max),
        _ => {
            let problem = Problem::new("this is no distribution", item.spot.clone());
            let label = "write { min, max }, { mean, max } or { median, sigma, max }";
            sink.report(problem.label(label));
            return None;
        }
    };
    let refused = |error: &_| sink.report(Problem::new(format!("{error}"), item.spot.clone()));
    lengths.inspect_err(refused).ok()
}

/// A length of a stall, or `forever`.
pub(super) fn stall() -> Codec<Stall> {
    let mut forms = length_forms();
    forms.push(Form::Words(vec!["forever"]));
    let read = |item: &Item, sink: &Sink| {
        if matches!(&item.value, Value::Text(text) if text.value == "forever") {
            return Some(Stall::Forever);
        }
        let wanted = "a length of time such as \"250ms\", \"forever\"";
        read_length(item, sink, wanted).map(|length| match length {
            Length::Fixed(time) => Stall::For(time),
            Length::Drawn(lengths) => Stall::Drawn(lengths),
        })
    };
    Codec::new(Form::Either(forms), read, |_| None)
}
