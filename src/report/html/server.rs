//! The target's side of a run: its numbers, how they were read, and a chart of each series on the axis of the latencies.

use std::collections::BTreeSet;

use crate::report::server;
use crate::result::Document;
use crate::telemetry::{
    FigureUnit, Series as Read, SeriesKind, ServerFigure, ServerMetric, SourceRecord, Telemetry,
};
use crate::units;

use super::axis::{Axis, Size};
use super::clock::Clock;
use super::events;
use super::markup::{Markup, element};
use super::number::{float, whole};
use super::offered;
use super::parts::{details, faint, titled};
use super::plot::{Mark, Plot, Series, nothing};
use super::scale::Scale;
use super::table::{Cell, HtmlTable};

/// More charts of series that are no common words than these make a page slow; the report has the rest.
const MOST: usize = 60;

/// Returns the numbers, the hints and the sources; nothing without telemetry.
pub(super) fn section(document: &Document) -> Markup {
    let Some(telemetry) = &document.telemetry else {
        return Markup::new();
    };
    let (words, others): (Vec<_>, Vec<_>) = document.server.iter().partition(|it| is_word(it));
    let mut section = if words.is_empty() {
        nothing("no source gave a number that has a common word").into()
    } else {
        Markup::from(figures("Over the measured window", &words).render())
    };
    section.push(faint(
        "Processor time of a pull or a push: all that the source used, in a second, divided by the iterations that ended well \
         in a second of the measured window; only where nothing else ran. Slopes have an interval that holds them with 95% \
         confidence.",
    ));
    section.push(hints(document));
    section.push(sources(telemetry).render());
    let cost = server::cost(telemetry, document.window_us);
    section.push(cost.map_or_else(Markup::new, |it| faint(it).into()));
    if !others.is_empty() {
        let table = figures(
            "Numbers of other sources, and by the names of series",
            &others,
        );
        section.push(details("All other numbers", table.render()));
    }
    section
}

fn is_word(figure: &ServerFigure) -> bool {
    ServerMetric::unit_of(figure.metric.name()).is_some()
}

fn figures(caption: &str, figures: &[&ServerFigure]) -> HtmlTable {
    let mut table = HtmlTable::new(
        caption,
        &["number", "value", "95% interval", "samples", "source"],
    );
    for figure in figures {
        table.row(vec![
            Cell::words(figure.metric.to_string()).short(),
            cell(figure),
            figure.interval.map_or_else(Cell::unknown, |[low, high]| {
                let shown = format!("{} to {}", figure.shown(low), figure.shown(high));
                Cell::number(shown, format!("{low} to {high}"), low)
            }),
            Cell::count(figure.samples),
            Cell::words(&figure.source),
        ]);
    }
    table
}

/// Returns a value, exactly on hover; why it is not known.
pub(super) fn cell(figure: &ServerFigure) -> Cell {
    if let Some(value) = figure.value {
        return Cell::number(figure.shown(value), value.to_string(), value);
    }
    let why = figure.why.clone().unwrap_or_default();
    Cell::unknown().remark(why)
}

fn hints(document: &Document) -> Markup {
    let Some(moved) = document.moved() else {
        return faint(
            "What moved with the latency is not known: it takes 20 steps with a percentile.",
        )
        .into();
    };
    let hints = server::hints(&moved);
    if hints.is_empty() {
        return Markup::new();
    }
    let items = hints.into_iter().map(|it| element("li").with(it));
    let list = element("ul").with(items.collect::<Markup>());
    let mut content = Markup::from(list);
    content.push(faint(server::HINT));
    titled("What moved with the latency", content).into()
}

fn sources(telemetry: &Telemetry) -> HtmlTable {
    let heading = [
        "source", "from", "due", "good", "late", "failed", "missed", "restarts", "problems",
    ];
    let mut table = HtmlTable::new("Readings in the measured window", &heading);
    for source in &telemetry.sources {
        let it = source.readings;
        let problems = source.problems.iter().map(|it| {
            let times = if it.count == 1 {
                "once".to_owned()
            } else {
                format!("{} times", units::count(it.count))
            };
            element("li").with(format!("{} ({times})", it.text))
        });
        let problems: Markup = problems.collect();
        table.row(vec![
            Cell::words(&source.name).short(),
            Cell::words(&source.from),
            Cell::count(it.due),
            Cell::count(it.good),
            Cell::trouble(it.late),
            Cell::trouble(it.failed),
            Cell::trouble(it.missed),
            Cell::trouble(source.restarts),
            if problems.is_empty() {
                Cell::words("-")
            } else {
                Cell::words(element("ul").with(problems))
            },
        ]);
    }
    table
}

