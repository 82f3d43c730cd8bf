//! A run from the plan to the record: prepare, load, clean up.

use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use super::finished::Finished;
use super::prepared::{Setup, Stock};
use super::progress::Progress;
use super::shared::RunPart;
use super::stop::Stop;
use crate::plan::Plan;

/// Runs a plan and gives what was measured. Judges nothing: `session::run` does. `run_id` makes unique content differ from
/// that of any other run.
///
/// Blocks the calling thread until the run is over; `tell` is called on it, a few times a second.
///
/// # Errors
/// [`Error`] when it does not come to measuring. A run that is stopped while it measures is not an error.
pub fn run(
    plan: &Arc<Plan>,
    run_id: u64,
    stop: &Stop,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Finished, Error> {
    tell(Progress::Opening);
    let stock = Stock::prepare(plan)?;
    let setup = Setup::new(plan, &stock, RunPart::whole(run_id), Vec::new())?;
    let mut target = setup.prepare(Duration::ZERO, stop, tell)?;
    let mut finished = target.load(plan, 0, stop, tell)?;
    target.close_after(&mut finished, tell);
    Ok(finished)
}
