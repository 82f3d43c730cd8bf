//! Codecs: how a value is read with its mistakes, shown again, and described.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::form::Form;
use super::table::{Reads, Sink};
use super::value;
use crate::keys::plain::Plain;
use crate::keys::tree::{Item, Value};
use crate::units::ByteSize;

/// Units of the ranges of times.
pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

type Read<V> = dyn Fn(&Item, &Sink) -> Option<V> + Send + Sync;
/// Changes a value; `false` after a problem.
pub(super) type Set<V> = dyn Fn(&Item, &Sink, &mut V) -> bool + Send + Sync;
/// Gives a value as it would be written.
pub(super) type Show<V> = dyn Fn(&V) -> Option<Plain> + Send + Sync;

/// How a value is read, shown and described: all that a key needs to know of its type.
pub(crate) struct Codec<V> {
    pub(crate) form: Form,
    pub(crate) read: Box<Read<V>>,
    /// `None` if there is nothing to say: the key is left out.
    pub(crate) show: Box<Show<V>>,
}

impl<V: 'static> Codec<V> {
    pub(crate) fn new(
        form: Form,
        read: impl Reads<V> + Send + Sync + 'static,
        show: impl Fn(&V) -> Option<Plain> + Send + Sync + 'static,
    ) -> Self {
        Self {
            form,
            read: Box::new(read),
            show: Box::new(show),
        }
    }

    /// Reads a value into its place; `false` after a problem.
    pub(crate) fn set(&self, item: &Item, sink: &Sink, it: &mut V) -> bool {
        stored((self.read)(item, sink), |value| *it = value)
    }

    /// The same for a value that may be absent.
    pub(crate) fn optional(self) -> Codec<Option<V>> {
        let (read, show) = (self.read, self.show);
        Codec::new(
            self.form,
            move |item: &Item, sink: &Sink| read(item, sink).map(Some),
            move |value: &Option<V>| value.as_ref().and_then(&show),
        )
    }

    /// The same where the value must keep a rule, which reports what breaks it: `false` after a problem.
    pub(crate) fn that(
        self,
        keeps: impl Fn(&V, &Item, &Sink) -> bool + Send + Sync + 'static,
    ) -> Self {
        let read = self.read;
        Self {
            read: Box::new(move |item: &Item, sink: &Sink| {
                read(item, sink).filter(|value| keeps(value, item, sink))
            }),
            ..self
        }
    }

    /// The same as one case of another type: `back` finds it there.
    pub(crate) fn case<W: 'static>(
        self,
        to: impl Fn(V) -> W + Send + Sync + 'static,
        back: impl Fn(&W) -> Option<V> + Send + Sync + 'static,
    ) -> Codec<W> {
        let (read, show) = (self.read, self.show);
        Codec::new(
            self.form,
            move |item: &Item, sink: &Sink| read(item, sink).map(&to),
            move |value: &W| back(value).and_then(|value| show(&value)),
        )
    }

    /// This, or a table.
    pub(crate) fn or_table(self, table: Self) -> Self {
        let (read, show) = (self.read, self.show);
        Self::new(
            Form::any([self.form, table.form]),
            move |item: &Item, sink: &Sink| match item.value {
                Value::Table(_) => (table.read)(item, sink),
                _ => read(item, sink),
            },
            move |value: &V| show(value).or_else(|| (table.show)(value)),
        )
    }

    /// The same for another type that holds such a value.
    pub(crate) fn map<W: 'static>(
        self,
        to: impl Fn(V) -> W + Send + Sync + 'static,
        back: impl Fn(&W) -> V + Send + Sync + 'static,
    ) -> Codec<W> {
        let (read, show) = (self.read, self.show);
        Codec::new(
            self.form,
            move |item: &Item, sink: &Sink| read(item, sink).map(&to),
            move |value: &W| show(&back(value)),
        )
    }
}

/// How a part of a value is changed, shown and described: of keys that share a field, each says a part of it.
pub(crate) struct Editor<V> {
    pub(super) form: Form,
    pub(super) set: Box<Set<V>>,
    pub(super) show: Box<Show<V>>,
}

impl<V> Editor<V> {
    /// `set` returns `false` after a problem.
    pub(crate) fn new(
        form: Form,
        set: impl Fn(&Item, &Sink, &mut V) -> bool + Send + Sync + 'static,
        show: impl Fn(&V) -> Option<Plain> + Send + Sync + 'static,
    ) -> Self {
        Self {
            form,
            set: Box::new(set),
            show: Box::new(show),
        }
    }
}

impl<V: 'static> From<Codec<V>> for Editor<V> {
    fn from(codec: Codec<V>) -> Self {
        let Codec { form, read, show } = codec;
        let set = move |item: &Item, sink: &Sink, it: &mut V| {
            stored(read(item, sink), |value| *it = value)
        };
        Self {
            form,
            set: Box::new(set),
            show,
        }
    }
}

impl<V: 'static> Codec<V> {
    /// The same for a part of another value: `put` stores it there, unless there is no place for it; `take` finds it.
    pub(crate) fn part<W: 'static>(
        self,
        put: impl Fn(&mut W, V) + Send + Sync + 'static,
        take: impl Fn(&W) -> Option<V> + Send + Sync + 'static,
    ) -> Editor<W> {
        let (read, show) = (self.read, self.show);
        Editor::new(
            self.form,
            move |item, sink, it| stored(read(item, sink), |value| put(it, value)),
            move |it| take(it).as_ref().and_then(&show),
        )
    }
}