/// Returns a chart for each name that series have, with a line for each source: common words first, others to open.
pub(super) fn charts(document: &Document, clock: Clock) -> Markup {
    let Some(mut telemetry) = document.telemetry.clone() else {
        return Markup::new();
    };
    telemetry.widen(clock.window_s);
    let names: BTreeSet<&str> = telemetry
        .sources
        .iter()
        .flat_map(|it| it.series.iter().map(|it| it.name.as_str()))
        .collect();
    let words: Vec<String> = ServerMetric::words().collect();
    let common = words.iter().filter(|it| names.contains(it.as_str()));
    let mut charts: Markup = common
        .map(|it| chart(document, &telemetry, it, clock))
        .collect();
    let others: Vec<&&str> = names
        .iter()
        .filter(|it| !words.iter().any(|word| word == **it))
        .collect();
    let drawn = others
        .iter()
        .take(MOST)
        .map(|it| chart(document, &telemetry, it, clock));
    let mut drawn: Markup = drawn.collect();
    if others.len() > MOST {
        let more = others.len() - MOST;
        drawn.push(faint(format!("{more} more series are in the report.")));
    }
    if !drawn.is_empty() {
        charts.push(details("Other series over time", drawn));
    }
    charts
}

fn chart(document: &Document, telemetry: &Telemetry, name: &str, clock: Clock) -> Markup {
    let found = server::series_of(telemetry, name);
    let values = || {
        found
            .iter()
            .flat_map(|(_, it)| it.windows.iter().copied().flatten())
    };
    let Some(most) = values().reduce(f64::max) else {
        return titled(server::title(name), nothing("no window is known")).into();
    };
    let least = values().fold(0.0, f64::min);
    let unit = found
        .first()
        .map_or(FigureUnit::Number, |(_, it)| it.figure_unit());
    // Nothing but zeros has an axis, too, whose highest mark is below the edge.
    let highest = if most > least { most } else { least + 1.0 };
    let scale = Scale::linear(least, highest * 1.05);
    let series = found.iter().enumerate().map(|(look, (source, series))| {
        let shown = |it: &Option<f64>| it.map_or_else(|| "-".to_owned(), |it| unit.text(it));
        Series {
            name: source.name.clone(),
            look,
            mark: Mark::Line {
                points: points(series, telemetry, document, source),
                dashed: false,
            },
            readings: series.windows.iter().map(shown).collect(),
        }
    });
    let together = usize::try_from(telemetry.window_s / clock.window_s).unwrap_or(1);
    let plot = Plot {
        label: format!("{name} of the target over time"),
        size: Size {
            height: 150.0,
            ..Size::WIDE
        },
        x: clock.axis(),
        y: Axis {
            ticks: scale.ticks(3),
            scale,
            label: label(unit),
        },
        series: series.collect(),
        shade: clock.shade(),
        stages: offered::stages(document),
        events: events::of(document),
        steps: Some(clock.steps(together.max(1))),
    };
    let title = server::title(name);
    let title = if title == name {
        title.to_owned()
    } else {
        format!("{title} ({name})")
    };
    titled(title, plot.render()).into()
}

/// Returns the middle of each window with its value; a gap where nothing is known, and where the source was restarted.
fn points(
    series: &Read,
    telemetry: &Telemetry,
    document: &Document,
    source: &SourceRecord,
) -> Vec<Option<(f64, f64)>> {
    let width = float(telemetry.window_s);
    let end = document.window().as_secs_f64();
    let restarts = source.restarts_us.iter().map(|it| float(*it) / 1e6 / width);
    let restarts: Vec<usize> = restarts.map(whole).collect();
    let windows = series.windows.iter().enumerate();
    let points = windows.map(|(index, value)| {
        let from = float(index as u64) * width;
        let middle = f64::midpoint(from, (from + width).min(end.max(from)));
        let is_cut = series.kind == SeriesKind::Gauge && restarts.contains(&index);
        value.filter(|_| !is_cut).map(|value| (middle, value))
    });
    points.collect()
}

fn label(unit: FigureUnit) -> fn(f64) -> String {
    match unit {
        FigureUnit::Cores | FigureUnit::Number | FigureUnit::SecondsPerSecond => units::number,
        FigureUnit::Seconds => units::seconds,
        FigureUnit::Bytes => units::amount,
        FigureUnit::BytesPerSecond => |it| units::per_second(it, "B"),
        FigureUnit::Share => units::share,
        FigureUnit::PerSecond => |it| units::per_second(it, ""),
    }
}
