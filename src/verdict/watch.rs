//! All thresholds of a run, from its start to its end.

use std::time::Duration;

use super::evidence::Moment;
use super::judge::judge;
use super::threshold_result::{Status, ThresholdResult};
use super::view::{judged_span, view};
use crate::measure::{Catalogue, Observed, View};
use crate::plan::{Abort, Plan, Threshold};
use crate::schedule::Span;

const OTHER_VIEWS: &str = "the observations are of other views than those of this watch";

/// The thresholds of a run: what they look at, how they stand, and whether one of them ends the run.
#[derive(Debug, Clone)]
pub struct Watch {
    watched: Vec<Watched>,
}

#[derive(Debug, Clone)]
struct Watched {
    threshold: Threshold,
    span: Span,
    /// When the first of its samples can be due.
    opens: Duration,
    /// How it stood when the run was ended because of it.
    ended_run: Option<ThresholdResult>,
}

impl Watch {
    /// Returns the thresholds of a plan, of which a stage of that name runs in the span that `stage` says; from the start of
    /// the first to the end of the last, where several loads have one. `None` stands for the whole window.
    pub fn new(plan: &Plan, stage: impl Fn(&str) -> Option<Span>) -> Self {
        let watched = plan.thresholds.iter().map(|threshold| {
            let stage = threshold.stage.as_deref().and_then(&stage);
            let opens = stage.map_or(Duration::ZERO, |stage| stage.from);
            Watched {
                span: judged_span(threshold, stage),
                opens: threshold.from.max(opens),
                threshold: threshold.clone(),
                ended_run: None,
            }
        });
        Self {
            watched: watched.collect(),
        }
    }

    /// Returns what is to be recorded, in the order of the thresholds: a view for each.
    pub fn views(&self, catalogue: &Catalogue) -> Vec<View> {
        let views = self.watched.iter();
        let views = views.map(|it| view(&it.threshold, catalogue, it.span));
        views.collect()
    }

    /// Returns how the thresholds stand that long after the measured window opened, by what all workers together have counted
    /// for the [views](Watch::views). A result that [ended the run](ThresholdResult::ended_run) says so from then on: it is
    /// broken, has the samples that it needs, and its delay has passed.
    ///
    /// Iterations that still run are not among the samples. That makes a latency look better and a rate lower than it
    /// will be, which is why a rate per second needs a delay to end a run, and a lower limit of a count never does.
    ///
    /// # Panics
    /// When there are not as many observations as thresholds.
    pub fn evaluate(&mut self, observed: &[Observed], elapsed: Duration) -> Vec<ThresholdResult> {
        assert_eq!(observed.len(), self.watched.len(), "{OTHER_VIEWS}");
        let results = self.watched.iter_mut().zip(observed);
        let results = results.map(|(it, observed)| it.evaluate(observed, elapsed));
        results.collect()
    }

    /// Returns what the thresholds come to, by all that was counted in a window of that length. One that ended the run stays as
    /// it was when it did: what ended after is of a run that was being given up.
    ///
    /// # Panics
    /// When there are not as many observations as thresholds.
    pub fn conclude(
        &self,
        observed: &[Observed],
        window: Duration,
        moment: Moment,
    ) -> Vec<ThresholdResult> {
        assert_eq!(observed.len(), self.watched.len(), "{OTHER_VIEWS}");
        let results = self.watched.iter().zip(observed);
        let results = results.map(|(it, observed)| {
            let judged = || judge(&it.threshold, observed, it.span, window, moment);
            it.ended_run.clone().unwrap_or_else(judged)
        });
        results.collect()
    }
}

impl Watched {
    fn evaluate(&mut self, observed: &Observed, elapsed: Duration) -> ThresholdResult {
        if let Some(result) = &self.ended_run {
            return result.clone();
        }
        let mut result = judge(
            &self.threshold,
            observed,
            self.span,
            elapsed,
            Moment::Underway,
        );
        if let Abort::OnFail { after } = self.threshold.abort
            && result.status == Status::Fail
            && elapsed >= self.opens.saturating_add(after)
        {
            result.ended_run = true;
            self.ended_run = Some(result.clone());
        }
        result
    }
}
