//! How single values are read, each with the range in which it makes sense.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::table::{Reads, Sink, known_words, nearest, shorten};
use crate::keys::problem::Problem;
use crate::keys::redact;
use crate::keys::tree::{Item, Text, Value};
use crate::units::{self, ByteSize, Rate, RateError};

/// Said of a value that is wrong and not shown.
pub(crate) const FROM_ENVIRONMENT: &str = "the value comes from the environment and is not shown";

/// A string, whatever it says. On the command line it needs no quotes, whatever it looks like.
pub(crate) fn text(item: &Item, sink: &Sink) -> Option<Text> {
    text_or(item, sink, || "a string".to_owned())
}

/// The same where something better can be said of what is wanted.
fn text_or(item: &Item, sink: &Sink, wanted: impl FnOnce() -> String) -> Option<Text> {
    if let Value::Text(text) = &item.value {
        return Some(text.clone());
    }
    let unquoted = sink.unquoted(item);
    if unquoted.is_none() {
        sink.expected(item, &wanted());
    }
    unquoted
}

/// A string of at most that many characters.
pub(crate) fn words(most: usize) -> impl Reads<String> {
    move |item, sink| {
        let text = text(item, sink)?;
        if text.value.chars().count() <= most {
            return Some(text.value);
        }
        sink.report(
            Problem::new("this text is too long", item.spot.clone())
                .label(format!("at most {most} characters")),
        );
        None
    }
}

/// A string that another type reads.
pub(crate) fn parsed<T: FromStr<Err: Display>>(item: &Item, sink: &Sink) -> Option<T> {
    let text = text(item, sink)?;
    text.value
        .parse()
        .inspect_err(|_| sink.report(refusal::<T>(&text, item)))
        .ok()
}

