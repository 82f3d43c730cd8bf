//! The sizes of layers: one, one for each layer, or a distribution.

use std::ops::RangeInclusive;

use super::table::{Sink, Table};
use super::value::{choice, positive, size, unknown};
use crate::content::SizeSpec;
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Item, Value};
use crate::units::ByteSize;

/// Every layer has room for what makes it different from all others, and fits on a disk.
const LAYER: RangeInclusive<ByteSize> = ByteSize::from_bytes(64)..=ByteSize::from_mib(1024 * 1024);

/// What the largest layers of the published corpora are.
/// The smallest layer that can be told from another.
const SMALLEST: ByteSize = ByteSize::from_bytes(64);
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

pub(super) fn layer_size(item: &Item, sink: &Sink) -> Option<SizeSpec> {
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
        Value::Text(_) => size(LAYER)(item, sink).map(SizeSpec::Fixed),
        Value::Array(items) => {
            let sizes: Vec<Option<ByteSize>> =
                items.iter().map(|item| size(LAYER)(item, sink)).collect();
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
        let max = table.need("max", max, size(LAYER));
        corpus.zip(max).map(|(corpus, max)| match corpus {
            Corpus::Stored => SizeSpec::Stored { cap: max },
            Corpus::Requested => SizeSpec::Requested { cap: max },
        })
    } else if table.entry("min").is_some() {
        let min = table.need("min", "min = \"1KiB\"", size(LAYER));
        let max = table.need("max", max, size(LAYER));
        let spec = min.zip(max);
        spec.map(|(min, max)| SizeSpec::LogUniform { min, max })
    } else {
        let median = table.need("median", "median = \"1MiB\"", size(LAYER));
        let sigma = table.need("sigma", "sigma = 1.0", positive(5.0));
        let max = table.need("max", max, size(LAYER));
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
