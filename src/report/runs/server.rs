//! The target's side of several runs: the numbers that words stand for, beside those of the first run.

use super::{Difference, NamedRun};
use crate::report::counts;
use crate::telemetry::{ServerFigure, ServerMetric};

/// One number of the target's side in every run.
pub(in crate::report) struct ServerRow<'a> {
    pub(in crate::report) metric: &'a ServerMetric,
    /// In the order of the runs; `None` for a run whose sources do not give it.
    pub(in crate::report) runs: Vec<Option<(&'a ServerFigure, Difference)>>,
}

/// Returns every number with a common word that any of the runs has, in the order in which they come.
pub(in crate::report) fn server<'a>(runs: &[NamedRun<'a>]) -> Vec<ServerRow<'a>> {
    let figures = runs.iter().flat_map(|it| &it.document.server);
    let mut metrics: Vec<&ServerMetric> = Vec::new();
    for figure in figures {
        let is_word = ServerMetric::unit_of(figure.metric.name()).is_some();
        if is_word && !metrics.contains(&&figure.metric) {
            metrics.push(&figure.metric);
        }
    }
    let row = |metric: &'a ServerMetric| {
        let of = |run: &NamedRun<'a>| run.document.server_figure(metric);
        let first = runs.first().filter(|it| counts(it.document));
        let first = first.and_then(of).and_then(|it| it.value);
        let runs = runs.iter().enumerate().map(|(place, run)| {
            let figure = of(run)?;
            let known = first.filter(|_| counts(run.document));
            let difference = match (place, figure.value) {
                (0, _) => Difference::First,
                (_, Some(value)) => Difference::of(known, value),
                (_, None) => Difference::Unknown,
            };
            Some((figure, difference))
        });
        ServerRow {
            metric,
            runs: runs.collect(),
        }
    };
    metrics.into_iter().map(row).collect()
}

/// Returns a value with how far it is from that of the first run: `2.14 ms (+9.2%)`.
pub(in crate::report) fn words(figure: &ServerFigure, difference: Difference) -> String {
    let value = figure
        .value
        .map_or_else(|| "-".to_owned(), |it| figure.shown(it));
    let difference = difference.words();
    if difference.is_empty() || figure.value.is_none() {
        value
    } else {
        format!("{value} ({difference})")
    }
}
