//! A run from its plan to its document.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::audited;
use super::conclude::{self, Conclusion, Outcome};
use super::error::Error;
use super::event::Event;
use super::hooks::check_hooks;
use super::job::Job;
use super::options::Options;
use super::prepare::left_prepared;
use super::role::Role;
use super::search;
use super::unshared::check_shared;
use crate::engine::{self, Prepared, Progress, RunPart, Setup, Stock, Stop};
use crate::measure::{Period, View};
use crate::plan::{CleanUp, Plan};
use crate::result::{Document, Environment, Outside};
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
    check_hooks(plan, options)?;
    let environment = options.environment();
    if let Some(part) = &options.part {
        check_shared(plan)?;
        part.prepared().map_or(Ok(()), |it| it.check(plan))?;
    }
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
    let part = job.options.part.as_ref();
    let host = job.environment.host.clone().unwrap_or_default();
    let (role, run) = Role::take(part, plan, (job.environment.clock, &host), stop, report)?;
    let preparation = job.preparation();
    let prepared = prepare(&job, (run, views.clone()), stop, report);
    let mut target = prepared.map_err(|error| role.give_up(error.into(), stop))?;
    target.allow_hooks(job.options.hooks.clone());
    let mut prepared_by = job.environment.clone();
    prepared_by.end();
    let loaded = role.prepared(report).and_then(|()| {
        let mut gate = || role.start(stop);
        let mut tell = |at: Progress<'_>| {
            role.tell_losses(report);
            role.follow(at, stop, &mut |at| {
                let standing = standing(&mut watch, plan, &at).filter(|_| role.judges());
                report(Event::Load(at));
                if let Some(results) = standing {
                    report(Event::Thresholds(&results));
                    if results.iter().any(|it| it.ended_run) {
                        stop.drain();
                    }
                }
            });
        };
        target.load_from((plan, 0), &mut gate, stop, &mut tell)
    });
    let mut finished = match loaded {
        Ok(finished) => finished,
        Err(error) => {
            // The others are not to wait for what follows.
            let error = role.give_up(error, stop);
            if role.is_timed() {
                let seeds = run.shard.is_first() && preparation.is_none();
                leave(target, seeds.then_some((plan, prepared_by)), report);
            } else {
                undo(target, report);
            }
            return Err(error);
        }
    };
    let asked = stop.asked();
    let opened = finished.opened;
    let began = opened.checked_sub(plan.warm_up()).unwrap_or(opened);
    let until = asked.map(|it| it.saturating_duration_since(began));
    let ends = role.end(&mut target, (plan, opened), stop, report);
    target.settle(&mut finished);
    let conclusion = Conclusion {
        plan,
        watch: &watch,
        ceiling: job.options.ceiling.as_ref(),
        environment: job.environment,
        interrupted: stop.is_interrupted(),
    };
    let mut outcome = conclusion.outcome(plan, &finished, None);
    if let Some(preparation) = preparation {
        outcome.document.add_preparation(preparation.clone());
    }
    if !role.cleans_up() {
        outcome.document.stored = Some(target.stored()).filter(|it| !it.is_empty());
    }
    let audited = audit(&mut target, &mut outcome.document, report);
    let like = outcome.document.clone();
    let owed = |shard, from| {
        let record = engine::lost(plan, &views, shard, (from, until), like.window());
        conclude::owed(plan, &watch, &record, &like, opened)
    };
    let stopped_at = until.filter(|_| stop.is_interrupted());
    if stopped_at.is_some() && role.is_guest() {
        let record = engine::left(plan, &views, run.shard, &finished.record);
        let left = conclude::owed(plan, &watch, &record, &like, opened);
        outcome.document.owe(left).map_err(Error::Shards)?;
    }
    let mut outcome = role.conclude(run, outcome, ends, (stopped_at, &owed))?;
    if role.cleans_up() {
        let seen = conclude::responses_seen(&finished) + audited;
        close(target, (plan, seen), &mut outcome.document, stop, report);
    }
    Ok(outcome)
}

