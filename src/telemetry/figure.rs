//! One number of the target's side of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::ServerMetric;
use super::record::{Series, SeriesKind, Unit};
use super::unit::FigureUnit;

/// One number of the target's side of a run, made of the series of its sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerFigure {
    /// What it is of. A word without a source is of the first source that has it.
    pub metric: ServerMetric,
    /// The source that gave it; of `server.restarts`, the one that saw the most.
    pub source: String,
    /// What it is counted in.
    pub unit: FigureUnit,
    /// The number; null where it is not known.
    pub value: Option<f64>,
    /// Between what it lies with a confidence of 95%, where it is an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// How many samples it is of: iterations where it is of one, otherwise windows of the series.
    pub samples: u64,
    /// Why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl ServerFigure {
    /// Returns whether it is the number that a name stands for: a word of the first source that has it goes by the name of the
    /// source, too.
    pub fn is_of(&self, metric: &ServerMetric) -> bool {
        self.metric == *metric || metric.of(&self.source) == Some(self.metric.name())
    }

    /// Returns the value as people read it, `-` where it is not known; of an estimate with its interval.
    pub fn text(&self) -> String {
        let Some(value) = self.value else {
            return "-".to_owned();
        };
        match self.interval {
            Some([low, high]) => {
                let [low, high] = [low, high].map(|it| self.shown(it));
                format!("{} ({low} to {high})", self.shown(value))
            }
            None => self.shown(value),
        }
    }

    /// Returns a value of it as people read it: of a slope, per minute.
    pub fn shown(&self, value: f64) -> String {
        if self.metric.is_slope() {
            let text = self.unit.text(value * 60.0);
            return text
                .strip_suffix("/s")
                .map_or(text.clone(), |it| format!("{it}/min"));
        }
        self.unit.text(value)
    }
}

impl Series {
    /// Returns what its plain number is counted in: the mean of a gauge, the increase of a counter in a second.
    pub fn figure_unit(&self) -> FigureUnit {
        ServerMetric::unit_of(&self.name).unwrap_or(match (self.kind, self.unit) {
            (SeriesKind::Gauge, Unit::Bytes) => FigureUnit::Bytes,
            (SeriesKind::Gauge, Unit::Seconds) => FigureUnit::Seconds,
            (_, Unit::Share) => FigureUnit::Share,
            (SeriesKind::Gauge, Unit::Plain) => FigureUnit::Number,
            (SeriesKind::Counter, Unit::Bytes) => FigureUnit::BytesPerSecond,
            (SeriesKind::Counter, Unit::Seconds) => FigureUnit::SecondsPerSecond,
            (SeriesKind::Counter, Unit::Plain) => FigureUnit::PerSecond,
        })
    }
}
