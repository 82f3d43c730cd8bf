//! A run from the plan to the record: prepare, load, clean up.

use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use super::load::Finished;
use super::prepare::Seeded;
use super::prepared::{Setup, Stock};
use super::stop::Stop;
use crate::health::Latest;
use crate::measure::{Live, Observed, Period};
use crate::plan::Plan;

/// How far a run has come.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Images are read, synthetic layers are hashed.
    Opening,
    /// The target has answered; this is where it is.
    Ready {
        /// The base URL of the registry.
        base: String,
        /// What it calls itself, as far as it does.
        headers: &'a [(String, String)],
    },
    /// Images are pushed to where pulls expect them.
    Seeding(Seeded),
    /// The load runs.
    Load {
        /// Warm-up or measuring.
        period: Period,
        /// Since the period began.
        elapsed: Duration,
        /// How long the period lasts at most.
        length: Duration,
        /// The counts so far.
        live: &'a Live,
        /// What each view has counted up to a second ago; nothing before the first second.
        observed: &'a [Observed],
        /// How the generator does.
        generator: Latest,
    },
    /// What was pushed is deleted.
    CleaningUp,
}

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
    let setup = Setup::new(plan, &stock, run_id, Vec::new())?;
    let mut target = setup.prepare(Duration::ZERO, stop, tell)?;
    let mut finished = target.load(plan, 0, stop, tell)?;
    target.close(Some(&mut finished), tell);
    Ok(finished)
}
