//! Gate files, and gates on the command line.

use super::expectation;
use super::metric::metric_in;
use crate::keys::part::{Part, Wrong};
use crate::keys::problem::{Problem, Problems};
use crate::keys::spot::Spot;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Entry, Item, Text, Value, plant};
use crate::keys::value::text;
use crate::scenario::gate::{Comparand, Gate};

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

fn of_file(root: &[Entry], journeys: &[&str], sink: &Sink) -> Vec<(Gate, Spot)> {
    let start = Spot {
        source: 0,
        span: 0..0,
    };
    let mut table = Table::new(root, start, sink);
    let gates = table.need("gate", "[[gate]]", |item: &Item, sink: &Sink| {
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
    let comparand = table.need(
        "metric",
        "metric = \"response_time p(99)\"",
        |item: &Item, sink: &Sink| {
            let written = text(item, sink)?;
            comparand(Part::whole(&written.value), &written, item, journeys, sink)
        },
    );
    let limit = |item: &Item, sink: &Sink| {
        let written = text(item, sink)?;
        let limit = margin(Part::whole(&written.value), &written, item, sink)?;
        Some((limit, item.spot.clone()))
    };
    let margin = table.may("margin", limit);
    let tolerance = table.may("tolerance", limit);
    table.finish();
    let (comparand, margin, tolerance) = (comparand?, margin?, tolerance?);
    let mut gate = gate(comparand, margin.map(|(margin, _)| margin));
    if let Some((tolerance, spot)) = tolerance {
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
