//! How long after a pause or a restart a latency moves.

use super::course::{Course, LEVEL, real, steps_of};
use crate::stats;
use crate::telemetry::Telemetry;

/// As many steps are looked at behind an event.
const BEHIND: usize = 5;

/// Fewer steps far from restarts do not tell what is usual.
const LEAST_USUAL: usize = 10;

/// What is not so many times the usual is no rise.
const RISE: f64 = 1.5;

/// What the collector and the scheduler of a process do to it.
const PAUSES: [&str; 2] = ["gc_pause", "throttled"];

/// A latency that moves some time after a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Lag {
    /// The source.
    pub source: String,
    /// The name of the series.
    pub series: String,
    /// How long after it, in seconds: 0 if in the same step.
    pub after_s: u64,
    /// Spearman's rank correlation at that distance.
    pub rho: f64,
}

/// A latency that rose after restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rise {
    /// How long after them in the middle, in seconds: 0 if in the same step.
    pub after_s: u64,
    /// After how many of them.
    pub times: usize,
    /// How many there were.
    pub restarts: usize,
}

/// Returns the pauses that the latency rises with, at the distance at which it does so most.
pub(super) fn lags(telemetry: &Telemetry, course: &Course) -> Vec<Lag> {
    let sources = telemetry.sources.iter();
    let pauses = sources.flat_map(|source| {
        let series = source.series.iter();
        let pauses = series.filter(|it| PAUSES.contains(&it.name.as_str()));
        pauses.map(|it| (&source.name, it))
    });
    let pauses: Vec<_> = pauses.collect();
    // Each distance is a try of its own.
    let tries = real(pauses.len() * (BEHIND + 1));
    let found = pauses.iter().filter_map(|(source, series)| {
        let steps = steps_of(series, telemetry, course);
        let at = |behind: usize| {
            let earlier = steps.get(..steps.len().checked_sub(behind)?)?;
            let later = course.steps.get(behind..)?;
            let both = earlier.iter().zip(later);
            let (a, b): (Vec<f64>, Vec<f64>) = both.filter_map(|(a, b)| (*a).zip(*b)).unzip();
            Some((behind, stats::spearman(&a, &b)?))
        };
        let all = (0..=BEHIND).filter_map(at);
        let rises = all.filter(|(_, it)| it.rho > 0.0 && it.p * tries <= LEVEL);
        let (behind, best) = rises.max_by(|a, b| a.1.rho.total_cmp(&b.1.rho))?;
        Some(Lag {
            source: (*source).clone(),
            series: series.name.clone(),
            after_s: behind as u64 * course.step_s,
            rho: best.rho,
        })
    });
    found.collect()
}

/// Returns whether the latency rose after restarts: to what it seldom has otherwise, and more often than chance has it.
pub(super) fn rise(telemetry: &Telemetry, course: &Course) -> Option<Rise> {
    let restarts = telemetry.sources.iter().flat_map(|it| &it.restarts_us);
    let step = |micros: &u64| usize::try_from(micros / 1_000_000 / course.step_s).ok();
    let mut restarts: Vec<usize> = restarts.filter_map(step).collect();
    restarts.sort_unstable();
    // Sources of one process see one restart, one a step later than the other.
    restarts.dedup_by(|later, earlier| *later - *earlier <= 1);
    restarts.retain(|it| *it < course.steps.len());
    let is_near = |step: usize| {
        restarts
            .iter()
            .any(|it| (*it..=it + BEHIND).contains(&step))
    };
    let far = course
        .steps
        .iter()
        .enumerate()
        .filter(|(step, _)| !is_near(*step));
    let mut usual: Vec<f64> = far.filter_map(|(_, it)| *it).collect();
    usual.sort_unstable_by(f64::total_cmp);
    if restarts.is_empty() || usual.len() < LEAST_USUAL {
        return None;
    }
    let limit = (usual[usual.len() / 2] * RISE).max(usual[usual.len() * 95 / 100]);
    let lag = |restart: &usize| {
        let mut behind = course.steps.iter().skip(*restart).take(BEHIND + 1);
        behind.position(|it| it.is_some_and(|it| it > limit))
    };
    let mut lags: Vec<usize> = restarts.iter().filter_map(lag).collect();
    lags.sort_unstable();
    let above = usual.iter().filter(|it| **it > limit).count();
    let once = real(above + 1) / real(usual.len() + 2);
    let by_chance = 1.0 - (1.0 - once).powf(real(BEHIND + 1));
    let middle = *lags.get(lags.len() / 2)?;
    (at_least(lags.len(), restarts.len(), by_chance) <= LEVEL).then_some(Rise {
        after_s: middle as u64 * course.step_s,
        times: lags.len(),
        restarts: restarts.len(),
    })
}

/// Returns how probable so many hits or more are of so many tries.
fn at_least(hits: usize, tries: usize, chance: f64) -> f64 {
    let mut ways = vec![0.0; tries + 1];
    ways[0] = 1.0;
    for done in 0..tries {
        for count in (0..=done + 1).rev() {
            let before = if count > 0 { ways[count - 1] } else { 0.0 };
            ways[count] = ways[count] * (1.0 - chance) + before * chance;
        }
    }
    ways.iter().skip(hits).sum()
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn chances_are_those_of_coins() {
        assert!((at_least(2, 3, 0.5) - 0.5).abs() < 1e-12);
        assert!((at_least(3, 3, 0.1) - 0.001).abs() < 1e-12);
        assert!((at_least(0, 5, 0.3) - 1.0).abs() < 1e-12);
        assert!((at_least(1, 2, 0.1) - 0.19).abs() < 1e-12);
    }
}
