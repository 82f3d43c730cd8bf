//! A search for the capacity: the trials, and rate against latency.

use crate::measure::LatencyHistogram;
use crate::report::words;
use crate::result::{SearchSection, TrialSection};
use crate::units::{self, Quantile};

use super::axis::{Axis, Size};
use super::curves;
use super::markup::Markup;
use super::number::{float, micros};
use super::plot::{Mark, Plot, Series, nothing};
use super::scale::Scale;
use super::table::{Cell, HtmlTable, State};

/// Returns the chart and the table.
pub(super) fn section(search: &SearchSection) -> Markup {
    let trials = search.by_rate();
    let mut section = chart(&trials);
    section.push(table(&trials).render());
    section
}

fn table(trials: &[&TrialSection]) -> HtmlTable {
    let columns = words::TRIAL_COLUMNS.as_slice();
    let heading = [&["trial", "outcome"], columns, &["why"]].concat();
    let mut table = HtmlTable::new(
        "Trials by rate, with the response time of ok iterations",
        &heading,
    );
    for trial in trials {
        let state = match trial.outcome.as_str() {
            "pass" => State::Good,
            "fail" => State::Bad,
            _ => State::Open,
        };
        let reason = trial.reason.as_deref().unwrap_or_default();
        let mut row = vec![
            Cell::words(format!("{} {}", trial.number, trial.kind)),
            Cell::state(state, &trial.outcome),
            Cell::rate(trial.rate_per_s),
            Cell::rate(trial.achieved_per_s),
        ];
        let known = [Quantile::P50, Quantile::P90, Quantile::P99];
        row.extend(known.map(|it| Cell::time(trial.quantile(it))));
        row.extend([
            Cell::time(trial.response_time.max()),
            Cell::trouble(trial.failed),
            Cell::trouble(trial.dropped),
            Cell::count(trial.exchanges().ended()),
            Cell::words(reason),
        ]);
        table.row(row);
    }
    table
}

/// Lines through what all trials of a rate have seen together, and a mark for each trial.
fn chart(trials: &[&TrialSection]) -> Markup {
    let rates = by_rate(trials);
    let quantiles = [
        (Quantile::P50, "p50"),
        (Quantile::P90, "p90"),
        (Quantile::P99, "p99"),
    ];
    let mut times = Vec::new();
    let mut series = Vec::new();
    for (look, (quantile, name)) in quantiles.into_iter().enumerate() {
        let points = rates
            .iter()
            .map(|(rate, all)| Some((*rate, float(micros(all.quantile(quantile)?)))));
        let points: Vec<_> = points.collect();
        times.extend(points.iter().flatten().map(|it| it.1));
        series.push(Series {
            name: format!("response time {name}"),
            look,
            mark: Mark::Line {
                points,
                dashed: false,
            },
            readings: Vec::new(),
        });
    }
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<(f64, f64)> {
        let trials = trials.iter().filter(|it| wanted(&it.outcome));
        let at =
            |it: &&TrialSection| Some((it.rate_per_s, float(micros(it.quantile(Quantile::P90)?))));
        trials.filter_map(at).collect()
    };
    let outcomes: [(&str, usize, Vec<_>); 3] = [
        ("a trial that passed, at its p90", 3, of(&|it| it == "pass")),
        ("one that failed", 6, of(&|it| it == "fail")),
        (
            "one that says nothing",
            5,
            of(&|it| it != "pass" && it != "fail"),
        ),
    ];
    for (name, look, points) in outcomes {
        times.extend(points.iter().map(|it| it.1));
        series.push(Series {
            name: name.to_owned(),
            look,
            mark: Mark::Dots(points),
            readings: Vec::new(),
        });
    }
    let Some(y) = curves::time_axis(&times) else {
        return nothing("no trial had enough samples to draw").into();
    };
    let ends = [rates.first(), rates.last()].map(|it| it.map_or(0.0, |(rate, _)| *rate));
    let scale = Scale::linear(ends[0] * 0.95, ends[1] * 1.03);
    let plot = Plot {
        label: "latency over rate".into(),
        size: Size::WIDE,
        x: Axis {
            ticks: scale.ticks(8),
            scale,
            label: |it| units::per_second(it, ""),
        },
        y,
        series,
        shade: None,
        stages: Vec::new(),
        events: Vec::new(),
        steps: None,
    };
    plot.render().into()
}

/// Returns what all trials of each rate have seen, count by count; the lowest rate first.
fn by_rate(trials: &[&TrialSection]) -> Vec<(f64, LatencyHistogram)> {
    let mut rates: Vec<(f64, LatencyHistogram)> = Vec::new();
    for trial in trials {
        match rates.last_mut() {
            Some((rate, all)) if rate.total_cmp(&trial.rate_per_s).is_eq() => {
                all.merge(&trial.response_time);
            }
            _ => rates.push((trial.rate_per_s, trial.response_time.clone())),
        }
    }
    rates
}
