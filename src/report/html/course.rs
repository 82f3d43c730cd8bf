//! The run over time, on one axis: what ended, what failed, bytes, and percentiles.

use std::time::Duration;

use crate::exchange::Phase;
use crate::measure::{IterationClock, Metric, Outcomes, PackedHistogram};
use crate::result::Document;
use crate::units::{self, Quantile};

use super::axis::{Axis, Size};
use super::clock::Clock;
use super::curves;
use super::events::{self, Event};
use super::load;
use super::markup::Markup;
use super::number::{float, micros};
use super::offered::{self, Stage};
use super::parts::{details, faint, titled};
use super::plot::{Mark, Plot, Series, nothing};
use super::scale::Scale;
use super::server;

/// The most points of a curve of percentiles.
const POINTS: usize = 300;

/// A percentile of fewer is hardly ever known: windows are taken together until they have so many, in the middle.
const WORTH: u64 = 100;

/// Returns the charts.
pub(super) fn section(document: &Document) -> Markup {
    if document.time_series.windows().next().is_none() {
        return nothing("nothing ended in the measured window").into();
    }
    let clock = Clock::of(document);
    let windows = document.time_series.windows();
    let exchanges: Vec<Outcomes> = windows.map(|(it, _)| it.exchanges).collect();
    let length = units::duration(Duration::from_secs(clock.window_s));
    let mut words = format!("Each window is {length} long; what ended in it counts in it.");
    if clock.shade().is_some() {
        words.push_str(
            " Shaded at the end: after the measured window, when nothing more was started.",
        );
    }
    if !offered::stages(document).is_empty() {
        words.push_str(" Every second stage of the load is shaded, too.");
    }
    let mut section = Markup::from(faint(words));
    section
        .push(events::words(&events::of(document)).map_or_else(Markup::new, |it| faint(it).into()));
    section.push(titled(
        "Iterations that ended well, per second",
        iterations(document, clock),
    ));
    section.push(load::chart(document, clock));
    section.push(titled(
        "Exchanges that failed or were cancelled, per second",
        troubles(Some(document), &exchanges, clock),
    ));
    section.push(titled(
        "Bytes of bodies, per second",
        bytes(document, clock),
    ));
    section.push(latencies(document, clock));
    section.push(server::charts(document, clock));
    section
}

fn iterations(document: &Document, clock: Clock) -> Markup {
    let series = document
        .journeys
        .iter()
        .enumerate()
        .map(|(index, journey)| {
            let windows = document.time_series.windows();
            let ok =
                windows.map(|(_, journeys)| journeys.get(index).map_or(0, |it| it.iterations.ok));
            (journey.name.clone(), index, ok.collect())
        });
    rates(
        Some(document),
        "iterations per second over time",
        clock,
        series.collect(),
        |it| units::per_second(it, ""),
    )
}

fn bytes(document: &Document, clock: Clock) -> Markup {
    let all = |of: fn(crate::measure::Bytes) -> u64| -> Vec<u64> {
        let windows = document.time_series.windows();
        windows.map(|(window, _)| of(window.bytes)).collect()
    };
    let series = vec![
        ("received".to_owned(), 0, all(|it| it.received)),
        ("sent".to_owned(), 1, all(|it| it.sent)),
    ];
    rates(
        Some(document),
        "bytes per second over time",
        clock,
        series,
        |it| units::per_second(it, "B"),
    )
}

