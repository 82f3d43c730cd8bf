//! From a search and its trials to their sections.

use crate::measure::{LatencyHistogram, Period, Record};
use crate::schedule::{Found, Limit, Low, Standing, Trial, TrialOutcome};

use super::from_record::{all_periods, failures};
use super::section::{micros, per_second};
use super::{SearchSection, TrialSection, WallClock};

impl TrialSection {
    /// Returns the section of a trial by what was recorded in it. `clock` is that of the search, `name` gives the words for a
    /// broken criterion by its number.
    pub fn new(
        trial: &Trial,
        record: &Record,
        clock: WallClock,
        name: &dyn Fn(usize) -> String,
    ) -> Self {
        let mut response_time = LatencyHistogram::new();
        let mut within = 0;
        for (_, _, series) in record.tracks() {
            response_time.merge(&series.latencies.response_time);
            within += series.counts.within_window;
        }
        let totals = record.totals(Period::Measure);
        let closure = record.check();
        let (outcome, reason, margin) = match &trial.outcome {
            TrialOutcome::Pass { margin } => ("pass", None, Some(*margin)),
            TrialOutcome::Fail { broke, margin } => ("fail", Some(name(*broke)), Some(*margin)),
            TrialOutcome::Invalid { reason } => ("invalid", Some(reason.clone()), None),
            TrialOutcome::Inconclusive => ("inconclusive", None, None),
        };
        Self {
            number: trial.number,
            kind: trial.kind,
            rate_per_s: trial.rate.per_second(),
            achieved_per_s: per_second(within, micros(record.window())),
            outcome: outcome.to_owned(),
            reason,
            margin: margin.map(|it| (it * 1000.0).round() / 1000.0),
            response_time,
            failed: totals.iterations.failed,
            dropped: totals.starts.dropped,
            periods: all_periods(record),
            failures: failures(record, clock),
            sums_checked: closure.sums.len() as u64,
            broken_sums: closure.broken().cloned().collect(),
        }
    }
}

impl SearchSection {
    /// Returns what was found; `told` is the trial that the document is of, `name` gives the words for a broken criterion by
    /// its number.
    pub fn new(
        found: &Found,
        trials: Vec<TrialSection>,
        told: u32,
        name: &dyn Fn(usize) -> String,
    ) -> Self {
        let words = |limit: &Limit| match limit {
            Limit::Threshold(index) => name(*index),
            Limit::Generator(reason) => format!("the generator was the limit: {reason}"),
            Limit::TooFewSamples => "too few samples to judge".to_owned(),
        };
        Self {
            low_per_s: found.low.map(|low: Low| low.rate.per_second()),
            confirmed: found
                .low
                .is_some_and(|low| low.standing == Standing::Confirmed),
            high_per_s: found.high.as_ref().map(|high| high.rate.per_second()),
            broke: found.high.as_ref().map(|high| words(&high.limit)),
            end: found.end,
            told,
            trials,
        }
    }
}
