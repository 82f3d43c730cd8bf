//! Everything that a plan says, as a tree of plain values: its text and its JSON form.

mod journeys;
mod loads;

use serde::{Serialize, Serializer};

use super::{Abort, CleanUp, ImageSource, Load, Plan, Probe, Threshold};
use crate::content::{Compression, Format, SizeSpec, SyntheticSpec};
use crate::scenario::{Fields, Plain as Value, line, shown};

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
        self.listing().leaves()
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
            .put("target", shown::target(&self.target))
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
            .put("operations", texts(asks))
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
            let references = references.iter().map(ToString::to_string);
            Fields::default()
                .put("source", "existing")
                .put("references", texts(references))
        }
    }
    .into()
}

fn synthetic(spec: &SyntheticSpec) -> Fields {
    let distribution = Fields::default;
    let sizes: Value = match &spec.layer_size {
        SizeSpec::Fixed(size) => size.to_string().into(),
        SizeSpec::PerLayer(sizes) => texts(sizes.iter().map(ToString::to_string)),
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

/// A list of texts.
fn texts(texts: impl Iterator<Item = String>) -> Value {
    Value::List(texts.map(Value::Text).collect())
}