/// Returns a line for each series of counts, divided by the length of a window.
pub(super) fn rates(
    document: Option<&Document>,
    label: &str,
    clock: Clock,
    series: Vec<(String, usize, Vec<u64>)>,
    unit: fn(f64) -> String,
) -> Markup {
    let rate = |count: u64| float(count) / float(clock.window_s);
    let most = series
        .iter()
        .flat_map(|(_, _, counts)| counts)
        .copied()
        .max();
    let drawn = series.into_iter().map(|(name, look, counts)| {
        let points = counts.iter().enumerate().map(|(window, count)| {
            let middle = f64::midpoint(clock.at(window), clock.at(window + 1));
            Some((middle, rate(*count)))
        });
        Series {
            name,
            look,
            mark: Mark::Line {
                points: points.collect(),
                dashed: false,
            },
            readings: counts.iter().map(|it| unit(rate(*it))).collect(),
        }
    });
    let scale = Scale::linear(0.0, rate(most.unwrap_or(0)) * 1.05);
    let plot = Plot {
        label: label.to_owned(),
        size: Size::WIDE,
        x: clock.axis(),
        y: Axis {
            ticks: scale.ticks(4),
            scale,
            label: unit,
        },
        series: drawn.collect(),
        shade: clock.shade(),
        stages: stages_of(document),
        events: events_of(document),
        steps: Some(clock.steps(1)),
    };
    plot.render().into()
}

/// Failed and cancelled exchanges, one on the other.
pub(super) fn troubles(document: Option<&Document>, outcomes: &[Outcomes], clock: Clock) -> Markup {
    let most = outcomes
        .iter()
        .map(|it| it.failed.saturating_add(it.cancelled))
        .max();
    let most = most.unwrap_or(0);
    if most == 0 {
        return nothing("no exchange failed or was cancelled").into();
    }
    let rate = |count: u64| float(count) / float(clock.window_s);
    let area = |name: &str, look, of: &dyn Fn(&Outcomes) -> (u64, u64)| {
        let bounds = outcomes.iter().map(of).enumerate();
        // A step for each window: an area that slopes would show failures where there were none.
        let places = bounds.flat_map(|(window, (low, high))| {
            let ends = [clock.at(window), clock.at(window + 1)];
            ends.map(|at| (at, rate(low), rate(high)))
        });
        Series {
            name: name.to_owned(),
            look,
            mark: Mark::Area(places.collect()),
            readings: outcomes
                .iter()
                .map(of)
                .map(|(low, high)| units::per_second(rate(high - low), ""))
                .collect(),
        }
    };
    let failed = area("failed", 1, &|it| (0, it.failed));
    let cancelled = area("cancelled", 7, &|it| {
        (it.failed, it.failed.saturating_add(it.cancelled))
    });
    let scale = Scale::linear(0.0, rate(most) * 1.05);
    let plot = Plot {
        label: "failed and cancelled exchanges per second over time".into(),
        size: Size::WIDE,
        x: clock.axis(),
        y: Axis {
            ticks: scale.ticks(4),
            scale,
            label: |it| units::per_second(it, ""),
        },
        series: vec![failed, cancelled],
        shade: clock.shade(),
        stages: stages_of(document),
        events: events_of(document),
        steps: Some(clock.steps(1)),
    };
    plot.render().into()
}

/// Percentiles over time: of each journey, and of each operation to open.
fn latencies(document: &Document, clock: Clock) -> Markup {
    let mut section = Markup::new();
    if document.latency_series.is_empty() {
        let none = nothing("this report holds no latencies over time");
        return titled("Latency over time", none).into();
    }
    for journey in &document.journeys {
        let metric = Metric::of_journey(&journey.name, IterationClock::Response);
        let series = document.latency_over_time(&metric);
        let content = series.map_or_else(
            || nothing("this report holds no latencies over time of it").into(),
            |it| {
                let name = it.metric.to_string();
                percentiles(Some(document), &name, &it.windows, clock)
            },
        );
        section.push(titled(format!("{}, response time", journey.name), content));
    }
    let totals = document.operations.iter().filter_map(|operation| {
        document.latency_over_time(&Metric::of_operation(operation.name, Phase::Total))
    });
    let totals = totals.map(|it| {
        let name = it.metric.to_string();
        let drawn = percentiles(Some(document), &name, &it.windows, clock);
        titled(name, drawn)
    });
    let totals = totals.collect::<Markup>();
    if !totals.is_empty() {
        section.push(details("Latency of each operation over time", totals));
    }
    section
}

