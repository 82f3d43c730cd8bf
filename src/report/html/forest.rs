//! The change of each metric with its interval, its margin, and the pairs that it rests on.

use crate::report::change::{Words, decision};
use crate::report::table::cut;

use crate::result::{Better, Comparison, MetricComparison, MetricUnit, PairPoint};

use super::axis::Size;
use super::comparison::state;
use super::markup::{Element, Markup, element};
use super::number::float;
use super::parts::titled;
use super::scale::Scale;
use super::shape::{dot, label, line, look, path, rectangle};
use super::table::State;

/// The height of a metric.
const ROW: f64 = 44.0;

const SIZE: Size = Size {
    width: 1080.0,
    height: 0.0,
    left: 290.0,
    right: 200.0,
    top: 6.0,
    bottom: 26.0,
};

/// One chart of what changes by a ratio, and one of shares, whose change is a difference.
pub(super) fn section(comparison: &Comparison) -> Markup {
    let orders = &comparison.design.orders;
    let (shares, ratios): (Vec<_>, Vec<_>) = comparison
        .metrics
        .iter()
        .partition(|it| it.unit == MetricUnit::Share);
    let groups = [
        ("Latencies and rates, relative", ratios),
        ("Shares, in percentage points", shares),
    ];
    let groups = groups
        .into_iter()
        .filter(|(_, metrics)| !metrics.is_empty());
    let groups =
        groups.map(|(title, metrics)| titled(title, Forest::new(&metrics, orders).render()));
    let groups = groups.collect::<Markup>();
    if groups.is_empty() {
        return Markup::new();
    }
    let mut section = Markup::from(legend());
    section.push(groups);
    section
}

struct Forest<'a> {
    metrics: &'a [&'a MetricComparison],
    orders: &'a [String],
    scale: Scale,
    size: Size,
}

impl<'a> Forest<'a> {
    fn new(metrics: &'a [&'a MetricComparison], orders: &'a [String]) -> Self {
        let reach = reach(metrics);
        Self {
            metrics,
            orders,
            scale: Scale::Linear {
                low: -reach,
                high: reach,
            },
            size: Size {
                height: SIZE.top + SIZE.bottom + ROW * float(metrics.len() as u64),
                ..SIZE
            },
        }
    }

    fn x(&self, change: f64) -> f64 {
        self.size.x(self.scale.place(change))
    }

    fn render(&self) -> Element {
        let size = self.size;
        let mut svg = size.svg("change of each metric, with interval, margin and pairs");
        let mut grid = element("g").class("grid");
        let words = self.metrics.first().map(|it| Words(it));
        for tick in self.scale.ticks(8) {
            // The sum of steps that should be zero may be a little beside it.
            let tick = if tick.abs() < 1e-12 { 0.0 } else { tick };
            let x = self.x(tick);
            grid = grid.with(line((x, size.top), (x, size.height - size.bottom)));
            let words = words.as_ref().filter(|_| tick.abs() > 0.0);
            let words = words.map_or_else(|| "0".to_owned(), |it| it.signed(tick));
            grid = grid.with(label((x, size.height - 8.0), "middle", &words));
        }
        svg = svg.with(grid);
        for (index, metric) in self.metrics.iter().enumerate() {
            let top = size.top + ROW * float(index as u64);
            svg = svg.with(self.row(metric, top));
        }
        let zero = self.x(0.0);
        let zero = line((zero, size.top), (zero, size.height - size.bottom));
        let svg = svg.with(zero.class("zero"));
        element("figure").with(svg)
    }

    fn row(&self, metric: &MetricComparison, top: f64) -> Element {
        let number = match state(metric.decision) {
            State::Bad => 1,
            State::Good => 2,
            State::Open => 4,
            State::Plain => 7,
        };
        let name = label((0.0, top + 17.0), "start", &cut(&metric.metric, 42)).class("name");
        let mut row = element("g")
            .class(&look(number))
            .with(self.bands(metric, top))
            .with(name)
            .with(label((0.0, top + 33.0), "start", decision(metric.decision)));
        let detectable = metric.detectable.into_iter().flat_map(|it| [-it, it]);
        for at in detectable.filter(|it| self.shows(*it)) {
            let x = self.x(at);
            let mark = line((x, top + 4.0), (x, top + ROW - 6.0)).class("detectable");
            let words = format!("detectable: {}", Words(metric).signed(at));
            row = row.with(mark.with(element("title").with(words)));
        }
        row = row.with(self.estimate(metric, top + 13.0));
        for (index, pair) in metric.pairs.iter().enumerate() {
            row = row.with(self.pair(metric, pair, self.orders.get(index), top + 30.0));
        }
        row
    }

    /// Returns what may be, and what is a regression.
    fn bands(&self, metric: &MetricComparison, top: f64) -> Markup {
        let (low, high) = (self.size.x(0.0), self.size.x(1.0));
        let [left, right] = [-metric.margin, metric.margin].map(|it| self.x(it));
        let (from, to) = match metric.better {
            Better::Lower => (right, high),
            Better::Higher => (low, left),
        };
        let band = |from: f64, to: f64| rectangle(from, top + 2.0, to - from, ROW - 6.0);
        let mut bands = Markup::from(band(left, right).class("margin"));
        bands.push(band(from, to).class("worse"));
        bands
    }

    fn estimate(&self, metric: &MetricComparison, y: f64) -> Markup {
        let right = self.size.x(1.0) + 10.0;
        let Some(estimate) = metric.change else {
            return label((right, y + 4.0), "start", "not known").into();
        };
        let words = Words(metric).signed(estimate);
        let mut drawn = Markup::new();
        if let Some([low, high]) = metric.interval {
            let (from, to) = (self.x(low), self.x(high));
            drawn.push(line((from, y), (to, y)).class("interval"));
            drawn.push(self.end(low, y));
            drawn.push(self.end(high, y));
            let interval = Words(metric).interval();
            drawn.push(label((right, y + 20.0), "start", &interval));
        }
        if self.shows(estimate) {
            let title = element("title").with(Words(metric).sentence());
            drawn.push(dot((self.x(estimate), y), 4.5).class("mark").with(title));
        }
        drawn.push(label((right, y + 4.0), "start", &words).class("name"));
        drawn
    }

    fn shows(&self, change: f64) -> bool {
        let Scale::Linear { low, high } = self.scale else {
            return false;
        };
        (low..=high).contains(&change)
    }

    /// Returns the end of an interval: a bar, or an arrow where it goes on beyond the chart.
    fn end(&self, at: f64, y: f64) -> Element {
        let x = self.x(at);
        if self.shows(at) {
            line((x, y - 5.0), (x, y + 5.0)).class("interval")
        } else {
            arrow((x, y), at > 0.0)
        }
    }

    /// Returns a circle where the base began, a square where the candidate did.
    fn pair(
        &self,
        metric: &MetricComparison,
        pair: &PairPoint,
        order: Option<&String>,
        y: f64,
    ) -> Element {
        let x = self.x(pair.change);
        let order = order.map_or("-", String::as_str);
        let shown = Words(metric);
        let words = format!(
            "pair {}, order {order}: {} and {}, {}",
            pair.number,
            shown.value(Some(pair.base)),
            shown.value(Some(pair.candidate)),
            shown.signed(pair.change)
        );
        let mark = if !self.shows(pair.change) {
            arrow((x, y), pair.change > 0.0)
        } else if order.starts_with('B') {
            rectangle(x - 3.5, y - 3.5, 7.0, 7.0)
        } else {
            dot((x, y), 4.0)
        };
        element("g")
            .class("pair")
            .with(mark)
            .with(element("title").with(words))
    }
}

