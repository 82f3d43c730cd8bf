//! The search for the capacity of a target: one load after the other, each at a constant rate that the last decides.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::conclude::{self, Conclusion, Outcome};
use super::error::Error;
use super::event::Event;
use super::job::Job;
use super::options::{Options, random};
use crate::engine::{self, Finished, Prepared, Progress, RunPart, Setup, Stop};
use crate::plan::{CapacitySearch, ConstantArrivalRate, Executor, Plan};
use crate::result::{Environment, SearchSection, TrialSection};
use crate::schedule::{self, Found, Search, SearchSpec, Step, TrialKind, TrialOutcome};
use crate::units::Rate;
use crate::verdict::{self, Moment, Watch};

/// How long a target may take after a trial to respond as it did before.
const RECOVERY: Duration = Duration::from_mins(1);

/// Returns the capacity search of a plan, if it is one: it is then the plan's only load.
pub fn capacity_search(plan: &Plan) -> Option<&CapacitySearch> {
    plan.loads.iter().find_map(|load| {
        if let Executor::CapacitySearch(search) = &load.executor {
            return Some(search);
        }
        None
    })
}

/// Searches for the highest rate that keeps the thresholds. The document has the numbers of one trial: of the last that
/// passed, or of the last of all if none did.
///
/// After each trial the target is given up to a minute to respond to a ping as it did when it was idle; a trial that finds
/// it still busy would measure the one before. Each trial has connections of its own.
///
/// # Errors
/// As [`run`](super::run). A search that is interrupted after its first trial is no error.
pub(super) fn search(
    job: Job<'_>,
    stop: &Stop,
    report: &mut dyn FnMut(Event<'_>),
) -> Result<Outcome, Error> {
    let Job {
        plan,
        stock,
        options,
        environment,
    } = job;
    let wanted = capacity_search(plan).ok_or(Error::Search)?;
    let watch = conclude::watch(plan);
    let views = watch.views(&engine::catalogue(plan));
    let setup = Setup::new(plan, stock, RunPart::whole(random()), views)?;
    let mut trials = Trials {
        plan,
        wanted,
        watch: &watch,
        options,
        environment: &environment,
        search: Search::new(spec(wanted)).map_err(|_| Error::Search)?,
        target: setup.prepare(job.options.wait, stop, &mut |at| report(Event::Load(at)))?,
        sections: Vec::new(),
        notes: Vec::new(),
    };
    let (found, kept) = trials.run(stop, report)?;
    let Trials {
        target,
        sections,
        notes,
        ..
    } = trials;
    let Kept {
        number,
        plan: ran,
        mut finished,
        ..
    } = kept.ok_or(engine::Error::Interrupted)?;
    target.close_after(&mut finished, &mut |at| report(Event::Load(at)));
    finished.interrupted |= stop.asked().is_some();
    finished.notes.extend(notes);
    let section = SearchSection::new(&found, sections, number, &|it| criterion(plan, it));
    let counts = finished.around.as_ref().and_then(|it| it.embedded.as_ref());
    let broken_off = counts.and_then(|it| {
        let seen = conclude::responses_seen(&finished) + section.answered_by_others();
        conclude::broken_off(it.answered(), seen)
    });
    finished.notes.extend(broken_off);
    let conclusion = Conclusion {
        plan,
        watch: &watch,
        ceiling: options.ceiling.as_ref(),
        environment,
        interrupted: stop.is_interrupted(),
    };
    Ok(conclusion.outcome(&ran, &finished, Some(section)))
}

/// The trials of a search.
struct Trials<'a> {
    plan: &'a Plan,
    wanted: &'a CapacitySearch,
    watch: &'a Watch,
    options: &'a Options,
    environment: &'a Environment,
    search: Search,
    target: Prepared,
    /// Of each trial, for the document.
    sections: Vec<TrialSection>,
    notes: Vec<String>,
}

/// The trial whose numbers the document has.
struct Kept {
    number: u32,
    plan: Arc<Plan>,
    passed: bool,
    finished: Finished,
}

