//! From the series of sources to the numbers that people ask for, thresholds judge and comparisons compare.
//!
//! What is divided is divided as rates: processor time in a second, over the time between readings, by iterations or bytes
//! in a second of the measured window. So a reading that is missing at one end moves nothing.

use crate::units;

use super::figure::ServerFigure;
use super::metric::{ServerMetric, is_common};
use super::record::{Series, SeriesKind, SourceRecord, Telemetry};
use super::slope;
use super::unit::FigureUnit;

/// What readings cover less of the measured window is not divided by what was done in all of it.
const LEAST_COVERED: f64 = 0.5;

/// What the load did in the measured window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// The length of the window in seconds.
    pub window_s: f64,
    /// Iterations that ended well within it.
    pub iterations: u64,
    /// What all of these did, if all did the same.
    pub only: Option<Journey>,
    /// Bytes of bodies of exchanges that ended well within it, both ways.
    pub bytes: u64,
}

/// What an iteration did, where there is a number of its own for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journey {
    /// It pulled an image.
    Pull,
    /// It pushed one.
    Push,
}

/// Returns every number that the series give, those of words first.
pub fn figures(telemetry: &Telemetry, work: &Work) -> Vec<ServerFigure> {
    let mut all = Figures {
        words: Vec::new(),
        others: Vec::new(),
        window_s: telemetry.window_s,
    };
    for source in &telemetry.sources {
        for series in &source.series {
            all.add(source, series);
        }
    }
    all.add_shares();
    all.add_cpu(telemetry, work);
    all.add_restarts(telemetry);
    all.words.extend(all.others);
    all.words
}

struct Figures {
    words: Vec<ServerFigure>,
    others: Vec<ServerFigure>,
    window_s: u64,
}

impl Figures {
    fn add(&mut self, source: &SourceRecord, series: &Series) {
        let (name, unit) = (series.name.as_str(), series.figure_unit());
        let samples = series.windows.iter().flatten().count() as u64;
        let figure = |end: &str, unit: FigureUnit, value: Option<f64>| ServerFigure {
            metric: ServerMetric::of_word(&format!("{name}{end}")),
            source: source.name.clone(),
            unit,
            value: value.filter(|it| it.is_finite()),
            interval: None,
            samples,
            why: value.is_none().then(|| "no reading gave it".to_owned()),
        };
        let mut found = Vec::new();
        match series.kind {
            SeriesKind::Counter => {
                let rate = series.increase.filter(|_| series.covered_us > 0);
                let rate = rate.map(|it| it / seconds(series.covered_us));
                found.push(figure("", unit, rate));
            }
            SeriesKind::Gauge => {
                found.push(figure("", unit, mean(series)));
                found.push(figure(".max", unit, series.highest));
                let growth = series
                    .last
                    .zip(series.first)
                    .map(|(last, first)| last - first);
                found.push(figure(".growth", unit, growth));
                if is_common(name) {
                    let slope = slope::of(series, self.window_s, &source.restarts_us);
                    found.push(ServerFigure {
                        value: slope.map(|it| it.estimate),
                        interval: slope.map(|it| [it.interval.low, it.interval.high]),
                        why: slope.is_none().then(|| slope::WHY_NOT.to_owned()),
                        ..figure(".slope", unit.per_second(), None)
                    });
                }
            }
        }
        for figure in found {
            let is_first =
                |it: &ServerFigure| it.metric == figure.metric && it.source != figure.source;
            if is_common(name) && !self.words.iter().any(is_first) {
                self.words.push(figure);
            } else {
                let metric = ServerMetric::of_source(&source.name, figure.metric.name());
                self.others.push(ServerFigure { metric, ..figure });
            }
        }
    }

    fn word(&self, word: &str) -> Option<&ServerFigure> {
        self.words.iter().find(|it| it.metric.name() == word)
    }

    /// Returns what of two parts the first is, where both are counted.
    fn add_shares(&mut self) {
        for (word, hits, misses) in [
            ("cache_hit_share", "cache_hits", "cache_misses"),
            ("proxy_hit_share", "proxy_hits", "proxy_misses"),
        ] {
            let (Some(hits), Some(misses)) = (self.word(hits), self.word(misses)) else {
                continue;
            };
            let parts = hits.value.zip(misses.value);
            let share = parts.filter(|(a, b)| a + b > 0.0).map(|(a, b)| a / (a + b));
            let why = || "nothing was looked up".to_owned();
            self.words.push(ServerFigure {
                metric: ServerMetric::of_word(word),
                unit: FigureUnit::Share,
                value: share,
                why: share.is_none().then(why),
                ..hits.clone()
            });
        }
    }

    /// Divides processor time by what was done meanwhile.
    fn add_cpu(&mut self, telemetry: &Telemetry, done: &Work) {
        let Some(cpu) = self.word("cpu").cloned() else {
            return;
        };
        let series = telemetry.sources.iter().find(|it| it.name == cpu.source);
        let series = series.and_then(|it| it.series.iter().find(|it| it.name == "cpu"));
        let covered = series.map_or(0.0, |it| seconds(it.covered_us)) / done.window_s;
        let mut divide = |word: &str, count: f64, samples: u64, nothing: &str| {
            let (value, why) = if cpu.value.is_none() {
                (None, cpu.why.clone())
            } else if covered.is_nan() || covered < LEAST_COVERED {
                let share = units::share(covered.max(0.0));
                (
                    None,
                    Some(format!("readings cover {share} of the measured window")),
                )
            } else if count > 0.0 {
                (cpu.value.map(|it| it / (count / done.window_s)), None)
            } else {
                (None, Some(nothing.to_owned()))
            };
            self.words.push(ServerFigure {
                metric: ServerMetric::of_word(word),
                unit: FigureUnit::Seconds,
                value,
                samples,
                why,
                ..cpu.clone()
            });
        };
        let (iterations, none) = (done.iterations, "no iteration ended well");
        let of_kind = match done.only {
            Some(Journey::Pull) => Some("cpu_per_pull"),
            Some(Journey::Push) => Some("cpu_per_push"),
            None => None,
        };
        for word in of_kind.into_iter().chain(["cpu_per_iteration"]) {
            divide(word, real(iterations), iterations, none);
        }
        divide(
            "cpu_per_gb",
            real(done.bytes) / 1e9,
            iterations,
            "no bytes were moved",
        );
    }

    /// Sources of one process see the same restarts, so the most that one saw counts.
    fn add_restarts(&mut self, telemetry: &Telemetry) {
        let able = telemetry.sources.iter().filter(|it| it.readings.good > 0);
        if let Some(most) = able.reduce(|a, b| if b.restarts > a.restarts { b } else { a }) {
            self.words.push(ServerFigure {
                metric: ServerMetric::of_word("restarts"),
                source: most.name.clone(),
                unit: FigureUnit::Number,
                value: Some(real(most.restarts)),
                interval: None,
                samples: most.readings.good,
                why: None,
            });
        }
    }
}

/// Returns the mean of the windows that are known.
fn mean(series: &Series) -> Option<f64> {
    let known: Vec<f64> = series.windows.iter().copied().flatten().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / real(known.len() as u64))
}

fn seconds(micros: u64) -> f64 {
    real(micros) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown of it")]
const fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
