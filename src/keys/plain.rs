//! Plain values, as TOML and JSON know them: what a plan prints, and what its fingerprint is made of.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// What stands for a secret.
pub(crate) const REDACTED: &str = "<redacted>";

/// A plain value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plain {
    Text(String),
    Whole(u64),
    Number(f64),
    Flag(bool),
    List(Vec<Self>),
    Tables(Vec<Self>),
    Table(Vec<(String, Self)>),
}

/// A table in the making.
#[derive(Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, Plain)>);

impl Fields {
    /// Adds a key.
    pub(crate) fn put(mut self, key: &str, value: impl Into<Plain>) -> Self {
        self.0.push((key.to_owned(), value.into()));
        self
    }

    /// Adds a key, if it has a value.
    pub(crate) fn may(self, key: &str, value: Option<impl Into<Plain>>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    /// Adds the keys of another table.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

impl From<Fields> for Plain {
    fn from(fields: Fields) -> Self {
        Self::Table(fields.0)
    }
}

impl From<&str> for Plain {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Plain {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Plain {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<u32> for Plain {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<NonZeroUsize> for Plain {
    fn from(number: NonZeroUsize) -> Self {
        Self::Whole(u64::try_from(number.get()).unwrap_or(u64::MAX))
    }
}

impl From<f64> for Plain {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Plain {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Duration> for Plain {
    fn from(time: Duration) -> Self {
        Self::Text(humantime::format_duration(time).to_string())
    }
}

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(number) => serializer.serialize_u64(*number),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(values) | Self::Tables(values) => values.serialize(serializer),
            Self::Table(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl Plain {
    /// The values of the tree that are no tables, each with its path, as `--set` takes them.
    pub(crate) fn leaves(self) -> Vec<(Vec<String>, Self)> {
        let mut leaves = Vec::new();
        flatten(&mut Vec::new(), self, &mut leaves);
        leaves
    }

    /// The value as TOML.
    pub(crate) fn to_toml(&self) -> String {
        let joined = |values: &[Self]| {
            let values: Vec<String> = values.iter().map(Self::to_toml).collect();
            format!("[{}]", values.join(", "))
        };
        match self {
            Self::Text(text) => quoted(text),
            Self::Whole(number) => number.to_string(),
            // With a point even where it is whole.
            Self::Number(number) => format!("{number:?}"),
            Self::Flag(flag) => flag.to_string(),
            Self::List(values) | Self::Tables(values) => joined(values),
            Self::Table(fields) => {
                let fields = fields.iter();
                let fields: Vec<String> = fields
                    .map(|(name, value)| format!("{} = {}", key(name), value.to_toml()))
                    .collect();
                format!("{{ {} }}", fields.join(", "))
            }
        }
    }
}

fn flatten(path: &mut Vec<String>, value: Plain, leaves: &mut Vec<(Vec<String>, Plain)>) {
    let (keys, values): (Vec<String>, Vec<Plain>) = match value {
        Plain::Table(fields) => fields.into_iter().unzip(),
        Plain::Tables(tables) => {
            let indexes = (0..tables.len()).map(|index| index.to_string());
            (indexes.collect(), tables)
        }
        leaf => {
            leaves.push((path.clone(), leaf));
            return;
        }
    };
    for (key, value) in keys.into_iter().zip(values) {
        path.push(key);
        flatten(path, value, leaves);
        path.pop();
    }
}

/// One line of a plan's text, with its line break.
pub(crate) fn line(path: &[String], value: &Plain) -> String {
    let path: Vec<String> = path.iter().map(|word| key(word)).collect();
    format!("{} = {}\n", path.join("."), value.to_toml())
}

/// A word of a path, in quotes where TOML needs them.
fn key(word: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if word.chars().all(bare) {
        word.to_owned()
    } else {
        quoted(word)
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            // A string takes whatever is written to it.
            c if c.is_control() => drop(write!(quoted, "\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
