//! The frame of a chart: axes with their marks, lines, areas, a legend, and what the cursor reads.

use crate::report::table::cut;

use super::axis::{Axis, Size, Steps};
use super::events::{self, Event};
use super::markup::{Element, Markup, element};
use super::number::{float, step_of};
use super::offered::Stage;
use super::shape::{label, line, look, mark, path, rectangle};

/// How wide a letter of a label is, about.
const LETTER: f64 = 6.6;

/// How many points of a line are marked.
const MARKS: usize = 7;

/// One series of a chart.
pub(super) struct Series {
    /// What it is, in the legend.
    pub(super) name: String,
    /// Which colour and marks, modulo [`LOOKS`].
    pub(super) look: usize,
    /// How it is drawn.
    pub(super) mark: Mark,
    /// What the cursor reads at each of its steps.
    pub(super) readings: Vec<String>,
}

/// How a series is drawn, in values of both axes.
pub(super) enum Mark {
    /// A line, with a gap where nothing is known.
    Line {
        points: Vec<Option<(f64, f64)>>,
        dashed: bool,
    },
    /// The room between two lines over the same places: place, lower, upper.
    Area(Vec<(f64, f64, f64)>),
    /// The same, behind lines, with a gap where nothing is known.
    Band(Vec<Option<(f64, f64, f64)>>),
    /// Single points.
    Dots(Vec<(f64, f64)>),
}

/// A chart.
pub(super) struct Plot {
    /// What it shows, for those who cannot see it.
    pub(super) label: String,
    pub(super) size: Size,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    /// A stretch of the horizontal axis that is not like the rest.
    pub(super) shade: Option<(f64, f64)>,
    /// The stages of the load, every second of which is shaded.
    pub(super) stages: Vec<Stage>,
    /// What happened, of a chart over time.
    pub(super) events: Vec<Event>,
    /// The steps of the cursor, with the words for each.
    pub(super) steps: Option<(Steps, Vec<String>)>,
}

impl Plot {
    /// Returns the legend, the drawing and the line for the cursor's readings.
    pub(super) fn render(self) -> Element {
        let mut svg = self.size.svg(&self.label);
        svg = svg.with(stages(self.size, &self.x, &self.stages));
        svg = svg.with(frame(self.size, &self.x, &self.y, self.shade));
        for series in &self.series {
            svg = svg.with(self.draw(series));
        }
        svg = svg.with(events::draw(self.size, &self.x, &self.events));
        let figure = element("figure").with(legend(&self.series));
        let Some((steps, mut words)) = self.steps else {
            return figure.with(svg);
        };
        events::tell(steps, &mut words, &self.x, &self.events);
        let svg = stepped(svg, steps, &words).with(cursor(self.size));
        figure.with(svg).with(element("output").with("\u{a0}"))
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = (self.x.scale.place(x), self.y.scale.place(y));
        (self.size.x(x), self.size.y(y))
    }

    /// Returns a closed path around the room between two lines; nothing of no places.
    fn around(&self, places: &[(f64, f64, f64)]) -> String {
        let upper = places.iter().map(|(x, _, high)| self.at(*x, *high));
        let lower = places.iter().rev().map(|(x, low, _)| self.at(*x, *low));
        let around = path(upper.chain(lower).map(Some));
        if around.is_empty() {
            around
        } else {
            around + "Z"
        }
    }

    fn draw(&self, series: &Series) -> Element {
        let drawn = match &series.mark {
            Mark::Line { points, dashed } => {
                let places = points.iter().map(|it| it.map(|(x, y)| self.at(x, y)));
                let places: Vec<_> = places.collect();
                let class = if *dashed { "line dashed" } else { "line" };
                let path = element("path")
                    .class(class)
                    .attr("d", path(places.iter().copied()));
                let mut drawn = Markup::from(path);
                drawn.push(marks(&places, series.look));
                drawn
            }
            Mark::Area(places) => {
                let around = self.around(places);
                element("path").class("area").attr("d", around).into()
            }
            Mark::Band(places) => {
                let known = places.split(Option::is_none);
                let around = known.map(|it| {
                    let known: Vec<_> = it.iter().copied().flatten().collect();
                    self.around(&known)
                });
                let around: String = around.collect();
                element("path").class("band").attr("d", around).into()
            }
            Mark::Dots(points) => {
                let places = points.iter().map(|(x, y)| self.at(*x, *y));
                places.map(|at| mark(at, series.look)).collect()
            }
        };
        let readings = Some(series.readings.join("|")).filter(|_| !series.readings.is_empty());
        element("g")
            .class(&look(series.look))
            .attr_if("data-name", readings.as_ref().map(|_| &series.name))
            .attr_if("data-readings", readings)
            .with(drawn)
    }
}

