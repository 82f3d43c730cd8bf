//! Response times over time as a map: how many there were of each length in each stretch of time.

use std::fmt::Write as _;
use std::time::Duration;

use crate::measure::{IterationClock, Metric, PackedHistogram};
use crate::result::Document;
use crate::units;

use super::axis::Size;
use super::clock::Clock;
use super::curves;
use super::events::{self, Event};
use super::markup::{Element, Markup, element};
use super::number::{float, step_of};
use super::parts::{faint, titled};
use super::plot::{self, nothing};
use super::scale::Scale;
use super::shape::{rectangle, short};

/// The bounds of a map, whatever the run.
const COLUMNS: usize = 150;
const ROWS: usize = 40;

/// How many shades there are.
const LEVELS: usize = 7;

/// Counts by stretch of time and by length, with the scale of the lengths.
struct Map {
    /// Column by column, each with [`ROWS`] counts from the shortest to the longest.
    columns: Vec<Vec<u64>>,
    /// How many windows a column is of.
    together: usize,
    scale: Scale,
    most: u64,
}

/// Returns a map for each journey.
pub(super) fn section(document: &Document) -> Markup {
    let clock = Clock::of(document);
    if document.latency_series.is_empty() {
        return nothing("this report holds no latencies over time").into();
    }
    let events = events::of(document);
    let maps = document.journeys.iter().map(|journey| {
        let metric = Metric::of_journey(&journey.name, IterationClock::Response);
        let series = document.latency_over_time(&metric);
        let windows = series.map_or(&[][..], |it| &it.windows);
        titled(&journey.name, map(&journey.name, windows, clock, &events))
    });
    let mut section = Markup::from(faint(
        "Each cell counts the ok iterations that ended in that stretch of time and took that long; a value counts in the row \
         of its bucket's middle.",
    ));
    section.push(maps.collect::<Markup>());
    section
}

/// Returns the map of response times in windows.
pub(super) fn map(
    name: &str,
    windows: &[PackedHistogram],
    clock: Clock,
    events: &[Event],
) -> Element {
    let map = Map::of(windows);
    map.map_or_else(
        || nothing("no values"),
        |map| map.render(name, clock, events),
    )
}

impl Map {
    /// `None` of no values.
    fn of(windows: &[PackedHistogram]) -> Option<Self> {
        let edges = windows
            .iter()
            .flat_map(PackedHistogram::buckets)
            .map(middle);
        let (low, high) = edges.fold((f64::INFINITY, 0.0_f64), |(low, high), it| {
            (low.min(it), high.max(it))
        });
        if low > high {
            return None;
        }
        let scale = Scale::log_around(low, high);
        let together = windows.len().div_ceil(COLUMNS).max(1);
        let mut columns = Vec::new();
        for windows in windows.chunks(together) {
            let mut column = vec![0_u64; ROWS];
            for bucket in windows.iter().flat_map(PackedHistogram::buckets) {
                let row = step_of(scale.place(middle(bucket)), ROWS);
                column[row] = column[row].saturating_add(bucket.count);
            }
            columns.push(column);
        }
        let most = columns.iter().flatten().copied().max().unwrap_or(0);
        Some(Self {
            columns,
            together,
            scale,
            most,
        })
    }

    /// Returns the shade of a count, from 1 for one to [`LEVELS`] for the most; counts of one shade differ by a constant factor
    /// at most.
    fn level(&self, count: u64) -> usize {
        let most = float(self.most).ln();
        if self.most <= 1 {
            return LEVELS;
        }
        1 + step_of(float(count).ln() / most, LEVELS)
    }

