//! A run from the plan to the record: prepare, load, clean up.

use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use super::load::Finished;
use super::prepare::Seeded;
use super::prepared::{Setup, Stock};
use super::stop::Stop;
use crate::health::Latest;
use crate::measure::{Live, Observed, Period, View};
use crate::plan::Plan;
use crate::schedule::{Side, TrialKind};
use crate::units::Rate;

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
    /// A trial of a search begins.
    Trial {
        /// Counted from 1.
        number: u32,
        /// Why it is run.
        kind: TrialKind,
        /// Its rate of iterations.
        rate: Rate,
    },
    /// A slice of a pair begins.
    Slice {
        /// Of which side.
        side: Side,
        /// Its place in the pair, from 0.
        place: usize,
        /// How many the pair has.
        of: usize,
    },
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

/// Runs a plan. `run_id` makes unique content differ from that of any other run.
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
    run_watched(plan, run_id, Vec::new(), stop, tell)
}

/// The same, with views of the [`catalogue`](super::catalogue) counted apart: [`Progress::Load`] tells what they have counted,
/// and [`Record::observed`](crate::measure::Record::observed) has it at the end.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    plan: &Arc<Plan>,
    run_id: u64,
    views: Vec<View>,
    stop: &Stop,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Finished, Error> {
    tell(Progress::Opening);
    let stock = Stock::prepare(plan)?;
    let mut prepared =
        Setup::new(plan, &stock, run_id, views)?.prepare(Duration::ZERO, stop, tell)?;
    let mut finished = prepared.load(plan, 0, stop, tell)?;
    prepared.close(Some(&mut finished), tell);
    Ok(finished)
}
