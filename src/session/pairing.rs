//! A comparison of two live builds: pairs are made until their difference is known.

use std::sync::Arc;
use std::time::Duration;

use super::course::{Course, Until};
use super::cut::{Cut, Shown, TooShort};
use super::error::Error;
use super::event::Event;
use super::hooks::check_hooks;
use super::options::{Options, random};
use super::pair::Sides;
use super::pair_clock::{PairClock, micros};
use crate::compare::{self, Conduct, Gates, Judge, Judged, Look, generator_limit};
use crate::engine::{Stock, Stop};
use crate::plan::Plan;
use crate::result::{
    Aspect, BudgetEnd, Comparison, Design, DiscardedPair, Document, Method, PairSection,
};
use crate::scenario::Gate;
use crate::schedule::{Side, alternating, coin};
use crate::units::Quantile;

/// How two builds are compared.
#[derive(Debug, Clone)]
pub struct PairingSettings {
    /// The plan with the base as its target.
    pub base: Plan,
    /// The same with the candidate as its target.
    pub candidate: Plan,
    /// How a pair is cut.
    pub cut: Cut,
    /// Until when pairs are made.
    pub until: Until,
    /// The gates; the usual ones of such a run if there are none.
    pub gates: Vec<Gate>,
    /// In what the two sides may differ.
    pub allowed: Vec<Aspect>,
    /// Says which side begins each pair; `None`: any.
    pub order_seed: Option<u64>,
    /// How long the targets may take to respond: they may have been restarted just now.
    pub ready_timeout: Duration,
    /// What is known of the runs beside their plan.
    pub options: Options,
}

/// A comparison of two live builds that is being made, pair by pair. The caller makes each pair when it is ready for it: it
/// may restart the builds in between, and keep the documents.
///
/// ```no_run
/// # fn compare(settings: regstorm::session::PairingSettings) -> Result<(), regstorm::session::Error> {
/// use regstorm::{engine, session::{Pairing, Step}};
///
/// let (_stopper, stop) = engine::stop();
/// let mut pairing = Pairing::new(settings)?;
/// while let Step::Pair(number) = pairing.next_step() {
///     let Some(pair) = pairing.make(number, &stop, &mut |_event| {})? else { break };
///     pairing.add(pair);
/// }
/// let comparison = pairing.conclude(None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pairing {
    sides: Sides,
    /// The whole plans, from which slices are cut.
    whole: [Plan; 2],
    cut: Cut,
    course: Course,
    clock: PairClock,
    /// Whether the first pair was given up for one with longer slices.
    lengthened: bool,
    allowed: Vec<Aspect>,
    order_seed: u64,
    /// Tells the pairs of this comparison from those of others.
    set: String,
    /// The gates of the caller, until the first pair shows what can be compared.
    chosen: Vec<Gate>,
    judge: Option<Judge>,
    discarded: Vec<DiscardedPair>,
    orders: Vec<String>,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The pair of that number, counted from 1, is to be made; again, if it was discarded.
    Pair(usize),
    /// It is decided, there are no more looks, or the time is up.
    Decided,
    /// The generator was the limit in too many pairs.
    Starved,
}

/// A pair that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The report of the base.
    pub base: Document,
    /// The report of the candidate.
    pub candidate: Document,
    /// Why it says nothing of the targets, if the generator was the limit: it is to be made again.
    pub generator_limit: Option<String>,
    /// Longer slices with which it is to be made again, if these show too little.
    pub too_short: Option<TooShort>,
}

impl Pairing {
    /// Cuts the plans, and reads and hashes the images. Sends nothing.
    ///
    /// # Errors
    /// When one of the plans cannot be cut, or the images cannot be read.
    pub fn new(settings: PairingSettings) -> Result<Self, Error> {
        check_hooks(&settings.base, &settings.options)?;
        if settings.base.upstream.is_some() {
            return Err(Error::Upstream);
        }
        let [base, candidate] = settings.cut.plans(&settings.base, &settings.candidate)?;
        Ok(Self {
            sides: Sides {
                stock: Stock::prepare(&base)?,
                base: Arc::new(base),
                candidate: Arc::new(candidate),
                options: settings.options,
                ready_timeout: settings.ready_timeout,
            },
            whole: [settings.base, settings.candidate],
            cut: settings.cut,
            course: Course::new(settings.until),
            clock: PairClock::default(),
            lengthened: false,
            allowed: settings.allowed,
            order_seed: settings.order_seed.unwrap_or_else(random),
            set: format!("{:016x}", random()),
            chosen: settings.gates,
            judge: None,
            discarded: Vec::new(),
            orders: Vec::new(),
        })
    }