/// Prepares the target, unless that was done before.
fn prepare(
    job: &Job<'_>,
    (run, views): (RunPart, Vec<View>),
    stop: &Stop,
    report: &mut dyn FnMut(Event<'_>),
) -> Result<Prepared, engine::Error> {
    let setup = Setup::new(job.plan, job.stock, run, views)?;
    let preparation = job.preparation().map(|it| &it.stored);
    let mut tell = |at: Progress<'_>| report(Event::Load(at));
    setup.prepare_after(preparation, job.options.wait, stop, &mut tell)
}

/// Reads back what the registry has acknowledged, if the plan wants that, and adds what was found. Returns how many responses that
/// took. The document is there to be kept before, in case that this does not end.
fn audit(target: &mut Prepared, document: &mut Document, report: &mut dyn FnMut(Event<'_>)) -> u64 {
    let mut began = false;
    let audited = target.audit(&mut |at| {
        if !began {
            began = true;
            document.notes.push(NOT_AUDITED.to_owned());
            report(Event::Measured(document));
            document.notes.pop();
        }
        report(Event::Load(at));
    });
    let Some((audited, record)) = audited else {
        return 0;
    };
    let clock = document.environment.clock;
    let durations = BTreeMap::from([(Period::Audit, audited.time)]);
    let outside = Outside::of(&record, &durations, clock);
    document.add_outside(outside, audited.notes.iter().cloned());
    document.add_audit(audited::section(&audited, clock));
    document.environment.end();
    conclude::responses(&record)
}

/// What a reader has to know of a document that was kept before the audit.
const NOT_AUDITED: &str = "the audit had not ended when this was written: whether the registry kept what it acknowledged is not known";

/// Cleans up after a run whose document has everything else, and adds what was done. `seen` are the responses that the run received
/// until now. The document is there to be kept before, in case that this does not end.
fn close(
    target: Prepared,
    (plan, seen): (&Plan, u64),
    document: &mut Document,
    stop: &Stop,
    report: &mut dyn FnMut(Event<'_>),
) {
    let is_of_shards = document.shard.is_some() || !document.shards.is_empty();
    if plan.prepare.clean_up != CleanUp::None {
        // Without its number, what iterations of a run have stored is not found again.
        let stored = Some(target.stored()).filter(|it| is_of_shards && !it.is_empty());
        document.stored = stored;
        document.notes.push(NOT_CLEANED_UP.to_owned());
        report(Event::Measured(document));
        document.notes.pop();
    }
    let closed = target.close(&mut |at| report(Event::Load(at)));
    if closed.is_whole {
        document.stored = None;
    }
    document.interrupted |= stop.is_interrupted();
    let broken_off = closed.embedded.as_ref().and_then(|it| {
        let seen = seen + conclude::responses(&closed.record);
        conclude::broken_off(it.answered(), seen)
    });
    let notes = closed.notes.into_iter().chain(broken_off);
    let durations = BTreeMap::from([(Period::CleanUp, closed.time)]);
    let clock = document.environment.clock;
    document.add_outside(Outside::of(&closed.record, &durations, clock), notes);
    document.environment.end();
}

/// What a reader has to know of a document that was kept before clean-up.
const NOT_CLEANED_UP: &str =
    "clean-up had not ended when this was written: what the run has stored may still be there";

/// Leaves a target to shards that start by the clock, which may pull what this one has seeded, if it has.
fn leave(
    target: Prepared,
    seeded: Option<(&Plan, Environment)>,
    report: &mut dyn FnMut(Event<'_>),
) {
    if let Some((plan, environment)) = seeded {
        let left = left_prepared(plan, environment, target.leave());
        if !left.stored.is_empty() {
            report(Event::Prepared(&left));
        }
    }
}

/// Closes a target that was prepared for nothing.
fn undo(target: Prepared, report: &mut dyn FnMut(Event<'_>)) {
    for note in target.close(&mut |_| {}).notes {
        report(Event::Left(&note));
    }
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
