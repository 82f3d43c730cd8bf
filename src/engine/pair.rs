//! A pair of runs: two targets, loaded in turn, slice by slice.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::Instant;

use super::error::Error;
use super::images::Images;
use super::load::load;
use super::run::{Finished, Progress};
use super::session::Session;
use super::stop::Stop;
use super::target::Target;
use super::worker::Shared;
use crate::plan::Plan;
use crate::schedule::Side;

/// How often a target that does not answer is asked again.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The images of a plan, read and hashed once for all runs that send them.
#[derive(Debug, Clone)]
pub struct Stock(Arc<Images>);

impl Stock {
    /// Reads archives and hashes synthetic layers.
    ///
    /// # Errors
    /// [`Error::Content`], [`Error::Spec`] and [`Error::Repository`].
    pub fn prepare(plan: &Plan) -> Result<Self, Error> {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Images::prepare(plan, cores).map(|images| Self(Arc::new(images)))
    }
}

/// One pair that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The plan of each slice, with the base as its target.
    pub base: &'a Arc<Plan>,
    /// The same with the candidate as its target.
    pub candidate: &'a Arc<Plan>,
    /// Who is loaded when.
    pub order: &'a [Side],
    /// How many slices a side had in the pairs before: no two slices of a side have the same stream of iterations, and the
    /// sides have the same ones.
    pub slices_before: u32,
    /// Makes unique content differ from that of any other pair.
    pub run_id: u64,
    /// How long a target may refuse to answer before that is an error: it may have been restarted just now.
    pub patience: Duration,
}

/// One slice that was made.
#[derive(Debug)]
pub struct Slice {
    /// Of which build.
    pub side: Side,
    /// What came of it. What was done before and after the slices of a side is with the last of them.
    pub finished: Finished,
}

/// One side while its pair is made.
struct Standing<'a> {
    session: Session<'a>,
    shared: &'a Arc<Shared>,
    slices: u32,
}

/// Makes a pair: readies both targets, loads them in turn, cleans both up. Both stay up all the time, and only one of
/// them is loaded at a time.
///
/// Blocks the calling thread. A pair that is interrupted gives the slices that were made, the last of them marked.
///
/// # Errors
/// [`Error`] when a target cannot be readied, or a load not be started.
pub fn pair(
    stock: &Stock,
    pair: &Pair<'_>,
    stop: &Stop,
    tell: &mut dyn FnMut(Side, Progress<'_>),
) -> Result<Vec<Slice>, Error> {
    let open = |plan: &Arc<Plan>, side: Side| {
        let target = Arc::new(Target::open(plan)?);
        // What one side pushes must be new to the other: they may be one registry.
        let run_id = pair.run_id.wrapping_add(side as u64);
        let shared = Shared::new(plan, Arc::clone(&stock.0), target, run_id, Vec::new());
        Ok::<_, Error>(Arc::new(shared))
    };
    let shared = [
        open(pair.base, Side::Base)?,
        open(pair.candidate, Side::Candidate)?,
    ];
    let [base, candidate] = &shared;
    let deadline = Instant::now() + pair.patience;
    let mut base = ready(base, deadline, stop, &mut |at| tell(Side::Base, at))?;
    let readied = ready(candidate, deadline, stop, &mut |at| {
        tell(Side::Candidate, at);
    });
    let mut candidate = match readied {
        Ok(ready) => ready,
        Err(error) => {
            base.session.abandon();
            return Err(error);
        }
    };
    let mut slices: Vec<Slice> = Vec::with_capacity(pair.order.len());
    let mut failed = None;
    for (place, side) in pair.order.iter().copied().enumerate() {
        let standing = match side {
            Side::Base => &mut base,
            Side::Candidate => &mut candidate,
        };
        tell(
            side,
            Progress::Slice {
                side,
                place,
                of: pair.order.len(),
            },
        );
        let trial = pair.slices_before + standing.slices + 1;
        match standing.load(trial, stop, &mut |at| tell(side, at)) {
            Ok(finished) => slices.push(Slice { side, finished }),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
        let last = place + 1 == pair.order.len();
        if !last && stop.asked().is_some() {
            break;
        }
    }
    for (side, standing) in [(Side::Base, base), (Side::Candidate, candidate)] {
        let last = slices.iter_mut().rev().find(|it| it.side == side);
        let last = last.map(|it| &mut it.finished);
        standing.session.settle(last, &mut |at| tell(side, at));
    }
    failed.map_or(Ok(slices), Err)
}

fn ready<'a>(
    shared: &'a Arc<Shared>,
    deadline: Instant,
    stop: &Stop,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Standing<'a>, Error> {
    let session = loop {
        match Session::open(shared, stop, tell) {
            Err(Error::Target(_)) if Instant::now() < deadline && stop.asked().is_none() => {
                let waiting = Builder::new_current_thread().enable_time().build()?;
                waiting.block_on(async { tokio::time::sleep(ASK_EVERY).await });
            }
            opened => break opened?,
        }
    };
    Ok(Standing {
        session,
        shared,
        slices: 0,
    })
}

impl Standing<'_> {
    fn load(
        &mut self,
        trial: u32,
        stop: &Stop,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Finished, Error> {
        let of_slice = Arc::new(self.shared.trial(&self.shared.plan, trial));
        let loaded = load(&of_slice, stop, tell)?;
        self.slices += 1;
        self.session.keep(loaded.begun, loaded.last_orders);
        Ok(self.session.told(loaded.measured))
    }
}