/// Returns what lies beyond the chart, to the right or to the left.
fn arrow((x, y): (f64, f64), right: bool) -> Element {
    let back = if right { -6.0 } else { 6.0 };
    let points = [(x + back, y - 4.0), (x, y), (x + back, y + 4.0)];
    let arrow = element("path").class("line");
    arrow.attr("d", path(points.map(Some)))
}

/// Returns how far the axis goes to both sides: over all that has a say; what else there is may lie beyond.
fn reach(metrics: &[&MetricComparison]) -> f64 {
    let any_gated = metrics.iter().any(|it| it.gated);
    let heard = metrics.iter().filter(|it| it.gated || !any_gated);
    let values = heard.flat_map(|it| {
        let interval = it.interval.into_iter().flatten();
        let single = it.change.into_iter().chain([it.margin * 1.6]);
        interval.chain(single).map(f64::abs)
    });
    let values = values.filter(|it| it.is_finite());
    let most = values.fold(0.0, f64::max);
    if most > 0.0 { most * 1.08 } else { 0.01 }
}

fn legend() -> Element {
    let sample = |drawn: Element, words: &str| {
        let svg = element("svg")
            .attr("aria-hidden", "true")
            .attr("viewBox", "0 0 28 12");
        let svg = svg.with(element("g").class("look7").with(drawn));
        element("span").with(svg).with(words)
    };
    let interval = element("g")
        .with(line((2.0, 6.0), (26.0, 6.0)).class("interval"))
        .with(dot((14.0, 6.0), 4.0).class("mark"));
    element("figcaption")
        .with(sample(interval, "change and its interval"))
        .with(sample(
            rectangle(1.0, 1.0, 26.0, 10.0).class("margin"),
            "within the margin",
        ))
        .with(sample(
            rectangle(1.0, 1.0, 26.0, 10.0).class("worse"),
            "worse by the margin or more",
        ))
        .with(sample(
            dot((14.0, 6.0), 4.0).class("pair"),
            "a pair that began with the base",
        ))
        .with(sample(
            rectangle(10.5, 2.5, 7.0, 7.0).class("pair"),
            "with the candidate",
        ))
        .with(sample(
            line((14.0, 1.0), (14.0, 11.0)).class("detectable"),
            "detectable change",
        ))
}
