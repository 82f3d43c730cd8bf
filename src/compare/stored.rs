//! A comparison of runs that were made before: all of them are looked at once.

use crate::result::{Aspect, Comparison, Design as Stored, Method};
use crate::scenario::Gate;
use crate::schedule::Side;
use crate::stats::MIN_PAIRS;

use super::gates::Gates;
use super::judge::{Conduct, Judge};
use super::look::Look;
use super::metric::Design;
use super::pairing::Sides;

/// The level of a comparison that is looked at once.
const ALPHA: f64 = 0.05;

impl Sides<'_> {
    /// Compares the two sides by these gates, or by the usual ones if there are none. In the aspects `allowed` they may
    /// differ. `None` if a side has no run.
    pub fn compare(&self, gates: Vec<Gate>, allowed: Vec<Aspect>) -> Option<Comparison> {
        let (base, candidate) = (*self.base.first()?, *self.candidate.first()?);
        let pairs = match self.method {
            Method::Paired => self.base.len().max(MIN_PAIRS),
            Method::Unpaired | Method::Single => MIN_PAIRS,
        };
        let mut judge = Judge::new(Gates::of(gates, base, pairs), allowed, 0);
        for (side, runs) in [(Side::Base, &self.base), (Side::Candidate, &self.candidate)] {
            for run in runs {
                judge.add(side, (*run).clone());
            }
        }
        let design = match self.method {
            Method::Paired => Design::Pairs,
            Method::Unpaired => Design::Groups,
            Method::Single => Design::Single(base, candidate),
        };
        let judged = judge.decide(design, &Look::once(ALPHA));
        let conduct = Conduct {
            design: self.design(&judge),
            discarded: Vec::new(),
            invalid: Vec::new(),
            cut: None,
            notes: self.all_notes(),
        };
        judge.conclude(judged, conduct)
    }

    fn design(&self, judge: &Judge) -> Stored {
        let count = |side| u32::try_from(judge.runs(side)).unwrap_or(u32::MAX);
        Stored {
            method: self.method,
            base_runs: count(Side::Base),
            candidate_runs: count(Side::Candidate),
            looks: Vec::new(),
            alpha: ALPHA,
            order_seed: None,
            budget: None,
            slice_us: None,
            settle_us: 0,
            orders: self.orders.clone(),
        }
    }

    /// Returns what a reader has to know of the runs.
    fn all_notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        if self.method != Method::Paired {
            notes.push("unpaired: the runs were not made in turn, so what has drifted between them counts as change".to_owned());
        }
        notes
    }
}
