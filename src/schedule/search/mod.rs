//! The search for the highest rate that keeps the thresholds: which rate to try next, and what came of it.
//!
//! A value without a clock: [`Search::next`] says which trial to run, [`Search::record`] takes what came of it.
//!
//! 1. *Sanity*: a trial at the start rate. Not passed: *shrink* by the factor of growth, six times at most.
//! 2. *Grow* by a factor until a rate does not pass, or the highest rate is reached.
//! 3. *Bisect* geometrically until the two bounds are as close as the precision asks. A trial whose worst threshold was
//!    near its limit is repeated, and two of three decide.
//! 4. *Recheck*: one more trial at the upper bound that was found, when one alone spoke against it. A hiccup of the
//!    target long before its capacity would cut off all rates above for good; when the rate passes now, the search goes
//!    on above it. Bounds that were overtaken need no second look, and a pass by luck is found out by the next step.
//! 5. *Confirm* the lower bound with several trials. When most fail, the bound is lowered by the precision and confirmed
//!    again; after some such steps, the pass that led there was luck, and the search goes on below.
//! 6. *Beyond*: trials above the upper bound, where asked for, to see whether the target collapses or holds its level.
//!
//! A generator that cannot keep up bounds the search, but is no failure of the target: the result is then "at least".
//! The same goes for trials with too few samples.
//!
//! Refused: a ramp with a stop at the first breach. It finds the rate at which a queue was noticed, which is above the
//! rate at which it began to grow.

mod machine;
mod point;
mod result;
mod spec;

pub use machine::Search;
pub use result::{
    Found, High, Limit, Low, SearchEnd, Standing, Step, Trial, TrialKind, TrialOutcome,
};
pub use spec::{SearchSpec, SearchSpecError};

#[cfg(test)]
mod tests;