/// Percentiles of what `name` is the name of, in windows.
pub(super) fn percentiles(
    document: Option<&Document>,
    name: &str,
    windows: &[PackedHistogram],
    clock: Clock,
) -> Markup {
    let together = together(windows);
    let middle = |step: usize, count: usize| {
        let first = clock.at(step * together);
        f64::midpoint(first, first + clock.at(count))
    };
    let quantiles = [
        (Quantile::P50, "p50"),
        (Quantile::P95, "p95"),
        (Quantile::P99, "p99"),
    ];
    let mut all = Vec::new();
    let mut drawn = Vec::new();
    for (look, (quantile, label)) in quantiles.into_iter().enumerate() {
        let mut points = Vec::new();
        let mut readings = Vec::new();
        for (step, windows) in windows.chunks(together).enumerate() {
            let known = PackedHistogram::quantile_of(windows, quantile);
            let time = known.map(|it| float(micros(it)));
            all.extend(time);
            points.push(time.map(|it| (middle(step, windows.len()), it)));
            readings.push(known.map_or("-".to_owned(), units::duration));
        }
        let known = points.iter().any(Option::is_some);
        let label = if known {
            label.to_owned()
        } else {
            format!("{label} (too few values)")
        };
        drawn.push(Series {
            name: label,
            look,
            mark: Mark::Line {
                points,
                dashed: false,
            },
            readings,
        });
    }
    let lines: Vec<Vec<Option<(f64, f64)>>> = drawn.iter().map(points_of).collect();
    let bands = lines.windows(2).enumerate().rev().map(|(look, pair)| {
        let between = pair[0].iter().zip(&pair[1]).map(|it| match it {
            (Some((x, low)), Some((_, high))) => Some((*x, *low, *high)),
            _ => None,
        });
        Series {
            name: BANDS[look].to_owned(),
            look: look + 1,
            mark: Mark::Band(between.collect()),
            readings: Vec::new(),
        }
    });
    let drawn: Vec<Series> = bands.collect::<Vec<_>>().into_iter().chain(drawn).collect();
    let Some(y) = curves::time_axis(&all) else {
        return nothing("too few values over time to know a percentile").into();
    };
    let plot = Plot {
        label: format!("percentiles of {name} over time"),
        size: Size::WIDE,
        x: clock.axis(),
        y,
        series: drawn,
        shade: clock.shade(),
        stages: stages_of(document),
        events: events_of(document),
        steps: Some(clock.steps(together)),
    };
    let mut chart = Markup::from(plot.render());
    if together > 1 {
        let length = units::duration(Duration::from_secs(clock.window_s * together as u64));
        chart.push(faint(format!(
            "Each point is of {length}, so that there are values enough to know."
        )));
    }
    chart
}

/// The bands between the percentiles that are drawn.
const BANDS: [&str; 2] = ["from p50 to p95", "from p95 to p99"];

fn points_of(series: &Series) -> Vec<Option<(f64, f64)>> {
    match &series.mark {
        Mark::Line { points, .. } => points.clone(),
        _ => Vec::new(),
    }
}

/// Returns the stages of a run whose plan is known.
fn stages_of(document: Option<&Document>) -> Vec<Stage> {
    document.map_or_else(Vec::new, offered::stages)
}

/// Returns what happened in a run that is known.
fn events_of(document: Option<&Document>) -> Vec<Event> {
    document.map_or_else(Vec::new, events::of)
}

/// Returns how many windows make a point.
pub(super) fn together(windows: &[PackedHistogram]) -> usize {
    let values: u64 = windows.iter().map(PackedHistogram::count).sum();
    let fewest = windows.len().div_ceil(POINTS).max(1);
    // Not fewer than ten points, however few the values.
    let most = (windows.len() / 10).max(fewest);
    let enough = |together: &usize| values * *together as u64 >= WORTH * windows.len() as u64;
    (fewest..most).find(enough).unwrap_or(most)
}
