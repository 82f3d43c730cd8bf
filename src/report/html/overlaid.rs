//! Several runs over time on one axis, from the opening of each one's measured window: a line for each run.

use crate::exchange::Phase;
use crate::measure::{IterationClock, Metric, PackedHistogram};
use crate::report::runs::{self, NamedRun};
use crate::result::Document;
use crate::units::{self, Quantile};

use super::axis::Size;
use super::clock::Clock;
use super::course;
use super::curves;
use super::markup::Markup;
use super::number::{float, micros};
use super::parts::{details, faint, titled};
use super::plot::{Mark, Plot, Series, nothing};

/// The percentiles that are drawn, a chart for each.
const PERCENTILES: [(&str, Quantile); 2] = [("p50", Quantile::P50), ("p99", Quantile::P99)];

/// Returns the charts.
pub(super) fn section(runs: &[NamedRun<'_>]) -> Markup {
    let ended = |it: &NamedRun<'_>| it.document.time_series.windows().next().is_some();
    if !runs.iter().any(ended) {
        return nothing("nothing ended in the measured windows").into();
    }
    let clock = Clock::of_all(runs.iter().map(|it| it.document));
    let mut section = Markup::from(faint(
        "Every run begins at 0:00, when its measured window opened.",
    ));
    section.push(titled(
        "Iterations that ended well, per second",
        rates(
            runs,
            clock,
            "ok iterations per second of each run",
            |document| {
                let windows = document.time_series.windows();
                let ok =
                    windows.map(|(_, journeys)| journeys.iter().map(|it| it.iterations.ok).sum());
                ok.collect()
            },
        ),
    ));
    section.push(titled(
        "Exchanges that failed, per second",
        rates(
            runs,
            clock,
            "failed exchanges per second of each run",
            |document| {
                let windows = document.time_series.windows();
                windows.map(|(it, _)| it.exchanges.failed).collect()
            },
        ),
    ));
    for subject in runs::journeys(runs) {
        let metric = Metric::of_journey(subject.name, IterationClock::Response);
        section.push(latencies(runs, clock, &metric));
    }
    let mut operations = Vec::new();
    for run in runs {
        for it in &run.document.operations {
            if !operations.contains(&it.name) {
                operations.push(it.name);
            }
        }
    }
    let totals = operations.into_iter().map(|it| {
        let metric = Metric::of_operation(it, Phase::Total);
        latencies(runs, clock, &metric)
    });
    let totals = totals.collect::<Markup>();
    if !totals.is_empty() {
        section.push(details("Latency of each operation over time", totals));
    }
    section
}

/// Returns a line for each run of what was counted in its windows.
fn rates(
    runs: &[NamedRun<'_>],
    clock: Clock,
    label: &str,
    of: fn(&Document) -> Vec<u64>,
) -> Markup {
    let series = runs.iter().enumerate().map(|(look, run)| {
        let together = together(run.document, clock, 1);
        let counts = of(run.document);
        let counts = counts.chunks(together).map(|it| it.iter().sum());
        (run.name.to_owned(), look, counts.collect())
    });
    let series: Vec<(String, usize, Vec<u64>)> = series.collect();
    if series.iter().all(|it| it.2.iter().all(|it| *it == 0)) {
        return nothing("none in any of the runs").into();
    }
    course::rates(None, label, clock, series, |it| units::per_second(it, ""))
}

/// Returns how many windows of a run are `steps` of the common axis.
fn together(document: &Document, clock: Clock, steps: usize) -> usize {
    let own = document.time_series.window_seconds();
    let ratio = usize::try_from(clock.window_s / own.max(1)).unwrap_or(1);
    ratio.max(1) * steps
}

/// Returns a chart for each percentile, with a line for each run that has the latency.
fn latencies(runs: &[NamedRun<'_>], clock: Clock, metric: &Metric) -> Markup {
    let kept = runs.iter().enumerate().filter_map(|(look, run)| {
        let series = run.document.latency_over_time(metric)?;
        Some((look, *run, series.windows.as_slice()))
    });
    let kept: Vec<(usize, NamedRun<'_>, &[PackedHistogram])> = kept.collect();
    // One step for all runs, so that their points are of equally long times: that of the run with the fewest values.
    let steps = kept.iter().map(|(_, run, windows)| {
        let one = together(run.document, clock, 1);
        course::together(windows).div_ceil(one)
    });
    let step = steps.max().unwrap_or(1);
    let charts = PERCENTILES.map(|(name, quantile)| {
        let series = kept.iter().map(|(look, run, windows)| {
            let together = together(run.document, clock, step);
            line(
                (run.name, *look),
                windows.chunks(together),
                clock,
                step,
                quantile,
            )
        });
        let series: Vec<Series> = series.collect();
        let label = format!("{name} of {metric} over time, of each run");
        titled(
            format!("{name} of {metric}"),
            chart(label, clock, step, series),
        )
    });
    charts.into_iter().collect()
}

fn line<'a>(
    (name, look): (&str, usize),
    points: impl Iterator<Item = &'a [PackedHistogram]>,
    clock: Clock,
    step: usize,
    quantile: Quantile,
) -> Series {
    let known = points.map(|it| PackedHistogram::quantile_of(it, quantile));
    let known: Vec<_> = known.collect();
    let points = known.iter().enumerate().map(|(index, time)| {
        let end = ((index + 1) * step).min(clock.windows());
        let middle = f64::midpoint(clock.at(index * step), clock.at(end));
        Some((middle, float(micros((*time)?))))
    });
    let is_known = known.iter().any(Option::is_some);
    Series {
        name: if is_known {
            name.to_owned()
        } else {
            format!("{name} (too few values)")
        },
        look,
        mark: Mark::Line {
            points: points.collect(),
            dashed: false,
        },
        readings: known
            .iter()
            .map(|it| it.map_or("-".to_owned(), units::duration))
            .collect(),
    }
}

fn chart(label: String, clock: Clock, step: usize, series: Vec<Series>) -> Markup {
    let all: Vec<f64> = series
        .iter()
        .flat_map(|it| match &it.mark {
            Mark::Line { points, .. } => points.iter().flatten().map(|it| it.1).collect(),
            _ => Vec::new(),
        })
        .collect();
    let Some(y) = curves::time_axis(&all) else {
        return nothing("too few values over time to know it").into();
    };
    let plot = Plot {
        label,
        size: Size::WIDE,
        x: clock.axis(),
        y,
        series,
        shade: clock.shade(),
        stages: Vec::new(),
        events: Vec::new(),
        steps: Some(clock.steps(step)),
    };
    plot.render().into()
}
