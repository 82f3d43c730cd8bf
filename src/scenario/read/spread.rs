//! Values of several things: one for all, one for each, or a distribution of them.

use std::fmt::Display;

use crate::keys::codec::{Codec, form_of};
use crate::keys::form::{Described, Form};
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value::{self, choice, positive, unknown};

/// The largest spread of a log-normal distribution.
const MOST_SIGMA: f64 = 5.0;

/// Values of several things.
pub(super) enum Spread<V> {
    /// The same for all.
    Same(V),
    /// One for each.
    Each(Vec<V>),
    /// Between two values, log-uniform.
    Between(V, V),
    /// Log-normal, up to an end.
    Normal { median: V, sigma: f64, max: V },
    /// As it was found elsewhere, up to an end.
    Like(Corpus, V),
}

/// A distribution that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Corpus {
    /// Of what registries store.
    Stored,
    /// Of what clients request.
    Requested,
}

impl Corpus {
    const fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Requested => "requested",
        }
    }
}

/// What is particular to one kind of value.
pub(super) struct Kind<V: 'static> {
    /// What stands in the message about an unknown word.
    pub(super) what: &'static str,
    /// One value.
    pub(super) one: fn() -> Codec<V>,
    /// Returns `true` for what may be one value.
    pub(super) is_one: fn(&Value) -> bool,
    /// What stands in the message about anything else, in front of a form.
    pub(super) wanted: &'static str,
    /// What is read, as it is written. The second is a range.
    pub(super) forms: [&'static str; 5],
    /// Examples of `min`, `median` and `max`.
    pub(super) examples: [&'static str; 3],
    /// The distributions that were found of it.
    pub(super) corpora: &'static [(&'static str, Corpus)],
    /// Where these end.
    pub(super) ends: fn(Corpus) -> V,
    /// How many there may be, where there is one for each.
    pub(super) most: usize,
}

impl<V> Kind<V> {
    /// A key of a distribution that holds such a value.
    fn key(&self, name: &'static str) -> Described {
        let [min, median, max] = self.examples;
        let example = match name {
            "min" => min,
            "median" => median,
            _ => max,
        };
        Described::own((name, example), (self.one)().form, "").needed()
    }

    fn like(&self) -> Described {
        Described::own(("like", r#""stored""#), form_of(self.corpora), "").needed()
    }
}

fn sigma() -> Described {
    let form = Form::Positive { most: MOST_SIGMA };
    Described::own(("sigma", "1.0"), form, "").needed()
}

/// A value, one for each, or a distribution.
pub(super) fn spread<V>(kind: &'static Kind<V>) -> Codec<Spread<V>>
where
    V: Copy + PartialOrd + Display + 'static,
{
    let one = || (kind.one)().form;
    let forms = vec![
        one(),
        form_of(kind.corpora),
        one().list(kind.most),
        Form::Inline(vec![kind.like(), kind.key("max")]),
        Form::Inline(vec![kind.key("min"), kind.key("max")]),
        Form::Inline(vec![kind.key("median"), sigma(), kind.key("max")]),
    ];
    Codec::new(
        Form::Either(forms),
        move |item: &Item, sink: &Sink| read(kind, item, sink),
        |it: &Spread<V>| Some(show(kind, it)),
    )
}

fn show<V>(kind: &Kind<V>, spread: &Spread<V>) -> Plain {
    let codec = (kind.one)();
    let one = |value: &V| (codec.show)(value).unwrap_or_else(|| "".into());
    let fields = Fields::default();
    match spread {
        Spread::Same(value) => one(value),
        Spread::Each(values) => Plain::List(values.iter().map(one).collect()),
        Spread::Between(min, max) => fields.put("min", one(min)).put("max", one(max)).into(),
        Spread::Normal { median, sigma, max } => fields
            .put("median", one(median))
            .put("sigma", *sigma)
            .put("max", one(max))
            .into(),
        Spread::Like(corpus, max) => fields
            .put("like", corpus.word())
            .put("max", one(max))
            .into(),
    }
}

fn read<V>(kind: &Kind<V>, item: &Item, sink: &Sink) -> Option<Spread<V>>
where
    V: Copy + PartialOrd + Display + 'static,
{
    let one = (kind.one)().read;
    let corpus = |text: &str| kind.corpora.iter().find(|(word, _)| *word == text);
    match &item.value {
        Value::Text(text) => match corpus(&text.value) {
            Some((_, corpus)) => Some(Spread::Like(*corpus, (kind.ends)(*corpus))),
            None if text.as_written.starts_with(char::is_alphabetic)
                || !(kind.is_one)(&item.value) =>
            {
                let known = kind.corpora.iter().map(|(word, _)| *word);
                sink.report(unknown(kind.what, text, item, known.chain(kind.forms)));
                None
            }
            None => one(item, sink).map(Spread::Same),
        },
        Value::Array(items) => {
            value::is_short(items.len(), kind.most, item, sink)?;
            let values: Vec<Option<V>> = items.iter().map(|item| one(item, sink)).collect();
            let values: Option<Vec<V>> = values.into_iter().collect();
            values.map(Spread::Each)
        }
        Value::Table(_) => distribution(kind, item, sink),
        value if (kind.is_one)(value) => one(item, sink).map(Spread::Same),
        _ => {
            sink.expected(item, &format!("{} {}", kind.wanted, kind.forms[1]));
            None
        }
    }
}

/// A distribution by its parameters, or a known one with another end.
fn distribution<V>(kind: &Kind<V>, item: &Item, sink: &Sink) -> Option<Spread<V>>
where
    V: Copy + PartialOrd + Display + 'static,
{
    let mut table = Table::open(item, sink)?;
    let one = |table: &mut Table<'_>, key| table.need(&kind.key(key), (kind.one)().read);
    let spread = if table.entry("like").is_some() {
        let corpus = table.need(&kind.like(), choice("corpus", kind.corpora));
        let read = corpus.zip(one(&mut table, "max"));
        read.map(|(corpus, max)| Spread::Like(corpus, max))
    } else if table.entry("min").is_some() {
        let read = one(&mut table, "min").zip(one(&mut table, "max"));
        read.map(|(min, max)| Spread::Between(min, max))
    } else {
        let median = one(&mut table, "median");
        let sigma = table.need(&sigma(), positive(MOST_SIGMA));
        let read = median.zip(sigma).zip(one(&mut table, "max"));
        read.map(|((median, sigma), max)| Spread::Normal { median, sigma, max })
    };
    table.finish();
    let spread = spread?;
    let (low, high, what) = match spread {
        Spread::Between(min, max) => (min, max, "`min` must be less than `max`"),
        Spread::Normal { median, max, .. } => (median, max, "`median` must be less than `max`"),
        _ => return Some(spread),
    };
    if low < high {
        return Some(spread);
    }
    sink.report(Problem::new(what, item.spot.clone()).label(format!("{low} and {high}")));
    None
}
