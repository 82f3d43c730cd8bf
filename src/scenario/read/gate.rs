//! Gate files, and gates on the command line.

use super::expectation;
use super::metric::metric_in;
use super::server_metric;
use std::sync::LazyLock;

use crate::keys::define::keys;
use crate::keys::form::{Described, Form};
use crate::keys::key::Keyed;
use crate::keys::name::{Located, located};
use crate::keys::part::{Part, Wrong};
use crate::keys::problem::{Problem, Problems};
use crate::keys::reference;
use crate::keys::section::Section;
use crate::keys::spot::Spot;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Entry, Item, Text, Value, plant};
use crate::scenario::gate::{Comparand, Gate};
use crate::telemetry::ServerMetric;

/// More of them only make it harder for each to be found.
const MOST: usize = 64;

/// What an argument is called where a problem shows it.
const FLAG: &str = "--gate ";

/// Reads the gates of a file, if there is one, and of arguments `METRIC` or `METRIC=MARGIN`, for runs of these journeys.
///
/// `file` is the name that problems show, and the text. Variables of the environment are not looked up.
///
/// # Errors
/// Every mistake in the file and in the arguments, at once.
pub fn load_gates(
    file: Option<(&str, &str)>,
    arguments: &[String],
    journeys: &[&str],
) -> Result<Vec<Gate>, Problems> {
    let (name, source) = file.unwrap_or_default();
    let shown: Vec<String> = arguments.iter().map(|it| format!("{FLAG}{it}")).collect();
    let fail = |problems| Problems::new(name, source, &shown, problems);
    let planted = plant(source, &|_| None);
    let (root, mut problems) = planted.map_err(|problem| fail(vec![*problem]))?;
    let sink = Sink::default();
    let mut gates: Vec<(Gate, Spot)> = Vec::new();
    if file.is_some() {
        gates.extend(of_file(&root, journeys, &sink));
    }
    for (index, argument) in shown.iter().enumerate() {
        gates.extend(of_argument(index + 1, argument, journeys, &sink));
    }
    check_repeats(&gates, &sink);
    problems.extend(sink.into_problems());
    if problems.is_empty() {
        Ok(gates.into_iter().map(|(gate, _)| gate).collect())
    } else {
        Err(fail(problems))
    }
}

keys! {
    /// A gate as it is written.
    struct Written {
        /// What is compared: a metric and a statistic of it, a number of the registry's side, or `capacity`.
        metric: Option<Located> => located("`[JOURNEY.][OPERATION.]NAME STATISTIC`, `server.NAME`, or `capacity`").optional(),
            "response_time p(99)", needed;
        /// The change for the worse that is too much: a share of the base's value, or a difference of shares where the value is
        /// a share itself.
        margin: Option<Located> => located("share above 0%, at most 100%, such as `\"3%\"`").optional(), "5%",
            defaults_to("by the metric: `\"3%\"` up to the median, `\"5%\"` up to `p(95)`, `\"10%\"` beyond; `\"3%\"` of a rate \
                or a capacity; `\"0.1%\"` of a share; `\"5%\"` of the registry's processor time, `\"10%\"` of its other numbers");
        /// The change for the worse below which it must be shown to lie to pass; at least `margin`.
        tolerance: Option<Located> => located("share above 0%, at most 100%, such as `\"3%\"`").optional(), "5%",
            defaults_to("`margin` where it is written; otherwise by the metric: `\"5%\"` up to the median, `\"8%\"` up to `p(95)`, \
                `\"15%\"` beyond; `\"5%\"` of a rate or a capacity; `\"0.5%\"` of a share; `\"8%\"` of the registry's processor time, \
                `\"15%\"` of its other numbers");
    }
}

static GATE: LazyLock<Described> = LazyLock::new(|| {
    let example = r#"[{ metric = "response_time p(99)", margin = "5%" }]"#;
    let form = Form::Table("gate").list(MOST);
    Described::own(("gate", example), form, "The gates. At least one.").needed()
});

fn sections() -> Vec<Section> {
    vec![
        Section {
            name: "gates",
            heading: "Keys at the top of the file.",
            text: "A gate file says what two builds are compared by: `regstorm ab --gates FILE` and `regstorm compare --gates FILE`."
                .to_owned(),
            keys: vec![GATE.clone()],
            decider: None,
        },
        Section::of::<Written>(
            "gate",
            "`[[gate]]`",
            "One number of a run that two builds are compared by, and how much worse it may be. A metric is gated once.",
        ),
    ]
}

const HEAD: &str = "\
# Keys of a gate file

Written from the definitions of the keys; `regstorm schema gates` prints the same as JSON schema.
";

/// Returns the reference of the keys of gate files, as Markdown.
pub fn gates_reference() -> String {
    reference::markdown(HEAD, &sections())
}

/// Returns the JSON schema of a gate file, for editors.
pub fn gates_schema() -> serde_json::Value {
    reference::json_schema("regstorm gates", &sections())
}

fn of_file(root: &[Entry], journeys: &[&str], sink: &Sink) -> Vec<(Gate, Spot)> {
    let mut table = crate::keys::root(root, sink);
    let gates = table.need(&GATE, |item: &Item, sink: &Sink| {
        let Value::Array(items) = &item.value else {
            sink.expected(item, "an array of tables, [[gate]]");
            return None;
        };
        let gates = items
            .iter()
            .filter_map(|item| of_table(item, journeys, sink));
        Some(gates.collect::<Vec<_>>())
    });
    table.finish();
    gates.unwrap_or_default()
}

