//! The sizes of layers: one, one for each layer, or a distribution.

use std::ops::RangeInclusive;

use crate::content::SizeSpec;
use crate::keys::codec::{Codec, form_of, size};
use crate::keys::form::{Described, Form};
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value::{self, choice, positive, unknown};
use crate::units::ByteSize;

/// Every layer has room for what makes it different from all others, and fits on a disk.
const LAYER: RangeInclusive<ByteSize> = ByteSize::from_bytes(64)..=ByteSize::from_mib(1024 * 1024);

/// The smallest layer that can be told from another.
const SMALLEST: ByteSize = ByteSize::from_bytes(64);
/// The largest spread of a log-normal distribution.
const MOST_SIGMA: f64 = 5.0;
/// As many layers as an image may have.
const MOST_LAYERS: usize = 128;
/// What the largest layers of the published corpora are.
const STORED_MAX: ByteSize = ByteSize::from_bytes(500_000_000);
const REQUESTED_MAX: ByteSize = ByteSize::from_mib(10 * 1024);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Corpus {
    Stored,
    Requested,
}

/// What else is read, as it is written.
const FORMS: [&str; 5] = [
    "\"4MiB\"",
    "{ min = \"1KiB\", max = \"64MiB\" }",
    "{ median = \"1MiB\", sigma = 1.0, max = \"64MiB\" }",
    "{ like = \"stored\", max = \"64MiB\" }",
    "[\"1MiB\", \"4MiB\"]",
];

const CORPORA: [(&str, Corpus); 2] = [("stored", Corpus::Stored), ("requested", Corpus::Requested)];

/// The size of layers.
pub(super) fn layer_size() -> Codec<SizeSpec> {
    let bytes = || size(LAYER).form;
    let max = || Described::own(("max", r#""64MiB""#), bytes(), "").needed();
    let sigma = Described::own(("sigma", "1.0"), Form::Positive { most: MOST_SIGMA }, "");
    let forms = vec![
        bytes(),
        form_of(&CORPORA),
        bytes().list(MOST_LAYERS),
        Form::Inline(vec![
            Described::own(("like", r#""stored""#), form_of(&CORPORA), "").needed(),
            max(),
        ]),
        Form::Inline(vec![
            Described::own(("min", r#""1KiB""#), bytes(), "").needed(),
            max(),
        ]),
        Form::Inline(vec![
            Described::own(("median", r#""1MiB""#), bytes(), "").needed(),
            sigma.needed(),
            max(),
        ]),
    ];
    Codec::new(Form::Either(forms), read, |spec| Some(show(spec)))
}

fn show(spec: &SizeSpec) -> Plain {
    let fields = Fields::default();
    match spec {
        SizeSpec::Fixed(size) => size.to_string().into(),
        SizeSpec::PerLayer(sizes) => {
            Plain::List(sizes.iter().map(|size| size.to_string().into()).collect())
        }
        SizeSpec::Uniform { min, max } | SizeSpec::LogUniform { min, max } => fields
            .put("min", min.to_string())
            .put("max", max.to_string())
            .into(),
        SizeSpec::LogNormal {
            median, sigma, max, ..
        } => fields
            .put("median", median.to_string())
            .put("sigma", *sigma)
            .put("max", max.to_string())
            .into(),
        SizeSpec::Stored { cap } => fields
            .put("like", "stored")
            .put("max", cap.to_string())
            .into(),
        SizeSpec::Requested { cap } => fields
            .put("like", "requested")
            .put("max", cap.to_string())
            .into(),
    }
}

fn read(item: &Item, sink: &Sink) -> Option<SizeSpec> {
    match &item.value {
        Value::Text(text) if text.value == "stored" => Some(SizeSpec::Stored { cap: STORED_MAX }),
        Value::Text(text) if text.value == "requested" => {
            Some(SizeSpec::Requested { cap: REQUESTED_MAX })
        }
        Value::Text(text) if text.as_written.starts_with(char::is_alphabetic) => {
            let known = CORPORA.iter().map(|(word, _)| *word);
            let problem = unknown("layer size", text, item, known.chain(FORMS));
            sink.report(problem);
            None
        }
        Value::Text(_) => value::size(LAYER)(item, sink).map(SizeSpec::Fixed),
        Value::Array(items) => {
            let sizes: Vec<Option<ByteSize>> = items
                .iter()
                .map(|item| value::size(LAYER)(item, sink))
                .collect();
            sizes
                .into_iter()
                .collect::<Option<_>>()
                .map(SizeSpec::PerLayer)
        }
        Value::Table(_) => distribution(item, sink),
        _ => {
            let wanted = "a size such as \"4MiB\", \"stored\", \"requested\", a size for each layer, or a table such as";
            sink.expected(item, &format!("{wanted} {}", FORMS[1]));
            None
        }
    }
}

/// A distribution by its parameters, or a known one with another end.
fn distribution(item: &Item, sink: &Sink) -> Option<SizeSpec> {
    let mut table = Table::open(item, sink)?;
    let max = "max = \"64MiB\"";
    let spec = if table.entry("like").is_some() {
        let corpus = table.need("like", "like = \"stored\"", choice("corpus", &CORPORA));
        let max = table.need("max", max, value::size(LAYER));
        corpus.zip(max).map(|(corpus, max)| match corpus {
            Corpus::Stored => SizeSpec::Stored { cap: max },
            Corpus::Requested => SizeSpec::Requested { cap: max },
        })
    } else if table.entry("min").is_some() {
        let min = table.need("min", "min = \"1KiB\"", value::size(LAYER));
        let max = table.need("max", max, value::size(LAYER));
        let spec = min.zip(max);
        spec.map(|(min, max)| SizeSpec::LogUniform { min, max })
    } else {
        let median = table.need("median", "median = \"1MiB\"", value::size(LAYER));
        let sigma = table.need("sigma", "sigma = 1.0", positive(MOST_SIGMA));
        let max = table.need("max", max, value::size(LAYER));
        let spec = median.zip(sigma).zip(max);
        spec.map(|((median, sigma), max)| SizeSpec::LogNormal {
            median,
            sigma,
            min: SMALLEST,
            max,
        })
    };
    table.finish();
    let spec = spec?;
    let (low, high, what) = match spec {
        SizeSpec::LogUniform { min, max } => (min, max, "`min` must be less than `max`"),
        SizeSpec::LogNormal { median, max, .. } => {
            (median, max, "`median` must be less than `max`")
        }
        _ => return Some(spec),
    };
    if low < high {
        return Some(spec);
    }
    sink.report(Problem::new(what, item.spot.clone()).label(format!("{low} and {high}")));
    None
}