/// Stores what was read; `false` after a problem.
fn stored<V>(read: Option<V>, store: impl FnOnce(V)) -> bool {
    read.map(store).is_some()
}

/// `true` or `false`.
pub(crate) fn flag() -> Codec<bool> {
    Codec::new(Form::Flag, value::flag, |flag| Some((*flag).into()))
}

/// One of a few words; `what` stands in the message about any other.
pub(crate) fn words<V>(what: &'static str, words: &'static [(&'static str, V)]) -> Codec<V>
where
    V: Copy + PartialEq + Send + Sync + 'static,
{
    words_or(what, words, &[])
}

/// One of a few words, or something else that is read before: `forms` are its forms as they are written, for the messages.
pub(crate) fn words_or<V>(
    what: &'static str,
    words: &'static [(&'static str, V)],
    forms: &'static [&'static str],
) -> Codec<V>
where
    V: Copy + PartialEq + Send + Sync + 'static,
{
    Codec::new(
        form_of(words),
        move |item: &Item, sink: &Sink| value::choice_or(what, words, forms)(item, sink),
        |value| word_of(words, value),
    )
}

/// A table that has one of two forms: the first, if this key is there.
pub(crate) fn with_key<V: 'static>(
    key: &'static str,
    first: Codec<V>,
    other: Codec<V>,
) -> Codec<V> {
    let has = move |item: &Item| match &item.value {
        Value::Table(entries) => entries.iter().any(|entry| entry.key == key),
        _ => false,
    };
    Codec::new(
        Form::any([first.form, other.form]),
        move |item: &Item, sink: &Sink| {
            let read = if has(item) { &first.read } else { &other.read };
            read(item, sink)
        },
        move |value: &V| (first.show)(value).or_else(|| (other.show)(value)),
    )
}

pub(crate) fn form_of<V>(words: &[(&'static str, V)]) -> Form {
    Form::Words(words.iter().map(|(word, _)| *word).collect())
}

pub(crate) fn word_of<V: PartialEq>(words: &[(&'static str, V)], value: &V) -> Option<Plain> {
    let found = words.iter().find(|(_, it)| it == value);
    found.map(|(word, _)| (*word).into())
}

/// A string that `read` accepts; `what` describes it.
pub(crate) fn text(
    what: &'static str,
    read: impl Reads<String> + Send + Sync + 'static,
) -> Codec<String> {
    Codec::new(Form::Text(what), read, |text| Some(text.as_str().into()))
}

/// A whole number.
pub(crate) fn whole(range: RangeInclusive<u32>) -> Codec<u32> {
    let form = Form::Whole {
        least: (*range.start()).into(),
        most: (*range.end()).into(),
    };
    Codec::new(form, value::whole(range), |number| Some((*number).into()))
}

/// A whole number that may be large.
pub(crate) fn count(range: RangeInclusive<u64>) -> Codec<u64> {
    let form = Form::Whole {
        least: *range.start(),
        most: *range.end(),
    };
    let read = move |item: &Item, sink: &Sink| value::whole(range.clone())(item, sink);
    Codec::new(form, read, |number| Some((*number).into()))
}

/// A number in a range, written with or without a point.
pub(crate) fn fraction(range: RangeInclusive<f64>) -> Codec<f64> {
    let form = Form::Number {
        least: *range.start(),
        most: *range.end(),
    };
    let read = move |item: &Item, sink: &Sink| value::fraction(range.clone())(item, sink);
    Codec::new(form, read, |number| Some((*number).into()))
}

/// A number above zero.
pub(crate) fn above_zero(most: f64) -> Codec<f64> {
    Codec::new(Form::Positive { most }, value::positive(most), |number| {
        Some((*number).into())
    })
}

/// A number of things, at least one.
pub(crate) fn number_of(most: u32) -> Codec<NonZeroUsize> {
    let form = Form::Whole {
        least: 1,
        most: most.into(),
    };
    Codec::new(form, value::number_of(most), |number| {
        Some((*number).into())
    })
}

/// A length of time.
pub(crate) fn time(range: RangeInclusive<Duration>) -> Codec<Duration> {
    let form = Form::Time {
        least: *range.start(),
        most: *range.end(),
    };
    let read = move |item: &Item, sink: &Sink| value::time(range.clone())(item, sink);
    Codec::new(form, read, |time| Some((*time).into()))
}

/// A number of bytes.
pub(crate) fn size(range: RangeInclusive<ByteSize>) -> Codec<ByteSize> {
    let form = Form::Size {
        least: *range.start(),
        most: *range.end(),
    };
    let read = move |item: &Item, sink: &Sink| value::size(range.clone())(item, sink);
    Codec::new(form, read, |size| Some(size.to_string().into()))
}

/// An array of at most `most` values. `what` follows "an array of" where something else is found.
pub(crate) fn list<V: 'static>(of: Codec<V>, what: &'static str, most: usize) -> Codec<Vec<V>> {
    let (read, show) = (of.read, of.show);
    Codec::new(
        of.form.list(most),
        move |item: &Item, sink: &Sink| {
            let Value::Array(items) = &item.value else {
                sink.expected(item, &format!("an array of {what}"));
                return None;
            };
            value::is_short(items.len(), most, item, sink)?;
            let read: Vec<Option<V>> = items.iter().map(|item| read(item, sink)).collect();
            read.into_iter().collect()
        },
        move |values: &Vec<V>| Some(Plain::List(values.iter().filter_map(&show).collect())),
    )
}
