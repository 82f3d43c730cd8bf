//! `metrics` of `[[telemetry]]`: numbers of an endpoint by their own names.

use crate::keys::codec::{Codec, fraction, list, text as text_codec, words};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::Keyed as _;
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table, shorten};
use crate::keys::tree::{Item, Value};
use crate::keys::value::text;
use crate::telemetry::SeriesKind;

/// The most metrics of a source.
const MOST: usize = 200;

keys! {
    /// A metric of an endpoint.
    #[derive(Debug, Clone, PartialEq)]
    pub struct MetricOf {
        /// Its name; of a quantile, that of the histogram.
        pub metric: String => name("name of a metric"), "registry_http_request_duration_seconds", needed;
        /// Labels that its samples have, with their values. Samples that have them are added up.
        pub labels: Vec<(String, String)> => labels(), { handler = "blob" };
        /// Whether it is a counter, whose rate is reported, or a gauge. Absent: as its `# TYPE` says.
        pub kind: Option<SeriesKind> => words("kind of metric", KINDS).optional(), "counter";
        /// Quantile of a histogram, of what it counts from one reading to the next.
        pub quantile: Option<f64> => fraction(0.001..=0.9999).optional(), 0.99;
        /// Its name in reports.
        pub name: Option<String> => name("name of a number").optional(), "blob_p99",
            defaults_to("that of the metric; of a quantile, with `_p99` and the like");
    }
}

const KINDS: &[(&str, SeriesKind)] = &[
    ("gauge", SeriesKind::Gauge),
    ("counter", SeriesKind::Counter),
];

impl MetricOf {
    /// Returns its name in reports.
    pub fn shown(&self) -> String {
        let named = || match self.quantile {
            Some(quantile) => {
                let percent = format!("{}", 100.0 * quantile).replace('.', "_");
                format!("{}_p{percent}", self.metric)
            }
            None => self.metric.clone(),
        };
        self.name.clone().unwrap_or_else(named)
    }
}

fn name(what: &'static str) -> Codec<String> {
    text_codec(what, move |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let fits = |it: u8| it.is_ascii_alphanumeric() || it == b'_' || it == b':';
        let name = &text.value;
        let begins = name.bytes().next().is_some_and(|it| !it.is_ascii_digit());
        if begins && name.len() <= 200 && name.bytes().all(fits) {
            return Some(text.value);
        }
        let shown = shorten(&text.as_written);
        let problem = Problem::new(format!("`{shown}` is not the {what}"), item.spot.clone());
        sink.report(problem.label("letters, digits, `_` and `:`"));
        None
    })
}

fn labels() -> Codec<Vec<(String, String)>> {
    let form = Form::Map {
        key: "names of labels",
        of: Box::new(Form::Text("text")),
    };
    let read = |item: &Item, sink: &Sink| {
        let Value::Table(entries) = &item.value else {
            sink.expected(item, "a table, such as { handler = \"blob\" }");
            return None;
        };
        let values = entries
            .iter()
            .map(|it| Some((it.key.clone(), text(&it.item, sink)?.value)));
        let values: Vec<Option<_>> = values.collect();
        values.into_iter().collect()
    };
    Codec::new(form, read, |labels: &Vec<(String, String)>| {
        if labels.is_empty() {
            return None;
        }
        let fields = labels.iter();
        let fields = fields.fold(Fields::default(), |fields, (name, value)| {
            fields.put(name, value.as_str())
        });
        Some(Plain::from(fields))
    })
}

/// Names of metrics, or tables.
pub(super) fn metrics() -> Codec<Vec<MetricOf>> {
    let short = name("name of a metric").case(
        |metric| MetricOf {
            metric,
            ..MetricOf::default()
        },
        |it: &MetricOf| {
            let short = MetricOf {
                metric: it.metric.clone(),
                ..MetricOf::default()
            };
            (*it == short).then(|| it.metric.clone())
        },
    );
    let table = MetricOf::codec(Form::Table("telemetry.metric"), is_whole);
    let all = list(short.or_table(table), "names of metrics and tables", MOST)
        .that(|it, item, sink| are_apart(it, item, sink));
    // Most sources can have none.
    Codec::new(all.form, all.read, move |metrics: &Vec<MetricOf>| {
        (all.show)(metrics).filter(|_| !metrics.is_empty())
    })
}

/// A quantile is a gauge. Returns `false` after a problem.
fn is_whole(table: &mut Table<'_>, _: &MetricOf) -> bool {
    let (kind, quantile) = (table.entry("kind"), table.entry("quantile"));
    if let (Some(kind), Some(_)) = (kind, quantile) {
        let problem = Problem::new(
            "a quantile is neither counter nor gauge",
            kind.key_spot.clone(),
        );
        table
            .sink()
            .report(problem.label("remove this, or `quantile`"));
        return false;
    }
    true
}

fn are_apart(metrics: &[MetricOf], item: &Item, sink: &Sink) -> bool {
    let names: Vec<String> = metrics.iter().map(MetricOf::shown).collect();
    let again = names
        .iter()
        .enumerate()
        .find(|(place, it)| names[..*place].contains(it));
    if let Some((_, name)) = again {
        let problem = Problem::new(
            format!("two metrics have the name `{name}`"),
            item.spot.clone(),
        );
        sink.report(problem.label("add `name` to one of them"));
    }
    again.is_none()
}
