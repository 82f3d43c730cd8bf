//! A pair of runs: two targets, loaded in turn, slice by slice.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::conclude::{self, Conclusion, Outcome};
use super::error::Error;
use super::event::Event;
use super::job::Job;
use super::options::{Options, random};
use super::search::{capacity_search, search};
use crate::engine::{Finished, Progress, RunPart, Setup, Stock, Stop};
use crate::plan::Plan;
use crate::result::Document;
use crate::schedule::Side;

/// Two plans that differ in their target alone, and what their runs have in common.
#[derive(Debug)]
pub(super) struct Sides {
    /// The plan of a slice, aimed at the base.
    pub(super) base: Arc<Plan>,
    /// The same, aimed at the candidate.
    pub(super) candidate: Arc<Plan>,
    pub(super) stock: Stock,
    pub(super) options: Options,
    /// How long a target may refuse to respond before that is an error: it may have been restarted just now.
    pub(super) ready_timeout: Duration,
}

/// One slice that was made.
struct Slice {
    side: Side,
    finished: Finished,
}

impl Sides {
    /// Returns `true` if both plans name the same target.
    pub(super) fn are_one_target(&self) -> bool {
        let target = |plan: &Plan| serde_json::to_value(plan).ok()?.pointer("/target").cloned();
        target(&self.base) == target(&self.candidate)
    }

    const fn plan(&self, side: Side) -> &Arc<Plan> {
        match side {
            Side::Base => &self.base,
            Side::Candidate => &self.candidate,
        }
    }

    /// Makes the runs of a pair in that order; `None` if it was stopped before all were made. `at` is its number, and how many slices a
    /// side had in the pairs before: no two slices of a side have the same iterations, and the sides have the same ones.
    pub(super) fn runs(
        &self,
        order: &[Side],
        at: (u32, u32),
        stop: &Stop,
        report: &mut dyn FnMut(Event<'_>),
    ) -> Result<Option<Vec<(Side, Document)>>, Error> {
        if capacity_search(&self.base).is_some() {
            return self.searches(order, stop, report);
        }
        let environment = self.options.environment();
        let slices = self.slices(order, at, stop, report)?;
        if stop.asked().is_some() {
            return Ok(None);
        }
        let runs = slices.into_iter().map(|Slice { side, finished }| {
            let plan = self.plan(side);
            let conclusion = Conclusion {
                plan,
                watch: &conclude::watch(plan),
                ceiling: self.options.ceiling.as_ref(),
                environment: environment.clone(),
                interrupted: false,
            };
            let outcome = conclusion.outcome(plan, &finished, None);
            Ok((side, document(outcome)?))
        });
        runs.collect::<Result<_, _>>().map(Some)
    }

    /// Does the same where each slice is a search for the capacity.
    fn searches(
        &self,
        order: &[Side],
        stop: &Stop,
        report: &mut dyn FnMut(Event<'_>),
    ) -> Result<Option<Vec<(Side, Document)>>, Error> {
        let mut runs = Vec::with_capacity(order.len());
        for side in order.iter().copied() {
            let job = Job {
                plan: self.plan(side),
                stock: &self.stock,
                options: &self.options,
                environment: self.options.environment(),
            };
            let searched = search(job, stop, report)?;
            if stop.asked().is_some() {
                return Ok(None);
            }
            runs.push((side, document(searched)?));
        }
        Ok(Some(runs))
    }

    /// Prepares both targets, loads them in turn, and cleans both up. Both stay up all the time, and only one of them is
    /// loaded at a time. A pair that is stopped gives the slices that were made.
    fn slices(
        &self,
        order: &[Side],
        (pair, before): (u32, u32),
        stop: &Stop,
        report: &mut dyn FnMut(Event<'_>),
    ) -> Result<Vec<Slice>, Error> {
        let run_id = random();
        let setup = |side: Side| {
            // What one side pushes must be new to the other: they may be one registry.
            let run_id = run_id.wrapping_add(side as u64);
            let part = RunPart::whole(run_id);
            Setup::new(self.plan(side), &self.stock, part, Vec::new())
        };
        let (base, candidate) = (setup(Side::Base)?, setup(Side::Candidate)?);
        let first_time = if before == 0 {
            self.options.wait
        } else {
            Duration::ZERO
        };
        let ready_timeout = self.ready_timeout.max(first_time);
        let deadline = Instant::now() + ready_timeout;
        let mut tell = |at: Progress<'_>| report(Event::Load(at));
        let mut base = base.prepare(ready_timeout, stop, &mut tell)?;
        let left = deadline.saturating_duration_since(Instant::now());
        let mut candidate = match candidate.prepare(left, stop, &mut tell) {
            Ok(candidate) => candidate,
            Err(error) => {
                base.close(&mut |_| {});
                return Err(error.into());
            }
        };
        for (side, target) in [(Side::Base, &mut base), (Side::Candidate, &mut candidate)] {
            target.allow_hooks(self.options.hooks.as_ref().map(|it| {
                let of_pair = it.with("REGSTORM_PAIR", pair.to_string());
                of_pair.with("REGSTORM_SIDE", side.name())
            }));
        }
        let mut slices: Vec<Slice> = Vec::with_capacity(order.len());
        let mut failed = None;
        for (place, side) in order.iter().copied().enumerate() {
            let target = match side {
                Side::Base => &mut base,
                Side::Candidate => &mut candidate,
            };
            report(Event::Slice {
                side,
                place,
                of: order.len(),
            });
            let number = before.saturating_add(target.loads()).saturating_add(1);
            let mut tell = |at: Progress<'_>| report(Event::Load(at));
            match target.load(self.plan(side), number, stop, &mut tell) {
                Ok(finished) => slices.push(Slice { side, finished }),
                Err(error) => {
                    failed = Some(error.into());
                    break;
                }
            }
            if stop.asked().is_some() {
                break;
            }
        }
        for (side, target) in [(Side::Base, base), (Side::Candidate, candidate)] {
            let last = slices.iter_mut().rev().find(|it| it.side == side);
            let mut tell = |at: Progress<'_>| report(Event::Load(at));
            match last {
                Some(last) => target.close_after(&mut last.finished, &mut tell),
                None => drop(target.close(&mut tell)),
            }
        }
        failed.map_or(Ok(slices), Err)
    }
}

/// Returns the document of a run in which no virtual user panicked.
fn document(outcome: Outcome) -> Result<Document, Error> {
    match outcome.panics {
        0 => Ok(outcome.document),
        panics => Err(Error::Panics(panics)),
    }
}