impl Trials<'_> {
    /// Runs trials until the search is over. No trial is kept if the first was interrupted.
    fn run(
        &mut self,
        stop: &Stop,
        report: &mut dyn FnMut(Event<'_>),
    ) -> Result<(Found, Option<Kept>), Error> {
        let idle = self.target.ping_time();
        let mut kept: Option<Kept> = None;
        loop {
            let (number, rate, kind) = match self.search.next() {
                Step::Trial { number, rate, kind } => (number, rate, kind),
                Step::Done(found) => return Ok((found, kept)),
            };
            report(Event::Trial { number, kind, rate });
            let plan = Arc::new(at_rate(self.plan, self.wanted, rate, kind));
            let load = &mut |at: Progress<'_>| report(Event::Load(at));
            let mut trial = Kept {
                number,
                finished: self.target.load(&plan, number, stop, load)?,
                plan,
                passed: false,
            };
            if trial.finished.interrupted {
                self.search.stop();
                // Something must be reported of a search that was stopped in its first trial.
                kept.get_or_insert(trial);
                continue;
            }
            let outcome = self.outcome(&trial, rate, kind);
            trial.passed = matches!(outcome, TrialOutcome::Pass { .. });
            self.search.record(outcome);
            if let Some(section) = self.sections.last() {
                report(Event::TrialEnded(section));
            }
            if !recovers(&mut self.target, idle, stop) {
                self.notes.push(format!(
                    "a minute after trial {number} at {rate} the target was still slower than before the search"
                ));
            }
            if trial.passed || kept.as_ref().is_none_or(|it| !it.passed) {
                kept = Some(trial);
            }
        }
    }

    /// Judges a trial, and keeps its section.
    fn outcome(&mut self, trial: &Kept, rate: Rate, kind: TrialKind) -> TrialOutcome {
        let record = &trial.finished.record;
        let results = self
            .watch
            .conclude(record.observed(), record.window(), Moment::Done);
        let ceiling = self.options.ceiling.as_ref();
        let ran = conclude::seen(&trial.plan, &trial.finished, ceiling, self.environment);
        let outcome = verdict::trial_outcome(&ran, &ran.health(), &results);
        let over = schedule::Trial {
            number: trial.number,
            rate,
            kind,
            outcome,
        };
        let name = |it| criterion(self.plan, it);
        let section = TrialSection::new(&over, record, self.environment.clock, &name);
        self.sections.push(section);
        over.outcome
    }
}

/// Returns the words for a criterion that a trial broke, by its number.
fn criterion(plan: &Plan, number: usize) -> String {
    verdict::Criterion::of(number, plan.thresholds.len()).told(plan)
}

fn spec(wanted: &CapacitySearch) -> SearchSpec {
    SearchSpec {
        max: wanted.max_rate,
        growth: wanted.growth,
        precision: wanted.precision,
        ..SearchSpec::new(wanted.start_rate)
    }
}

/// Returns the plan of one trial.
fn at_rate(plan: &Plan, wanted: &CapacitySearch, rate: Rate, kind: TrialKind) -> Plan {
    let duration = match kind {
        TrialKind::Confirm => wanted.confirm,
        _ => wanted.hold,
    };
    let mut plan = plan.clone();
    for load in &mut plan.loads {
        load.warmup = wanted.settle;
        load.executor = Executor::ConstantArrivalRate(ConstantArrivalRate {
            rate,
            duration,
            pool: wanted.pool,
        });
    }
    plan
}

/// Waits until the target responds as it did when it was idle. Returns `false` if it does not.
fn recovers(target: &mut Prepared, idle: Option<Duration>, stop: &Stop) -> bool {
    let Some(idle) = idle else { return true };
    // A millisecond is lost to the machine itself now and then.
    let enough = idle.mul_f64(1.2).max(idle + Duration::from_millis(1));
    let deadline = Instant::now() + RECOVERY;
    while Instant::now() < deadline && stop.asked().is_none() {
        if target.ping_time().is_some_and(|time| time <= enough) {
            return true;
        }
        target.pause(Duration::from_millis(200));
    }
    stop.asked().is_some()
}
