//! The journeys of a plan that its loads use.

use std::collections::BTreeSet;

use crate::plan::{Journey, Plan};

/// Returns the journeys that a load uses, each once, with their places in the plan.
pub(super) fn used_journeys(plan: &Plan) -> impl Iterator<Item = (usize, &Journey)> {
    let shares = plan.loads.iter().flat_map(|load| &load.mix);
    let used: BTreeSet<usize> = shares.map(|share| share.journey).collect();
    used.into_iter().map(|index| (index, &plan.journeys[index]))
}
