//! Latency over percentiles, on an axis where each further nine is as long as the one before.

use std::time::Duration;

use crate::exchange::Phase;
use crate::measure::LatencyHistogram;
use crate::report::figures::latency_of;
use crate::result::{Document, OperationSection};
use crate::units::{self, Quantile};

use super::axis::{Axis, Size, Steps};
use super::markup::{Element, Markup, element};
use super::number::{float, micros, step_of};
use super::parts::titled;
use super::plot::{Mark, Plot, Series, nothing};
use super::scale::Scale;

/// Points for each nine: 90, 99 and 99.9 are points themselves.
const PER_NINE: usize = 20;

/// More nines than a run has values for.
const MOST_NINES: f64 = 7.0;

/// A curve to draw.
struct Curve<'a> {
    name: String,
    look: usize,
    dashed: bool,
    of: &'a LatencyHistogram,
}

/// Returns the journeys in one chart, and each operation in a chart of its own.
pub(super) fn of_run(document: &Document) -> Markup {
    let mut curves = Vec::new();
    for (look, journey) in document.journeys.iter().enumerate() {
        let curve = |what, dashed, of| Curve {
            name: format!("{} {what}", journey.name),
            look,
            dashed,
            of,
        };
        if document.open_model {
            curves.push(curve(
                "response time",
                false,
                &journey.latencies.response_time,
            ));
        }
        curves.push(curve(
            "service time",
            document.open_model,
            &journey.latencies.service_time,
        ));
    }
    let mut section = Markup::from(chart(
        "latency of journeys by percentile",
        Size::WIDE,
        &curves,
    ));
    let operations = document.operations.iter().filter_map(|it| {
        let curve = Curve {
            name: "total".into(),
            look: 0,
            dashed: false,
            of: total(it)?,
        };
        Some(small(it.name.name(), &[curve]))
    });
    let operations = operations.collect::<Markup>();
    if !operations.is_empty() {
        section.push(titled(
            "Operations, total time of ok exchanges",
            several(operations),
        ));
    }
    section
}

/// One of the runs whose curves are drawn over each other.
pub(super) struct Side<'a> {
    pub(super) name: &'a str,
    pub(super) dashed: bool,
    pub(super) document: &'a Document,
}

/// Runs over each other: the journeys by the latency that tables show, each operation by its total.
pub(super) fn beside(sides: &[Side<'_>]) -> Markup {
    let of_journeys = charts(sides, |document| {
        let journeys = document.journeys.iter();
        let latency = |it| latency_of(it, document.open_model);
        let what = if document.open_model {
            "response time"
        } else {
            "service time"
        };
        let curves = journeys.map(|it| (format!("{} {what}", it.name), Some(latency(it))));
        curves.collect()
    });
    let of_operations = charts(sides, |document| {
        let operations = document.operations.iter();
        let curves = operations.map(|it| (it.name.name().to_owned(), total(it)));
        curves.collect()
    });
    let mut section = Markup::from(several(of_journeys));
    if !of_operations.is_empty() {
        section.push(titled(
            "Operations, total time of ok exchanges",
            several(of_operations),
        ));
    }
    section
}

/// The curves of a run, each with its name.
type Named<'a> = Vec<(String, Option<&'a LatencyHistogram>)>;

/// Returns a chart for each name, with the curve of every side that has it.
fn charts<'a>(sides: &[Side<'a>], of: impl Fn(&'a Document) -> Named<'a>) -> Markup {
    let all: Vec<Named<'a>> = sides.iter().map(|it| of(it.document)).collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in all.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let chart = |name: &String| {
        let sides = sides.iter().zip(&all).enumerate();
        let curves = sides.filter_map(|(look, (side, curves))| {
            let (_, of) = curves.iter().find(|it| it.0 == *name)?;
            Some(Curve {
                name: side.name.to_owned(),
                look,
                dashed: side.dashed,
                of: (*of)?,
            })
        });
        small(name, &curves.collect::<Vec<_>>())
    };
    names.into_iter().map(chart).collect()
}

fn total(operation: &OperationSection) -> Option<&LatencyHistogram> {
    operation.latencies.phases.get(Phase::Total)
}

