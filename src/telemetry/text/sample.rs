//! What lines of a text say.

use std::borrow::Cow;

/// Which of the two formats a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Prometheus text 0.0.4. Lines may be empty.
    Prometheus,
    /// OpenMetrics 1.0. Its last line is `# EOF`.
    OpenMetrics,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a> {
    /// What kind of metrics a family has.
    Type {
        /// The name of the family.
        name: &'a str,
        /// Its kind.
        kind: Kind,
    },
    /// One number.
    Sample(Sample<'a>),
}

/// One number of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// The name of the metric.
    pub name: &'a str,
    /// Its labels with their values, in the order of the text. No two have one name.
    pub labels: Vec<(&'a str, Cow<'a, str>)>,
    /// The value; it may be infinite, or not a number.
    pub value: f64,
}

impl Sample<'_> {
    /// Returns the value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        labels
            .find(|(it, _)| *it == name)
            .map(|(_, value)| &**value)
    }
}

/// What kind of metrics a family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts by size, in buckets.
    Histogram,
    /// A count, a sum and perhaps quantiles.
    Summary,
    /// Any other, or not known.
    Other,
}
