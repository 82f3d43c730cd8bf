//! Everything that a plan says, as a tree of plain values: its text and its JSON form.

mod journeys;
mod loads;
mod target;

use std::fmt::Write as _;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Abort, CleanUp, ImageSource, Load, Plan, Probe, Threshold};
use crate::content::{Compression, Format, SizeSpec, SyntheticSpec};

/// A plain value, as TOML and JSON know it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(u64),
    Number(f64),
    Flag(bool),
    /// Texts only.
    List(Vec<String>),
    Tables(Vec<Value>),
    Table(Vec<(String, Value)>),
}

/// A table in the making.
#[derive(Default)]
struct Fields(Vec<(String, Value)>);

impl Fields {
    fn put(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.push((key.to_owned(), value.into()));
        self
    }

    /// A key that is absent where there is nothing to say.
    fn may(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Table(fields.0)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<std::num::NonZeroUsize> for Value {
    fn from(number: std::num::NonZeroUsize) -> Self {
        Self::Whole(u64::try_from(number.get()).unwrap_or(u64::MAX))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Duration> for Value {
    fn from(time: Duration) -> Self {
        Self::Text(humantime::format_duration(time).to_string())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(number) => serializer.serialize_u64(*number),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(texts) => texts.serialize(serializer),
            Self::Tables(tables) => tables.serialize(serializer),
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

impl Serialize for Plan {
    /// The same keys and values as the text, nested.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.listing().serialize(serializer)
    }
}

impl Plan {
    /// Every key and every value, a line each, `key.path = value` as `--set` takes it. Secrets are not in it.
    pub fn to_text(&self) -> String {
        self.lines()
            .iter()
            .map(|(path, value)| line(path, value))
            .collect()
    }

    /// The leaves of the tree with their paths.
    pub(super) fn lines(&self) -> Vec<(Vec<String>, Value)> {
        let mut lines = Vec::new();
        flatten(&mut Vec::new(), self.listing(), &mut lines);
        lines
    }

    fn listing(&self) -> Value {
        let images = self.images.iter();
        let images = images.map(|set| (set.name.clone(), source(&set.source)));
        let journeys = self.journeys.iter();
        let journeys = journeys.map(|it| (it.name.clone(), journeys::keys(self, it).into()));
        let loads = self.loads.iter().map(|load| self.load(load)).collect();
        let thresholds = self.thresholds.iter().map(threshold).collect();
        let prepare = Fields::default()
            .put("seed", self.prepare.seed)
            .put(
                "clean_up",
                match self.prepare.clean_up {
                    CleanUp::None => "none",
                    CleanUp::Manifests => "manifests",
                    CleanUp::All => "all",
                },
            )
            .put("parallel", self.prepare.parallel);
        Fields::default()
            .put("name", self.name.as_str())
            .put("description", self.description.as_str())
            .put("seed", self.seed)
            .put("workers", self.workers)
            .put("target", target::keys(&self.target))
            .put("images", Value::Table(images.collect()))
            .put("journey", Value::Table(journeys.collect()))
            .put("load", Value::Tables(loads))
            .may("probe", self.probe.as_ref().map(|it| self.probe(it)))
            .put("prepare", prepare)
            .put("threshold", Value::Tables(thresholds))
            .into()
    }

    fn probe(&self, probe: &Probe) -> Value {
        let asks = probe.asks.iter().map(|ask| ask.name().to_owned());
        let journey = probe.journey.map(|it| self.journeys[it].name.as_str());
        Fields::default()
            .put("operations", Value::List(asks.collect()))
            .put("every", probe.every)
            .may("journey", journey)
            .into()
    }

    fn load(&self, load: &Load) -> Value {
        let share = |index: usize| self.journeys[index].name.clone();
        let fields = Fields::default().put("name", load.name.as_str());
        let fields = match load.mix.as_slice() {
            [only] => fields.put("journey", share(only.journey)),
            mix => {
                let mix = mix.iter();
                let mix = mix.map(|it| (share(it.journey), Value::from(it.weight)));
                fields.put("mix", Value::Table(mix.collect()))
            }
        };
        loads::keys(fields, load, &self.loads).into()
    }
}

fn threshold(threshold: &Threshold) -> Value {
    let fields = Fields::default()
        .put("metric", threshold.metric.to_string())
        .put("expect", threshold.expectation.to_string());
    let fields = match &threshold.stage {
        Some(stage) => fields.put("stage", stage.as_str()),
        None => fields,
    };
    let fields = fields.put("from", threshold.from);
    let fields = match threshold.until {
        Some(until) => fields.put("until", until),
        None => fields,
    };
    let fields = fields.put("min_samples", threshold.min_samples);
    match threshold.abort {
        Abort::Never => fields.put("abort_on_fail", false),
        Abort::OnFail { after } => fields
            .put("abort_on_fail", true)
            .put("delay_abort_eval", after),
    }
    .into()
}

fn source(source: &ImageSource) -> Value {
    match source {
        ImageSource::Synthetic(spec) => synthetic(spec),
        ImageSource::Archive {
            as_written,
            compression,
            reference,
            ..
        } => {
            let compression = match compression {
                Compression::Gzip => "gzip",
                Compression::Keep => "keep",
            };
            let fields = Fields::default()
                .put("source", "archive")
                .put("path", as_written.as_str())
                .put("compression", compression);
            match reference {
                Some(reference) => fields.put("reference", reference.as_str()),
                None => fields,
            }
        }
        ImageSource::Existing(references) => {
            let references = references.iter().map(ToString::to_string).collect();
            Fields::default()
                .put("source", "existing")
                .put("references", Value::List(references))
        }
    }
    .into()
}

fn synthetic(spec: &SyntheticSpec) -> Fields {
    let distribution = Fields::default;
    let sizes: Value = match &spec.layer_size {
        SizeSpec::Fixed(size) => size.to_string().into(),
        SizeSpec::PerLayer(sizes) => Value::List(sizes.iter().map(ToString::to_string).collect()),
        SizeSpec::Uniform { min, max } | SizeSpec::LogUniform { min, max } => distribution()
            .put("min", min.to_string())
            .put("max", max.to_string())
            .into(),
        SizeSpec::LogNormal {
            median, sigma, max, ..
        } => distribution()
            .put("median", median.to_string())
            .put("sigma", *sigma)
            .put("max", max.to_string())
            .into(),
        SizeSpec::Stored { cap: max } => distribution()
            .put("like", "stored")
            .put("max", max.to_string())
            .into(),
        SizeSpec::Requested { cap: max } => distribution()
            .put("like", "requested")
            .put("max", max.to_string())
            .into(),
    };
    let format = match spec.format {
        Format::Oci => "oci",
        Format::Docker => "docker",
    };
    Fields::default()
        .put("source", "synthetic")
        .put("count", spec.count as u64)
        .put("layers", spec.layers as u64)
        .put("layer_size", sizes)
        .put("shared_base_layers", spec.shared_base_layers as u64)
        .put("format", format)
}

fn flatten(path: &mut Vec<String>, value: Value, lines: &mut Vec<(Vec<String>, Value)>) {
    let (keys, values): (Vec<String>, Vec<Value>) = match value {
        Value::Table(fields) => fields.into_iter().unzip(),
        Value::Tables(tables) => {
            let indexes = (0..tables.len()).map(|index| index.to_string());
            (indexes.collect(), tables)
        }
        leaf => {
            lines.push((path.clone(), leaf));
            return;
        }
    };
    for (key, value) in keys.into_iter().zip(values) {
        path.push(key);
        flatten(path, value, lines);
        path.pop();
    }
}

/// One line of the text, with its line break.
pub(super) fn line(path: &[String], value: &Value) -> String {
    let path: Vec<String> = path.iter().map(|word| key(word)).collect();
    format!("{} = {}\n", path.join("."), leaf(value))
}

/// A word of a path; in quotes where TOML wants them.
fn key(word: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if word.chars().all(bare) {
        word.to_owned()
    } else {
        quoted(word)
    }
}

fn leaf(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Whole(number) => number.to_string(),
        // With a point even where it is whole.
        Value::Number(number) => format!("{number:?}"),
        Value::Flag(flag) => flag.to_string(),
        Value::List(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            format!("[{}]", texts.join(", "))
        }
        // Trees are flattened before a line is made of them.
        Value::Tables(_) | Value::Table(_) => String::new(),
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