/// Tells the script in which steps the cursor goes.
pub(super) fn stepped(svg: Element, steps: Steps, words: &[String]) -> Element {
    let svg = match steps {
        Steps::Windows(share) => svg.attr("data-steps", "windows").attr("data-share", share),
        Steps::Points => svg.attr("data-steps", "points"),
    };
    svg.attr("data-words", words.join("|"))
}

/// Returns what lies behind a chart: the stretch that is not like the rest, the axes and their marks.
pub(super) fn frame(size: Size, x: &Axis, y: &Axis, shade: Option<(f64, f64)>) -> Element {
    let mut group = element("g").class("grid");
    if let Some((from, to)) = shade {
        let [from, to] = [from, to].map(|it| size.x(x.scale.place(it)));
        let (low, high) = (size.y(0.0), size.y(1.0));
        group = group.with(rectangle(from, high, to - from, low - high).class("shade"));
    }
    for tick in &y.ticks {
        let at = size.y(y.scale.place(*tick));
        group = group.with(line((size.x(0.0), at), (size.x(1.0), at)));
        group = group.with(label((size.left - 6.0, at + 4.0), "end", &(y.label)(*tick)));
    }
    // From the right: of labels that would touch each other the one that is further up the axis stays.
    let mut next = f64::INFINITY;
    for tick in x.ticks.iter().rev() {
        let at = size.x(x.scale.place(*tick));
        group = group.with(line((at, size.y(0.0)), (at, size.y(0.0) + 4.0)));
        let words = (x.label)(*tick);
        let half = LETTER / 2.0 * float(words.chars().count() as u64);
        let middle = at.min(size.width - half);
        if middle + half < next {
            group = group.with(label((middle, size.height - 6.0), "middle", &words));
            next = middle - half - LETTER / 2.0;
        }
    }
    let floor = line((size.x(0.0), size.y(0.0)), (size.x(1.0), size.y(0.0)));
    group.with(floor.class("axis"))
}

/// Returns the stages with their names, every second one shaded.
fn stages(size: Size, x: &Axis, stages: &[Stage]) -> Element {
    let mut group = element("g");
    for (index, stage) in stages.iter().enumerate() {
        let [from, to] = [stage.from, stage.to].map(|it| size.x(x.scale.place(it)));
        let (low, high) = (size.y(0.0), size.y(1.0));
        if index % 2 == 1 {
            group = group.with(rectangle(from, high, to - from, low - high).class("stage"));
        }
        // As many letters as there is room for.
        let room = step_of((to - from - 6.0) / 1000.0, 150);
        if room > 2 {
            group = group.with(label(
                (from + 3.0, high + 10.0),
                "start",
                &cut(&stage.name, room),
            ));
        }
    }
    group
}

/// Some of the points of a line, each series at others, so that lines can be told apart without their colours.
fn marks(places: &[Option<(f64, f64)>], look: usize) -> Markup {
    let apart = places.len().div_ceil(MARKS).max(1);
    let known = places.iter().flatten().skip(look * 3 % apart);
    known.step_by(apart).map(|at| mark(*at, look)).collect()
}

