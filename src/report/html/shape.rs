//! The shapes that charts are made of, and how a series looks.

use std::fmt::Write as _;

use super::markup::{Element, element};

/// How many looks a series can have; style.css has as many. The dashes differ as the colours do.
pub(super) const LOOKS: usize = 8;

/// Returns the class of a look.
pub(super) fn look(number: usize) -> String {
    format!("look{}", number % LOOKS)
}

/// Returns the shape of a look.
pub(super) fn mark((x, y): (f64, f64), look: usize) -> Element {
    let shape = match look % LOOKS {
        0 => return dot((x, y), 3.2).class("mark"),
        1 => "m-3-3h6v6h-6z",
        2 => "m0-4l4 7h-8z",
        3 => "m0-4.4l4.4 4.4l-4.4 4.4l-4.4-4.4z",
        4 => "m0 4l4-7h-8z",
        5 => return dot((x, y), 3.2).class("mark hollow"),
        6 => "m-3.5-3.5l7 7m0-7l-7 7",
        _ => "m-3.2-3.2h6.4v6.4h-6.4z",
    };
    let class = if look % LOOKS > 5 {
        "mark hollow"
    } else {
        "mark"
    };
    let place = format!("M{} {}{shape}", short(x), short(y));
    element("path").class(class).attr("d", place)
}

/// A point without neighbours is a short stroke.
const ALONE: &str = "m-3 0h6";

/// Returns a path through points; a gap where there is none. A point between two gaps is a short stroke.
pub(super) fn path(points: impl IntoIterator<Item = Option<(f64, f64)>>) -> String {
    let mut text = String::new();
    let mut drawn = 0;
    let mut alone = false;
    for point in points {
        if let Some((x, y)) = point {
            alone = drawn == 0;
            drawn += 1;
            let command = if drawn == 1 { 'M' } else { 'L' };
            // Writing to a string does not fail.
            let _ = write!(text, "{command}{} {}", short(x), short(y));
        } else {
            if std::mem::take(&mut alone) {
                text.push_str(ALONE);
            }
            drawn = 0;
        }
    }
    if alone {
        text.push_str(ALONE);
    }
    text
}

/// Returns a coordinate, to a tenth.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

pub(super) fn line(from: (f64, f64), to: (f64, f64)) -> Element {
    element("line")
        .attr("x1", short(from.0))
        .attr("y1", short(from.1))
        .attr("x2", short(to.0))
        .attr("y2", short(to.1))
}

pub(super) fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Element {
    element("rect")
        .attr("x", short(x))
        .attr("y", short(y))
        .attr("width", short(width.max(0.0)))
        .attr("height", short(height.max(0.0)))
}

pub(super) fn dot(at: (f64, f64), radius: f64) -> Element {
    element("circle")
        .attr("cx", short(at.0))
        .attr("cy", short(at.1))
        .attr("r", short(radius))
}

pub(super) fn label(at: (f64, f64), anchor: &str, words: &str) -> Element {
    element("text")
        .attr("x", short(at.0))
        .attr("y", short(at.1))
        .attr("text-anchor", anchor)
        .with(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_gaps() {
        let point = |x: f64| Some((x, x / 4.0));
        assert_eq!(
            path([point(0.0), point(2.0), point(3.25)]),
            "M0 0L2 0.5L3.2 0.8"
        );
        assert_eq!(
            path([point(4.0), None, point(8.0), point(12.0)]),
            "M4 1m-3 0h6M8 2L12 3"
        );
        assert_eq!(path([None, point(4.0)]), "M4 1m-3 0h6");
        assert_eq!(path([None, None]), "");
    }
}
