//! The search for the capacity of a target: one load after the other, each at a constant rate that the last decides.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::error::Error;
use super::load::Finished;
use super::prepared::{Prepared, Setup, Stock};
use super::run::Progress;
use super::stop::Stop;
use crate::measure::View;
use crate::plan::{CapacitySearch, Executor, Load, Plan};
use crate::schedule::{Found, Search, SearchSpec, Step, TrialKind, TrialOutcome};
use crate::units::Rate;

/// How long a target may take after a trial to answer as it did before.
const RECOVERY: Duration = Duration::from_mins(1);

/// A trial that is over.
#[derive(Debug)]
pub struct Trial<'a> {
    /// What was done: the plan of the search, its executor being a constant rate.
    pub plan: &'a Plan,
    /// Counted from 1.
    pub number: u32,
    /// Why.
    pub kind: TrialKind,
    /// What came of it.
    pub measured: &'a Finished,
}

/// A search that has come to its end.
#[derive(Debug)]
pub struct Searched {
    /// The capacity.
    pub found: Found,
    /// The run; its numbers are those of one trial: the last that passed, or the last of all if none did.
    pub finished: Finished,
    /// The plan of that trial.
    pub plan: Arc<Plan>,
    /// The number of that trial, from 1.
    pub number: u32,
    /// Its rate.
    pub rate: Rate,
}

/// Searches for the highest rate that keeps the thresholds. `judge` says of each trial whether it does.
///
/// After each trial the target is given up to a minute to answer a ping as it did when it was idle; a trial that finds
/// it still busy would measure the one before. Each trial has connections of its own.
///
/// # Errors
/// As [`run`](super::run); and when the plan is not of a search. A search that is interrupted after its first trial is
/// no error.
pub fn search(
    plan: &Arc<Plan>,
    run_id: u64,
    views: Vec<View>,
    stop: &Stop,
    hooks: Hooks<'_>,
) -> Result<Searched, Error> {
    let Hooks { tell, judge } = hooks;
    let [
        Load {
            executor: Executor::CapacitySearch(wanted),
            ..
        },
    ] = plan.loads.as_slice()
    else {
        return Err(Error::NoSearch);
    };
    let mut search = Search::new(spec(wanted)).map_err(|_| Error::NoSearch)?;
    tell(Progress::Opening);
    let stock = Stock::prepare(plan)?;
    let setup = Setup::new(plan, &stock, run_id, views)?;
    let mut prepared = setup.prepare(Duration::ZERO, stop, tell)?;
    let idle = prepared.ping_time();
    let mut kept: Option<Kept> = None;
    let mut notes = Vec::new();
    let found = loop {
        let (number, rate, kind) = match search.next() {
            Step::Trial { number, rate, kind } => (number, rate, kind),
            Step::Done(found) => break found,
        };
        tell(Progress::Trial { number, kind, rate });
        let trial_plan = Arc::new(at_rate(plan, wanted, rate, kind));
        let measured = prepared.load(&trial_plan, number, stop, tell)?;
        if measured.interrupted {
            search.stop();
        } else {
            let outcome = judge(&Trial {
                plan: &trial_plan,
                number,
                kind,
                measured: &measured,
            });
            let passed = matches!(outcome, TrialOutcome::Pass { .. });
            search.record(outcome);
            if !recovers(&mut prepared, idle, stop) {
                notes.push(format!(
                    "a minute after trial {number} at {rate} the target was still slower than before the search"
                ));
            }
            if !passed && kept.as_ref().is_some_and(|it| it.passed) {
                continue;
            }
            kept = Some(Kept {
                plan: trial_plan,
                number,
                rate,
                passed,
                measured,
            });
            continue;
        }
        // Something must be told of a search that was stopped in its first trial.
        kept.get_or_insert(Kept {
            plan: trial_plan,
            number,
            rate,
            passed: false,
            measured,
        });
    };
    let Some(kept) = kept else {
        return Err(Error::Interrupted);
    };
    let mut finished = kept.measured;
    prepared.close(Some(&mut finished), tell);
    finished.interrupted |= stop.asked().is_some();
    finished.notes.extend(notes);
    Ok(Searched {
        found,
        finished,
        plan: kept.plan,
        number: kept.number,
        rate: kept.rate,
    })
}

/// Who is told how a search goes, and who judges.
pub struct Hooks<'a> {
    /// As for [`run`](super::run).
    pub tell: &'a mut dyn FnMut(Progress<'_>),
    /// Whether a trial keeps the thresholds.
    pub judge: &'a mut dyn FnMut(&Trial<'_>) -> TrialOutcome,
}

impl std::fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

/// The trial whose numbers are told.
struct Kept {
    plan: Arc<Plan>,
    number: u32,
    rate: Rate,
    passed: bool,
    measured: Finished,
}

fn spec(wanted: &CapacitySearch) -> SearchSpec {
    SearchSpec {
        max: wanted.max_rate,
        growth: wanted.growth,
        precision: wanted.precision,
        ..SearchSpec::new(wanted.start_rate)
    }
}

/// The plan of one trial.
fn at_rate(plan: &Plan, wanted: &CapacitySearch, rate: Rate, kind: TrialKind) -> Plan {
    let duration = match kind {
        TrialKind::Confirm => wanted.confirm,
        _ => wanted.hold,
    };
    let mut plan = plan.clone();
    for load in &mut plan.loads {
        load.warmup = wanted.settle;
        load.executor = Executor::ConstantArrivalRate {
            rate,
            duration,
            crew: wanted.crew,
        };
    }
    plan
}

/// Waits until the target answers as it did when it was idle. False if it does not.
fn recovers(target: &mut Prepared, idle: Option<Duration>, stop: &Stop) -> bool {
    let Some(idle) = idle else { return true };
    // A millisecond is lost to the machine itself now and then.
    let enough = idle.mul_f64(1.2).max(idle + Duration::from_millis(1));
    let patience = Instant::now() + RECOVERY;
    while Instant::now() < patience && stop.asked().is_none() {
        if target.ping_time().is_some_and(|time| time <= enough) {
            return true;
        }
        target.pause(Duration::from_millis(200));
    }
    stop.asked().is_some()
}