    fn render(self, name: &str, clock: Clock, events: &[Event]) -> Element {
        let size = Size {
            height: 260.0,
            ..Size::WIDE
        };
        let label = format!("heat map of the response times of {name} over time");
        let (steps, mut words) = clock.steps(self.together);
        events::tell(steps, &mut words, &clock.axis(), events);
        let mut svg = size
            .svg(&label)
            .attr("data-top", size.y(1.0) / size.height)
            .attr("data-bottom", size.y(0.0) / size.height)
            .attr("data-rows", self.row_names())
            .attr("data-columns", self.counts());
        svg = plot::stepped(svg, steps, &words);
        let y = curves::axis_of(self.scale);
        let frame = plot::frame(size, &clock.axis(), &y, clock.shade());
        let svg = svg
            .with(frame)
            .with(self.cells(size, clock))
            .with(events::draw(size, &clock.axis(), events))
            .with(plot::cursor(size));
        let figure = element("figure").with(self.legend()).with(svg);
        figure.with(element("output").with("\u{a0}"))
    }

    /// One path for each shade, in units of cells.
    fn cells(&self, size: Size, clock: Clock) -> Element {
        let mut paths = vec![String::new(); LEVELS + 1];
        for (x, column) in self.columns.iter().enumerate() {
            for (row, count) in column.iter().enumerate().filter(|(_, count)| **count > 0) {
                // Writing to a string does not fail.
                let _ = write!(paths[self.level(*count)], "M{x} {}h1v1h-1z", ROWS - 1 - row);
            }
        }
        let width =
            (size.x(1.0) - size.x(0.0)) * clock.at(self.together) / clock.at(clock.windows());
        let height = (size.y(0.0) - size.y(1.0)) / float(ROWS as u64);
        let place = format!(
            "translate({} {}) scale({width} {height})",
            short(size.x(0.0)),
            short(size.y(1.0))
        );
        let paths = paths
            .into_iter()
            .enumerate()
            .filter(|(_, path)| !path.is_empty());
        let paths = paths.map(|(level, path)| {
            let shade = element("path").class("heat");
            shade.attr("fill-opacity", opacity(level)).attr("d", path)
        });
        element("g")
            .attr("transform", place)
            .with(paths.collect::<Markup>())
    }

    fn legend(&self) -> Element {
        let entries = (1..=LEVELS).filter_map(|level| {
            let counts = self.columns.iter().flatten().copied();
            let counts = counts.filter(|it| *it > 0 && self.level(*it) == level);
            let (low, high) =
                counts.fold((u64::MAX, 0), |(low, high), it| (low.min(it), high.max(it)));
            let words = match (low, high) {
                _ if low > high => return None,
                _ if low == high => units::count(low),
                _ => format!("{} to {}", units::count(low), units::count(high)),
            };
            let sample = rectangle(1.0, 1.0, 26.0, 10.0).class("heat");
            let sample = element("svg")
                .attr("aria-hidden", "true")
                .attr("viewBox", "0 0 28 12")
                .with(sample.attr("fill-opacity", opacity(level)));
            Some(element("span").with(sample).with(words))
        });
        element("figcaption").with(entries.collect::<Markup>())
    }

    fn row_names(&self) -> String {
        let edge = |row: usize| {
            let micros = self.scale.value(float(row as u64) / float(ROWS as u64));
            units::duration(Duration::try_from_secs_f64(micros / 1e6).unwrap_or_default())
        };
        let names = (0..ROWS).map(|row| format!("{} to {}", edge(row), edge(row + 1)));
        names.collect::<Vec<_>>().join("|")
    }

    fn counts(&self) -> String {
        let shown = |count: &u64| {
            if *count == 0 {
                String::new()
            } else {
                count.to_string()
            }
        };
        let column = |column: &Vec<u64>| column.iter().map(shown).collect::<Vec<_>>().join(",");
        self.columns
            .iter()
            .map(column)
            .collect::<Vec<_>>()
            .join("|")
    }
}

fn middle(bucket: crate::measure::Bucket) -> f64 {
    f64::midpoint(bucket.low.as_secs_f64(), bucket.high.as_secs_f64()) * 1e6
}

fn opacity(level: usize) -> String {
    let share = float(level as u64) / float(LEVELS as u64);
    format!("{:.2}", 0.1 + 0.9 * share)
}
