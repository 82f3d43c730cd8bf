//! A TOML document as a tree in which everything knows where it was written.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::environment::{self, Lookup};
use super::problem::Problem;
use super::spot::Spot;
use crate::units::too_deep;

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) value: Value,
    pub(crate) spot: Spot,
}

/// A key, its value, and the place of the key.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_spot: Spot,
    pub(crate) item: Item,
}

/// A TOML value. Tables keep the order of the file.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Text),
    Integer(i128),
    Float(f64),
    Flag(bool),
    Moment,
    /// Of no use, and a problem has said so.
    Broken,
    Array(Vec<Item>),
    Table(Vec<Entry>),
}

/// A string: what it means, and what it looks like in the source, which is all that a problem may show of it.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) as_written: String,
    /// Where in its source it starts, if it stands there byte for byte: without escapes and without variables.
    pub(crate) verbatim: Option<usize>,
}

impl Item {
    /// Where a part of its text was written, by the bytes of the text; all of it where that cannot be told.
    pub(crate) fn part(&self, part: Range<usize>) -> Spot {
        match &self.value {
            Value::Text(Text {
                verbatim: Some(start),
                ..
            }) if !part.is_empty() => Spot {
                source: self.spot.source,
                span: start + part.start..start + part.end,
            },
            _ => self.spot.clone(),
        }
    }
}

impl std::fmt::Debug for Text {
    /// Shows nothing: it may be a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<text>")
    }
}

impl Value {
    /// What it is, with its article.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Moment => "a date",
            Self::Broken => "nothing",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

/// Turns what `toml` parsed into a tree of our own.
pub(crate) struct Planter<'a> {
    /// Which source is parsed.
    pub(crate) source: usize,
    /// Where its text starts in what is shown of the source.
    pub(crate) offset: usize,
    /// Its text.
    pub(crate) text: &'a str,
    /// Where `${NAME}` is looked up. Arguments have none: the shell has done it.
    pub(crate) environment: Option<Lookup<'a>>,
    /// What is wrong so far.
    pub(crate) problems: Vec<Problem>,
}

impl Planter<'_> {
    pub(crate) fn table(&mut self, table: DeTable<'_>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| self.entry(&key, value))
            .collect();
        entries.sort_by_key(|entry| entry.key_spot.span.start);
        entries
    }

    fn entry(&mut self, key: &Spanned<DeString<'_>>, value: Spanned<DeValue<'_>>) -> Entry {
        Entry {
            key: key.get_ref().to_string(),
            key_spot: self.spot(key.span()),
            item: self.item(value),
        }
    }

    pub(crate) fn item(&mut self, value: Spanned<DeValue<'_>>) -> Item {
        let span = value.span();
        let value = match value.into_inner() {
            DeValue::String(text) => self
                .string(text.into_owned(), &span)
                .map_or(Value::Broken, Value::Text),
            DeValue::Integer(number) => {
                // Only a number far beyond every range fails here, so the nearest end says the same.
                let end = if number.as_str().starts_with('-') {
                    i128::MIN
                } else {
                    i128::MAX
                };
                Value::Integer(i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(end))
            }
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(_) => Value::Moment,
            DeValue::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.item(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        let spot = self.spot(span);
        Item { value, spot }
    }

    fn string(&mut self, as_written: String, span: &Range<usize>) -> Option<Text> {
        let expanded = match self.environment {
            Some(environment) => environment::expand(&as_written, environment),
            None => Ok(as_written.clone()),
        };
        match expanded {
            Ok(value) => Some(Text {
                verbatim: self.verbatim(&value, span),
                value,
                as_written,
            }),
            Err(error) => {
                // The variable itself, where it can be found; escapes may hide it.
                let find = |written: &str| {
                    let start = span.start + self.text.get(span.clone())?.find(written)?;
                    Some(start..start + written.len())
                };
                let place = error.written.as_deref().and_then(find);
                let spot = self.spot(place.unwrap_or_else(|| span.clone()));
                self.problems
                    .push(Problem::new(error.message, spot).label(error.label));
                None
            }
        }
    }

    /// Where the value of a string starts, if it stands between its quotes as it is.
    fn verbatim(&self, value: &str, span: &Range<usize>) -> Option<usize> {
        let raw = self.text.get(span.clone())?;
        let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter();
        let mut opened = quotes.filter(|quote| {
            let inside = raw.strip_prefix(quote);
            inside.and_then(|it| it.strip_suffix(quote)) == Some(value)
        });
        let quote = opened.next()?;
        Some(self.offset + span.start + quote.len())
    }

    fn spot(&self, span: Range<usize>) -> Spot {
        Spot {
            source: self.source,
            span: span.start + self.offset..span.end + self.offset,
        }
    }
}

/// The tree of a file, and what is wrong with it so far; or the one mistake after which there is no tree.
pub(crate) fn plant(
    source: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Vec<Entry>, Vec<Problem>), Box<Problem>> {
    if let Some(span) = too_deep(source) {
        let spot = Spot { source: 0, span };
        return Err(Box::new(Problem::too_deep(spot)));
    }
    let (document, errors) = DeTable::parse_recoverable(source);
    let mut planter = Planter {
        source: 0,
        offset: 0,
        text: source,
        environment: Some(env),
        problems: Vec::new(),
    };
    // A repeated key leaves a whole tree behind. After any other error the tree has holes that are not mistakes,
    // and what the parser says next is a guess.
    let repeats = |error: &toml::de::Error| error.message() == "duplicate key";
    let place = |error: &toml::de::Error| Spot {
        source: 0,
        span: error.span().unwrap_or(0..0),
    };
    if let Some(error) = errors.iter().find(|error| !repeats(error)) {
        let problem = Problem::new(error.message(), place(error)).label("this is not TOML");
        return Err(Box::new(problem));
    }
    planter.problems.extend(errors.iter().map(|error| {
        Problem::new(error.message(), place(error)).label("this key is there already")
    }));
    let root = planter.table(document.into_inner());
    Ok((root, planter.problems))
}
