//! The search itself: the bounds, and what they call for.

use super::point::{Bound, Judgement, Point};
use super::{
    Found, Limit, Low, SearchEnd, SearchSpec, SearchSpecError, Standing, Step, Trial, TrialKind,
    TrialOutcome,
};
use crate::units::Rate;

/// How often the rate is lowered while none has passed.
const SHRINKS: u32 = 6;

/// How often in a row the lower bound is lowered by the precision when it is not confirmed.
const STEPS_DOWN: u32 = 4;

/// Rates are rounded to that many digits, so that people can read them and write them again. The error of 0.05 % is a
/// twentieth of the finest precision.
const DIGITS: u32 = 4;

/// The search for the highest rate of iterations that keeps the thresholds.
///
/// Deterministic: the same outcomes lead to the same trials.
#[derive(Debug, Clone)]
pub struct Search {
    spec: SearchSpec,
    trials: Vec<Trial>,
    /// Rates that passed, ascending; the last is the lower bound.
    lows: Vec<Low>,
    /// Rates that did not, descending; the last is the upper bound, and it is above the lower one.
    highs: Vec<Bound>,
    /// What is tried now; `None` at the end.
    point: Option<Point>,
    shrinks: u32,
    steps_down: u32,
    /// How many of the factors beyond the upper bound are done.
    beyond: usize,
    stopped: bool,
}

impl Search {
    /// Creates a search that has not begun.
    ///
    /// # Errors
    /// See [`SearchSpec::check`].
    pub fn new(spec: SearchSpec) -> Result<Self, SearchSpecError> {
        spec.check()?;
        Ok(Self {
            point: Some(Point::new(spec.start, TrialKind::Sanity)),
            spec,
            trials: Vec::new(),
            lows: Vec::new(),
            highs: Vec::new(),
            shrinks: 0,
            steps_down: 0,
            beyond: 0,
            stopped: false,
        })
    }

    /// Returns what to do next. It stays the same until an outcome is recorded.
    pub fn next(&self) -> Step {
        match &self.point {
            Some(point) => Step::Trial {
                number: self.number(),
                rate: point.rate,
                kind: point.kind,
            },
            None => Step::Done(self.found()),
        }
    }

    /// Takes what came of the trial that [`next`](Self::next) wanted.
    ///
    /// # Panics
    /// When it wanted none.
    pub fn record(&mut self, outcome: TrialOutcome) {
        let mut point = self.point.take().expect("a trial was wanted");
        let trial = Trial {
            number: self.number(),
            rate: point.rate,
            kind: point.kind,
            outcome,
        };
        point.count(&trial.outcome, &self.spec);
        let judgement = point.judgement(&trial, &self.spec);
        self.trials.push(trial);
        self.point = match judgement {
            _ if point.kind == TrialKind::Beyond => self.look_beyond(),
            None => Some(point),
            Some(judgement) => {
                self.judge(&point, judgement);
                self.advance(&point)
            }
        }
        .filter(|_| self.left() > 0);
    }

    /// Ends the search before the next trial: nothing more is wanted, and what is known by now is found.
    pub fn stop(&mut self) {
        self.stopped |= self.point.take().is_some();
    }

    fn found(&self) -> Found {
        Found {
            low: self.lows.last().copied(),
            high: self.highs.last().map(|bound| bound.high.clone()),
            end: self.end(),
            trials: self.trials.clone(),
        }
    }

    /// Moves the bounds.
    fn judge(&mut self, point: &Point, judgement: Judgement) {
        match judgement {
            Judgement::Passed => {
                // What was found against this rate and those below has not held.
                self.highs.retain(|bound| bound.high.rate > point.rate);
                self.lows.retain(|low| low.rate < point.rate);
                self.lows.push(Low {
                    rate: point.rate,
                    standing: match point.kind {
                        TrialKind::Confirm => Standing::Confirmed,
                        _ => Standing::Passed,
                    },
                });
            }
            Judgement::NotPassed(bound) => {
                self.lows.retain(|low| low.rate < point.rate);
                self.highs.retain(|it| it.high.rate > point.rate);
                self.highs.push(bound);
            }
        }
    }

    /// Returns what the bounds call for, after a rate was judged.
    fn advance(&mut self, last: &Point) -> Option<Point> {
        let low = self.lows.last().copied();
        if low.is_some_and(|low| low.standing == Standing::Confirmed) {
            return self.look_beyond();
        }
        if last.kind == TrialKind::Confirm {
            if let Some(point) = self.step_down(last.rate) {
                return Some(point);
            }
            self.steps_down = 0;
        }
        let Some(low) = low else {
            return self.shrink();
        };
        let confirm = Point::new(low.rate, TrialKind::Confirm);
        if self.short_of_trials() {
            return Some(confirm);
        }
        Some(match self.highs.last() {
            None => match self.higher(low.rate) {
                Some(rate) => Point::new(rate, TrialKind::Grow),
                None => confirm,
            },
            Some(bound) => match self.between(low.rate, bound.high.rate) {
                Some(rate) => Point::new(rate, TrialKind::Bisect),
                None if bound.single => Point::new(bound.high.rate, TrialKind::Recheck),
                None => confirm,
            },
        })
    }