fn small(title: &str, curves: &[Curve<'_>]) -> Element {
    let label = format!("{title}: latency by percentile");
    titled(title, chart(&label, Size::SMALL, curves))
}

pub(super) fn several(charts: Markup) -> Element {
    element("div").class("small").with(charts)
}

fn chart(label: &str, size: Size, curves: &[Curve<'_>]) -> Element {
    let counts = curves.iter().map(|it| it.of.count());
    let nines = float(counts.max().unwrap_or(0)).max(1.0).log10();
    // As many points as the largest histogram knows percentiles, and at least up to the median.
    let steps = step_of(nines.min(MOST_NINES) / MOST_NINES + 1e-9, PER_NINE * 7).max(6) + 1;
    let places: Vec<f64> = (0..steps).map(percentile).collect();
    let last = places.last().copied().unwrap_or(50.0);
    let scale = Scale::nines(last);
    let mut drawn = Vec::new();
    let mut all = Vec::new();
    for curve in curves {
        let known: Vec<Option<Duration>> =
            places.iter().map(|it| quantile(curve.of, *it)).collect();
        all.extend(known.iter().flatten().map(|it| float(micros(*it))));
        let points = places.iter().zip(&known);
        drawn.push(Series {
            name: curve.name.clone(),
            look: curve.look,
            mark: Mark::Line {
                points: points
                    .map(|(x, y)| y.map(|y| (*x, float(micros(y)))))
                    .collect(),
                dashed: curve.dashed,
            },
            readings: known
                .iter()
                .map(|it| it.map_or("-".to_owned(), units::duration))
                .collect(),
        });
    }
    let Some(y) = time_axis(&all) else {
        return nothing("no samples");
    };
    let plot = Plot {
        label: label.to_owned(),
        size,
        x: Axis {
            ticks: scale.ticks(8),
            scale,
            label: |it| format!("p{it}"),
        },
        y,
        series: drawn,
        shade: None,
        stages: Vec::new(),
        events: Vec::new(),
        steps: Some((Steps::Points, places.iter().map(|it| named(*it)).collect())),
    };
    plot.render()
}

/// Returns the percentile with `step / PER_NINE` nines.
fn percentile(step: usize) -> f64 {
    let nines = float(step as u64) / float(PER_NINE as u64);
    let exact = 100.0 - 100.0 * 10_f64.powf(-nines);
    // To a billionth, so that 99.9 is that number.
    (exact * 1e9).round() / 1e9
}

fn quantile(histogram: &LatencyHistogram, percentile: f64) -> Option<Duration> {
    histogram.quantile(Quantile::from_percentile(percentile).ok()?)
}

/// `p99.87`: as many digits as tell it from its neighbours.
fn named(percentile: f64) -> String {
    let nines = -(1.0 - percentile / 100.0).log10();
    let digits = 1 + step_of(nines / 8.0, 8);
    let text = format!("{percentile:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("p{text}")
}

/// Returns a logarithmic axis for values in microseconds; `None` for no values.
pub(super) fn time_axis(values: &[f64]) -> Option<Axis> {
    let low = values.iter().copied().min_by(f64::total_cmp)?;
    let high = values.iter().copied().max_by(f64::total_cmp)?;
    Some(axis_of(Scale::log_around(low, high)))
}

/// Returns an axis of microseconds.
pub(super) fn axis_of(scale: Scale) -> Axis {
    Axis {
        ticks: scale.ticks(6),
        scale,
        label: |it| units::duration(Duration::try_from_secs_f64(it / 1e6).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "rounded to the very number")]
    fn nines_are_points() {
        assert_eq!(
            [0, 20, 40, 60, 80].map(percentile),
            [0.0, 90.0, 99.0, 99.9, 99.99]
        );
        assert_eq!(
            [0.0, 90.0, 99.0, 99.9].map(named),
            ["p0", "p90", "p99", "p99.9"]
        );
        // 100 - 100 / 10^(6/20) = 49.88; one nine and a half: 100 - 100 / 10^1.5 = 96.838.
        assert_eq!(
            [percentile(6), percentile(30)].map(named),
            ["p49.9", "p96.84"]
        );
    }

    #[test]
    fn what_few_values_do_not_know_is_not_drawn() {
        let mut few = LatencyHistogram::new();
        let mut many = LatencyHistogram::new();
        for value in 1..=1000 {
            if value <= 10 {
                few.record(Duration::from_millis(value));
            }
            many.record(Duration::from_millis(value));
        }
        let curve = |name: &str, of| Curve {
            name: name.into(),
            look: 0,
            dashed: false,
            of,
        };
        let curves = [curve("few", &few), curve("many", &many)];
        let html = Markup::from(chart("x", Size::SMALL, &curves)).into_string();
        // A thousand values know three nines, so 61 points; ten know one, the 21st point being the 9th of them.
        let readings: Vec<Vec<&str>> = html
            .split("data-readings=\"")
            .skip(1)
            .map(|it| it.split('"').next().unwrap().split('|').collect())
            .collect();
        assert_eq!(readings[0].len(), 61);
        // Three digits: 9,000 µs and the next seven are one bucket, of which the highest is shown.
        assert_eq!(readings[0][20], "9.01 ms", "{:?}", readings[0]);
        assert!(readings[0][21..].iter().all(|it| *it == "-"));
        assert_eq!((readings[1][20], readings[1][60]), ("900 ms", "999 ms"));
        assert!(
            html.contains(">p99.9</text>") && !html.contains(">p99.99</text>"),
            "{html}"
        );
    }
}
