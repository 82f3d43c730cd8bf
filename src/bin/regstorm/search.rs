//! A scenario that searches for the capacity: judges each trial, and keeps its numbers for the table.

use regstorm::engine::{self, Hooks, Progress, Searched, Trial};
use regstorm::plan::{Executor, Place, Plan};
use regstorm::result::{Environment, SearchSection, TrialNumbers};
use regstorm::verdict::{self, Moment, Ran, Watch};

use crate::conclude;
use crate::run::Order;

/// Does the plan search for the capacity?
pub(crate) fn is_one(plan: &Plan) -> bool {
    let mut loads = plan.loads.iter();
    loads.any(|load| matches!(load.executor, Executor::CapacitySearch(_)))
}

/// Searches, and gives what was found.
pub(crate) fn run(
    order: Order,
    watch: &Watch,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<(Searched, SearchSection), engine::Error> {
    let environment = Environment::observe();
    let mut numbers = Vec::new();
    let target_host = match &order.plan.target.place {
        Place::Embedded(_) => conclude::target_host("http://127.0.0.1"),
        Place::Url(url) => conclude::target_host(url.as_str()),
    };
    let mut judge = |trial: &Trial<'_>| {
        let record = &trial.measured.record;
        numbers.push(TrialNumbers::of(trial.number, record, environment.clock));
        let results = watch.conclude(record.observed(), record.window(), Moment::Done);
        let ran = Ran {
            plan: trial.plan,
            record,
            pacer_lag: &trial.measured.pacer_lag,
            signals: &trial.measured.signals,
            ceiling_share: conclude::ceiling_share(trial.plan, &environment, record),
            target_host,
            ended_early: false,
        };
        verdict::trial_outcome(&ran, &ran.health(), &results)
    };
    let Order {
        plan,
        run_id,
        views,
        stop,
    } = order;
    let hooks = Hooks {
        tell,
        judge: &mut judge,
    };
    let searched = engine::search(&plan, run_id, views, &stop, hooks)?;
    let section = SearchSection::new(
        &searched.found,
        &numbers,
        searched.number,
        plan.thresholds.len(),
        &|criterion| criterion.told(&plan),
    );
    Ok((searched, section))
}
