//! Preparing a target once, before shards start by the clock.

use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use super::event::Event;
use super::options::random;
use super::unshared::check_shared;
use crate::engine::{LeftPrepared, Progress, RunPart, Setup, Stock, Stop};
use crate::plan::Plan;
use crate::result::{Environment, Preparation, SeededImages};

/// Puts what a plan expects to find into its target, for shards that start later. `wait` is how long the target may take to
/// respond for the first time.
///
/// Blocks the calling thread; `report` is called on it.
///
/// # Errors
/// When the plan has no shards, the target does not respond well or cannot be seeded, and when it is stopped: what was stored
/// until then is deleted, as far as the plan wants that.
pub fn prepare(
    plan: &Arc<Plan>,
    wait: Duration,
    stop: &Stop,
    report: &mut dyn FnMut(Event<'_>),
) -> Result<Preparation, Error> {
    check_shared(plan)?;
    let mut environment = Environment::observe();
    let mut tell = |at: Progress<'_>| report(Event::Load(at));
    tell(Progress::Opening);
    let stock = Stock::prepare(plan)?;
    // What is seeded is the same in every run.
    let setup = Setup::new(plan, &stock, RunPart::whole(random()), Vec::new())?;
    let left = setup.prepare(wait, stop, &mut tell)?.leave();
    environment.end();
    Ok(left_prepared(plan, environment, left))
}

/// Returns what other processes have to know of a target that was prepared for them until then.
pub(super) fn left_prepared(
    plan: &Plan,
    environment: Environment,
    left: LeftPrepared,
) -> Preparation {
    let seeded = SeededImages {
        images: left.seeded.images as u64,
        bytes: left.seeded.bytes,
        time: left.time,
    };
    let stored = (left.notes, left.stored);
    Preparation::new(plan, environment, &left.record, seeded, stored)
}