/// Returns what is drawn how: a sample of each series and its name.
fn legend(series: &[Series]) -> Element {
    let entries = series.iter().map(|it| {
        let middle = (14.0, 6.0);
        let sample = match &it.mark {
            Mark::Line { dashed, .. } => {
                let class = if *dashed { "line dashed" } else { "line" };
                let line = element("path").class(class).attr("d", "M1 6H27");
                let mut sample = Markup::from(line);
                sample.push(mark(middle, it.look));
                sample
            }
            Mark::Area(_) => rectangle(1.0, 1.0, 26.0, 10.0).class("area").into(),
            Mark::Band(_) => rectangle(1.0, 1.0, 26.0, 10.0).class("band").into(),
            Mark::Dots(_) => mark(middle, it.look).into(),
        };
        let sample = element("g").class(&look(it.look)).with(sample);
        let sample = element("svg")
            .attr("aria-hidden", "true")
            .attr("viewBox", "0 0 28 12")
            .with(sample);
        element("span").with(sample).with(&it.name)
    });
    element("figcaption").with(entries.collect::<Markup>())
}

/// Returns the line that the script moves.
pub(super) fn cursor(size: Size) -> Element {
    line((0.0, size.y(0.0)), (0.0, size.y(1.0))).class("cursor")
}

/// Returns what stands where a chart would be, when there is nothing to draw.
pub(super) fn nothing(words: &str) -> Element {
    element("p").class("nothing").with(words)
}

#[cfg(test)]
mod tests {
    use super::super::scale::Scale;
    use super::super::shape::LOOKS;
    use super::*;

    #[test]
    fn a_line_lies_where_its_values_are() {
        // The frame is 100 wide and 100 high, and the axes go from 0 to 10: a unit is ten.
        let size = Size {
            width: 130.0,
            height: 125.0,
            left: 20.0,
            right: 10.0,
            top: 5.0,
            bottom: 20.0,
        };
        let axis = || Axis {
            scale: Scale::linear(0.0, 10.0),
            ticks: vec![5.0],
            label: |it| format!("{it} s"),
        };
        let plot = Plot {
            label: "a & b".into(),
            size,
            x: axis(),
            y: axis(),
            series: vec![Series {
                name: "<pull>".into(),
                look: LOOKS + 1,
                mark: Mark::Line {
                    points: vec![Some((1.0, 2.0)), Some((10.0, 0.0))],
                    dashed: true,
                },
                readings: vec!["2 s".into(), "0 s".into()],
            }],
            shade: Some((8.0, 10.0)),
            stages: Vec::new(),
            events: Vec::new(),
            steps: Some((Steps::Points, vec!["p0".into(), "p50".into()])),
        };
        let html = Markup::from(plot.render()).into_string();
        assert!(
            html.contains(r#"<path class="line dashed" d="M30 85L120 105"></path>"#),
            "{html}"
        );
        assert!(
            html.contains(r#"class="look1" data-name="&lt;pull&gt;" data-readings="2 s|0 s""#),
            "{html}"
        );
        assert!(
            html.contains(r#"<rect x="100" y="5" width="20" height="100" class="shade">"#),
            "{html}"
        );
        assert!(html.contains(r#"aria-label="a &amp; b""#), "{html}");
        assert!(html.contains(r#"data-words="p0|p50""#), "{html}");
        assert!(html.contains(">5 s</text>"), "{html}");
    }

    #[test]
    fn labels_of_an_axis_do_not_touch_and_stay_inside() {
        let size = Size {
            width: 120.0,
            height: 100.0,
            left: 10.0,
            right: 10.0,
            top: 0.0,
            bottom: 20.0,
        };
        let axis = |ticks: &[f64]| Axis {
            scale: Scale::linear(0.0, 100.0),
            ticks: ticks.to_vec(),
            label: |it| format!("p{it}"),
        };
        // A unit is a point: p0 and p10 would lie over each other, and p99.9 would end at 126.
        let frame = frame(size, &axis(&[0.0, 10.0, 50.0, 99.9]), &axis(&[]), None);
        let html = Markup::from(frame).into_string();
        for (words, is_there) in [("p0", false), ("p10", true), ("p50", true), ("p99.9", true)] {
            assert_eq!(
                html.contains(&format!(">{words}</text>")),
                is_there,
                "{words} {html}"
            );
        }
        // Five letters of 6.6 around their middle.
        assert!(html.contains("x=\"103.5\""), "{html}");
    }
}
