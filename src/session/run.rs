//! A run from its plan to its document.

use std::sync::Arc;

use super::conclude::{self, Conclusion, Outcome};
use super::error::Error;
use super::event::Event;
use super::job::Job;
use super::options::{Options, random};
use super::search;
use crate::engine::{self, Progress, Setup, Stock, Stop};
use crate::measure::Period;
use crate::plan::Plan;
use crate::verdict::{ThresholdResult, Watch};

/// Runs a plan, judges it, and gives its document. A plan that searches for the capacity is searched for it.
///
/// Blocks the calling thread until the run is over; `report` is called on it, a few times a second. A threshold with
/// `abort_on_fail` that is broken ends the run early. A run that is stopped by its [`Stopper`](engine::Stopper) after it
/// began to measure gives a document of what it measured, marked as interrupted.
///
/// # Errors
/// [`Error`] when it does not come to measuring.
pub fn run(
    plan: &Arc<Plan>,
    options: &Options,
    stop: &Stop,
    report: &mut dyn FnMut(Event<'_>),
) -> Result<Outcome, Error> {
    let environment = options.environment();
    report(Event::Load(Progress::Opening));
    let stock = Stock::prepare(plan)?;
    let job = Job {
        plan,
        stock: &stock,
        options,
        environment,
    };
    if search::capacity_search(plan).is_some() {
        return search::search(job, stop, report);
    }
    load(job, stop, report)
}

/// Runs a plan that is one load, and watches its thresholds meanwhile.
fn load(job: Job<'_>, stop: &Stop, report: &mut dyn FnMut(Event<'_>)) -> Result<Outcome, Error> {
    let plan = job.plan;
    let mut watch = conclude::watch(plan);
    let views = watch.views(&engine::catalogue(plan));
    let setup = Setup::new(plan, job.stock, random(), views)?;
    let mut target = setup.prepare(job.options.wait, stop, &mut |at| report(Event::Load(at)))?;
    let mut finished = target.load(plan, 0, stop, &mut |at| {
        let standing = standing(&mut watch, plan, &at);
        report(Event::Load(at));
        if let Some(results) = standing {
            report(Event::Thresholds(&results));
            if results.iter().any(|it| it.ended_run) {
                stop.drain();
            }
        }
    })?;
    target.close(Some(&mut finished), &mut |at| report(Event::Load(at)));
    finished.notes.extend(conclude::broken_off(&finished, None));
    let conclusion = Conclusion {
        plan,
        watch: &watch,
        ceiling: job.options.ceiling.as_ref(),
        environment: job.environment,
        interrupted: stop.is_interrupted(),
    };
    Ok(conclusion.outcome(plan, &finished, None))
}

/// Returns how the thresholds stand, once something was measured.
fn standing(watch: &mut Watch, plan: &Plan, at: &Progress<'_>) -> Option<Vec<ThresholdResult>> {
    match at {
        Progress::Load {
            period: Period::Measure,
            elapsed,
            observed,
            ..
        } if observed.len() == plan.thresholds.len() => Some(watch.evaluate(observed, *elapsed)),
        _ => None,
    }
}