    /// Returns a lower rate while none has passed.
    fn shrink(&mut self) -> Option<Point> {
        let bound = &self.highs.last()?.high;
        let rate = bound.rate.times(1.0 / self.spec.growth).rounded(DIGITS);
        // With too few samples at a rate, there are even fewer at a lower one.
        let useful = bound.limit != Limit::TooFewSamples && rate < bound.rate;
        let more = useful && self.shrinks < SHRINKS;
        self.shrinks += 1;
        more.then(|| Point::new(rate, TrialKind::Shrink))
    }

    /// After a lower bound that was not confirmed: a little lower, unless a rate passed there already or that was done
    /// often enough.
    fn step_down(&mut self, from: Rate) -> Option<Point> {
        self.steps_down += 1;
        // A thousandth less far, so that rounding does not leave the bounds further apart than they may be.
        let factor = 1.001 / (1.0 + self.spec.precision);
        let rate = from.times(factor).rounded(DIGITS);
        let known = self.lows.last().is_some_and(|low| low.rate >= rate);
        let more = self.steps_down <= STEPS_DOWN && !known && rate < from;
        more.then(|| Point::new(rate, TrialKind::Confirm))
    }

    /// Returns the next rate beyond the upper bound; nothing when the generator has found its own.
    fn look_beyond(&mut self) -> Option<Point> {
        let bound = self.highs.last()?;
        let Limit::Threshold(_) = bound.high.limit else {
            return None;
        };
        let last = self.trials.last()?;
        if matches!(last.outcome, TrialOutcome::Invalid { .. }) {
            return None;
        }
        let factor = *self.spec.beyond.get(self.beyond)?;
        let rate = self.at_most_max(bound.high.rate.times(factor).rounded(DIGITS));
        self.beyond += 1;
        (rate > last.rate && rate > bound.high.rate).then(|| Point::new(rate, TrialKind::Beyond))
    }

    /// Returns the geometric middle; `None` when the bounds are close enough or no rate lies between them.
    fn between(&self, low: Rate, high: Rate) -> Option<Rate> {
        let ratio = high.per_second() / low.per_second();
        let middle = low.times(ratio.sqrt()).rounded(DIGITS);
        (ratio > 1.0 + self.spec.precision && low < middle && middle < high).then_some(middle)
    }

    /// Returns the next rate to grow to; `None` at the highest.
    fn higher(&self, low: Rate) -> Option<Rate> {
        let rate = self.at_most_max(low.times(self.spec.growth).rounded(DIGITS));
        (rate > low).then_some(rate)
    }

    fn at_most_max(&self, rate: Rate) -> Rate {
        self.spec.max.map_or(rate, |max| rate.min(max))
    }

    /// Trials that may still be run.
    fn left(&self) -> u32 {
        self.spec.max_trials + 1 - self.number()
    }

    /// Returns `true` if the remaining trials are needed to confirm what is known.
    fn short_of_trials(&self) -> bool {
        self.left() <= self.spec.confirmations
    }

    /// Of the next trial, from 1.
    fn number(&self) -> u32 {
        u32::try_from(self.trials.len()).unwrap_or(u32::MAX - 1) + 1
    }

    fn end(&self) -> SearchEnd {
        if self.stopped {
            return SearchEnd::Stopped;
        }
        let limit = self.highs.last().map(|bound| &bound.high.limit);
        let open = match (self.lows.last(), self.highs.last()) {
            (Some(low), _) if low.standing == Standing::Passed => true,
            (Some(low), Some(bound)) => self.between(low.rate, bound.high.rate).is_some(),
            (Some(low), None) => self.higher(low.rate).is_some(),
            (None, _) => self.shrinks <= SHRINKS && self.left() == 0,
        };
        match (limit, self.lows.last()) {
            _ if open => SearchEnd::TrialsUsedUp,
            (None, _) => SearchEnd::MaxReached,
            (Some(Limit::Generator(_)), _) => SearchEnd::GeneratorLimit,
            (Some(Limit::TooFewSamples), _) => SearchEnd::TooFewSamples,
            (Some(Limit::Threshold(_)), Some(_)) => SearchEnd::Converged,
            (Some(Limit::Threshold(_)), None) => SearchEnd::BelowStart,
        }
    }
}
