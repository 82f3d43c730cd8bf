//! What a value may be: in words for the reference, and as JSON schema for editors.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::spot::Spot;
use crate::units::{self, ByteSize};

/// What a value may be.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// `true` or `false`.
    Flag,
    /// A string, and what it says.
    Text(&'static str),
    /// One of a few words.
    Words(Vec<&'static str>),
    /// A whole number.
    Whole { least: u64, most: u64 },
    /// A number, written with or without a point.
    Number { least: f64, most: f64 },
    /// A number above zero.
    Positive { most: f64 },
    /// A length of time.
    Time { least: Duration, most: Duration },
    /// A number of bytes.
    Size { least: ByteSize, most: ByteSize },
    /// An array of such values.
    List { of: Box<Self>, most: usize },
    /// A table with keys of its own, which stands where it is used.
    Inline(Vec<Described>),
    /// A table with a section of its own in the reference.
    Table(&'static str),
    /// A table whose keys people choose: what a key is, and its value.
    Map { key: &'static str, of: Box<Self> },
    /// Any of these.
    Either(Vec<Self>),
}

/// What people are told of a key.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    /// What it means, in a sentence or two of Markdown.
    pub(crate) meaning: String,
    /// A value, as it is written.
    pub(crate) example: &'static str,
    pub(crate) form: Form,
    /// What holds without the key, in Markdown; `None` if the key is absent then.
    pub(crate) default: Option<String>,
    /// Whether it must be there.
    pub(crate) is_needed: bool,
    /// Where it must and is not: what follows the advice to add it.
    pub(crate) hint: &'static str,
    /// The words that choose a form of the table to which it belongs; empty if it belongs to all.
    pub(crate) only: Vec<&'static str>,
}

impl Described {
    /// A key whose reader must know more than its value: it is handed to the table with this.
    pub(crate) fn own(
        (name, example): (&'static str, &'static str),
        form: Form,
        meaning: &str,
    ) -> Self {
        Self {
            name,
            meaning: meaning.to_owned(),
            example,
            form,
            default: None,
            is_needed: false,
            hint: "",
            only: Vec::new(),
        }
    }

    /// The same key, which must be there.
    pub(crate) fn needed(mut self) -> Self {
        self.is_needed = true;
        self
    }

    /// The same key, with a default: said in Markdown.
    pub(crate) fn defaults_to(mut self, words: &str) -> Self {
        self.default = Some(words.to_owned());
        self
    }

    /// What is wrong with a table without this key.
    pub(crate) fn missing(&self, table: &Spot) -> Problem {
        let Self { name, example, .. } = self;
        let add = match &self.form {
            Form::Table(_) => format!("[{name}]"),
            Form::List { of, .. } if matches!(**of, Form::Table(_)) => format!("[[{name}]]"),
            _ => format!("{name} = {example}"),
        };
        let problem = Problem::new(format!("missing key `{name}`"), table.clone());
        problem.label(format!("add `{add}`{}", self.hint))
    }

    /// The value as JSON schema.
    pub(crate) fn schema(&self) -> Value {
        let mut schema = self.form.schema();
        if schema.get("$ref").is_some() {
            schema = json!({ "allOf": [schema] });
        }
        schema["description"] = self.meaning.clone().into();
        schema
    }

    /// Returns `true` if the key belongs to the form of the table that this word chooses.
    pub(crate) fn belongs_to(&self, word: &str) -> bool {
        self.only.is_empty() || self.only.contains(&word)
    }
}

impl Form {
    /// Any of these.
    pub(crate) fn any(forms: impl IntoIterator<Item = Self>) -> Self {
        let parts = forms.into_iter().flat_map(|form| match form {
            Self::Either(forms) => forms,
            form => vec![form],
        });
        Self::Either(parts.collect())
    }

    /// An array of such values.
    pub(crate) fn list(self, most: usize) -> Self {
        let of = Box::new(self);
        Self::List { of, most }
    }

    /// The form as JSON schema. Any string may hold `${VARIABLE}` in place of what it says.
    pub(crate) fn schema(&self) -> Value {
        match self {
            Self::Flag => json!({ "type": "boolean" }),
            Self::Text(_) => json!({ "type": "string" }),
            Self::Words(words) => or_variable(&json!({ "enum": words })),
            Self::Whole { least, most } => {
                json!({ "type": "integer", "minimum": least, "maximum": most })
            }
            Self::Number { least, most } => {
                json!({ "type": "number", "minimum": least, "maximum": most })
            }
            Self::Positive { most } => {
                json!({ "type": "number", "exclusiveMinimum": 0, "maximum": most })
            }
            Self::Time { .. } => or_variable(&json!({ "type": "string", "pattern": TIME })),
            Self::Size { .. } => or_variable(&json!({ "type": "string", "pattern": SIZE })),
            Self::List { of, most } => {
                json!({ "type": "array", "items": of.schema(), "maxItems": most })
            }
            Self::Inline(keys) => table_schema(keys, None),
            Self::Table(name) => json!({ "$ref": format!("#/$defs/{name}") }),
            Self::Map { of, .. } => {
                json!({ "type": "object", "additionalProperties": of.schema() })
            }
            Self::Either(forms) => {
                let forms: Vec<Value> = forms.iter().map(Self::schema).collect();
                json!({ "anyOf": forms })
            }
        }
    }
}

/// A number and a unit, once or several times, as `units::parse_duration` reads them.
const TIME: &str = r"^\s*([0-9]+(\.[0-9]+)?\s*[a-zµμ]+\s*)+$|^\s*0\s*$";
const SIZE: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT]?i?[bB])?\s*$";