    /// Says what is to be done next. The time of a budget begins when this is asked first.
    pub fn next_step(&mut self) -> Step {
        self.clock.start();
        let made = self.made();
        if self.is_starved() {
            self.course.end(BudgetEnd::Broken, &self.clock);
            return Step::Starved;
        }
        let judge = self.judge.as_ref();
        let judged = |look: &Look| judge.map(|it| it.decide(compare::Design::Pairs, look));
        if self.course.is_over(made, &self.clock, judged) {
            Step::Decided
        } else {
            Step::Pair(made + 1)
        }
    }

    /// Makes the pair of that number; `None` if it was stopped before it was done.
    ///
    /// # Errors
    /// When a target cannot be prepared or loaded, and when a virtual user panicked.
    pub fn make(
        &self,
        number: usize,
        stop: &Stop,
        report: &mut dyn FnMut(Event<'_>),
    ) -> Result<Option<Pair>, Error> {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let slices = self.cut.slices();
        let order = alternating(coin(self.order_seed, u64::from(number)), slices);
        let before = number.saturating_sub(1).saturating_mul(slices);
        let at = (number, before);
        let Some(runs) = self.sides.runs(&order, at, stop, report)? else {
            return Ok(None);
        };
        let letters: String = order.iter().map(|it| it.letter()).collect();
        let mut sides: [Option<Document>; 2] = [None, None];
        for (side, run) in runs {
            match &mut sides[side as usize] {
                None => sides[side as usize] = Some(run),
                Some(all) => all.append(run).map_err(Error::Slices)?,
            }
        }
        let [Some(mut base), Some(mut candidate)] = sides else {
            return Ok(None);
        };
        for (side, run) in [(Side::Base, &mut base), (Side::Candidate, &mut candidate)] {
            run.pair = Some(PairSection {
                set: self.set.clone(),
                number,
                side,
                order: letters.clone(),
            });
        }
        let generator_limit = generator_limit(&base).or_else(|| generator_limit(&candidate));
        let too_short = self.too_short(&base, &candidate);
        Ok(Some(Pair {
            too_short: too_short.filter(|_| generator_limit.is_none()),
            base,
            candidate,
            generator_limit,
        }))
    }

    /// Returns with which slices the first pair of a budget is to be made again, if it is.
    fn too_short(&self, base: &Document, candidate: &Document) -> Option<TooShort> {
        let left = self.course.left(&self.clock)?;
        if self.judge.is_some() || self.lengthened {
            return None;
        }
        let ours = compare::percentiles(&self.chosen, base);
        let theirs = compare::percentiles(&self.chosen, candidate);
        let percentiles = ours.iter().zip(&theirs);
        let medians = [base, candidate].into_iter().flat_map(|it| &it.journeys);
        let medians = medians.filter_map(|it| it.latencies.service_time.quantile(Quantile::P50));
        self.cut.too_short(&Shown {
            took: self.clock.under_way(),
            left: left.saturating_sub(self.clock.under_way()),
            iteration: medians.max(),
            percentiles: percentiles
                .map(|((it, a), (_, b))| (*it, *a.min(b)))
                .collect(),
        })
    }

    /// Returns `true` if a pair will be part of the evidence. One whose slices are too short is not. One in which the generator was the limit is not, unless it is
    /// the last that is tried and there is no other: there is always something to look at, if only what was wrong.
    pub fn takes(&self, pair: &Pair) -> bool {
        let is_last = self.starved_pairs() >= self.most_discarded() && self.judge.is_none();
        pair.too_short.is_none() && (pair.generator_limit.is_none() || is_last)
    }

    /// Adds a pair to the evidence, or to those that were discarded.
    pub fn add(&mut self, pair: Pair) {
        let takes = self.takes(&pair);
        self.clock.made();
        if let Some(TooShort { cut, why, .. }) = pair.too_short
            && let Ok([base, candidate]) = cut.plans(&self.whole[0], &self.whole[1])
        {
            self.discarded.push(DiscardedPair {
                number: 1,
                reason: why,
            });
            (self.sides.base, self.sides.candidate) = (Arc::new(base), Arc::new(candidate));
            self.cut = cut;
            self.lengthened = true;
            self.clock.forget_pairs();
            return;
        }
        if let Some(reason) = pair.generator_limit {
            let number = u32::try_from(self.made() + 1).unwrap_or(u32::MAX);
            self.discarded.push(DiscardedPair { number, reason });
        }
        if !takes {
            return;
        }
        let Pair {
            base, candidate, ..
        } = pair;
        self.orders
            .extend(base.pair.as_ref().map(|it| it.order.clone()));
        let planned = self.course.planned(&self.clock);
        let judge = self.judge.get_or_insert_with(|| {
            let gates = Gates::of(std::mem::take(&mut self.chosen), &base, planned);
            Judge::new(gates, std::mem::take(&mut self.allowed), self.order_seed)
        });
        judge.add(Side::Base, base);
        judge.add(Side::Candidate, candidate);
    }

    /// Returns how many pairs are part of the evidence.
    pub fn made(&self) -> usize {
        self.judge.as_ref().map_or(0, |it| it.runs(Side::Base))
    }

    /// Returns the order in which the slices of the last pair were run.
    pub fn last_order(&self) -> Option<&str> {
        self.orders.last().map(String::as_str)
    }

    /// Returns how the gates stand. Nothing is decided between two looks.
    pub fn judged(&self) -> Option<Judged> {
        let judge = self.judge.as_ref()?;
        let look = self.course.look(self.made());
        let mut judged = judge.decide(compare::Design::Pairs, &look);
        let pair = self.clock.pair();
        for metric in &mut judged.metrics {
            let more = metric.more_pairs.zip(pair);
            metric.more_us = more.map(|(pairs, pair)| micros(pair).saturating_mul(pairs.into()));
        }
        Some(judged)
    }

    /// Returns the pairs that were discarded.
    pub fn discarded(&self) -> &[DiscardedPair] {
        &self.discarded
    }

    /// Why the generator was the limit too often, if it was.
    pub fn starved(&self) -> Option<String> {
        let last = self.discarded.last().filter(|_| self.is_starved())?;
        let (count, reason) = (self.starved_pairs(), &last.reason);
        Some(format!(
            "the generator was the limit in {count} pairs, the last time: {reason}"
        ))
    }

    /// Returns the comparison of the pairs so far; `None` before the first. `cut` says why no more were made, if they were
    /// needed.
    pub fn conclude(mut self, cut: Option<String>) -> Option<Comparison> {
        self.course.end(BudgetEnd::Broken, &self.clock);
        let judged = self.judged()?;
        let invalid = self.starved();
        let judge = self.judge.take()?;
        let conduct = Conduct {
            design: self.design(&judge),
            invalid: invalid.into_iter().collect(),
            cut,
            notes: self.notes(&judge),
            discarded: self.discarded,
        };
        judge.conclude(judged, conduct)
    }

    fn most_discarded(&self) -> usize {
        self.course.planned(&self.clock) / 2
    }

    /// Pairs in which the generator was the limit.
    fn starved_pairs(&self) -> usize {
        self.discarded.len() - usize::from(self.lengthened)
    }

    fn is_starved(&self) -> bool {
        self.starved_pairs() > self.most_discarded()
    }

    fn design(&self, judge: &Judge) -> Design {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (slice, settle) = self.cut.times();
        Design {
            method: Method::Paired,
            base_runs: count(judge.runs(Side::Base)),
            candidate_runs: count(judge.runs(Side::Candidate)),
            looks: self.course.looks().iter().map(|it| count(*it)).collect(),
            alpha: self.course.look(self.made()).alpha,
            budget: self.course.budget(&self.clock),
            order_seed: Some(self.order_seed),
            slice_us: slice.map(micros),
            settle_us: micros(settle),
            orders: self.orders.clone(),
        }
    }

    /// Returns what a reader should know of the design.
    fn notes(&self, judge: &Judge) -> Vec<String> {
        let mut notes = match self.course {
            Course::Looks(_) => self.cut.notes(judge.iteration_time()),
            Course::Budget(_) => self
                .cut
                .iteration_note(judge.iteration_time())
                .into_iter()
                .collect(),
        };
        if self.sides.are_one_target() {
            notes.push(
                "both sides are one target: this shows what the noise alone comes to".to_owned(),
            );
        }
        notes
    }
}
