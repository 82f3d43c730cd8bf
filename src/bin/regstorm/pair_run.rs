//! One pair of `regstorm ab`: the hook, the slices of both sides, and the report of each side.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use regstorm::engine::{self, Pair, Slice, Stock};
use regstorm::plan::Plan;
use regstorm::result::{Document, PairSection};
use regstorm::schedule::{Side, alternating, coin};
use regstorm::units;
use regstorm::verdict::Watch;

use crate::brake::Brake;
use crate::exit::{Exit, Failure};
use crate::hook::{self, Hook};
use crate::progress::Progress;
use crate::run::{self, Order};
use crate::{conclude, label_args, search};

/// How a pair is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// The load is the same all the time, so any part of it will do.
    Slices {
        slices: u32,
        slice: Duration,
        settle: Duration,
    },
    /// A slice is a whole run.
    Whole { slices: u32 },
}

/// A slice should be so many times as long as an iteration, or most of what it measures is its own beginning and end.
const ITERATIONS: u32 = 10;

impl Cut {
    /// What a reader should know of slices that are short beside an iteration.
    pub(crate) fn too_short(self, iteration: Option<Duration>) -> Option<String> {
        let Self::Slices { slice, .. } = self else {
            return None;
        };
        let iteration = iteration.filter(|it| *it * ITERATIONS > slice)?;
        Some(format!(
            "half of the iterations take {} and more: slices of {} are short beside them, ten times as long would do (--slice)",
            units::duration(iteration),
            units::duration(slice)
        ))
    }
}

/// Everything that pairs have in common.
pub(crate) struct Rig {
    /// The plan of a slice, aimed at the base.
    pub(crate) base: Arc<Plan>,
    /// The same, aimed at the candidate.
    pub(crate) candidate: Arc<Plan>,
    pub(crate) stock: Stock,
    pub(crate) cut: Cut,
    pub(crate) order_seed: u64,
    /// What sets the pairs of this comparison apart from those of others.
    pub(crate) set: String,
    pub(crate) before_pair: Option<Hook>,
    /// How long targets may take to answer after the hook.
    pub(crate) patience: Duration,
    /// Where the targets are is told once.
    pub(crate) has_begun: Cell<bool>,
    /// What the user calls all of its runs by.
    pub(crate) labels: BTreeMap<String, String>,
}

/// What came of a pair.
pub(crate) enum PairRun {
    /// The reports of both sides.
    Made(Box<Made>),
    /// Somebody asked to stop before it was done.
    Interrupted,
}

/// A pair that was made.
pub(crate) struct Made {
    pub(crate) base: Document,
    pub(crate) candidate: Document,
}

impl Rig {
    /// Makes pair `number`, counted from 1.
    pub(crate) fn pair(
        &self,
        number: usize,
        brake: &Brake,
        progress: &mut Progress,
    ) -> Result<PairRun, Failure> {
        if let Some(hook) = &self.before_pair {
            progress.now("hook", &format!("before pair {number}"));
            if hook.run(number, &brake.stop)? == hook::Ended::Interrupted {
                return Ok(PairRun::Interrupted);
            }
        }
        let slices = match self.cut {
            Cut::Slices { slices, .. } | Cut::Whole { slices } => slices,
        };
        let order = alternating(coin(self.order_seed, number as u64), slices);
        let made = if search::is_one(&self.base) {
            self.searches(&order, brake, progress)?
        } else {
            self.slices(number, &order, brake, progress)?
        };
        let Some(runs) = made else {
            return Ok(PairRun::Interrupted);
        };
        let letters: String = order.iter().map(|it| it.letter()).collect();
        let mut sides: [Option<Document>; 2] = [None, None];
        for (side, run) in runs {
            match &mut sides[side as usize] {
                None => sides[side as usize] = Some(run),
                Some(all) => all.append(run).map_err(|error| {
                    Failure::new(Exit::Defect, anyhow!("slices do not add up: {error}"))
                })?,
            }
        }
        let [Some(mut base), Some(mut candidate)] = sides else {
            return Ok(PairRun::Interrupted);
        };
        for (side, run) in [(Side::Base, &mut base), (Side::Candidate, &mut candidate)] {
            run.pair = Some(PairSection {
                set: self.set.clone(),
                number: u32::try_from(number).unwrap_or(u32::MAX),
                side,
                order: letters.clone(),
            });
        }
        Ok(PairRun::Made(Box::new(Made { base, candidate })))
    }