fn of_table(item: &Item, journeys: &[&str], sink: &Sink) -> Option<(Gate, Spot)> {
    let mut table = Table::open(item, sink)?;
    let (written, is_good) = Written::read(&mut table);
    table.finish();
    let comparand = written.metric.and_then(|it| {
        let part = Part::whole(&it.text.value);
        comparand(part, &it.text, &it.item, journeys, sink)
    });
    let limit = |it: Located| margin(Part::whole(&it.text.value), &it.text, &it.item, sink);
    let spot = written.tolerance.as_ref().map(|it| it.item.spot.clone());
    let (margin, tolerance) = (written.margin.map(limit), written.tolerance.map(limit));
    let (true, Some(comparand)) = (is_good, comparand) else {
        return None;
    };
    // Each of both is absent, or was read.
    let margin = margin.map_or(Some(None), |it| it.map(Some))?;
    let tolerance = tolerance.map_or(Some(None), |it| it.map(Some))?;
    let mut gate = gate(comparand, margin);
    if let (Some(tolerance), Some(spot)) = (tolerance, spot) {
        if tolerance < gate.margin {
            let problem = Problem::new("the tolerance is below the margin", spot);
            let margin = crate::units::share(gate.margin);
            sink.report(problem.label(format!(
                "what is no regression must be able to pass: {margin} or more"
            )));
            return None;
        }
        gate.tolerance = tolerance;
    }
    Some((gate, item.spot.clone()))
}

fn of_argument(
    source: usize,
    argument: &str,
    journeys: &[&str],
    sink: &Sink,
) -> Option<(Gate, Spot)> {
    let value = argument.strip_prefix(FLAG).unwrap_or(argument);
    let spot = Spot {
        source,
        span: argument.len() - value.len()..argument.len(),
    };
    let written = Text {
        value: value.to_owned(),
        as_written: value.to_owned(),
        verbatim: Some(spot.span.start),
    };
    let item = Item {
        value: Value::Text(written.clone()),
        spot: spot.clone(),
    };
    let whole = Part::whole(value);
    let (metric, margin_part) = match value.find('=') {
        Some(at) => (whole.get(0..at), Some(whole.get(at + 1..value.len()))),
        None => (whole, None),
    };
    let comparand = comparand(metric.trimmed(), &written, &item, journeys, sink);
    let margin = margin_part.map(|part| margin(part.trimmed(), &written, &item, sink));
    let comparand = comparand?;
    let margin = match margin {
        Some(read) => Some(read?),
        None => None,
    };
    Some((gate(comparand, margin), spot))
}

/// Who names a margin means it: then nothing above it is tolerated, unless that is named, too.
fn gate(comparand: Comparand, margin: Option<f64>) -> Gate {
    match margin {
        None => Gate::usual(comparand),
        Some(margin) => Gate {
            comparand,
            margin,
            tolerance: margin,
        },
    }
}

/// `METRIC STATISTIC`, or `capacity`.
fn comparand(
    part: Part<'_>,
    written: &Text,
    item: &Item,
    journeys: &[&str],
    sink: &Sink,
) -> Option<Comparand> {
    let part = part.trimmed();
    if part.text == "capacity" {
        return Some(Comparand::Capacity);
    }
    let refuse = |wrong: Wrong| sink.report(wrong.problem(written, item));
    // A journey may have that name; what is compared of it has a statistic behind.
    if part.text.starts_with(ServerMetric::PREFIX) && !journeys.contains(&"server") {
        let metric = server_metric::read(part, &[]);
        return metric.map_err(refuse).ok().map(Comparand::Server);
    }
    let Some(blank) = part.text.find(char::is_whitespace) else {
        let label =
            "write METRIC STATISTIC, such as `response_time p(99)` or `errors rate`, or `capacity`";
        refuse(part.wrong("the statistic is missing", label));
        return None;
    };
    let metric = metric_in(part.get(0..blank), written, item, journeys, sink);
    let statistic = part.get(blank..part.text.len()).trimmed();
    match (metric, expectation::aggregation(statistic)) {
        (Some(metric), Ok(aggregation)) => {
            let fitted = aggregation.compared(statistic, metric);
            fitted.map_err(refuse).ok()
        }
        (_, Err(wrong)) => {
            refuse(wrong);
            None
        }
        (None, Ok(_)) => None,
    }
}

fn margin(part: Part<'_>, written: &Text, item: &Item, sink: &Sink) -> Option<f64> {
    let read = expectation::share(part).and_then(|share| {
        if share > 0.0 {
            Ok(share)
        } else {
            Err(part.wrong(
                "a margin is more than nothing",
                "no number of runs shows that nothing has changed; such as 3%",
            ))
        }
    });
    let refuse = |wrong: Wrong| sink.report(wrong.problem(written, item));
    read.map_err(refuse).ok()
}

/// A metric that is gated twice would be corrected for twice; too many gates leave none that finds anything.
fn check_repeats(gates: &[(Gate, Spot)], sink: &Sink) {
    for (index, (gate, spot)) in gates.iter().enumerate() {
        let mut before = gates[..index].iter();
        if let Some((_, first)) = before.find(|(it, _)| it.comparand == gate.comparand) {
            let problem = Problem::new("this metric is gated already", spot.clone());
            sink.report(problem.label("remove one").also(first.clone(), "here"));
        }
    }
    if let Some((_, spot)) = gates.get(MOST) {
        let problem = Problem::new("there are too many gates", spot.clone());
        sink.report(problem.label(format!("at most {MOST}; few find more")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_described_and_its_example_is_of_its_form() {
        reference::check(&sections(), &gates_schema()["$defs"]);
    }
}
