//! A pair of runs: two targets, loaded in turn, slice by slice.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::error::Error;
use super::load::Finished;
use super::prepared::{Setup, Stock};
use super::run::Progress;
use super::stop::Stop;
use crate::plan::Plan;
use crate::schedule::Side;

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
    let setup = |plan: &Arc<Plan>, side: Side| {
        // What one side pushes must be new to the other: they may be one registry.
        let run_id = pair.run_id.wrapping_add(side as u64);
        Setup::new(plan, stock, run_id, Vec::new())
    };
    let base = setup(pair.base, Side::Base)?;
    let candidate = setup(pair.candidate, Side::Candidate)?;
    let deadline = Instant::now() + pair.patience;
    let mut base = base.prepare(pair.patience, stop, &mut |at| tell(Side::Base, at))?;
    let left = deadline.saturating_duration_since(Instant::now());
    let mut candidate = match candidate.prepare(left, stop, &mut |at| tell(Side::Candidate, at)) {
        Ok(candidate) => candidate,
        Err(error) => {
            base.close(None, &mut |_| {});
            return Err(error);
        }
    };
    let mut slices: Vec<Slice> = Vec::with_capacity(pair.order.len());
    let mut failed = None;
    for (place, side) in pair.order.iter().copied().enumerate() {
        let (target, plan) = match side {
            Side::Base => (&mut base, pair.base),
            Side::Candidate => (&mut candidate, pair.candidate),
        };
        tell(
            side,
            Progress::Slice {
                side,
                place,
                of: pair.order.len(),
            },
        );
        let before = u32::try_from(target.loads()).unwrap_or(u32::MAX);
        let number = pair.slices_before.saturating_add(before).saturating_add(1);
        match target.load(plan, number, stop, &mut |at| tell(side, at)) {
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
    for (side, target) in [(Side::Base, base), (Side::Candidate, candidate)] {
        let last = slices.iter_mut().rev().find(|it| it.side == side);
        let last = last.map(|it| &mut it.finished);
        target.close(last, &mut |at| tell(side, at));
    }
    failed.map_or(Ok(slices), Err)
}