    /// The reports of all slices; none if somebody asked to stop.
    fn slices(
        &self,
        number: usize,
        order: &[Side],
        brake: &Brake,
        progress: &mut Progress,
    ) -> Result<Option<Vec<(Side, Document)>>, Failure> {
        let slices_a_side = u32::try_from(order.len() / 2).unwrap_or(u32::MAX);
        let before = u32::try_from(number - 1).unwrap_or(u32::MAX);
        let pair = Pair {
            base: &self.base,
            candidate: &self.candidate,
            order,
            slices_before: before.saturating_mul(slices_a_side),
            run_id: RandomState::new().build_hasher().finish(),
            patience: if self.before_pair.is_some() {
                self.patience
            } else {
                Duration::ZERO
            },
        };
        let environment = label_args::environment(&self.labels);
        let first = !self.has_begun.replace(true);
        let mut tell = |_: Side, at: engine::Progress<'_>| {
            let is_known = matches!(
                at,
                engine::Progress::Ready { .. } | engine::Progress::Seeding(_)
            );
            if first || !is_known {
                progress.tell(&at);
            }
        };
        let made = engine::pair(&self.stock, &pair, &brake.stop, &mut tell);
        let made = made.map_err(run::failure)?;
        if brake.stop.asked().is_some() || made.len() < order.len() {
            return Ok(None);
        }
        let runs = made.into_iter().map(|Slice { side, mut finished }| {
            // The registry counts the slices of a side together.
            if let Some(around) = &mut finished.around {
                around.embedded = None;
            }
            let plan = match side {
                Side::Base => &self.base,
                Side::Candidate => &self.candidate,
            };
            let mut environment = environment.clone();
            environment.end();
            let ended = conclude::Ended {
                asked: plan,
                plan,
                environment,
                finished: &finished,
                interrupted: false,
                search: None,
            };
            let watch = Watch::new(plan, |_| None);
            let run = conclude::document(ended, &watch);
            match finished.panics {
                0 => Ok((side, run)),
                panics => Err(Failure::new(
                    Exit::Defect,
                    anyhow!("{panics} virtual users or workers ended in a panic"),
                )),
            }
        });
        runs.collect::<Result<_, _>>().map(Some)
    }

    /// The same where each slice is a search for the capacity.
    fn searches(
        &self,
        order: &[Side],
        brake: &Brake,
        progress: &mut Progress,
    ) -> Result<Option<Vec<(Side, Document)>>, Failure> {
        let mut runs = Vec::with_capacity(order.len());
        for side in order {
            let plan = match side {
                Side::Base => &self.base,
                Side::Candidate => &self.candidate,
            };
            let mut environment = label_args::environment(&self.labels);
            let watch = Watch::new(plan, |stage| Some(run::judged_span(plan, stage)));
            let order = Order {
                views: watch.views(&engine::catalogue(plan)),
                run_id: RandomState::new().build_hasher().finish(),
                plan: Arc::clone(plan),
                stop: brake.stop.clone(),
            };
            let searched = search::run(order, &watch, &mut |at| progress.tell(&at));
            let (searched, section) = searched.map_err(run::failure)?;
            if brake.stop.asked().is_some() {
                return Ok(None);
            }
            environment.end();
            let ended = conclude::Ended {
                asked: plan,
                plan: &searched.plan,
                environment,
                finished: &searched.finished,
                interrupted: false,
                search: Some(section),
            };
            runs.push((*side, conclude::document(ended, &watch)));
        }
        Ok(Some(runs))
    }
}