fn or_variable(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "pattern": r"\$\{" }] })
}

/// A table of these keys and no others. Keys that belong to some forms of the table only are refused in the others, and
/// required in their own: `decider` is the key whose value chooses.
pub(crate) fn table_schema<'k>(
    keys: impl IntoIterator<Item = &'k Described>,
    decider: Option<&str>,
) -> Value {
    let keys: Vec<&Described> = keys.into_iter().collect();
    let mut properties: Map<String, Value> = Map::new();
    for key in &keys {
        // One name may mean one thing in one form of the table and another in the next.
        let schema = match properties.remove(key.name) {
            Some(other) if other != key.schema() => json!({ "anyOf": [other, key.schema()] }),
            _ => key.schema(),
        };
        properties.insert(key.name.to_owned(), schema);
    }
    let needed = |only: &dyn Fn(&Described) -> bool| -> Vec<&str> {
        let needed = keys.iter().filter(|key| key.is_needed && only(key));
        needed.map(|key| key.name).collect()
    };
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "required": needed(&|key| key.only.is_empty()),
        "additionalProperties": false,
    });
    if let Some(decider) = decider {
        let words: BTreeSet<&str> = keys.iter().flat_map(|key| &key.only).copied().collect();
        let forms: Vec<Value> = words
            .into_iter()
            .map(|word| {
                let foreign = keys.iter().filter(|key| {
                    let same = |it: &&&Described| it.name == key.name && it.belongs_to(word);
                    !keys.iter().any(|it| same(&it))
                });
                let foreign: Map<String, Value> = foreign
                    .map(|key| (key.name.to_owned(), Value::Bool(false)))
                    .collect();
                json!({
                    "if": { "properties": { decider: { "const": word } }, "required": [decider] },
                    "then": {
                        "properties": foreign,
                        "required": needed(&|key| key.only.contains(&word)),
                    },
                })
            })
            .collect();
        schema["allOf"] = Value::Array(forms);
    }
    schema
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: &Duration| humantime::format_duration(*time).to_string();
        match self {
            Self::Flag => f.write_str("`true` or `false`"),
            Self::Text(what) => f.write_str(what),
            Self::Words(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
                f.write_str(&words.join(", "))
            }
            Self::Whole { least, most } => {
                let (least, most) = (units::count(*least), units::count(*most));
                write!(f, "whole number, {least} to {most}")
            }
            Self::Number { least, most } => write!(f, "number, {least} to {most}"),
            Self::Positive { most } => write!(f, "number above 0, at most {most}"),
            Self::Time { least, most } => {
                write!(f, "time, {} to {}", time(least), time(most))
            }
            Self::Size { least, most } => write!(f, "size, {least} to {most}"),
            Self::List { of, most } => {
                write!(f, "array of at most {}: {of}", units::count(*most as u64))
            }
            Self::Inline(keys) => {
                let keys: Vec<&str> = keys.iter().map(|key| key.name).collect();
                write!(f, "table of `{}`", keys.join("`, `"))
            }
            Self::Table(name) => write!(f, "table, see [{name}](#{})", name.replace('.', "")),
            Self::Map { key, of } => write!(f, "table; its keys are {key}, its values: {of}"),
            Self::Either(forms) => {
                let forms: Vec<String> = forms.iter().map(ToString::to_string).collect();
                f.write_str(&forms.join("; or "))
            }
        }
    }
}
