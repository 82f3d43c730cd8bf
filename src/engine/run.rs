//! A run from the plan to the record: prepare, load, clean up.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::error::Error;
use super::load::load;
use super::prepare::Seeded;
use super::session::{Session, prepare};
use super::stop::Stop;
use crate::embedded;
use crate::health::{Latest, Signals};
use crate::measure::{LatencyHistogram, Live, Observed, Period, Record, View};
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

/// A run that has come to its end.
#[derive(Debug)]
pub struct Finished {
    /// Everything that was measured, with what was done before and after the load.
    pub record: Record,
    /// What a bystander has seen beside the load, if the plan has one. None of it is in `record`.
    pub probe: Option<Record>,
    /// How late the pacers of open loads woke, for each arrival in the measured window.
    pub pacer_lag: LatencyHistogram,
    /// What was seen of the generator in the measured window.
    pub signals: Signals,
    /// Where the registry was.
    pub base: String,
    /// What the target calls itself: the headers of its first answer that say so.
    pub target_headers: Vec<(String, String)>,
    /// When the measured window opened, or would have.
    pub opened: Instant,
    /// How long the load ran before it was measured.
    pub warm_up_time: Duration,
    /// How long the images took to get to where pulls expect them.
    pub prepare_time: Duration,
    /// What seeding did.
    pub seeded: Seeded,
    /// How long clean-up took.
    pub clean_up_time: Duration,
    /// Connections that the users opened.
    pub connections: u64,
    /// What the embedded registry counted, if that was the target.
    pub embedded: Option<embedded::Counts>,
    /// Did somebody ask to stop?
    pub interrupted: bool,
    /// Virtual users, or whole workers, that ended in a panic: defects of regstorm.
    pub panics: u64,
    /// What no count tells.
    pub notes: Vec<String>,
}

/// Runs a plan. `run_id` makes unique content differ from that of any other run.
///
/// Blocks the calling thread until the run is over; `tell` is called on it, a few times a second.
///
/// # Errors
/// [`Error`] when it does not come to measuring. A run that is interrupted while it measures is not an error.
pub fn run(
    plan: &Arc<Plan>,
    run_id: u64,
    stop: &Stop,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Finished, Error> {
    run_watched(plan, run_id, Vec::new(), stop, tell)
}

/// The same, with views of the [`catalogue`](super::catalogue) counted apart: [`Progress::Load`] tells what they have counted,
/// and [`Record::observed`] has it at the end.
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
    let shared = prepare(plan, run_id, views, tell)?;
    let mut session = Session::open(&shared, stop, tell)?;
    let loaded = load(&shared, stop, tell)?;
    session.keep(loaded.begun, loaded.last_orders);
    Ok(session.close(loaded.measured, tell))
}
