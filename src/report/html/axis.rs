//! What charts are measured by: axes, sizes, and the steps of a cursor.

use super::markup::{Element, element};
use super::scale::Scale;

/// One axis.
pub(super) struct Axis {
    /// Where values lie.
    pub(super) scale: Scale,
    /// The values that are marked.
    pub(super) ticks: Vec<f64>,
    /// How a mark is labelled.
    pub(super) label: fn(f64) -> String,
}

/// The steps that a cursor goes in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Steps {
    /// From step to step is a stretch of the axis, of this share of it.
    Windows(f64),
    /// A step is a place on the axis, the first at its lower end and the last at its upper.
    Points,
}

/// The measures of a chart, in units that are pixels where the page is wide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Size {
    /// As wide as the page.
    pub(super) const WIDE: Self = Self {
        width: 1080.0,
        height: 220.0,
        left: 72.0,
        right: 14.0,
        top: 8.0,
        bottom: 24.0,
    };
    /// One of several side by side.
    pub(super) const SMALL: Self = Self {
        width: 350.0,
        height: 190.0,
        left: 62.0,
        right: 12.0,
        top: 8.0,
        bottom: 24.0,
    };

    /// Returns where a place on the horizontal axis is.
    pub(super) fn x(self, place: f64) -> f64 {
        self.left + place * (self.width - self.left - self.right)
    }

    /// Returns where a place on the vertical axis is; it grows upwards.
    pub(super) fn y(self, place: f64) -> f64 {
        self.height - self.bottom - place * (self.height - self.top - self.bottom)
    }

    /// Returns the drawing, with what the cursor needs to know of it.
    pub(super) fn svg(self, label: &str) -> Element {
        let Self { width, height, .. } = self;
        element("svg")
            .attr("role", "img")
            .attr("aria-label", label)
            .attr("viewBox", format!("0 0 {width} {height}"))
            .attr("data-left", self.x(0.0) / width)
            .attr("data-right", self.x(1.0) / width)
    }
}
