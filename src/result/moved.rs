//! What of the target's side moved as the latency of a run did: a hint where to look, and never a cause.
//!
//! Everything that is tried counts: p is corrected for the number of series, and for how alike neighbouring steps are. A
//! run has a hint that is chance in 5 of 100.

mod course;
mod lag;

use super::Document;
use crate::measure::{IterationClock, Metric, PackedHistogram};
use crate::stats::{self, Correlation, MIN_STEPS};
use crate::telemetry::Telemetry;
use crate::units::Quantile;

use course::{Course, LEVEL, real, steps_of};
pub use lag::{Lag, Rise};

/// More than these are not read.
const MOST: usize = 5;

/// What moved as a latency did.
#[derive(Debug, Clone, PartialEq)]
pub struct MovedWith {
    /// The latency: the response time of the journey with the most iterations.
    pub metric: Metric,
    /// Which percentile of it: the highest that enough steps know.
    pub quantile: Quantile,
    /// How long a step is, in seconds.
    pub step_s: u64,
    /// How many steps there are.
    pub steps: usize,
    /// How many series were tried.
    pub tried: usize,
    /// What size of rho chance alone reaches, with so many series, in 5 of 100 runs.
    pub rho_of_chance: Option<f64>,
    /// The series that moved with it, the closest first.
    pub series: Vec<MovedSeries>,
    /// Pauses of a collector and the like that it moved behind.
    pub lags: Vec<Lag>,
    /// Whether it rose after restarts.
    pub rise: Option<Rise>,
}

/// One series that moved as a latency did.
#[derive(Debug, Clone, PartialEq)]
pub struct MovedSeries {
    /// The source.
    pub source: String,
    /// The name of the series.
    pub series: String,
    /// Spearman's rank correlation.
    pub rho: f64,
    /// How probable so large a one is by chance, with as many series as were tried.
    pub p: f64,
}

impl Document {
    /// Returns what moved with the latency of its main journey; `None` without telemetry, and where fewer than 20 steps know a
    /// percentile.
    pub fn moved(&self) -> Option<MovedWith> {
        let telemetry = self.telemetry.as_ref()?;
        let main = self
            .journeys
            .iter()
            .max_by_key(|it| it.counts.outcomes.ok)?;
        let metric = Metric::of_journey(&main.name, IterationClock::Response);
        let course = self.course_of(&metric)?;
        Some(course.moved(metric, telemetry))
    }

    /// Returns the highest percentile that enough steps of the measured window know, in the shortest steps.
    fn course_of(&self, metric: &Metric) -> Option<Course> {
        let width = self.time_series.window_seconds();
        let measured = usize::try_from(self.window().as_secs() / width).ok()?;
        let windows = &self.latency_over_time(metric)?.windows;
        let windows = windows.get(..measured.min(windows.len()))?;
        let quantiles = [Quantile::P99, Quantile::P95, Quantile::P50];
        quantiles.into_iter().find_map(|quantile| {
            (1..=windows.len() / MIN_STEPS).find_map(|together| {
                let of = |it: &[PackedHistogram]| {
                    let time = PackedHistogram::quantile_of(it, quantile)?;
                    Some(time.as_secs_f64())
                };
                let steps: Vec<Option<f64>> = windows.chunks_exact(together).map(of).collect();
                let known = steps.iter().flatten().count();
                // A few steps may be thin, as those of a restart are.
                let is_known = known >= MIN_STEPS && known * 10 >= steps.len() * 8;
                is_known.then(|| Course {
                    quantile,
                    step_s: width * together as u64,
                    steps,
                })
            })
        })
    }
}

impl Course {
    /// Returns what moved with it, of everything that was read.
    fn moved(&self, metric: Metric, telemetry: &Telemetry) -> MovedWith {
        let all = telemetry.sources.iter().flat_map(|source| {
            let names = source.series.iter().map(|it| (&source.name, it));
            names.filter_map(|(name, series)| {
                let found = self.moves_with(&steps_of(series, telemetry, self))?;
                Some((name, &series.name, found))
            })
        });
        let all: Vec<(&String, &String, Correlation)> = all.collect();
        let adjusted = stats::holm(&all.iter().map(|it| it.2.p).collect::<Vec<_>>());
        let found = all.iter().zip(adjusted).filter(|(_, p)| *p <= LEVEL);
        let found = found.map(|((source, series, it), p)| MovedSeries {
            source: (*source).clone(),
            series: (*series).clone(),
            rho: it.rho,
            p,
        });
        let mut series: Vec<MovedSeries> = found.collect();
        series.sort_by(|a, b| b.rho.abs().total_cmp(&a.rho.abs()));
        series.truncate(MOST);
        let mut independent: Vec<f64> = all.iter().map(|it| it.2.independent).collect();
        independent.sort_unstable_by(f64::total_cmp);
        let middle = independent.get(independent.len() / 2);
        MovedWith {
            metric,
            quantile: self.quantile,
            step_s: self.step_s,
            steps: self.steps.len(),
            tried: all.len(),
            rho_of_chance: middle.and_then(|it| stats::rho_of_chance(*it, LEVEL / real(all.len()))),
            series,
            lags: lag::lags(telemetry, self),
            rise: lag::rise(telemetry, self),
        }
    }
}

#[cfg(test)]
mod tests;