/// What a type says of a text that it refuses, without what the text must not tell: the environment and secrets.
fn refusal<T: FromStr<Err: Display>>(text: &Text, item: &Item) -> Problem {
    let shown = redact::value(&text.as_written);
    let message = shown.parse::<T>().err().map_or_else(
        || "this value is refused".to_owned(),
        |error| error.to_string(),
    );
    let problem = Problem::new(message, item.spot.clone());
    if text.value == text.as_written {
        problem
    } else {
        problem.help(FROM_ENVIRONMENT)
    }
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(what: &str, words: &[(&'static str, T)]) -> impl Reads<T> {
    choice_or(what, words, &[])
}

/// One of a few words, where other forms are read elsewhere: each as it is written, such as `{ zipf = 0.95 }`. Whoever
/// writes something else is told of these, too.
pub(crate) fn choice_or<T: Copy>(
    what: &str,
    words: &[(&'static str, T)],
    forms: &[&'static str],
) -> impl Reads<T> {
    move |item, sink| {
        let quoted = words.iter().map(|(word, _)| format!("\"{word}\""));
        let all = || either(quoted.chain(forms.iter().map(|&form| form.to_owned())));
        if let (Value::Float(_) | Value::Integer(_), Some(form)) = (&item.value, meant(item, forms))
        {
            let found = item.value.kind();
            let problem = Problem::new(
                format!("expected {}, found {found}", all()),
                item.spot.clone(),
            );
            sink.report(problem.label(format!("did you mean `{form}`?")));
            return None;
        }
        let text = text_or(item, sink, all)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let known = words.iter().map(|(word, _)| *word);
            let problem = unknown(what, &text, item, known.chain(forms.iter().copied()));
            let named = forms.iter().find(|form| key_of(form) == text.value);
            sink.report(match named {
                Some(form) => problem.label(format!("did you mean `{form}`?")),
                None => problem,
            });
        }
        found.map(|(_, value)| *value)
    }
}

/// `a, b or c`.
fn either(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// The key of a form such as `{ zipf = 0.95 }`.
fn key_of(form: &str) -> &str {
    let inside = form.trim_start_matches(['{', ' ']);
    inside.split([' ', '=']).next().unwrap_or(inside)
}

/// The form of one key that a bare number was probably meant for, with that number.
fn meant(item: &Item, forms: &[&str]) -> Option<String> {
    let number = number_of_item(item).filter(|it| it.is_finite() && *it > 0.0 && *it < 1e6)?;
    let form = forms.iter().find(|form| form.matches('=').count() == 1)?;
    Some(format!("{{ {} = {number} }}", key_of(form)))
}

/// A name that is not one of those that are known.
pub(crate) fn unknown<'w>(
    what: &str,
    text: &Text,
    item: &Item,
    known: impl Iterator<Item = &'w str> + Clone,
) -> Problem {
    let shown = shorten(&redact::value(&text.as_written));
    let label = nearest(&text.value, known.clone())
        .map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let known = known_words(known);
    let problem = Problem::new(format!("unknown {what} `{shown}`"), item.spot.clone()).label(label);
    if known.is_empty() {
        problem.help(format!("the scenario has no {what}"))
    } else {
        problem.help(format!("known: {known}"))
    }
}

/// Refuses a list that is longer than anybody writes by hand.
pub(crate) fn is_short(length: usize, most: usize, item: &Item, sink: &Sink) -> Option<()> {
    if length <= most {
        return Some(());
    }
    let problem = Problem::new("this list is too long", item.spot.clone());
    sink.report(problem.label(format!("at most {most}")));
    None
}

/// `true` or `false`.
pub(crate) fn flag(item: &Item, sink: &Sink) -> Option<bool> {
    if let Value::Flag(flag) = item.value {
        Some(flag)
    } else {
        sink.expected(item, "true or false");
        None
    }
}

/// A whole number in a range.
pub(crate) fn whole<T>(range: RangeInclusive<T>) -> impl Reads<T>
where
    T: TryFrom<i128> + PartialOrd + Copy + Into<u64>,
{
    move |item, sink| {
        let Value::Integer(number) = item.value else {
            sink.expected(item, "a whole number");
            return None;
        };
        let inside = T::try_from(number).ok().filter(|n| range.contains(n));
        if inside.is_none() {
            let (low, high) = (
                units::count((*range.start()).into()),
                units::count((*range.end()).into()),
            );
            sink.report(out_of_range(item, &low, &high));
        }
        inside
    }
}

/// A number of things that is never zero.
pub(crate) fn number_of(most: u32) -> impl Reads<NonZeroUsize> {
    move |item, sink| {
        let number = whole(1..=most)(item, sink)?;
        usize::try_from(number).ok().and_then(NonZeroUsize::new)
    }
}

/// A number, written with or without a point, above zero and up to an end.
pub(crate) fn positive(most: f64) -> impl Reads<f64> {
    move |item, sink| {
        let number = number(item, sink)?;
        if number > 0.0 && number <= most {
            return Some(number);
        }
        sink.report(
            Problem::new("this number is out of range", item.spot.clone())
                .label(format!("more than 0, at most {most}")),
        );
        None
    }
}

/// A number in a range, written with or without a point.
pub(crate) fn fraction(range: RangeInclusive<f64>) -> impl Reads<f64> {
    move |item, sink| {
        let number = number(item, sink)?;
        if range.contains(&number) {
            return Some(number);
        }
        let (low, high) = (range.start().to_string(), range.end().to_string());
        sink.report(out_of_range(item, &low, &high));
        None
    }
}

fn number(item: &Item, sink: &Sink) -> Option<f64> {
    let number = number_of_item(item);
    if number.is_none() {
        sink.expected(item, "a number");
    }
    number
}

fn number_of_item(item: &Item) -> Option<f64> {
    match item.value {
        Value::Float(number) => Some(number),
        Value::Integer(number) => Some(i32::try_from(number).map_or(f64::INFINITY, f64::from)),
        _ => None,
    }
}

/// Iterations in a unit of time: a number, written with or without a point; it may be zero.
pub(crate) fn rate_or_zero(unit: Duration) -> impl Reads<Rate> {
    move |item, sink| {
        let rate = Rate::new(number(item, sink)?, unit);
        let refused = |error: &RateError| {
            let problem = Problem::new("this rate is out of range", item.spot.clone());
            sink.report(problem.label(error.to_string()));
        };
        rate.inspect_err(refused).ok()
    }
}

/// The same, not zero.
pub(crate) fn rate(unit: Duration) -> impl Reads<Rate> {
    move |item, sink| {
        let rate = rate_or_zero(unit)(item, sink)?;
        if !rate.is_zero() {
            return Some(rate);
        }
        let problem = Problem::new("this rate is out of range", item.spot.clone());
        sink.report(problem.label("more than 0"));
        None
    }
}

/// A number with its unit, which is a string.
fn quantity<T: FromStr<Err: Display>>(item: &Item, sink: &Sink, wanted: &str) -> Option<T> {
    if let Value::Text(_) = item.value {
        return parsed(item, sink);
    }
    sink.expected(item, wanted);
    None
}

/// A length of time in a range.
pub(crate) fn time(range: RangeInclusive<Duration>) -> impl Reads<Duration> {
    move |item, sink| {
        let Time(time) = quantity(item, sink, "a length of time such as \"30s\"")?;
        if range.contains(&time) {
            return Some(time);
        }
        let show = |time: &Duration| humantime::format_duration(*time).to_string();
        sink.report(out_of_range(item, &show(range.start()), &show(range.end())));
        None
    }
}

struct Time(Duration);

impl FromStr for Time {
    type Err = units::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        units::parse_duration(text).map(Self)
    }
}

/// A number of bytes in a range.
pub(crate) fn size(range: RangeInclusive<ByteSize>) -> impl Reads<ByteSize> {
    move |item, sink| {
        let size: ByteSize = quantity(item, sink, "a size such as \"4MiB\"")?;
        if range.contains(&size) {
            return Some(size);
        }
        let (low, high) = (range.start().to_string(), range.end().to_string());
        sink.report(out_of_range(item, &low, &high));
        None
    }
}

fn out_of_range(item: &Item, low: &str, high: &str) -> Problem {
    Problem::new("this value is out of range", item.spot.clone())
        .label(format!("from {low} to {high}"))
}
